//! What a container is to be, in plain words of our own.

mod request;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub(super) use request::{endpoint, healthcheck, request};

/// A container to create. The default is what `docker create IMAGE` makes.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, as the engine has them")]
pub struct ContainerSpec {
    /// What the container is for; becomes part of its name. Letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// The image's id or reference.
    pub image: String,
    /// Replaces the image's entrypoint, and with it the image's command; empty clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    pub user: Option<String>,
    /// The working directory.
    pub working_dir: Option<String>,
    /// Added to the image's environment, later ones winning.
    pub env: Vec<(String, String)>,
    /// Taken out of the image's environment.
    pub env_unset: Vec<String>,
    /// Everything mounted.
    pub mounts: Vec<Mount>,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    pub cap_drop: Vec<String>,
    /// As `no-new-privileges:true`.
    pub security_opt: Vec<String>,
    /// Whether it gets everything the host has.
    pub privileged: bool,
    /// Whether the engine's own init is process 1.
    pub init: Option<bool>,
    /// As `host` or `container:NAME`.
    pub pid_mode: Option<String>,
    /// As `host`, `private` or `shareable`.
    pub ipc_mode: Option<String>,
    /// As `host`.
    pub userns_mode: Option<String>,
    /// As `none`, `host` or `container:NAME`; leave it out to use `networks`.
    pub network_mode: Option<String>,
    /// As `host`.
    pub uts_mode: Option<String>,
    /// As `host` or `private`.
    pub cgroupns_mode: Option<String>,
    /// The networks joined; none means the engine's default one.
    pub networks: Vec<NetworkAttachment>,
    /// Ports published on the host.
    pub ports: Vec<Port>,
    /// Replaces the image's healthcheck.
    pub healthcheck: Option<Healthcheck>,
    /// Replaces the image's stop signal.
    pub stop_signal: Option<String>,
    /// How long a stop waits before it kills.
    pub stop_timeout: Option<Duration>,
    /// Resource limits of its processes.
    pub ulimits: Vec<Ulimit>,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Size of /dev/shm, in bytes.
    pub shm_size: Option<u64>,
    /// Memory limit, in bytes.
    pub memory: Option<u64>,
    /// Memory reserved, in bytes.
    pub memory_reservation: Option<u64>,
    /// Memory and swap together, in bytes; -1 for no limit.
    pub memory_swap: Option<i64>,
    /// How many processors it may use.
    pub cpus: Option<f64>,
    /// How many processes it may have; -1 for no limit.
    pub pids_limit: Option<i64>,
    /// As `name:ip`, or `name:host-gateway`.
    pub extra_hosts: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Resolver options.
    pub dns_opt: Vec<String>,
    /// More groups of its user.
    pub group_add: Vec<String>,
    /// Its own host name.
    pub hostname: Option<String>,
    /// Its own domain name.
    pub domainname: Option<String>,
    /// Added to the image's labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether its standard input stays open.
    pub stdin_open: bool,
    /// Devices of the host.
    pub devices: Vec<Device>,
    /// How eagerly the kernel kills it when memory is short, -1000 to 1000.
    pub oom_score_adj: Option<i64>,
    /// The OCI runtime.
    pub runtime: Option<String>,
    /// As `linux/amd64`.
    pub platform: Option<String>,
    /// As `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`.
    pub restart: Option<String>,
}

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A folder or file of the engine's host.
    Bind(Bind),
    /// A volume.
    Volume(VolumeMount),
    /// Memory.
    Tmpfs(Tmpfs),
}

impl Mount {
    /// Where it is mounted in the container.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Mount::Bind(bind) => &bind.target,
            Mount::Volume(volume) => &volume.target,
            Mount::Tmpfs(tmpfs) => &tmpfs.target,
        }
    }
}

/// A folder or file of the engine's host in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bind {
    /// Absolute, on the engine's host.
    pub source: PathBuf,
    /// Absolute, in the container.
    pub target: String,
    /// Whether it cannot be written through the mount.
    pub read_only: bool,
    /// Whether the engine creates a missing source as an empty folder of root's, rather than refuse.
    pub create_host_path: bool,
    /// More options in the short syntax's words: `z`, `Z`, `rshared` …
    pub options: Vec<String>,
}

/// A volume in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeMount {
    /// The volume's full name (see [`Volume`](super::Volume)); none for one of the container's own, removed with it.
    pub name: Option<String>,
    /// Absolute, in the container.
    pub target: String,
    /// Whether it cannot be written through the mount.
    pub read_only: bool,
    /// Whether an empty volume stays so, rather than get what the image has at the target.
    pub no_copy: bool,
    /// A folder inside the volume, instead of the whole (engines from API 1.45).
    pub subpath: Option<String>,
}

/// Memory in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute, in the container.
    pub target: String,
    /// At most so many bytes.
    pub size: Option<u64>,
    /// Permission bits of its root; the engine's default is 1777.
    pub mode: Option<u32>,
    /// Mount options (`exec`, `uid=5` …), as the engine's `Tmpfs` takes them; none for one of its `Mounts`, which has none.
    pub options: Option<Vec<String>>,
}

/// A network joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// The network's full name or id (see [`Network`](super::Network)).
    pub network: String,
    /// Names by which others on it find the container.
    pub aliases: Vec<String>,
}

/// What travels through a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As the engine writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

/// A port published on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Port {
    /// The container's port.
    pub container: u16,
    /// TCP, unless said otherwise.
    pub protocol: Protocol,
    /// The host's address; none for the loopback.
    pub host_ip: Option<String>,
    /// The host's port; none for a free one, which [`Container::inspect`](super::Container::inspect) then tells.
    pub host_port: Option<u16>,
}

/// How the engine finds out whether a container is healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// Not at all, even if the image says how.
    Disabled,
    /// What is set replaces the image's.
    Check {
        /// As `["CMD", "prog", "arg"]` or `["CMD-SHELL", "line"]`; empty keeps the image's.
        test: Vec<String>,
        /// Between two probes.
        interval: Option<Duration>,
        /// For one probe.
        timeout: Option<Duration>,
        /// Failures before it counts as unhealthy.
        retries: Option<u32>,
        /// How long failures do not count.
        start_period: Option<Duration>,
        /// Between two probes in the start period (engines from API 1.44).
        start_interval: Option<Duration>,
    },
}

/// A resource limit of a container's processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// As `nofile`.
    pub name: String,
    /// The limit; -1 for none.
    pub soft: i64,
    /// What the soft limit can be raised to.
    pub hard: i64,
}

/// A device of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// On the host.
    pub source: String,
    /// In the container.
    pub target: String,
    /// Of `rwm`.
    pub permissions: String,
}
