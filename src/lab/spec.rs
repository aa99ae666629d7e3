//! From a service of compose.yaml to a container: started with what the file says, not with settings
//! of our own. What differs is what verification needs: host ports are free ones of the loopback, the
//! project's folder is a copy of it, named volumes and networks are the run's own, nothing restarts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bulk::Bulk;
use super::obstacle::{Attempt, Reason};
use super::workcopy::inside;
use crate::compose::{self, Compose, ComposeService};
use crate::engine::{ContainerSpec, MountKind, MountSpec, NetworkAttachment, PortSpec, Protocol, Settings};
use crate::gate;

/// Where the things are that compose.yaml only names.
pub(crate) struct Places<'a> {
    /// The user's folder, and the copy that stands in for it.
    pub(crate) project: &'a Path,
    pub(crate) copy: PathBuf,
    /// The run's volumes, by their key in compose.yaml.
    pub(crate) volumes: BTreeMap<String, String>,
    /// The run's networks, by their key in compose.yaml.
    pub(crate) networks: BTreeMap<String, String>,
    /// The containers that run already, by their service.
    pub(crate) containers: BTreeMap<String, String>,
    /// Files that stand in for secrets and configs, by key.
    pub(crate) files: BTreeMap<String, PathBuf>,
    /// What the copy does without.
    pub(crate) bulk: Arc<Bulk>,
    /// The variables by which the docker CLI's configuration gives every container a proxy.
    pub(crate) proxies: BTreeMap<String, String>,
    /// The platform of what names none.
    pub(crate) platform: Option<String>,
}

impl<'a> Places<'a> {
    /// Those of a project without a copy.
    pub(crate) fn of(project: &'a Path) -> Self {
        Self {
            project,
            copy: project.to_owned(),
            volumes: BTreeMap::new(),
            networks: BTreeMap::new(),
            containers: BTreeMap::new(),
            files: BTreeMap::new(),
            bulk: Arc::default(),
            proxies: BTreeMap::new(),
            platform: None,
        }
    }
}

/// Nothing, unless the service asks for what nobody has trusted: then it is not started.
pub(super) fn trusted(compose: &Compose, service: &ComposeService) -> Attempt<()> {
    let Some(first) = compose.unsupported_of(&service.name).find(|one| one.untrusted) else { return Ok(()) };
    Err(Reason::new(format!("{} is not started: {}", service.name, first.why)).at(first.place.clone()).unseen())
}

/// The container that compose.yaml describes, of `image`.
pub(crate) fn spec(compose: &Compose, service: &ComposeService, image: &str, places: &Places) -> ContainerSpec {
    // A crash is to be seen, not to be hidden by a new start.
    let mut settings = Settings { restart: None, ..service.settings.clone() };
    for (name, value) in &places.proxies {
        settings.environment.entry(name.clone()).or_insert_with(|| Some(value.clone()));
    }
    for mode in [&mut settings.network_mode, &mut settings.ipc, &mut settings.pid] {
        if let Some(other) = mode.as_deref().and_then(|mode| mode.strip_prefix("service:")) {
            // Where that one does not run, this one is only looked at.
            *mode = places.containers.get(other).map(|container| format!("container:{container}"));
        }
    }
    settings.platform = settings.platform.or_else(|| places.platform.clone());
    ContainerSpec {
        name: service.name.clone(),
        image: image.to_owned(),
        settings,
        mounts: mounts(compose, service, places),
        networks: attachments(service, places),
        ports: service.ports.iter().map(port).collect(),
    }
}

/// The networks of a service, in the order in which Compose joins them: by priority, then by name. What compose.yaml says
/// nothing of is in all of them.
fn attachments(service: &ComposeService, places: &Places) -> Vec<NetworkAttachment> {
    let mode = &service.settings.network_mode;
    let said = |key: &String| service.networks.get(key);
    let mut joined: Vec<_> = places
        .networks
        .iter()
        .filter(|(key, _)| mode.is_none() && (service.networks.is_empty() || said(key).is_some()))
        .collect();
    joined.sort_by_key(|(key, _)| std::cmp::Reverse(said(key).and_then(|how| how.priority).unwrap_or_default()));
    let links: Vec<String> = service
        .links
        .iter()
        .filter_map(|(other, name)| Some(format!("{}:{name}", places.containers.get(other)?)))
        .collect();
    let attachment = |(key, network): (&String, &String)| {
        let own = [Some(service.name.clone()), service.container_name.clone()].into_iter().flatten();
        let more = said(key).into_iter().flat_map(|how| how.aliases.iter().cloned());
        NetworkAttachment { network: network.clone(), aliases: own.chain(more).collect(), links: links.clone() }
    };
    joined.into_iter().map(attachment).collect()
}

fn port(port: &compose::ComposePort) -> PortSpec {
    let protocol = Protocol::of(&port.protocol).unwrap_or_default();
    PortSpec { container: port.target, protocol, host_ip: None, host_port: None }
}

fn mounts(compose: &Compose, service: &ComposeService, places: &Places) -> Vec<MountSpec> {
    let mut volumes: Vec<MountSpec> = service.volumes.iter().filter_map(|mount| volume(mount, places)).collect();
    for mount in &service.volumes {
        volumes.extend(bulk(mount, service, places));
    }
    let secrets = service
        .secrets
        .iter()
        .map(|secret| file(compose.secrets.get(&secret.source), &secret.source, &secret.path("/run/secrets"), places));
    let configs = service
        .configs
        .iter()
        .map(|config| file(compose.configs.get(&config.source), &config.source, &config.path(""), places));
    volumes.into_iter().chain(secrets.flatten()).chain(configs.flatten()).collect()
}

/// What paths lead to counts, and not how they are written. None for what a container has made lead out of the copy since.
fn volume(mount: &MountSpec, places: &Places) -> Option<MountSpec> {
    let mut made = mount.clone();
    match (&mount.kind, &mount.source) {
        (MountKind::Bind(_), Some(source)) => match inside(places.project, Path::new(source)) {
            // What a container has filled, another one would want for itself; what the user has put there, it is to see.
            Some(within) if let Some(real) = places.bulk.real(&within) => {
                if mount.read_only || places.bulk.is_own(&real) {
                    made.source = Some(real.display().to_string());
                    made.read_only = true;
                } else {
                    made.kind = MountKind::Volume { nocopy: false, subpath: None };
                    made.source = None;
                }
            }
            Some(within) => {
                let copied = places.copy.join(&within);
                let copy = places.copy.canonicalize().ok()?;
                inside(&copy, &copy.join(within))?;
                made.source = Some(copied.display().to_string());
            }
            // What is in a cache is the user's, and an empty one is as good: the container gets a volume of its own.
            None if gate::is_cache(Path::new(source)) => {
                made.kind = MountKind::Volume { nocopy: false, subpath: None };
                made.source = None;
            }
            // Verification never writes in the user's folders, nor in others of the host.
            None => made.read_only = true,
        },
        (MountKind::Volume { .. }, Some(key)) => made.source = places.volumes.get(key).cloned(),
        _ => {}
    }
    Some(made)
}

/// What the copy does without, read-only where a mount of the project shows it; nothing where another mount is.
fn bulk(mount: &MountSpec, service: &ComposeService, places: &Places) -> Vec<MountSpec> {
    let source = mount.as_bind().and(mount.source.as_deref()).map(Path::new);
    let Some(within) = source.and_then(|source| inside(places.project, source)) else { return Vec::new() };
    if places.bulk.real(&within).is_some() {
        return Vec::new();
    }
    let shown = places.bulk.below(&within).map(|(rest, real)| (Path::new(&mount.target).join(rest), real));
    let covers = |other: &str, target: &Path| {
        let other = Path::new(other);
        other != Path::new(&mount.target) && other.starts_with(&mount.target) && target.starts_with(other)
    };
    let memory = service.settings.tmpfs.iter().map(|one| one.target.as_str());
    let others: Vec<&str> = service.volumes.iter().map(|one| one.target.as_str()).chain(memory).collect();
    let free = shown.filter(|(target, _)| !others.iter().any(|other| covers(other, target)));
    free.map(|(target, real)| MountSpec { read_only: true, ..MountSpec::bind(&real, target.display().to_string()) })
        .collect()
}

/// A secret or config as Compose mounts it: its file, read-only.
fn file(definition: Option<&compose::Definition>, key: &str, target: &str, places: &Places) -> Option<MountSpec> {
    let real = definition.and_then(|definition| definition.file_path.clone()).filter(|path| path.is_file());
    let source = places.files.get(key).cloned().or(real)?;
    Some(MountSpec { read_only: true, ..MountSpec::bind(&source, target) })
}
