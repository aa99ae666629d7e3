//! The values that a description holds, validated.
//!
//! What the file leaves out stays `None` here: the stack's defaults are in [`Project::stack`], and a description that
//! is written back says no more than its author did.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Command, DeploymentName, EnvName, EnvValue, ImageRef, Package, ProjectPath, ServiceName, ShellLine, ToolName,
    UrlPath,
};
use crate::error::{Error, Result};
use crate::stacks::Stack;

/// A description and its stack, with all that the description says over that. Reads as the description.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// What dockwright.toml says.
    pub description: Description,
    /// The stack, with its manager and framework, under what the description says.
    pub stack: Arc<Stack>,
}

impl Deref for Project {
    type Target = Description;

    fn deref(&self) -> &Description {
        &self.description
    }
}

/// A service and its six roles, as dockwright.toml describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `[service]`.
    pub service: Service,
    /// `[images]`.
    pub images: Images,
    /// `[roles.*]`.
    pub roles: Roles,
    /// `[deployments.*]` in the file's order, never empty: without any, one named `production` with
    /// neither env nor secrets. The first is the stage `installation`, see [`Description::stage`].
    pub deployments: Vec<Deployment>,
    /// `[verify]`.
    pub verify: Verify,
}

/// `[service]`: what the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Its stack: one of those that it was read with.
    pub stack: String,
    /// The version of the language, or a range of which the stack takes one; `None`: the stack's default.
    pub version: Option<String>,
    /// What it does when it runs.
    pub kind: ServiceKind,
    /// The port it listens on; `None`: the stack's default.
    pub port: Option<Port>,
    /// What starts it; `None`: the stack's default.
    pub command: Option<Command>,
    /// The package manager, one of the stack's; `None`: the stack's default.
    pub manager: Option<String>,
    /// The framework, one of the stack's.
    pub framework: Option<String>,
    /// Dependencies that need Debian packages, of those whose packages are known.
    pub libraries: Vec<String>,
    /// Files and folders that the service reads beside its code.
    pub carries: Vec<ProjectPath>,
    /// One Dockerfile, or one per role.
    pub layout: Layout,
}

/// What a service does when it runs. `worker` and `job` are recognised in the file and refused as "not yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// It answers HTTP requests.
    #[default]
    Web,
}

/// How the Dockerfile is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One multi-stage `Dockerfile`.
    #[default]
    Single,
    /// `docker/<role>.Dockerfile`, each the closure of its stage.
    PerRole,
}

/// `[images]`: base images that stand in for the stack's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Images {
    /// What dev, service and test run on.
    pub runtime: Option<ImageRef>,
    /// What build compiles on.
    pub build: Option<ImageRef>,
}

/// `[roles.*]`. An installation has no settings but its deployment's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    /// `[roles.dev]`.
    pub dev: RoleSettings,
    /// `[roles.dev-tools]`.
    pub dev_tools: DevTools,
    /// `[roles.build]`.
    pub build: RoleSettings,
    /// `[roles.service]`.
    pub service: ServiceRole,
    /// `[roles.test]`.
    pub test: RoleSettings,
}

/// What every role but installation may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleSettings {
    /// What it starts; `None`: the stack's default for the role.
    pub command: Option<Command>,
    /// Environment variables of this role's container.
    pub env: Env,
    /// Debian packages added to this role's image.
    pub packages: Vec<Package>,
}

/// `[roles.dev-tools]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevTools {
    /// Whether the role is there at all; it is unless the file says otherwise.
    pub enabled: bool,
    /// The declared tools; `dev-tools.present` runs each.
    pub tools: Vec<Tool>,
    /// Run in order, by root, by `sh`, while the image is built: how tools get in that no Debian package brings.
    pub install: Vec<ShellLine>,
    /// What it shares with the other roles.
    pub settings: RoleSettings,
}

/// A declared tool of dev-tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// What shows that it runs, by exiting 0 (`["ruff", "--version"]`).
    pub shows: Command,
}

/// `[roles.service]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRole {
    /// Where the built code is.
    pub code: Code,
    /// What it shares with the other roles.
    pub settings: RoleSettings,
}

/// Where the service container has its built code from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Inside its image.
    #[default]
    Image,
    /// In the builder's output volume, mounted.
    Mounted,
}

/// One `[deployments.NAME]`: a place that the service is installed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its name.
    pub name: DeploymentName,
    /// Its environment: `ENV` lines of its installation image. May set `PORT`.
    pub env: Env,
    /// Names of its secrets, their values known to nobody here. See [`EnvName::secret_file`].
    pub secrets: Vec<EnvName>,
}

/// Environment variables in the file's order; no name twice.
pub type Env = Vec<(EnvName, EnvValue)>;

/// `[verify]`: what only the user can know. What is `None` makes contracts fall back or be inconclusive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verify {
    /// Answers 2xx when the service is well.
    pub health: Option<UrlPath>,
    /// Answers slowly, to prove draining.
    pub slow: Option<UrlPath>,
    /// How long a container may take to answer; whole seconds, 1 to 3600. [`Verify::timeout`] has the default.
    pub timeout: Option<Duration>,
    /// An edit, and the answer then to expect.
    pub reload: Option<Reload>,
    /// Contracts that may fail for a while, none twice.
    pub waivers: Vec<Waiver>,
}

/// One `[[verify.waivers]]`: a contract that may fail until a day.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// The contract: one of the catalogue's.
    pub contract: String,
    /// Why; one line, not empty.
    pub reason: String,
    /// The last day on which it may fail, in UTC.
    pub expires: time::Date,
    /// The line of `expires` in the file.
    pub line: usize,
}

/// Two are the same if they say the same, wherever they stand.
impl PartialEq for Waiver {
    fn eq(&self, other: &Self) -> bool {
        (&self.contract, &self.reason, self.expires) == (&other.contract, &other.reason, other.expires)
    }
}

impl Eq for Waiver {}

/// `[verify.reload]`: `text` stands once in `file` and in the answer to `path`; verification puts a fresh word
/// in its place and waits for that word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// What to GET.
    pub path: UrlPath,
    /// The file to edit.
    pub file: ProjectPath,
    /// The text to replace; one line, not empty.
    pub text: String,
}

/// A port that a container without root or capabilities can listen on anywhere: 1024 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(u16);

impl Port {
    /// Takes a number as it stands in the file.
    ///
    /// # Errors
    /// Outside 1..=65535, or below 1024: Docker since 20.10 (moby#41030) and containerd since 2.0 let any user
    /// bind those inside a container (`net.ipv4.ip_unprivileged_port_start=0`); CRI-O (cri-o#10050), older
    /// containerd and host networking do not.
    pub fn new(number: i64) -> Result<Self> {
        match u16::try_from(number) {
            Ok(0) | Err(_) => Err(Error::description(format!("{number} is not a port: ports go from 1 to 65535"))
                .hint("take one from 1024 up, as 8000")),
            Ok(low @ 1..1024) => Err(Error::description(format!(
                "port {low} is below 1024: a container that is not root and has no capabilities cannot listen \
                 there on every engine (Docker allows it; CRI-O, containerd before 2.0 and host networking do not)"
            ))
            .hint(format!("listen on {} inside, and publish it as {low} outside", 8000 + low % 1000))),
            Ok(port) => Ok(Self(port)),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for DevTools {
    fn default() -> Self {
        Self { enabled: true, tools: Vec::new(), install: Vec::new(), settings: RoleSettings::default() }
    }
}

impl Verify {
    /// How long a container may take to answer: what the file says, else 60 seconds.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_mins(1))
    }
}

impl Roles {
    /// The settings of a role by its name; `None` for `installation` and for what is no role.
    #[must_use]
    pub fn settings(&self, role: &str) -> Option<&RoleSettings> {
        match role {
            "dev" => Some(&self.dev),
            "dev-tools" => Some(&self.dev_tools.settings),
            "build" => Some(&self.build),
            "service" => Some(&self.service.settings),
            "test" => Some(&self.test),
            _ => None,
        }
    }
}

impl Description {
    /// The name of a deployment's Dockerfile stage and compose service: `installation` for the first one,
    /// `installation-NAME` for the others.
    #[must_use]
    pub fn stage(&self, deployment: &Deployment) -> String {
        if self.deployments.first().is_some_and(|first| first.name == deployment.name) {
            "installation".to_owned()
        } else {
            format!("installation-{}", deployment.name)
        }
    }
}
