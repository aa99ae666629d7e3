//! The whole file and one service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::parts::{Build, ComposeMount, ComposePort, ComposeScalar, DependsOn, EnvFile, FileRef, NetworkUse};
use crate::spec::Settings;
use crate::text::{Place, Placed};

/// What Compose knows and dockwright does not start a container with: a check that depends on it
/// cannot be trusted, so it is inconclusive and names this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The service, or `None` for what is written at the top level.
    pub service: Option<String>,
    /// The field, dotted from the service or the top level: `deploy.placement`.
    pub field: String,
    /// Where it is written.
    pub place: Place,
    /// Why it cannot be honoured, as a clause: "swarm alone reads it".
    pub why: String,
    /// dockwright could, and must not.
    pub untrusted: bool,
}

/// A compose project: what `docker compose up` would read in one folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Compose {
    /// The main file.
    pub file: PathBuf,
    /// All files that were read, in the order in which they were merged: the main one, the override,
    /// those that `extends` named.
    pub files: Vec<PathBuf>,
    /// The project's name (spec 04, "Name top-level element"): `name:`, else `COMPOSE_PROJECT_NAME`,
    /// else the folder's name, normalised.
    pub name: String,
    /// Where `name:` stands, or in `.env` what stands for it, if no variable is in it: then every checkout has the same.
    pub fixed_name: Option<Place>,
    /// The services by name, those of inactive profiles included.
    pub services: BTreeMap<String, ComposeService>,
    /// Named volumes. `volumes: {data:}` has an entry of defaults.
    pub volumes: BTreeMap<String, Definition>,
    /// Networks. `default` is there only if written or used.
    pub networks: BTreeMap<String, Definition>,
    /// Secrets.
    pub secrets: BTreeMap<String, Definition>,
    /// Configs.
    pub configs: BTreeMap<String, Definition>,
    /// Where the file takes values from variables, in the order of the files.
    pub interpolated: Vec<Interpolation>,
    /// Where `.env` and the services' environment files take values from variables.
    pub in_env_files: Vec<Interpolation>,
    /// The files of `include`, which are not read.
    pub included: Vec<Placed<PathBuf>>,
    /// What cannot be honoured, in the order of the file.
    pub unsupported: Vec<Unsupported>,
    /// The platform of what names none (`DOCKER_DEFAULT_PLATFORM`).
    pub default_platform: Option<String>,
    /// The socket of the user's SSH agent (`SSH_AUTH_SOCK`).
    pub ssh_agent: Option<String>,
    /// The profiles that `.env` turns on for everybody (`COMPOSE_PROFILES`), and where.
    pub profiles: Option<(Vec<String>, Place)>,
}

/// A variable in a value: what the host's environment or `.env` may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpolation {
    /// The service, or `None` at the top level.
    pub service: Option<String>,
    /// The field, dotted from the service or the top level.
    pub field: String,
    /// The variable's name.
    pub name: String,
    /// It has a value; where it has none, what stands there is its default or empty.
    pub set: bool,
    /// Where it is written.
    pub place: Place,
}

impl Compose {
    /// Whether a variable is in a field: of a service, or of the top level.
    #[must_use]
    pub fn varies(&self, service: Option<&str>, field: &str) -> bool {
        self.interpolated.iter().any(|one| one.service.as_deref() == service && one.field == field)
    }

    /// The service that plays a role: the one named as the role, else the only one whose `build.target`
    /// is the role's stage.
    #[must_use]
    pub fn service_for_role(&self, role: &str) -> Option<&ComposeService> {
        if let Some(service) = self.services.get(role) {
            return Some(service);
        }
        let mut found = self.services.values().filter(|service| {
            let target = service.build.as_ref().and_then(|build| build.target.as_deref());
            target.is_some_and(|target| target.eq_ignore_ascii_case(role))
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// The services that a bare `docker compose up` starts.
    pub fn in_default_profile(&self) -> impl Iterator<Item = &ComposeService> {
        self.services.values().filter(|service| service.profiles.is_empty())
    }

    /// What cannot be honoured of one service, and of the top level.
    pub fn unsupported_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Unsupported> {
        self.unsupported.iter().filter(move |one| one.service.as_deref().is_none_or(|name| name == service))
    }
}

/// A top-level volume, network, secret or config (spec 06 to 09).
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name it is referred to by in the file.
    pub key: String,
    /// The name it has on the engine: `name:`, else `project_key`; an external one's own.
    pub name: String,
    /// Made outside of the project; never created or removed by it.
    pub external: bool,
    /// The driver of a volume or network.
    pub driver: Option<String>,
    /// Options for that driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Secret or config: the file that holds it, absolute.
    pub file_path: Option<PathBuf>,
    /// Secret or config: the environment variable that holds it.
    pub environment: Option<String>,
    /// Config: the content, interpolated.
    pub content: Option<String>,
    /// Network: without a way out.
    pub internal: bool,
    /// Network: standalone containers may join.
    pub attachable: bool,
    /// Network: IPv6 on or off, if said.
    pub enable_ipv6: Option<bool>,
    /// Where it is written; the service's place for a network `default` that is not.
    pub place: Place,
    /// All of its scalars.
    pub said: Vec<ComposeScalar>,
}

/// One service (spec 05). `None` and an empty collection mean: not said.
#[derive(Debug, Clone, PartialEq)]
pub struct ComposeService {
    /// Its name in the file.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// Where each of its fields is written; nested ones dotted (`build.target`). See [`ComposeService::at`].
    pub places: BTreeMap<String, Place>,
    /// `image`.
    pub image: Option<String>,
    /// `build`.
    pub build: Option<Build>,
    /// `profiles`; empty: always started.
    pub profiles: Vec<String>,
    /// All that its container is told as the file says it. Commands are split into words as Compose does;
    /// `environment` is over `env_file` and resolved against the host: a variable that is declared without a value, and not
    /// set on the host either, is `None`. Limits may stand in `deploy.resources`, too.
    pub settings: Settings,
    /// Names that `environment` declares without a value, so that the host decides.
    pub environment_from_host: Vec<String>,
    /// `env_file`, already read into the environment.
    pub env_files: Vec<EnvFile>,
    /// `volumes`, short and long, in order; one per target.
    pub volumes: Vec<ComposeMount>,
    /// `networks` by key; `default` where nothing is said and there is no `network_mode`.
    pub networks: BTreeMap<String, NetworkUse>,
    /// `ports`, ranges spread out.
    pub ports: Vec<ComposePort>,
    /// `expose`: `80`, `80/udp`, `80-82`.
    pub expose: Vec<String>,
    /// `links`: a service, and the name that it has here.
    pub links: Vec<(String, String)>,
    /// `depends_on` by service.
    pub depends_on: BTreeMap<String, DependsOn>,
    /// `secrets`.
    pub secrets: Vec<FileRef>,
    /// `configs`.
    pub configs: Vec<FileRef>,
    /// `container_name`.
    pub container_name: Option<String>,
    /// `pull_policy`.
    pub pull_policy: Option<String>,
    /// `scale`, or `deploy.replicas`.
    pub scale: Option<i64>,
    /// All scalars, those of keys that nothing else here has included.
    pub said: Vec<ComposeScalar>,
}

impl ComposeService {
    /// Where a field is written: the field's own line, else that of the nearest field around it, else the
    /// service's. `at("build.target")`, `at("ports")`.
    #[must_use]
    pub fn at(&self, field: &str) -> &Place {
        let mut path = field;
        loop {
            if let Some(place) = self.places.get(path) {
                return place;
            }
            match path.rfind('.') {
                Some(dot) => path = &path[..dot],
                None => return &self.place,
            }
        }
    }

    /// The bind mounts whose source is `folder` or lies inside it.
    pub fn mounts_of<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a ComposeMount> {
        self.volumes.iter().filter(move |mount| {
            mount.as_bind().is_some()
                && mount.source.as_deref().is_some_and(|source| Path::new(source).starts_with(folder))
        })
    }
}
