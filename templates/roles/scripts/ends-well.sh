#!/bin/sh
# Runs a command whose exit code is 143 when it ends as it was asked to, by SIGTERM: that is 0 then. Any other is its own.
#
#     ends-well.sh COMMAND...
set -u

asked=
trap 'asked=yes; kill -s TERM "$child" 2>/dev/null' TERM INT

"$@" &
child=$!
wait "$child"
code=$?
# A signal ends the waiting, not the command.
while kill -s 0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done

if [ -n "$asked" ] && [ "$code" -eq 143 ]; then
    code=0
fi
exit "$code"
