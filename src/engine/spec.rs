//! What a container is to be: our own plain words for it, and their translation for the engine.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bollard::models;

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
    /// Owner of its root.
    pub uid: Option<u32>,
    /// Group of its root.
    pub gid: Option<u32>,
    /// More mount options: `exec`, `noatime` …
    pub options: Vec<String>,
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

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The engine counts healthcheck times in nanoseconds.
fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The engine's request for a container; `labels` are the run's.
pub(super) fn request(spec: &ContainerSpec, labels: &BTreeMap<String, String>) -> models::ContainerCreateBody {
    let spec = spec.clone();
    let mut all_labels: HashMap<_, _> = spec.labels.clone().into_iter().collect();
    all_labels.extend(labels.clone());
    let mut env: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // A name without `=` takes the variable out.
    env.extend(spec.env_unset.iter().cloned());
    models::ContainerCreateBody {
        image: Some(spec.image.clone()),
        entrypoint: spec.entrypoint.clone(),
        cmd: spec.command.clone(),
        user: spec.user.clone(),
        working_dir: spec.working_dir.clone(),
        env: some(env),
        labels: Some(all_labels),
        hostname: spec.hostname.clone(),
        domainname: spec.domainname.clone(),
        tty: Some(spec.tty),
        open_stdin: Some(spec.stdin_open),
        exposed_ports: some(spec.ports.iter().map(port_key).collect()),
        healthcheck: spec.healthcheck.as_ref().map(healthcheck),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec
            .stop_timeout
            .map(|time| signed(time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))),
        networking_config: networking(&spec),
        host_config: Some(host_config(spec)),
        ..Default::default()
    }
}

fn port_key(port: &Port) -> String {
    format!("{}/{}", port.container, port.protocol.name())
}

pub(super) fn healthcheck(check: &Healthcheck) -> models::HealthConfig {
    match check {
        Healthcheck::Disabled => models::HealthConfig { test: Some(vec!["NONE".into()]), ..Default::default() },
        Healthcheck::Check { test, interval, timeout, retries, start_period, start_interval } => models::HealthConfig {
            test: some(test.clone()),
            interval: interval.map(nanos),
            timeout: timeout.map(nanos),
            retries: retries.map(i64::from),
            start_period: start_period.map(nanos),
            start_interval: start_interval.map(nanos),
        },
    }
}

/// Only the first network: engines before API 1.44 refuse more at creation; the rest is connected after it.
fn networking(spec: &ContainerSpec) -> Option<models::NetworkingConfig> {
    let first = spec.networks.first()?;
    Some(models::NetworkingConfig { endpoints_config: Some([(first.network.clone(), endpoint(first))].into()) })
}

pub(super) fn endpoint(attachment: &NetworkAttachment) -> models::EndpointSettings {
    models::EndpointSettings { aliases: some(attachment.aliases.clone()), ..Default::default() }
}

fn host_config(spec: ContainerSpec) -> models::HostConfig {
    let network_mode = spec.network_mode.clone().or_else(|| spec.networks.first().map(|first| first.network.clone()));
    let mut bindings: HashMap<String, Option<Vec<models::PortBinding>>> = HashMap::new();
    for port in &spec.ports {
        let binding = models::PortBinding {
            host_ip: Some(port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".into())),
            host_port: Some(port.host_port.map_or_else(String::new, |port| port.to_string())),
        };
        bindings.entry(port_key(port)).or_default().get_or_insert_default().push(binding);
    }
    let (binds, mounts, tmpfs) = mounts(&spec.mounts);
    models::HostConfig {
        binds: some(binds),
        mounts: some(mounts),
        tmpfs: (!tmpfs.is_empty()).then_some(tmpfs),
        readonly_rootfs: Some(spec.read_only),
        cap_add: some(spec.cap_add),
        cap_drop: some(spec.cap_drop),
        security_opt: some(spec.security_opt),
        privileged: Some(spec.privileged),
        init: spec.init,
        pid_mode: spec.pid_mode,
        ipc_mode: spec.ipc_mode,
        userns_mode: spec.userns_mode,
        uts_mode: spec.uts_mode,
        cgroupns_mode: spec.cgroupns_mode.and_then(|mode| mode.parse().ok()),
        network_mode,
        port_bindings: (!bindings.is_empty()).then_some(bindings),
        ulimits: some(spec.ulimits.into_iter().map(ulimit).collect()),
        sysctls: (!spec.sysctls.is_empty()).then(|| spec.sysctls.into_iter().collect()),
        shm_size: spec.shm_size.map(signed),
        memory: spec.memory.map(signed),
        memory_reservation: spec.memory_reservation.map(signed),
        memory_swap: spec.memory_swap,
        #[expect(clippy::cast_possible_truncation, reason = "a number of processors fits")]
        nano_cpus: spec.cpus.map(|cpus| (cpus * 1e9).round() as i64),
        pids_limit: spec.pids_limit,
        extra_hosts: some(spec.extra_hosts),
        dns: some(spec.dns),
        dns_search: some(spec.dns_search),
        dns_options: some(spec.dns_opt),
        group_add: some(spec.group_add),
        devices: some(spec.devices.into_iter().map(device).collect()),
        oom_score_adj: spec.oom_score_adj,
        runtime: spec.runtime,
        restart_policy: spec.restart.as_deref().map(restart),
        ..Default::default()
    }
}

fn restart(policy: &str) -> models::RestartPolicy {
    let (name, retries) = policy.split_once(':').unwrap_or((policy, ""));
    models::RestartPolicy { name: name.parse().ok(), maximum_retry_count: retries.parse().ok() }
}

fn ulimit(limit: Ulimit) -> models::ResourcesUlimits {
    models::ResourcesUlimits { name: Some(limit.name), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn device(device: Device) -> models::DeviceMapping {
    models::DeviceMapping {
        path_on_host: Some(device.source),
        path_in_container: Some(device.target),
        cgroup_permissions: Some(device.permissions),
    }
}

type Mounts = (Vec<String>, Vec<models::Mount>, HashMap<String, String>);

/// The engine has three lists for mounts, none of which can express all.
fn mounts(mounts: &[Mount]) -> Mounts {
    let (mut binds, mut list, mut tmpfs) = Mounts::default();
    for mount in mounts {
        match mount {
            // `Mounts` refuses a missing source, which is what we want, and knows no SELinux labels.
            Mount::Bind(bind) if !bind.create_host_path && bind.options.is_empty() => {
                list.push(models::Mount {
                    typ: Some(models::MountType::BIND),
                    source: Some(bind.source.display().to_string()),
                    target: Some(bind.target.clone()),
                    read_only: Some(bind.read_only),
                    ..Default::default()
                });
            }
            Mount::Bind(bind) => {
                let mut options = bind.options.clone();
                options.push(if bind.read_only { "ro".into() } else { "rw".into() });
                binds.push(format!("{}:{}:{}", bind.source.display(), bind.target, options.join(",")));
            }
            Mount::Volume(volume) => list.push(models::Mount {
                typ: Some(models::MountType::VOLUME),
                source: volume.name.clone(),
                target: Some(volume.target.clone()),
                read_only: Some(volume.read_only),
                volume_options: Some(models::MountVolumeOptions {
                    no_copy: Some(volume.no_copy),
                    subpath: volume.subpath.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            // `Mounts` takes a tmpfs' owner only from API 1.46 on, this older list always.
            Mount::Tmpfs(one) => {
                tmpfs.insert(one.target.clone(), tmpfs_options(one));
            }
        }
    }
    (binds, list, tmpfs)
}

fn tmpfs_options(tmpfs: &Tmpfs) -> String {
    let mut options = tmpfs.options.clone();
    options.extend(tmpfs.size.map(|size| format!("size={size}")));
    options.extend(tmpfs.mode.map(|mode| format!("mode={mode:o}")));
    options.extend(tmpfs.uid.map(|uid| format!("uid={uid}")));
    options.extend(tmpfs.gid.map(|gid| format!("gid={gid}")));
    options.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_asks_for_nothing_special() {
        let body = request(&ContainerSpec { image: "x".into(), ..Default::default() }, &BTreeMap::new());
        let host = body.host_config.unwrap();
        assert_eq!((body.cmd, body.entrypoint, body.env), (None, None, None));
        assert_eq!((host.binds, host.mounts, host.tmpfs, host.network_mode), (None, None, None, None));
    }

    #[test]
    fn ports_are_published_on_the_loopback_unless_told_otherwise() {
        let spec = ContainerSpec {
            ports: vec![Port { container: 80, ..Default::default() }],
            networks: vec![NetworkAttachment { network: "n".into(), aliases: vec!["web".into()] }],
            ..Default::default()
        };
        let body = request(&spec, &BTreeMap::new());
        let host = body.host_config.unwrap();
        let binding = &host.port_bindings.unwrap()["80/tcp"].clone().unwrap()[0];
        assert_eq!(binding.host_ip.as_deref(), Some("127.0.0.1"));
        assert_eq!(binding.host_port.as_deref(), Some(""));
        assert_eq!(host.network_mode.as_deref(), Some("n"));
        assert_eq!(body.exposed_ports.unwrap(), ["80/tcp"]);
    }

    #[test]
    fn each_mount_goes_where_the_engine_understands_it() {
        let tmpfs =
            Tmpfs { target: "/tmp".into(), mode: Some(0o1777), uid: Some(5), size: Some(1024), ..Default::default() };
        let bind = Bind { source: "/src".into(), target: "/app".into(), read_only: true, ..Default::default() };
        let created = Bind { create_host_path: true, ..bind.clone() };
        let (binds, list, map) = mounts(&[Mount::Tmpfs(tmpfs), Mount::Bind(bind), Mount::Bind(created)]);
        assert_eq!(map["/tmp"], "size=1024,mode=1777,uid=5");
        assert_eq!(list[0].read_only, Some(true));
        assert_eq!(binds, ["/src:/app:ro"]);
    }
}
