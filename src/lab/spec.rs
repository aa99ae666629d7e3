//! From a service of compose.yaml to a container: started with what the file says, not with settings
//! of our own. What differs is what verification needs: host ports are free ones of the loopback, the
//! project's folder is a copy of it, named volumes and networks are the run's own, nothing restarts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::compose::{self, Compose, MountKind, Service};
use crate::engine::{
    Bind, ContainerSpec, Device, Healthcheck, Mount, NetworkAttachment, Port, Protocol, Tmpfs, Ulimit, VolumeMount,
};

/// Where the things are that compose.yaml only names.
pub(crate) struct Places<'a> {
    /// The user's folder, and the copy that stands in for it.
    pub(crate) project: &'a Path,
    pub(crate) copy: PathBuf,
    /// The run's volumes, by their key in compose.yaml.
    pub(crate) volumes: BTreeMap<String, String>,
    /// The run's network, and the name that the container has on it.
    pub(crate) network: Option<String>,
    /// Files that stand in for secrets and configs, by key.
    pub(crate) files: BTreeMap<String, PathBuf>,
}

/// The container that compose.yaml describes, of `image`.
pub(crate) fn spec(compose: &Compose, service: &Service, image: &str, places: &Places) -> ContainerSpec {
    let limits = &service.limits;
    let (mut env, mut env_unset) = (Vec::new(), Vec::new());
    for (name, value) in &service.environment {
        match value {
            Some(value) => env.push((name.clone(), value.clone())),
            None => env_unset.push(name.clone()),
        }
    }
    let own_network = service.network_mode.is_none();
    ContainerSpec {
        name: service.name.clone(),
        image: image.to_owned(),
        entrypoint: service.entrypoint.clone(),
        command: service.command.clone(),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        env,
        env_unset,
        mounts: mounts(compose, service, places),
        read_only: service.read_only,
        cap_add: service.cap_add.clone(),
        cap_drop: service.cap_drop.clone(),
        security_opt: service.security_opt.clone(),
        privileged: service.privileged,
        init: service.init,
        pid_mode: service.pid.clone(),
        ipc_mode: service.ipc.clone(),
        userns_mode: service.userns_mode.clone(),
        uts_mode: service.uts.clone(),
        cgroupns_mode: service.cgroup.clone(),
        network_mode: service.network_mode.clone(),
        networks: places.network.iter().filter(|_| own_network).map(|network| attachment(service, network)).collect(),
        ports: service.ports.iter().map(port).collect(),
        healthcheck: service.healthcheck.as_ref().map(healthcheck),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: service.stop_grace_period,
        ulimits: service
            .ulimits
            .iter()
            .map(|(name, limit)| Ulimit { name: name.clone(), soft: limit.soft, hard: limit.hard })
            .collect(),
        sysctls: service.sysctls.clone(),
        shm_size: unsigned(service.shm_size),
        memory: unsigned(limits.memory),
        memory_reservation: unsigned(limits.memory_reservation),
        memory_swap: limits.memory_swap,
        cpus: limits.cpus,
        pids_limit: limits.pids,
        extra_hosts: service.extra_hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect(),
        dns: service.dns.clone(),
        dns_search: service.dns_search.clone(),
        dns_opt: service.dns_opt.clone(),
        group_add: service.group_add.clone(),
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        labels: service.labels.clone(),
        tty: service.tty,
        stdin_open: service.stdin_open,
        devices: service.devices.iter().map(|text| device(text)).collect(),
        oom_score_adj: service.oom_score_adj,
        runtime: service.runtime.clone(),
        platform: service.platform.clone(),
        // A crash is to be seen, not to be hidden by a new start.
        restart: None,
    }
}

fn unsigned(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| value.try_into().ok())
}

fn attachment(service: &Service, network: &str) -> NetworkAttachment {
    let mut aliases = vec![service.name.clone()];
    aliases.extend(service.networks.values().flat_map(|one| one.aliases.iter().cloned()));
    NetworkAttachment { network: network.to_owned(), aliases }
}

fn port(port: &compose::Port) -> Port {
    let protocol = match port.protocol.as_str() {
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    Port { container: port.target, protocol, host_ip: None, host_port: None }
}

fn mounts(compose: &Compose, service: &Service, places: &Places) -> Vec<Mount> {
    let volumes = service.volumes.iter().filter_map(|mount| volume(mount, places));
    let tmpfs = service.tmpfs.iter().map(|text| Mount::Tmpfs(tmpfs(text)));
    let secrets = service.secrets.iter().map(|secret| {
        let target = secret.target.clone().unwrap_or_else(|| secret.source.clone());
        file(compose.secrets.get(&secret.source), &secret.source, &below("/run/secrets", &target), places)
    });
    let configs = service.configs.iter().map(|config| {
        let target = config.target.clone().unwrap_or_else(|| config.source.clone());
        file(compose.configs.get(&config.source), &config.source, &below("", &target), places)
    });
    volumes.chain(tmpfs).chain(secrets.flatten()).chain(configs.flatten()).collect()
}

fn below(folder: &str, target: &str) -> String {
    if target.starts_with('/') { target.to_owned() } else { format!("{folder}/{target}") }
}

fn volume(mount: &compose::Mount, places: &Places) -> Option<Mount> {
    Some(match &mount.kind {
        MountKind::Bind(bind) => {
            let source = PathBuf::from(mount.source.as_ref()?);
            let (source, read_only) = match source.strip_prefix(places.project) {
                Ok(inside) if inside.as_os_str().is_empty() => (places.copy.clone(), mount.read_only),
                Ok(inside) => (places.copy.join(inside), mount.read_only),
                // Verification never writes in the user's folders, nor in others of the host.
                Err(_) => (source, true),
            };
            Mount::Bind(Bind {
                source,
                target: mount.target.clone(),
                read_only,
                create_host_path: bind.create_host_path,
                options: bind.propagation.iter().chain(&bind.selinux).cloned().collect(),
            })
        }
        MountKind::Volume { nocopy, subpath } => Mount::Volume(VolumeMount {
            name: mount.source.as_ref().and_then(|key| places.volumes.get(key).cloned()),
            target: mount.target.clone(),
            read_only: mount.read_only,
            no_copy: *nocopy,
            subpath: subpath.clone(),
        }),
        MountKind::Tmpfs { size, mode } => {
            Mount::Tmpfs(Tmpfs { target: mount.target.clone(), size: unsigned(*size), mode: *mode, ..Tmpfs::default() })
        }
        MountKind::Other(_) => return None,
    })
}

/// A secret or config as Compose mounts it: its file, read-only.
fn file(definition: Option<&compose::Definition>, key: &str, target: &str, places: &Places) -> Option<Mount> {
    let real = definition.and_then(|definition| definition.file_path.clone()).filter(|path| path.is_file());
    let source = places.files.get(key).cloned().or(real)?;
    Some(Mount::Bind(Bind { source, target: target.to_owned(), read_only: true, ..Bind::default() }))
}

/// `/path` or `/path:option,option`, as Compose's `tmpfs` has it.
fn tmpfs(text: &str) -> Tmpfs {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let options = options.split(',').filter(|option| !option.is_empty()).map(ToOwned::to_owned).collect();
    Tmpfs { target: target.to_owned(), options: Some(options), ..Tmpfs::default() }
}

fn device(text: &str) -> Device {
    let mut parts = text.splitn(3, ':');
    let source = parts.next().unwrap_or_default().to_owned();
    let target = parts.next().map_or_else(|| source.clone(), ToOwned::to_owned);
    Device { source, target, permissions: parts.next().unwrap_or("rwm").to_owned() }
}

pub(crate) fn healthcheck(check: &compose::Healthcheck) -> Healthcheck {
    let test = match &check.test {
        Some(compose::HealthTest::None) => return Healthcheck::Disabled,
        Some(compose::HealthTest::Exec(command)) => [vec!["CMD".to_owned()], command.clone()].concat(),
        Some(compose::HealthTest::Shell(line)) => vec!["CMD-SHELL".to_owned(), line.clone()],
        None => Vec::new(),
    };
    Healthcheck::Check {
        test,
        interval: check.interval,
        timeout: check.timeout,
        retries: check.retries.and_then(|retries| retries.try_into().ok()),
        start_period: check.start_period,
        start_interval: check.start_interval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmpfs_options_and_devices_are_split() {
        let one = tmpfs("/tmp:size=64m,mode=1777");
        assert_eq!((one.target.as_str(), one.options), ("/tmp", Some(vec!["size=64m".into(), "mode=1777".into()])));
        assert_eq!(tmpfs("/run").options, Some(Vec::new()));
        assert_eq!(device("/dev/fuse").target, "/dev/fuse");
        assert_eq!(device("/a:/b:r").permissions, "r");
    }
}
