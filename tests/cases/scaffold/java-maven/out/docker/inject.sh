#!/bin/sh
# Puts freshly built files into a directory that a running container watches.
#
#     inject.sh FILE... DIRECTORY
#
# Each file is copied beside its target and then renamed over it, so that nobody ever reads or runs half a file.
# A file with the same content is left alone, so that nothing restarts without a reason.
set -eu

if [ "$#" -lt 2 ]; then
    echo 'usage: inject.sh FILE... DIRECTORY' >&2
    exit 2
fi

for directory; do :; done # the last argument

while [ "$#" -gt 1 ]; do
    name=$(basename -- "$1")
    if ! cmp -s -- "$1" "$directory/$name"; then
        cp --remove-destination --preserve=mode -- "$1" "$directory/.$name.new"
        mv -f -T -- "$directory/.$name.new" "$directory/$name"
    fi
    shift
done
