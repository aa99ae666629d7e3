//! The shape of dockwright.toml: its JSON Schema is derived from these types, and their comments are what
//! editors show. Values are checked in `check`, not here.

use schemars::{JsonSchema, Schema, SchemaGenerator};

pub(super) use super::spanned::{At, Ordered};
use super::{Code, Layout, ServiceKind};
use crate::stacks::{Examples, examples};

/// The description of a service and its container roles: dev, dev-tools, build, service, test, installation.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "dockwright.toml")]
pub(super) struct RawDescription {
    /// The version of this file's format. This dockwright understands 1.
    #[schemars(extend("const" = super::SCHEMA, "examples" = [super::SCHEMA]))]
    #[expect(dead_code, reason = "`shape` has checked it before the rest is looked at")]
    pub(super) schema: i64,
    /// What the service is.
    pub(super) service: RawService,
    /// Base images that stand in for the stack's own: a company mirror, another variant.
    pub(super) images: Option<RawImages>,
    /// Settings of single roles. An installation has none but its deployment's.
    pub(super) roles: Option<RawRoles>,
    /// The places that the service is installed in. The first is the Dockerfile stage `installation`, each
    /// further one `installation-NAME`. Without any, there is one named `production`.
    #[schemars(extend("propertyNames" = { "pattern": LABEL, "maxLength": 50 }))]
    pub(super) deployments: Option<Ordered<RawDeployment>>,
    /// What only you can know, for `dockwright verify`.
    pub(super) verify: Option<RawVerify>,
    /// Says that the code is your own, and not dockwright's starter, and what the images need to know of it:
    /// `dockwright init` finds that.
    pub(super) repository: Option<RawRepository>,
}

/// Lower-case letters, digits and single dashes, a letter first.
const LABEL: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
const ENV_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
const PACKAGE: &str = r"^[a-z0-9]([a-z0-9+.-]*[a-z0-9+.])(=[A-Za-z0-9.+:~-]+)?$";
const URL_PATH: &str = r"^/([^/\s#].*)?$";
const IMAGE: &str = r"^[^\s$]+$";
const PROJECT_PATH: &str = r"^[^/~\\][^\\]*$";
const CONTRACT: &str = r"^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$";
const STAGE: &str = "^([A-Za-z][A-Za-z0-9_.-]*|[0-9]+)$";
const SERVICE_KEY: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]*$";
const TOOL: &str = "^[A-Za-z0-9][A-Za-z0-9._+-]*$";

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawService {
    /// The service's name: lower-case letters, digits and single dashes, a letter first. It names images, the
    /// compose project and hosts.
    #[schemars(regex(pattern = LABEL), length(min = 1, max = 63), extend("examples" = ["orders"]))]
    pub(super) name: At<String>,
    /// The stack that it is written in. It may be left out where all roles are of a Dockerfile of your own; what needs to
    /// know it is then inconclusive.
    #[schemars(extend("examples" = [examples().stack]))]
    pub(super) stack: Option<At<String>>,
    /// What it does when it runs: `web` answers HTTP requests.
    #[schemars(extend("default" = "web", "x-not-yet" = ["worker", "job"]))]
    pub(super) kind: Option<ServiceKind>,
    /// The port it listens on. Without it, the stack's usual one.
    #[schemars(range(min = 1, max = 65535), extend("examples" = [8000]))]
    pub(super) port: Option<At<i64>>,
    /// The variable that names the port. Default: `PORT`; none, where the service is of a Dockerfile of your own.
    #[schemars(regex(pattern = ENV_NAME), extend("examples" = ["PORT"]))]
    #[serde(rename = "port-env")]
    pub(super) port_env: Option<At<String>>,
    /// What starts it. Without it, the stack's usual command.
    pub(super) command: Option<RawCommand>,
    /// The version of the language, or a range of which the stack takes one that has an image. Without it, the stack's
    /// usual one.
    #[schemars(extend("examples" = [examples().version, examples().range]))]
    pub(super) version: Option<At<String>>,
    /// The package manager. Without it, the stack's usual one.
    #[schemars(extend("examples" = [examples().manager]))]
    pub(super) manager: Option<At<String>>,
    /// The framework, where the stack knows it: it changes how the service is started.
    #[schemars(extend("examples" = [examples().framework]))]
    pub(super) framework: Option<At<String>>,
    /// Dependencies that need Debian packages, to be compiled or to run: those packages are added.
    #[schemars(extend("examples" = [[examples().library]]))]
    pub(super) libraries: Option<Vec<At<String>>>,
    /// Files and folders of the project that the service reads beside its code; the build takes along those that there are.
    #[schemars(extend("examples" = [examples().carries]))]
    pub(super) carries: Option<Vec<At<String>>>,
    /// `single`: one multi-stage Dockerfile. `per-role`: a Dockerfile for each role, in `docker/`.
    #[schemars(extend("default" = "single"))]
    pub(super) layout: Option<Layout>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawImages {
    /// What dev, service and test run on.
    #[schemars(regex(pattern = IMAGE), extend("examples" = [Examples::in_registry(&examples().runtime)]))]
    pub(super) runtime: Option<At<String>>,
    /// What build compiles on.
    #[schemars(regex(pattern = IMAGE), extend("examples" = [Examples::in_registry(&examples().build)]))]
    pub(super) build: Option<At<String>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRoles {
    /// Simulates production on your mounted source, and reloads when it changes.
    pub(super) dev: Option<Role>,
    /// Tools for those who develop inside containers, on the same source as dev.
    pub(super) dev_tools: Option<DevTools>,
    /// Makes the service container: dev and build dependencies.
    pub(super) build: Option<Role>,
    /// What goes to production, less a deployment's environment.
    pub(super) service: Option<ServiceRole>,
    /// The service with test dependencies and a test environment.
    pub(super) test: Option<Role>,
    /// The service with all that one deployment needs. Its settings are those of its deployment; here is where it is found.
    pub(super) installation: Option<Installation>,
}

/// The table of a role: where the role is, and what else it says. (serde cannot flatten into a table that is closed.)
macro_rules! placed_role {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Debug, Default, serde::Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// Whether this role is there at all. Default: it is; of a Dockerfile of your own, if it is found.
            #[schemars(extend("examples" = [true]))]
            pub(super) enabled: Option<bool>,
            /// The stage of your own Dockerfile that its image is made of. Default: the one that its compose service builds.
            #[schemars(regex(pattern = STAGE), extend("examples" = ["production"]))]
            pub(super) stage: Option<At<String>>,
            /// Your own Dockerfile. Default: the one that its compose service builds.
            #[schemars(extend("examples" = ["backend/Dockerfile"]))]
            pub(super) dockerfile: Option<At<String>>,
            /// The folder that the Dockerfile is built in. Default: the one that compose.yaml says.
            #[schemars(extend("examples" = ["backend"]))]
            pub(super) context: Option<At<String>>,
            /// The service of compose.yaml that its container is. Default: the one with the role's name.
            #[schemars(regex(pattern = SERVICE_KEY), extend("examples" = ["web"]))]
            pub(super) service: Option<At<String>>,
            $($own)*
        }
    };
}

placed_role! {
    Role {
        /// What the container starts. Without it, the stack's usual command for this role.
        pub(super) command: Option<RawCommand>,
        /// Environment variables of this role's container.
        pub(super) env: Option<RawEnv>,
        /// Debian packages to add to this role's image.
        pub(super) packages: Option<Vec<Package>>,
    }
}

placed_role! {
    DevTools {
        /// The tools that it brings, each with the command that shows that it runs, by exiting 0.
        #[schemars(extend("propertyNames" = { "pattern": TOOL }, "examples" = [examples().tools]))]
        pub(super) tools: Option<Ordered<RawCommand>>,
        /// What tools do on the project as it stands, each by a command that must exit 0.
        #[schemars(extend("propertyNames" = { "pattern": TOOL }, "examples" = [examples().work]))]
        pub(super) work: Option<Ordered<RawCommand>>,
        /// Shell lines, run in order by root while the image is built: for tools that no Debian package brings.
        #[schemars(extend("examples" = [[examples().install]]))]
        pub(super) install: Option<Vec<At<String>>>,
        /// What the container starts. Without it, it waits for you to come in.
        pub(super) command: Option<RawCommand>,
        /// Environment variables of this role's container.
        pub(super) env: Option<RawEnv>,
        /// Debian packages to add to this role's image.
        pub(super) packages: Option<Vec<Package>>,
    }
}

placed_role! {
    ServiceRole {
        /// `image`: the built code is inside the image. `mounted`: it is mounted from the builder's output.
        #[schemars(extend("default" = "image"))]
        pub(super) code: Option<Code>,
        /// What the container starts. Without it, `command` of `[service]`.
        pub(super) command: Option<RawCommand>,
        /// Environment variables of the service that are the same wherever it is deployed.
        pub(super) env: Option<RawEnv>,
        /// Debian packages to add to the service's image.
        pub(super) packages: Option<Vec<Package>>,
    }
}

placed_role!(Installation {});

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeployment {
    /// The environment variables of this deployment. They are baked into its image: no secrets here.
    pub(super) env: Option<RawEnv>,
    /// Names of secrets, never values. The container finds `DATABASE_PASSWORD` in the file that
    /// `DATABASE_PASSWORD_FILE` names: `/run/secrets/database_password`.
    #[schemars(extend("uniqueItems" = true))]
    pub(super) secrets: Option<Vec<SecretName>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVerify {
    /// The path that answers 2xx when the service is well.
    #[schemars(regex(pattern = URL_PATH), extend("examples" = ["/healthz"]))]
    pub(super) health: Option<At<String>>,
    /// A path that answers slowly, to prove that the service finishes its requests when it is stopped.
    #[schemars(regex(pattern = URL_PATH), extend("examples" = ["/slow?seconds=2"]))]
    pub(super) slow: Option<At<String>>,
    /// How many seconds a container may take to answer.
    #[schemars(range(min = 1, max = 3600), extend("default" = 60, "examples" = [60]))]
    pub(super) timeout: Option<At<i64>>,
    /// An edit that proves reloading: `text` is replaced in `file`, and `path` must answer with the new text.
    pub(super) reload: Option<RawReload>,
    /// Contracts that may fail for a while. A waived failure is reported as skipped; from the day after `expires` on, the
    /// contract fails by its waiver.
    pub(super) waivers: Option<Vec<RawWaiver>>,
    /// Contracts that this project does not claim to keep. They are not checked, and reported as skipped.
    pub(super) unclaimed: Option<Vec<RawUnclaimed>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRepository {
    /// The folder that the images are built from. Without it, the project's own.
    #[schemars(regex(pattern = PROJECT_PATH), extend("examples" = ["backend"]))]
    pub(super) folder: Option<At<String>>,
    /// The folder, in that one, in which the service is started: a member of a workspace.
    #[schemars(regex(pattern = PROJECT_PATH), extend("examples" = ["apps/api"]))]
    pub(super) member: Option<At<String>>,
    /// Whether the container files have names of their own, beside a Dockerfile or a compose file of yours.
    #[schemars(extend("default" = false))]
    pub(super) beside: Option<bool>,
    /// What the stack's steps need to know, such as the files that list what it depends on.
    #[schemars(extend("examples" = [{ "test": ["make test"] }]))]
    pub(super) facts: Option<Ordered<Vec<At<String>>>>,
    /// Variables of dev, service and test where compose.yaml runs them. No image has them, and no installation.
    pub(super) env: Option<RawEnv>,
    /// The services that it needs to work, which compose.yaml then has: databases, caches, brokers.
    #[schemars(extend("examples" = [{ "postgres": { "env": { "DATABASE_URL": "postgresql://app@{host}:5432/app" } } }]))]
    pub(super) needs: Option<Ordered<RawNeed>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNeed {
    /// The variables by which the service finds it. `{host}` stands for its host, which is another one for tests.
    pub(super) env: Option<RawEnv>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUnclaimed {
    /// The contract.
    #[schemars(regex(pattern = CONTRACT), extend("examples" = ["service.read-only"]))]
    pub(super) contract: At<String>,
    /// Why it does not fit this project.
    #[schemars(length(min = 1), extend("examples" = ["it keeps its uploads beside its code"]))]
    pub(super) reason: At<String>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWaiver {
    /// The contract.
    #[schemars(regex(pattern = CONTRACT), extend("examples" = ["service.shutdown"]))]
    pub(super) contract: At<String>,
    /// Why it may fail, and what is being done about it.
    #[schemars(length(min = 1), extend("examples" = ["drains from release 7 on, see issue 12"]))]
    pub(super) reason: At<String>,
    /// The last day on which it may fail, in UTC.
    pub(super) expires: Date,
}

/// A day, in quotes or as TOML's own date.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Date(pub(super) At<toml::Value>);

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2027-01-31"], "x-date": true
        })
    }
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReload {
    /// The path to ask.
    #[schemars(regex(pattern = URL_PATH), extend("examples" = ["/"]))]
    pub(super) path: At<String>,
    /// The file to edit, inside the project.
    #[schemars(regex(pattern = PROJECT_PATH), extend("examples" = [examples().file]))]
    pub(super) file: At<String>,
    /// A text that occurs once in the file, and in the answer.
    #[schemars(length(min = 1), extend("examples" = ["Hello"]))]
    pub(super) text: At<String>,
}

/// A program and its arguments, each an item of the list.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minItems" = 1, "examples" = [examples().command], "x-exec-form" = true))]
pub(super) struct RawCommand(pub(super) At<Vec<String>>);

/// The name of an environment variable that holds a secret.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = ENV_NAME, "examples" = ["DATABASE_PASSWORD"]))]
pub(super) struct SecretName(pub(super) At<String>);

/// A Debian package, with `=version` if it must be that one.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = PACKAGE, "examples" = ["libpq5"]))]
pub(super) struct Package(pub(super) At<String>);

/// Environment variables, each a text in one line.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("propertyNames" = { "pattern": ENV_NAME }, "examples" = [{ "LOG_LEVEL": "debug" }]))]
pub(super) struct RawEnv(pub(super) Ordered<At<String>>);
