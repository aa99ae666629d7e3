#!/bin/sh
# Runs a command, and runs it again whenever a file changes.
#
#     run-on-change.sh PATH... -- COMMAND...
#
# A command that still runs, a server or a build, is stopped (SIGTERM, after 10 seconds SIGKILL) and started again.
# A command that has exited, with any code, runs again at the next change. A PATH that does not exist is waited for.
# SIGTERM and SIGINT stop the command, too; the exit code is then the command's own.
#
# It looks at the files instead of waiting for events, as many mounts deliver none: every 0.2 seconds, or less often where
# there are so many files that this would cost more than 2 % of a processor.
set -u

newline='
'
grace=10

say() { echo "run-on-change: $*" >&2; }

usage() {
    echo 'usage: run-on-change.sh PATH... -- COMMAND...' >&2
    exit 2
}

paths=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    case $1 in -*) usage ;; esac
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

# One line per file, which differs after the file was written, replaced or touched. Skips what tools make (but not a
# source folder that happens to be called target), what editors leave beside a file while it is edited, and what a service
# itself writes while it works: logs and databases.
# shellcheck disable=SC2086 # split on purpose
list_files() {
    find -H $paths \
        -type d \( -name .git -o -name .venv -o -name __pycache__ -o -name node_modules \
        -o -name target ! -path '*src/*' \) -prune \
        -o ! -type d ! -name '*~' ! -name '.*.sw?' ! -name '.#*' ! -name 4913 \
        ! -name '*.log' ! -name '*.pid' ! -name '*.sqlite*' ! -name '*.db' ! -name '*.db-*' \
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

# Looks at all files, and notes how long that took, in milliseconds.
look() {
    began=$(date +%s%3N)
    now=$(list_files)
    took=$(($(date +%s%3N) - began))
}

# Waits until nothing has been written for a moment, as one save may be several writes. Gives up after 1 second. Then the
# pause between two looks is 80 times what one takes: the fastest of three, as others may want the processor, too.
settle() {
    rounds=0
    until [ "$rounds" -eq 20 ]; do
        sleep 0.05
        before=$now
        look
        [ "$now" != "$before" ] || break
        rounds=$((rounds + 1))
    done
    fastest=$took
    for _ in 2 3; do
        look
        [ "$took" -ge "$fastest" ] || fastest=$took
    done
    pause=$((fastest * 80))
    [ "$pause" -ge 200 ] || pause=200
    [ "$pause" -le 2000 ] || pause=2000
    pause=$((pause / 1000)).$(printf %03d $((pause % 1000)))
}

# The command gets a process group of its own, so that the processes it starts are stopped with it.
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

# The shell acts on a signal after the current command, at most a short sleep, is done.
stopping=
trap 'stopping=yes' TERM INT

child=
code=0
pause=0.2
seen='nothing yet'
missing=$(missing_path)
[ -z "$missing" ] || say "waiting for $missing"

while [ -z "$stopping" ]; do
    if changed; then
        settle
        [ -z "$child" ] || stop
        [ -z "$stopping" ] || break
        # Listed before the start, so that any later change starts it again.
        seen=$(list_files)
        start "$@"
    elif [ -n "$child" ] && ! running; then
        collect
        say "exited with code $code, waiting for a change"
    fi
    sleep "$pause"
done

[ -z "$child" ] || stop
exit "$code"
