//! A [`ContainerSpec`] in the engine's words.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models;

use crate::spec::{
    ContainerSpec, Device, HealthTest, Healthcheck, Limits, MountKind, MountSpec, NetworkAttachment, PortSpec,
    Settings, Tmpfs, Ulimit,
};

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

/// The engine counts healthcheck times in nanoseconds.
fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The engine's request for a container; `labels` are the run's.
pub(super) fn request(spec: &ContainerSpec, labels: &BTreeMap<String, String>) -> models::ContainerCreateBody {
    let settings = spec.settings.clone();
    let mut all_labels: HashMap<_, _> = settings.labels.clone().into_iter().collect();
    all_labels.extend(labels.clone());
    // A name without `=` takes the variable out.
    let variable = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    };
    models::ContainerCreateBody {
        image: Some(spec.image.clone()),
        entrypoint: settings.entrypoint.clone(),
        cmd: settings.command.clone(),
        user: settings.user.clone(),
        working_dir: settings.working_dir.clone(),
        env: some(settings.environment.iter().map(variable).collect()),
        labels: Some(all_labels),
        hostname: settings.hostname.clone(),
        domainname: settings.domainname.clone(),
        tty: Some(settings.tty),
        open_stdin: Some(settings.stdin_open),
        exposed_ports: some(spec.ports.iter().map(port_key).collect()),
        healthcheck: settings.healthcheck.as_ref().map(healthcheck),
        stop_signal: settings.stop_signal.clone(),
        stop_timeout: settings
            .stop_grace_period
            .map(|time| time.as_millis().div_ceil(1000).try_into().unwrap_or(i64::MAX)),
        networking_config: networking(spec),
        host_config: Some(host_config(spec, settings)),
        ..Default::default()
    }
}

fn port_key(port: &PortSpec) -> String {
    format!("{}/{}", port.container, port.protocol.name())
}

pub(super) fn healthcheck(check: &Healthcheck) -> models::HealthConfig {
    models::HealthConfig {
        test: check.test.as_ref().map(HealthTest::words),
        interval: check.interval.map(nanos),
        timeout: check.timeout.map(nanos),
        retries: check.retries.map(i64::from),
        start_period: check.start_period.map(nanos),
        start_interval: check.start_interval.map(nanos),
    }
}

/// Only the first network: engines before API 1.44 refuse more at creation; the rest is connected after it.
fn networking(spec: &ContainerSpec) -> Option<models::NetworkingConfig> {
    let first = spec.networks.first()?;
    Some(models::NetworkingConfig { endpoints_config: Some([(first.network.clone(), endpoint(first))].into()) })
}

pub(super) fn endpoint(attachment: &NetworkAttachment) -> models::EndpointSettings {
    let NetworkAttachment { aliases, links, .. } = attachment.clone();
    models::EndpointSettings { aliases: some(aliases), links: some(links), ..Default::default() }
}

/// What a container prints is read through the engine, which not every log driver allows, and kept there: one that prints
/// without end would fill its disk. So much is kept, in two files (<https://docs.docker.com/engine/logging/drivers/json-file/>).
fn log_config() -> models::HostConfigLogConfig {
    let options = [("max-size", "64m"), ("max-file", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    models::HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(options.into()) }
}

fn host_config(spec: &ContainerSpec, settings: Settings) -> models::HostConfig {
    let network_mode = settings.network_mode.or_else(|| spec.networks.first().map(|first| first.network.clone()));
    let mut bindings: HashMap<String, Option<Vec<models::PortBinding>>> = HashMap::new();
    for port in &spec.ports {
        let binding = models::PortBinding {
            host_ip: Some(port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".into())),
            host_port: Some(port.host_port.map_or_else(String::new, |port| port.to_string())),
        };
        bindings.entry(port_key(port)).or_default().get_or_insert_default().push(binding);
    }
    let (binds, mounts) = mounts(&spec.mounts);
    let hosts = settings.extra_hosts.into_iter().map(|(name, address)| format!("{name}:{address}"));
    let Limits { memory, memory_swap, memory_reservation, cpus, pids, cpu_shares, cpuset } = settings.limits;
    models::HostConfig {
        binds: some(binds),
        mounts: some(mounts),
        tmpfs: (!settings.tmpfs.is_empty()).then(|| settings.tmpfs.into_iter().map(tmpfs).collect()),
        log_config: Some(log_config()),
        readonly_rootfs: Some(settings.read_only),
        cap_add: some(settings.cap_add),
        cap_drop: some(settings.cap_drop),
        security_opt: some(settings.security_opt),
        privileged: Some(settings.privileged),
        init: settings.init,
        pid_mode: settings.pid,
        ipc_mode: settings.ipc,
        userns_mode: settings.userns_mode,
        uts_mode: settings.uts,
        cgroupns_mode: settings.cgroup.and_then(|mode| mode.parse().ok()),
        network_mode,
        port_bindings: (!bindings.is_empty()).then_some(bindings),
        ulimits: some(settings.ulimits.into_iter().map(ulimit).collect()),
        sysctls: (!settings.sysctls.is_empty()).then(|| settings.sysctls.into_iter().collect()),
        shm_size: settings.shm_size,
        memory,
        memory_reservation,
        memory_swap,
        #[expect(clippy::cast_possible_truncation, reason = "a number of processors fits")]
        nano_cpus: cpus.map(|cpus| (cpus * 1e9).round() as i64),
        pids_limit: pids,
        cpu_shares,
        cpuset_cpus: cpuset,
        extra_hosts: some(hosts.collect()),
        dns: some(settings.dns),
        dns_search: some(settings.dns_search),
        dns_options: some(settings.dns_opt),
        group_add: some(settings.group_add),
        devices: some(settings.devices.into_iter().map(device).collect()),
        oom_score_adj: settings.oom_score_adj,
        runtime: settings.runtime,
        restart_policy: settings.restart.as_deref().map(restart),
        ..Default::default()
    }
}

fn restart(policy: &str) -> models::RestartPolicy {
    let (name, retries) = policy.split_once(':').unwrap_or((policy, ""));
    models::RestartPolicy { name: name.parse().ok(), maximum_retry_count: retries.parse().ok() }
}

fn ulimit((name, limit): (String, Ulimit)) -> models::ResourcesUlimits {
    models::ResourcesUlimits { name: Some(name), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn device(device: Device) -> models::DeviceMapping {
    models::DeviceMapping {
        path_on_host: Some(device.source),
        path_in_container: Some(device.target),
        cgroup_permissions: Some(device.permissions),
    }
}

/// The engine has two lists for mounts, neither of which can express all.
fn mounts(all: &[MountSpec]) -> (Vec<String>, Vec<models::Mount>) {
    let (mut binds, mut list) = (Vec::new(), Vec::new());
    for mount in all {
        let source = mount.source.clone().unwrap_or_default();
        let mut long = models::Mount {
            source: mount.source.clone(),
            target: Some(mount.target.clone()),
            read_only: Some(mount.read_only),
            ..Default::default()
        };
        match &mount.kind {
            MountKind::Bind(bind) => {
                let mut options: Vec<&str> = bind.propagation.iter().chain(&bind.selinux).map(String::as_str).collect();
                // `Mounts` refuses a missing source, which is what we want, and knows no SELinux labels.
                if !options.is_empty() || bind.create_host_path {
                    options.push(if mount.read_only { "ro" } else { "rw" });
                    binds.push(format!("{source}:{}:{}", mount.target, options.join(",")));
                    continue;
                }
                long.typ = Some(models::MountType::BIND);
            }
            MountKind::Volume { nocopy, subpath } => {
                long.typ = Some(models::MountType::VOLUME);
                long.volume_options = Some(models::MountVolumeOptions {
                    no_copy: Some(*nocopy),
                    subpath: subpath.clone(),
                    ..Default::default()
                });
            }
            MountKind::Tmpfs { size, mode } => {
                long.typ = Some(models::MountType::TMPFS);
                long.tmpfs_options = Some(models::MountTmpfsOptions {
                    size_bytes: *size,
                    mode: mode.map(i64::from),
                    ..Default::default()
                });
            }
        }
        list.push(long);
    }
    (binds, list)
}

fn tmpfs(one: Tmpfs) -> (String, String) {
    (one.target, one.options.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Bind;
    use std::path::Path;

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
            ports: vec![PortSpec { container: 80, ..Default::default() }],
            networks: vec![NetworkAttachment { network: "n".into(), aliases: vec!["web".into()], links: Vec::new() }],
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
        let bind = MountSpec { read_only: true, ..MountSpec::bind(Path::new("/src"), "/app") };
        let created = Bind { create_host_path: true, ..Bind::default() };
        let created = MountSpec { kind: MountKind::Bind(created), ..bind.clone() };
        let fast = MountSpec {
            kind: MountKind::Tmpfs { size: Some(1024), mode: Some(0o700) },
            source: None,
            target: "/fast".into(),
            read_only: false,
        };
        let settings = Settings { tmpfs: vec![Tmpfs::parse("/tmp:uid=5,size=1024")], ..Settings::default() };
        let spec = ContainerSpec { settings, mounts: vec![bind, created, fast], ..Default::default() };
        let host = request(&spec, &BTreeMap::new()).host_config.unwrap();
        assert_eq!(host.tmpfs.unwrap()["/tmp"], "uid=5,size=1024");
        let list = host.mounts.unwrap();
        assert_eq!((list.len(), list[0].read_only), (2, Some(true)));
        assert_eq!(list[1].tmpfs_options.as_ref().unwrap().size_bytes, Some(1024));
        assert_eq!(host.binds.unwrap(), ["/src:/app:ro"]);
    }
}
