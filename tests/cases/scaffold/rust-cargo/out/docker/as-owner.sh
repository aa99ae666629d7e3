#!/bin/sh
# Runs a command as the owner of the working directory, without any capability.
#
#     as-owner.sh COMMAND...
#
# The working directory is the project's source, mounted from the host. What the container writes there must belong
# to whoever owns it on the host, and a compose file cannot know who that is. So the container starts as root and
# switches to that owner: by number, so that the owner needs no entry in /etc/passwd.
#
# Needs the capabilities SETUID, SETGID and SETPCAP; none is left once the command runs.
set -eu

# The owner has no home directory here.
case ${HOME:-/} in
    / | /root) export HOME=/tmp ;;
esac

# compose.yaml sets a user: nothing to switch to, and no right to switch.
if [ "$(id -u)" -ne 0 ]; then
    exec "$@"
fi

# The owner is 0 where the engine is rootless (root in the container is the user on the host) and where the checkout
# belongs to root. Staying root is right in both cases, and harmless without capabilities.
# By its path: in a folder that only its owner may enter, `.` does not lead anywhere for root without capabilities.
exec setpriv \
    --reuid "$(stat -c %u "$PWD")" --regid "$(stat -c %g "$PWD")" --clear-groups \
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs \
    -- "$@"
