//! From a service of compose.yaml to a container: started with what the file says, not with settings
//! of our own. What differs is what verification needs: host ports are free ones of the loopback, the
//! project's folder is a copy of it, named volumes and networks are the run's own, nothing restarts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::workcopy::inside;
use crate::compose::{self, Compose, Service};
use crate::engine::{ContainerSpec, Mount, MountKind, NetworkAttachment, Port, Protocol, Settings};

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
    let own_network = service.settings.network_mode.is_none();
    ContainerSpec {
        name: service.name.clone(),
        image: image.to_owned(),
        // A crash is to be seen, not to be hidden by a new start.
        settings: Settings { restart: None, ..service.settings.clone() },
        mounts: mounts(compose, service, places),
        networks: places.network.iter().filter(|_| own_network).map(|network| attachment(service, network)).collect(),
        ports: service.ports.iter().map(port).collect(),
    }
}

fn attachment(service: &Service, network: &str) -> NetworkAttachment {
    let mut aliases = vec![service.name.clone()];
    aliases.extend(service.networks.values().flat_map(|one| one.aliases.iter().cloned()));
    NetworkAttachment { network: network.to_owned(), aliases }
}

fn port(port: &compose::Port) -> Port {
    let protocol = Protocol::of(&port.protocol).unwrap_or_default();
    Port { container: port.target, protocol, host_ip: None, host_port: None }
}

fn mounts(compose: &Compose, service: &Service, places: &Places) -> Vec<Mount> {
    let volumes = service.volumes.iter().filter_map(|mount| volume(mount, places));
    let secrets = service.secrets.iter().map(|secret| {
        let target = secret.target.clone().unwrap_or_else(|| secret.source.clone());
        file(compose.secrets.get(&secret.source), &secret.source, &below("/run/secrets", &target), places)
    });
    let configs = service.configs.iter().map(|config| {
        let target = config.target.clone().unwrap_or_else(|| config.source.clone());
        file(compose.configs.get(&config.source), &config.source, &below("", &target), places)
    });
    volumes.chain(secrets.flatten()).chain(configs.flatten()).collect()
}

fn below(folder: &str, target: &str) -> String {
    if target.starts_with('/') { target.to_owned() } else { format!("{folder}/{target}") }
}

/// What paths lead to counts, and not how they are written. None for what a container has made lead out of the copy since.
fn volume(mount: &Mount, places: &Places) -> Option<Mount> {
    let mut made = mount.clone();
    match (&mount.kind, &mount.source) {
        (MountKind::Bind(_), Some(source)) => match inside(places.project, Path::new(source)) {
            Some(within) => {
                let copied = places.copy.join(&within);
                let copy = places.copy.canonicalize().ok()?;
                inside(&copy, &copy.join(within))?;
                made.source = Some(copied.display().to_string());
            }
            // Verification never writes in the user's folders, nor in others of the host.
            None => made.read_only = true,
        },
        (MountKind::Volume { .. }, Some(key)) => made.source = places.volumes.get(key).cloned(),
        _ => {}
    }
    Some(made)
}

/// A secret or config as Compose mounts it: its file, read-only.
fn file(definition: Option<&compose::Definition>, key: &str, target: &str, places: &Places) -> Option<Mount> {
    let real = definition.and_then(|definition| definition.file_path.clone()).filter(|path| path.is_file());
    let source = places.files.get(key).cloned().or(real)?;
    Some(Mount { read_only: true, ..Mount::bind(&source, target) })
}
