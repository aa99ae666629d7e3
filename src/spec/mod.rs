//! What a container is to be, in plain words of our own: compose.yaml's services describe it, the engine makes it.

mod health;
mod mount;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use health::{HealthTest, Healthcheck};
pub use mount::{Bind, MountKind, MountSpec, Tmpfs};

/// A container to create. The default is what `docker create IMAGE` makes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerSpec {
    /// What the container is for; becomes part of its name. Letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// The image's id or reference.
    pub image: String,
    /// What a service of compose.yaml can say just as well.
    pub settings: Settings,
    /// Everything mounted, but for [`Settings::tmpfs`].
    pub mounts: Vec<MountSpec>,
    /// The networks joined; none means the engine's default one.
    pub networks: Vec<NetworkAttachment>,
    /// Ports published on the host.
    pub ports: Vec<PortSpec>,
}

/// What compose.yaml says of a service's container and the engine is told in the same words. `None` and an empty
/// collection mean: not said, the image's or the engine's own value holds. Fields have the names of Compose's keys.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, as the engine has them")]
pub struct Settings {
    /// Replaces the image's entrypoint, and with it the image's command; empty clears it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command; empty clears it.
    pub command: Option<Vec<String>>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    pub user: Option<String>,
    /// The working directory.
    pub working_dir: Option<String>,
    /// Over the image's environment; `None` takes a variable out of it.
    pub environment: BTreeMap<String, Option<String>>,
    /// Memory, mounted with options.
    pub tmpfs: Vec<Tmpfs>,
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
    /// Whether the engine's own init is process 1; `None`: the engine's default.
    pub init: Option<bool>,
    /// As `host` or `container:NAME`.
    pub pid: Option<String>,
    /// As `host`, `private` or `shareable`.
    pub ipc: Option<String>,
    /// As `host`.
    pub uts: Option<String>,
    /// As `host`.
    pub userns_mode: Option<String>,
    /// `host` or `private`.
    pub cgroup: Option<String>,
    /// As `none`, `host` or `container:NAME`; leave it out to join networks.
    pub network_mode: Option<String>,
    /// Over the image's healthcheck, field by field.
    pub healthcheck: Option<Healthcheck>,
    /// Replaces the image's stop signal.
    pub stop_signal: Option<String>,
    /// How long a stop waits before it kills; `None`: the engine's 10 s.
    pub stop_grace_period: Option<Duration>,
    /// As `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`.
    pub restart: Option<String>,
    /// Resource limits of its processes, by name (`nofile`).
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Size of /dev/shm, in bytes.
    pub shm_size: Option<i64>,
    /// What it may use of the host.
    pub limits: Limits,
    /// Entries of /etc/hosts: a name and its address, or `host-gateway`.
    pub extra_hosts: Vec<(String, String)>,
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
}

/// What compose.yaml says of a build and the engine is told in the same words. What is not said is the engine's own choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildSettings {
    /// As `linux/arm64`.
    pub platform: Option<String>,
    /// The network of RUN: `none` or `host`.
    pub network: Option<String>,
    /// Entries of /etc/hosts for RUN: a name and its address, or `host-gateway`.
    pub extra_hosts: Vec<(String, String)>,
    /// Size of /dev/shm for RUN, in bytes.
    pub shm_size: Option<i64>,
    /// Resource limits of RUN's processes, by name.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Whether the registry is asked for the base images, also if the engine has them.
    pub pull: bool,
    /// The sockets of SSH agents, by the ids that `RUN --mount=type=ssh` knows them by.
    pub ssh: BTreeMap<String, PathBuf>,
}

/// What a container may use of its host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory: Option<i64>,
    /// Memory and swap together, in bytes; -1 for no limit.
    pub memory_swap: Option<i64>,
    /// Memory reserved, in bytes.
    pub memory_reservation: Option<i64>,
    /// How many processors.
    pub cpus: Option<f64>,
    /// How many processes; -1 for no limit.
    pub pids: Option<i64>,
    /// Its share of the processors against other containers'.
    pub cpu_shares: Option<i64>,
    /// Which processors, as `0-1`.
    pub cpuset: Option<String>,
}

/// A resource limit of a container's processes; -1 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ulimit {
    /// The limit.
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

/// A network joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// The network's full name or id.
    pub network: String,
    /// Names by which others on it find the container.
    pub aliases: Vec<String>,
    /// Names by which the container alone finds others on it: `container:name`.
    pub links: Vec<String>,
}

/// A bridge network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSpec {
    /// What it is for; the engine knows it by a longer name.
    pub name: String,
    /// It has no way out, and publishes no ports.
    pub internal: bool,
    /// With IPv6 or without it, if said.
    pub ipv6: Option<bool>,
    /// Options of the bridge driver.
    pub options: BTreeMap<String, String>,
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
    /// As the engine and Compose write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }

    /// The protocol of a name, in whatever case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

/// A port published on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortSpec {
    /// The container's port.
    pub container: u16,
    /// TCP, unless said otherwise.
    pub protocol: Protocol,
    /// The host's address; none for the loopback.
    pub host_ip: Option<String>,
    /// The host's port; none for a free one, which the running container then shows.
    pub host_port: Option<u16>,
}
