#!/bin/sh
# Runs compiled tests where there is no compiler, as `cargo test` or `go test` would.
#
#     run-tests.sh DIRECTORY [ARGUMENT...]
#
# Runs every executable in the directory with the arguments (see `--help` of any of them), one in a folder below in that
# folder, beside its test data. Fails if one of them fails, or if no test ran at all: a suite that is missing has not passed.
set -eu

if [ "$#" -lt 1 ]; then
    echo 'usage: run-tests.sh DIRECTORY [ARGUMENT...]' >&2
    exit 2
fi

directory=$1
shift

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

run() {
    case ${1%/*} in
        "$directory") "$@" ;;
        *) (cd "${1%/*}" && executable=./${1##*/} && shift && "$executable" "$@") ;;
    esac
}

# Whether a test was run, by what a Rust or a Go binary prints; the latter's warning comes on stderr.
ran() {
    grep -q '^test result: ok\. [1-9][0-9]* passed' "$1" ||
        { grep -q '^PASS$' "$1" && ! grep -q '^testing: warning: no tests to run$' "$1"; }
}

find "$directory" -name testdata -prune -o -type f -perm /111 -print | sort >"$scratch/executables"
while read -r executable <&3; do
    echo "     Running $executable"
    { run "$executable" "$@" 2>&1 || echo "$executable" >>"$scratch/failed"; } | tee "$scratch/output"
    ! ran "$scratch/output" || touch "$scratch/ran"
done 3<"$scratch/executables"

if [ -e "$scratch/failed" ]; then
    echo 'error: failed:' >&2
    cat "$scratch/failed" >&2
    exit 1
fi

if [ ! -e "$scratch/ran" ]; then
    echo "error: no test was run in $directory" >&2
    exit 1
fi
