#!/bin/bash
# Copies the working directory to a folder, less what .dockerignore keeps out of images: a mounted source still has that.
#
#     copy-source.sh TARGET [PATTERN...]
#
# PATTERN names more to leave out: `./docs` at the top, `*.test.*` anywhere. All can read the copy. Lines of .dockerignore that
# take a file in again (`!`) are not followed.
set -euo pipefail

target=$1
left_out=("${@:2}")

# What dockwright wrote there is of no use in an image; what others have in a folder of that name is.
if [ -d docker/dockwright ]; then
    left_out+=(./docker/dockwright './docker/dockwright.*')
else
    left_out+=(./docker)
fi

rules=.dockerignore
[ ! -f docker/dockwright.Dockerfile.dockerignore ] || rules=docker/dockwright.Dockerfile.dockerignore
if [ -f "$rules" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        line=${line%/}
        case $line in
            '' | '#'* | '!'*) ;;
            '**/'*) left_out+=("${line#??/}") ;;
            *) left_out+=("./${line#/}") ;;
        esac
    done <"$rules"
fi

# The folder itself is not copied: the target keeps its own mode.
find . -mindepth 1 -maxdepth 1 -print0 |
    tar --create --null --mode=a+rX,go-w --no-wildcards-match-slash "${left_out[@]/#/--exclude=}" --files-from=- |
    tar --extract --no-same-owner --preserve-permissions --directory="$target"
