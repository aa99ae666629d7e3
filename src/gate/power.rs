//! What is as good as the host itself: facts of Linux and of the engines.

use std::path::Path;

/// Who can talk to one of these has the host.
const SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/var/run/containerd/containerd.sock",
    "/run/containerd/containerd.sock",
    "/var/run/podman/podman.sock",
    "/run/podman/podman.sock",
    "/var/run/crio/crio.sock",
    "/run/crio/crio.sock",
    "/var/lib/docker/volumes",
];

/// Names of engines' sockets, wherever they lie (rootless engines have theirs in a user's folder).
const SOCKET_NAMES: &[&str] = &["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];

/// Capabilities with which a container has the host, or nearly; taking on an owner needs none of them.
const STRONG: &[&str] = &["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "MAC_ADMIN", "BPF"];

/// What every container of the engines has (moby's `oci/caps/defaults.go`), and what reaches no further than a container's
/// own memory and priority, as databases ask for it.
const HARMLESS: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_NICE",
];

/// Devices with the host's memory, disks, kernel, screens or keys in them: how their names begin (the kernel's
/// Documentation/admin-guide/devices.txt). What is a sensor, a screen card or a serial line is not among them.
const DEVICES: &[&str] = &[
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/dev/sd",
    "/dev/hd",
    "/dev/vd",
    "/dev/xvd",
    "/dev/nvme",
    "/dev/dm-",
    "/dev/mapper",
    "/dev/disk",
    "/dev/loop",
    "/dev/mmcblk",
    "/dev/md",
    "/dev/zd",
    "/dev/nbd",
    "/dev/rbd",
    "/dev/ram",
    "/dev/bcache",
    "/dev/sg",
    "/dev/bsg",
    "/dev/sr",
    "/dev/kmsg",
    "/dev/cpu",
    "/dev/nvram",
    "/dev/vfio",
    "/dev/uio",
    "/dev/vhost-",
    "/dev/watchdog",
    "/dev/btrfs-control",
    "/dev/console",
    "/dev/vcs",
    "/dev/input",
    "/dev/uinput",
    "/dev/uhid",
];

/// Switches the engine's own confinement off.
const UNCONFINED: &[&str] = &["seccomp", "apparmor", "systempaths"];

/// The kernel's own file systems: who has one of the host's has more of the host than the files that are seen there.
const KERNEL: &[&str] = &["/proc", "/sys", "/dev"];

/// A capability's name without its prefix, in upper case.
#[must_use]
pub fn bare_capability(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
}

/// Whether a capability is as good as the host.
#[must_use]
pub fn is_strong(capability: &str) -> bool {
    STRONG.contains(&bare_capability(capability).as_str())
}

/// Whether a capability is nothing that a container does not have anyhow, or that reaches beyond it.
#[must_use]
pub(super) fn is_harmless(capability: &str) -> bool {
    HARMLESS.contains(&bare_capability(capability).as_str())
}

/// Whether a device is the host itself, or all of its devices are meant.
#[must_use]
pub fn is_close_device(source: &str) -> bool {
    source.trim_end_matches('/') == "/dev" || DEVICES.iter().any(|start| source.starts_with(start))
}

/// Whether an option of `security_opt` switches the engine's confinement off.
#[must_use]
pub fn is_unconfined(option: &str) -> bool {
    let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    value == "unconfined" && UNCONFINED.contains(&name) || name == "label" && value == "disable"
}

/// Whether a mount of a path reaches an engine; `own` is the socket of the one in use.
#[must_use]
pub fn reaches_engine(source: &str, own: Option<&str>) -> bool {
    let reaches = |socket: &str| Path::new(socket).starts_with(source);
    let named = SOCKET_NAMES.contains(&source.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
    named || SOCKETS.iter().any(|socket| reaches(socket)) || own.is_some_and(reaches)
}

/// Whether a path is a file system of the kernel's, or in one. Shared memory is a folder like others.
#[must_use]
pub(super) fn is_kernels(path: &Path) -> bool {
    KERNEL.iter().any(|root| path.starts_with(root)) && !path.starts_with("/dev/shm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_good_as_the_host_is_known_however_it_is_written() {
        assert!(is_strong("CAP_SYS_ADMIN") && is_strong("all") && !is_strong("NET_ADMIN"));
        assert!(is_harmless("cap_chown") && !is_harmless("SYS_PTRACE") && !is_harmless("CAP_NET_ADMIN"));
        for source in ["/", "/var", "/run", "/var/run/docker.sock", "/home/me/.docker/run/docker.sock", "/x/own"] {
            assert!(reaches_engine(source, Some("/x/own/engine.sock")), "{source}");
        }
        assert!(!reaches_engine("/srv/data", Some("/x/own/engine.sock")));
        assert!(is_unconfined("seccomp=unconfined") && is_unconfined("label:disable"));
        assert!(!is_unconfined("no-new-privileges:true"));
        assert!(is_kernels(Path::new("/proc/1")) && !is_kernels(Path::new("/process")));
        assert!(!is_kernels(Path::new("/dev/shm/x")) && is_close_device("/dev/") && !is_close_device("/dev/dri"));
    }
}
