#!/bin/sh
# Runs compiled Rust tests where there is no cargo, as `cargo test` would.
#
#     run-tests.sh DIRECTORY [ARGUMENT...]
#
# Every executable in the directory is run with the arguments (see `--help` of any of them). Fails if one of them fails,
# and if no test was run at all: a suite that has gone missing is not a passing one.
set -eu

if [ "$#" -lt 1 ]; then
    echo 'usage: run-tests.sh DIRECTORY [ARGUMENT...]' >&2
    exit 2
fi

directory=$1
shift

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for executable in "$directory"/*; do
    if [ -f "$executable" ] && [ -x "$executable" ]; then
        echo "     Running $executable"
        { "$executable" "$@" || echo "$executable" >>"$scratch/failed"; } | tee -a "$scratch/output"
    fi
done

if [ -e "$scratch/failed" ]; then
    echo 'error: failed:' >&2
    cat "$scratch/failed" >&2
    exit 1
fi

if ! grep -q '^test result: ok\. [1-9][0-9]* passed' "$scratch/output" 2>/dev/null; then
    echo "error: no test was run in $directory" >&2
    exit 1
fi
