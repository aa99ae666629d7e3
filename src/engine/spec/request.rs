//! A [`ContainerSpec`] in the engine's words.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models;

use super::{ContainerSpec, Device, Healthcheck, Mount, NetworkAttachment, Port, Tmpfs, Ulimit};

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
pub(in crate::engine) fn request(
    spec: &ContainerSpec,
    labels: &BTreeMap<String, String>,
) -> models::ContainerCreateBody {
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

pub(in crate::engine) fn healthcheck(check: &Healthcheck) -> models::HealthConfig {
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

pub(in crate::engine) fn endpoint(attachment: &NetworkAttachment) -> models::EndpointSettings {
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
            Mount::Tmpfs(one) => match &one.options {
                Some(options) => drop(tmpfs.insert(one.target.clone(), tmpfs_options(one, options))),
                None => list.push(models::Mount {
                    typ: Some(models::MountType::TMPFS),
                    target: Some(one.target.clone()),
                    tmpfs_options: Some(models::MountTmpfsOptions {
                        size_bytes: one.size.and_then(|size| size.try_into().ok()),
                        mode: one.mode.map(i64::from),
                        ..Default::default()
                    }),
                    ..Default::default()
                }),
            },
        }
    }
    (binds, list, tmpfs)
}

fn tmpfs_options(tmpfs: &Tmpfs, options: &[String]) -> String {
    let mut options = options.to_vec();
    options.extend(tmpfs.size.map(|size| format!("size={size}")));
    options.extend(tmpfs.mode.map(|mode| format!("mode={mode:o}")));
    options.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Bind;

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
        let options = Some(vec!["uid=5".into()]);
        let tmpfs = Tmpfs { target: "/tmp".into(), mode: Some(0o1777), size: Some(1024), options };
        let plain = Tmpfs { target: "/fast".into(), size: Some(1024), ..Default::default() };
        let bind = Bind { source: "/src".into(), target: "/app".into(), read_only: true, ..Default::default() };
        let created = Bind { create_host_path: true, ..bind.clone() };
        let (binds, list, map) =
            mounts(&[Mount::Tmpfs(tmpfs), Mount::Bind(bind), Mount::Bind(created), Mount::Tmpfs(plain)]);
        assert_eq!(map["/tmp"], "uid=5,size=1024,mode=1777");
        assert_eq!(list[0].read_only, Some(true));
        assert_eq!(list[1].tmpfs_options.as_ref().unwrap().size_bytes, Some(1024));
        assert_eq!(binds, ["/src:/app:ro"]);
    }
}
