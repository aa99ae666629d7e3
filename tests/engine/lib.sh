# shellcheck shell=bash disable=SC2034,SC2016
# What up, down, images and tools share. Sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
STATE=${DOCKWRIGHT_ENGINE_DIR:-/var/lib/dockwright-engine}
[[ $STATE == /* && $STATE != *[[:space:]:]* ]] || { echo "tests/engine: DOCKWRIGHT_ENGINE_DIR must be an absolute path without spaces or colons, not '$STATE'" >&2; exit 2; }
me=${0##*/}
KINDS=(docker20 docker26 docker28 docker28-containerd docker28-spare podman5)

say() { printf '%s: %s\n' "$me" "$*" >&2; }

# die WHAT WHY NEXT: what failed, why, and what to do now
die() {
    printf '%s: %s\n' "$me" "$1" >&2
    [[ -z ${2:-} ]] || printf '  why:  %s\n' "$2" >&2
    [[ -z ${3:-} ]] || printf '  next: %s\n' "$3" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

need_root() {
    ((EUID == 0)) || die "an engine of our own needs root" "you are uid $EUID" \
        "start Docker yourself (DOCKER_HOST, the docker context and /var/run/docker.sock are honoured), or run this as root"
}

is_kind() { local k; for k in "${KINDS[@]}"; do [[ $k != "$1" ]] || return 0; done; return 1; }

# The suite whose packages make a kind's root tree.
tree_of() {
    case $1 in
    docker20) echo bookworm ;;
    docker26 | podman5) echo trixie ;;
    docker28 | docker28-*) if [[ -e $STATE/trees/no-sid ]]; then echo trixie; else echo sid; fi ;;
    esac
}

# Each kind has a bridge of its own; its name also marks that engine's firewall rules. A state folder elsewhere gets
# other names, so that two of them can live on one host.
bridge_of() {
    local n=dwe
    [[ $STATE == /var/lib/dockwright-engine ]] || n=dw$(cksum <<<"$STATE" | awk '{printf "%05x", $1 % 1048576}')
    case $1 in
    docker20) echo "$n-d20" ;; docker26) echo "$n-d26" ;; docker28) echo "$n-d28" ;;
    docker28-containerd) echo "$n-d28c" ;; docker28-spare) echo "$n-d28s" ;; podman5) echo "$n-p5" ;;
    esac
}

socket_of() { echo "$STATE/engines/$1/engine.sock"; }

# starttime of a process (clock ticks since boot): with the pid it names a process for good
start_of() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086 # split on purpose
    set -- $stat
    echo "${20}"
}

# engine_pid KIND: prints the pid of the engine that `up` started, if it is still that process
engine_pid() {
    local pid start
    { read -r pid start <"$STATE/engines/$1/process"; } 2>/dev/null || return 1
    [[ $(start_of "$pid") == "$start" ]] || return 1
    echo "$pid"
}

# The docker client that talks to our engines: the newest tree's, whose own ld.so runs it where the host's libc is older.
client() { PATH=$STATE/client/bin:$PATH DOCKER_CONFIG=$STATE/client docker "$@"; }

# answers SOCKET [SECONDS]: whether an engine answers there
answers() {
    [[ -S $1 ]] || return 1
    if have curl; then
        [[ $(curl -s -m "${2:-5}" --unix-socket "$1" http://engine/_ping 2>/dev/null) == OK ]]
    else
        DOCKER_HOST=unix://$1 timeout "${2:-5}" "$STATE/client/bin/docker" version >/dev/null 2>&1
    fi
}

# Nothing of ours may stay open in a daemon: a pipe held open makes `make` and CI wait for ever.
close_fds() {
    local fd
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        ((fd <= 2)) || eval "exec $fd>&-"
    done
}

# lock NAME / unlock NAME: one at a time, over all processes
declare -A locked=()
lock() {
    local fd
    mkdir -p "$STATE/locks"
    exec {fd}>"$STATE/locks/$1"
    flock -w 5 "$fd" || { say "waiting for another run ($1)"; flock "$fd"; }
    locked[$1]=$fd
}
unlock() {
    local fd=${locked[$1]}
    exec {fd}>&-
    unset "locked[$1]"
}

# This host's Debian mirror, so that a company's own is used.
mirror() {
    local uri=
    if [[ -n ${DOCKWRIGHT_DEBIAN_MIRROR:-} ]]; then
        echo "$DOCKWRIGHT_DEBIAN_MIRROR"
        return
    fi
    if have apt-get; then
        uri=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 2>/dev/null | awk '$1 == "Debian" && $2 == "Debian" {if (!n++) print $3}') || uri=
    fi
    uri=${uri:-http://deb.debian.org/debian}
    echo "${uri%/}"
}

# apt settings that this host needs (dates that are not checked, proxies), as apt.conf lines
host_apt_conf() {
    have apt-config || return 0
    apt-config dump 2>/dev/null | grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) "[^"]+"' || true
}

# The extra CA certificates of this host, one file per line
host_cas() {
    local f
    for f in /usr/local/share/ca-certificates/*.crt; do
        [[ ! -s $f ]] || echo "$f"
    done
}

# The firewall that this kernel's other rules are in: the same one for all engines, or they do not see each other.
# ipt KIND [iptables|ip6tables] ARGUMENTS…: out of that kind's own tree
firewall() {
    if [[ ! -s $STATE/firewall ]]; then
        if chroot "$STATE/trees/$1" /usr/sbin/iptables-nft -t nat -S >/dev/null 2>&1; then echo nft; else echo legacy; fi >"$STATE/firewall"
    fi
    cat "$STATE/firewall"
}
ipt() {
    local tree family=iptables
    tree=$(tree_of "$1")
    shift
    case $1 in iptables | ip6tables) family=$1; shift ;; esac
    chroot "$STATE/trees/$tree" "/usr/sbin/$family-$(firewall "$tree")" -w 10 "$@"
}

need_mmdebstrap() {
    have mmdebstrap && return 0
    have apt-get || die "mmdebstrap is missing" "this host has no apt-get to get it with" "install mmdebstrap, or start Docker yourself"
    say "installing mmdebstrap"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap; } >"$STATE/mmdebstrap.log" 2>&1 ||
        die "mmdebstrap could not be installed" "see $STATE/mmdebstrap.log" "apt-get install mmdebstrap"
}

debian_keyring() {
    local k
    for k in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
        [[ ! -e $k ]] || { echo "$k"; return; }
    done
}

# bootstrap SUITE TARGET VARIANT PACKAGES(comma-separated) [mmdebstrap arguments]
bootstrap() {
    local suite=$1 target=$2 variant=$3 packages=$4 line args=() keyring signed='' components=main
    shift 4
    need_mmdebstrap
    while read -r line; do [[ -z $line ]] || args+=("--aptopt=$line"); done < <(host_apt_conf)
    # sid has no security archive to supersede an expired index
    [[ $suite != sid ]] || args+=('--aptopt=Acquire::Check-Valid-Until "false"')
    keyring=$(debian_keyring)
    [[ -z $keyring ]] || signed="[signed-by=$keyring] "
    local sources=("deb $signed$(mirror) $suite $components")
    if [[ $suite != sid ]]; then
        local m
        m=$(mirror)
        sources+=("deb $signed$m $suite-updates $components" "deb $signed${m%/debian}/debian-security $suite-security $components")
    fi
    rm -rf --one-file-system "$target.tmp"
    mmdebstrap --quiet --variant="$variant" ${packages:+--include="$packages"} "${args[@]}" "$@" "$suite" "$target.tmp" "${sources[@]}" >"$target.log" 2>&1 &&
        mv "$target.tmp" "$target"
}
