//! The values that a description holds, validated.
//!
//! What the file leaves out stays `None` here: the stack's defaults are in [`Project::stack`], and a description that
//! is written back says no more than its author did.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::{
    DeploymentName, EnvName, EnvValue, ExecCommand, ImageRef, Package, Placement, ProjectPath, Repository, ServiceName,
    ShellLine, ToolName, UrlPath,
};
use crate::error::{Error, Result};
use crate::stacks::Stack;

/// The roles that the description knows.
const ROLES: [&str; 6] = ["dev", "dev-tools", "build", "service", "test", "installation"];

/// A description and its stack, with all that the description says over that. Reads as the description.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// What dockwright.toml says.
    pub description: Description,
    /// The stack, with its manager and framework, under what the description says; none where that names none.
    pub stack: Option<Arc<Stack>>,
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
    pub service: ServiceSettings,
    /// `[images]`.
    pub images: ImageOverrides,
    /// `[roles.*]`.
    pub roles: RolesTable,
    /// `[deployments.*]` in the file's order, never empty: without any, one named `production` with
    /// neither env nor secrets. The first is the stage `installation`, see [`Description::stage`].
    pub deployments: Vec<Deployment>,
    /// `[verify]`.
    pub verify: Verify,
    /// `[repository]`; `None`: the code began as the stack's starter.
    pub repository: Option<Repository>,
}

/// `[service]`: what the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Its name.
    pub name: ServiceName,
    /// Its stack: one of those that it was read with. `None`: the roles are of a Dockerfile of the user's own.
    pub stack: Option<String>,
    /// The version of the language, or a range of which the stack takes one; `None`: the stack's default.
    pub version: Option<String>,
    /// What it does when it runs.
    pub kind: ServiceKind,
    /// The port it listens on; `None`: the stack's default.
    pub port: Option<PortNumber>,
    /// The variable that names the port; see [`Description::port_env`].
    pub port_env: Option<EnvName>,
    /// What starts it; `None`: the stack's default.
    pub command: Option<ExecCommand>,
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
pub struct ImageOverrides {
    /// What dev, service and test run on.
    pub runtime: Option<ImageRef>,
    /// What build compiles on.
    pub build: Option<ImageRef>,
}

/// `[roles.*]`. An installation has no settings but its deployment's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolesTable {
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
    /// `[roles.installation]`.
    pub installation: Placement,
}

/// What every role but installation may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleSettings {
    /// Where it is, if it is not where dockwright writes it.
    pub place: Placement,
    /// What it starts; `None`: the stack's default for the role.
    pub command: Option<ExecCommand>,
    /// Environment variables of this role's container.
    pub env: DeclaredEnv,
    /// Debian packages added to this role's image.
    pub packages: Vec<Package>,
}

/// `[roles.dev-tools]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevTools {
    /// Whether the role is there at all; it is unless the file says otherwise.
    pub enabled: bool,
    /// The declared tools; `dev-tools.present` runs each.
    pub tools: Vec<DevTool>,
    /// What tools do on the project as it stands; `dev-tools.works` runs each.
    pub work: Vec<DevTool>,
    /// Run in order, by root, by `sh`, while the image is built: how tools get in that no Debian package brings.
    pub install: Vec<ShellLine>,
    /// What it shares with the other roles.
    pub settings: RoleSettings,
}

/// A tool of dev-tools, and a command of it that has to exit 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevTool {
    /// Its name.
    pub name: ToolName,
    /// What shows that it runs (`["ruff", "--version"]`), or does its work (`["ruff", "check"]`).
    pub command: ExecCommand,
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
    pub env: DeclaredEnv,
    /// Names of its secrets, their values known to nobody here. See [`EnvName::secret_file`].
    pub secrets: Vec<EnvName>,
}

impl Deployment {
    /// Whether it is the one that there is where none is described.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.name == DeploymentName::production() && self.env.is_empty() && self.secrets.is_empty()
    }
}

/// Environment variables in the file's order; no name twice.
pub type DeclaredEnv = Vec<(EnvName, EnvValue)>;

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
    /// Contracts that the project does not claim to keep, none twice.
    pub unclaimed: Vec<Unclaimed>,
}

/// One `[[verify.unclaimed]]`: a contract that does not fit the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    /// The contract: one of the catalogue's.
    pub contract: String,
    /// Why; one line, not empty.
    pub reason: String,
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

/// A port. Whether a container without root and capabilities can listen below 1024 is up to the engine, and verified on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortNumber(u16);

impl PortNumber {
    /// Takes a number as it stands in the file.
    ///
    /// # Errors
    /// Outside 1..=65535.
    pub fn new(number: i64) -> Result<Self> {
        match u16::try_from(number) {
            Ok(port @ 1..) => Ok(Self(port)),
            _ => Err(Error::description(format!("{number} is not a port: ports go from 1 to 65535"))
                .hint("use 1024 or above, such as 8000")),
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
        Self {
            enabled: true,
            tools: Vec::new(),
            work: Vec::new(),
            install: Vec::new(),
            settings: RoleSettings::default(),
        }
    }
}

impl Verify {
    /// How long a container may take to answer: what the file says, else 60 seconds.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_mins(1))
    }
}

impl RolesTable {
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

    /// Where the description says that a role is.
    #[must_use]
    pub fn place(&self, role: &str) -> &Placement {
        self.settings(role).map_or(&self.installation, |settings| &settings.place)
    }

    /// Whether the description turns a role on or off; `None`: it does not say.
    #[must_use]
    pub fn enabled(&self, role: &str) -> Option<bool> {
        match role {
            "dev-tools" if !self.dev_tools.enabled => Some(false),
            _ => self.place(role).enabled,
        }
    }
}

impl Description {
    /// Whether a role is made by dockwright: of a stack, and where dockwright writes it.
    #[must_use]
    pub fn makes(&self, role: &str) -> bool {
        self.service.stack.is_some() && !self.roles.place(role).is_elsewhere()
    }

    /// Whether some role is of a Dockerfile of the user's own. Roles that are not there are off then.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        ROLES.iter().any(|role| !self.makes(role))
    }

    /// Whether the code is a starter of dockwright's, which keeps its conventions: it reads `PORT`, and a path says how it is.
    #[must_use]
    pub fn is_starter(&self) -> bool {
        self.repository.is_none() && self.makes("service")
    }

    /// Whether the container files have names of their own, beside those of other people.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        self.repository.as_ref().is_some_and(|own| own.beside)
    }

    /// The path of a file in the folder that the images are built from.
    #[must_use]
    pub fn in_folder(&self, path: &str) -> String {
        let folder = self.repository.as_ref().and_then(|own| own.folder.as_ref());
        folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"))
    }

    /// The variable that names the service's port: what the description says, else `PORT` of a starter.
    #[must_use]
    pub fn port_env(&self) -> Option<&str> {
        let own = self.service.port_env.as_ref().map(EnvName::as_str);
        own.or_else(|| self.is_starter().then_some("PORT"))
    }

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
