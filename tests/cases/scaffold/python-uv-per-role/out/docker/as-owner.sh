#!/bin/sh
# Runs a command as the owner of the working directory, without any capability.
#
#     as-owner.sh COMMAND...
#
# The working directory is the project's source, mounted from the host. What the container writes there must belong
# to whoever owns it on the host, and a compose file cannot know who that is. So the container starts as root, only
# to look at the owner and become it: by number, so that it need not be in /etc/passwd.
#
# Needs the capabilities SETUID, SETGID and SETPCAP; none is left once the command runs.
set -eu

# The owner has no home directory here.
case ${HOME:-/} in
    / | /root) export HOME=/tmp ;;
esac

# compose.yaml names a user: nothing to take on, and no right to.
if [ "$(id -u)" -ne 0 ]; then
    exec "$@"
fi

# The owner is 0 where the engine is rootless (root in the container is the user on the host), and where the checkout
# is root's own. Staying root is right in both, and harmless without capabilities.
exec setpriv \
    --reuid "$(stat -c %u .)" --regid "$(stat -c %g .)" --clear-groups \
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs \
    -- "$@"
