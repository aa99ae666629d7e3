#!/bin/bash
# Whether a server in this container answers.
#
#     answers.sh PORT [PATH]
#
# PORT is a number, or the variable that contains it. Asked for PATH it must answer with a status below 400; without one any
# answer shows that it is at work. Needs nothing but bash.
set -eu

port=$1
case $port in
    *[!0-9]*) port=${!port} ;;
esac

exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s HTTP/1.0\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "${2:-/}" "$port" >&3
IFS=' ' read -r -t 2 protocol status _ <&3

case $protocol in
    HTTP/*) ;;
    *) exit 1 ;;
esac
[ "$#" -lt 2 ] || [ "$status" -lt 400 ]
