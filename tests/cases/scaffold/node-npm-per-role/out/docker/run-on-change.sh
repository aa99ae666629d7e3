#!/bin/sh
# Runs a command, and runs it again whenever a file changes.
#
#     run-on-change.sh [-i SECONDS] PATH... -- COMMAND...
#
# A server is stopped (SIGTERM, after 10 seconds SIGKILL) and started again; a build that is still at it likewise.
# A command that ends by itself, well or not, is run again at the next change. A PATH that is not there is waited for.
# SIGTERM and SIGINT stop the command as well; the exit code is then the one it last ended with.
#
# It looks at the files every 0.1 seconds instead of waiting for events: many mounts deliver none.
set -u

newline='
'
grace=10

say() { echo "run-on-change: $*" >&2; }

usage() {
    echo 'usage: run-on-change.sh [-i SECONDS] PATH... -- COMMAND...' >&2
    exit 2
}

interval=0.1
while getopts i: option; do
    case $option in
        i) interval=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))

paths=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    paths=$paths$1$newline
    shift
done
if [ -z "$paths" ] || [ "$#" -lt 2 ]; then
    usage
fi
shift

# $paths is split at newlines only, and never globbed.
IFS=$newline
set -f

# A line for each file that differs once it was written, replaced or touched. Skips what tools make (but not a source
# folder that happens to be called target) and what editors leave beside a file while it is edited.
# shellcheck disable=SC2086 # split on purpose
list_files() {
    find -H $paths \
        -type d \( -name .git -o -name .venv -o -name __pycache__ -o -name node_modules \
        -o -name target ! -path '*src/*' \) -prune \
        -o ! -type d ! -name '*~' ! -name '.*.sw?' ! -name '.#*' ! -name 4913 \
        -printf '%p %i %s %T@ %C@\n' 2>/dev/null
}

# shellcheck disable=SC2086 # split on purpose
missing_path() {
    for path in $paths; do
        [ -e "$path" ] || { echo "$path" && return; }
    done
}

changed() {
    now=$(list_files)
    [ "$now" != "$seen" ] && [ -z "$(missing_path)" ]
}

# Waits until nothing was written for a moment: a save may be several writes. Gives up after 1 second.
settle() {
    rounds=0
    until [ "$rounds" -eq 20 ]; do
        sleep 0.05
        before=$now
        now=$(list_files)
        [ "$now" != "$before" ] || return 0
        rounds=$((rounds + 1))
    done
}

# The command gets a process group of its own, so that what it has started is stopped with it.
start() {
    setsid "$@" &
    child=$!
}

signal_child() { kill -s "$1" -- "-$child" 2>/dev/null || kill -s "$1" "$child" 2>/dev/null; }

running() { signal_child 0; }

collect() {
    wait "$child"
    code=$?
    child=
}

stop() {
    signal_child TERM
    rounds=0
    while running; do
        if [ "$rounds" -eq "$((grace * 20))" ]; then
            say "still running after $grace seconds, killing it"
            signal_child KILL
        fi
        sleep 0.05
        rounds=$((rounds + 1))
    done
    collect
}

# The shell acts on a signal once the command at hand, a short sleep at most, is done.
stopping=
trap 'stopping=yes' TERM INT

child=
code=0
seen='nothing yet'
missing=$(missing_path)
[ -z "$missing" ] || say "waiting for $missing"

while [ -z "$stopping" ]; do
    if changed; then
        settle
        [ -z "$child" ] || stop
        [ -z "$stopping" ] || break
        # Listed before the start: what changes from now on leads to another one.
        seen=$(list_files)
        start "$@"
    elif [ -n "$child" ] && ! running; then
        collect
        say "exited with code $code, waiting for a change"
    fi
    sleep "$interval"
done

[ -z "$child" ] || stop
exit "$code"
