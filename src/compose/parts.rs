//! The parts of a service that are more than a word.

use crate::spec;
use crate::text::{Place, Placed};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `build` (spec "build.md").
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// The context: an absolute folder, or a URL as written.
    pub context: String,
    /// The Dockerfile as written, relative to the context unless absolute; `Dockerfile` if not said, and
    /// `None` where `dockerfile_inline` stands.
    pub dockerfile: Option<String>,
    /// The Dockerfile's text.
    pub dockerfile_inline: Option<String>,
    /// The stage to build; `None`: the last.
    pub target: Option<String>,
    /// Build arguments; `None`: from the host's environment, where it is not set there.
    pub args: BTreeMap<String, Option<String>>,
    /// Names of arguments without a value, so that the host decides.
    pub args_from_host: Vec<String>,
    /// Named contexts: absolute folders, URLs, `docker-image://`, `service:name`.
    pub additional_contexts: BTreeMap<String, String>,
    /// Build without the cache.
    pub no_cache: bool,
    /// Always pull the base images.
    pub pull: bool,
    /// Platforms to build for.
    pub platforms: Vec<String>,
    /// Secrets the build may mount.
    pub secrets: Vec<FileRef>,
    /// SSH agents or keys: `default`, `id=path`.
    pub ssh: Vec<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// The network of RUN.
    pub network: Option<String>,
    /// `cache_from`.
    pub cache_from: Vec<String>,
    /// `cache_to`.
    pub cache_to: Vec<String>,
    /// Further tags.
    pub tags: Vec<String>,
    /// Extra entries of /etc/hosts during the build.
    pub extra_hosts: Vec<(String, String)>,
    /// Size of /dev/shm during the build, bytes.
    pub shm_size: Option<i64>,
    /// Resource limits of its processes, by name.
    pub ulimits: BTreeMap<String, spec::Ulimit>,
    /// Where it is written.
    pub place: Place,
}

/// One entry of `volumes`: its source is a bind's absolute host path, or a volume's key; none: anonymous. The target is clean.
pub type ComposeMount = Placed<spec::MountSpec>;

/// One published port (spec 05, "ports").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposePort {
    /// The container's port.
    pub target: u16,
    /// The host's port or range (`8000-8010`: any free one of it); `None`: any.
    pub published: Option<String>,
    /// The host's address; `None`: all.
    pub host_ip: Option<String>,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
    /// `ingress` or `host`; only swarm tells them apart.
    pub mode: String,
    /// `name`.
    pub name: Option<String>,
    /// `app_protocol`.
    pub app_protocol: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// One entry of `env_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Absolute.
    pub path: PathBuf,
    /// Missing is an error.
    pub required: bool,
    /// `raw`: no interpolation, no quotes.
    pub format: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// When a dependency counts as there (spec 05, `depends_on`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `service_started`.
    Started,
    /// `service_healthy`.
    Healthy,
    /// `service_completed_successfully`.
    Completed,
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependsOn {
    /// When it counts as there.
    pub condition: Condition,
    /// Start the dependent again when this one is updated.
    pub restart: bool,
    /// `false`: only a warning if it is missing.
    pub required: bool,
}

/// A scalar of the file, wherever it stands, variables put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeScalar {
    /// Its path in what it belongs to: `logging.options.tag`, `command.0`.
    pub field: String,
    /// As text.
    pub text: String,
    /// Where it is written.
    pub place: Place,
}

/// A secret or config given to a service or a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// The key of the top-level definition.
    pub source: String,
    /// The file in the container: a secret's default is `/run/secrets/SOURCE`, a config's `/SOURCE`;
    /// a build secret's id is its source.
    pub target: Option<String>,
    /// The owner.
    pub uid: Option<String>,
    /// The group.
    pub gid: Option<String>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Where it is written.
    pub place: Place,
}

impl FileRef {
    /// The file's path in the container; a relative one is below `folder`.
    #[must_use]
    pub fn path(&self, folder: &str) -> String {
        let target = self.target.as_ref().unwrap_or(&self.source);
        if target.starts_with('/') { target.clone() } else { format!("{folder}/{target}") }
    }
}

/// How a service is in a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkUse {
    /// Further names.
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4_address: Option<String>,
    /// A fixed address.
    pub ipv6_address: Option<String>,
    /// Of the interface.
    pub mac_address: Option<String>,
    /// Which network is joined first, highest first.
    pub priority: Option<i64>,
}
