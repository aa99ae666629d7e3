//! The shape of dockwright.toml: its JSON Schema is derived from these types, and their comments are what
//! editors show. Values are checked in `check`, not here.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::{Code, Layout, ServiceKind};
use crate::stacks::{Examples, examples};

/// The description of a service and its container roles: dev, dev-tools, build, service, test, installation.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "dockwright.toml")]
pub(super) struct Description {
    /// The version of this file's format. This dockwright understands 1.
    #[schemars(extend("const" = super::SCHEMA, "examples" = [super::SCHEMA]))]
    #[expect(dead_code, reason = "`shape` has checked it before the rest is looked at")]
    pub(super) schema: i64,
    /// What the service is.
    pub(super) service: Service,
    /// Base images that stand in for the stack's own: a company mirror, another variant.
    pub(super) images: Option<Images>,
    /// Settings of single roles. An installation has none but its deployment's.
    pub(super) roles: Option<Roles>,
    /// The places that the service is installed in. The first is the Dockerfile stage `installation`, each
    /// further one `installation-NAME`. Without any, there is one named `production`.
    #[schemars(extend("propertyNames" = { "pattern": LABEL, "maxLength": 50 }))]
    pub(super) deployments: Option<Ordered<Deployment>>,
    /// What only you can know, for `dockwright verify`.
    pub(super) verify: Option<Verify>,
}

/// Lower-case letters, digits and single dashes, a letter first.
const LABEL: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
const ENV_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
const PACKAGE: &str = r"^[a-z0-9]([a-z0-9+.-]*[a-z0-9+.])(=[A-Za-z0-9.+:~-]+)?$";
const URL_PATH: &str = r"^/([^/\s#].*)?$";
const IMAGE: &str = r"^[^\s$]+$";
const PROJECT_PATH: &str = r"^[^/~\\][^\\]*$";
const CONTRACT: &str = r"^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$";
const TOOL: &str = "^[A-Za-z0-9][A-Za-z0-9._+-]*$";

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// The service's name: lower-case letters, digits and single dashes, a letter first. It names images, the
    /// compose project and hosts.
    #[schemars(regex(pattern = LABEL), length(min = 1, max = 63), extend("examples" = ["orders"]))]
    pub(super) name: At<String>,
    /// The stack that it is written in.
    #[schemars(extend("examples" = [examples().stack]))]
    pub(super) stack: At<String>,
    /// What it does when it runs: `web` answers HTTP requests.
    #[schemars(extend("default" = "web", "x-not-yet" = ["worker", "job"]))]
    pub(super) kind: Option<ServiceKind>,
    /// The port it listens on, from 1024 up. Without it, the stack's usual one.
    #[schemars(range(min = 1024, max = 65535), extend("examples" = [8000]))]
    pub(super) port: Option<At<i64>>,
    /// What starts it. Without it, the stack's usual command.
    pub(super) command: Option<Command>,
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
pub(super) struct Images {
    /// What dev, service and test run on.
    #[schemars(regex(pattern = IMAGE), extend("examples" = [Examples::in_registry(&examples().runtime)]))]
    pub(super) runtime: Option<At<String>>,
    /// What build compiles on.
    #[schemars(regex(pattern = IMAGE), extend("examples" = [Examples::in_registry(&examples().build)]))]
    pub(super) build: Option<At<String>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Roles {
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
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    /// What the container starts. Without it, the stack's usual command for this role.
    pub(super) command: Option<Command>,
    /// Environment variables of this role's container.
    pub(super) env: Option<Env>,
    /// Debian packages to add to this role's image.
    pub(super) packages: Option<Vec<Package>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DevTools {
    /// Whether this role is there at all.
    #[schemars(extend("default" = true, "examples" = [true]))]
    pub(super) enabled: Option<bool>,
    /// The tools that it brings, each with the command that shows that it runs, by exiting 0.
    #[schemars(extend("propertyNames" = { "pattern": TOOL }, "examples" = [examples().tools]))]
    pub(super) tools: Option<Ordered<Command>>,
    /// Shell lines, run in order by root while the image is built: for tools that no Debian package brings.
    #[schemars(extend("examples" = [[examples().install]]))]
    pub(super) install: Option<Vec<At<String>>>,
    /// What the container starts. Without it, it waits for you to come in.
    pub(super) command: Option<Command>,
    /// Environment variables of this role's container.
    pub(super) env: Option<Env>,
    /// Debian packages to add to this role's image.
    pub(super) packages: Option<Vec<Package>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceRole {
    /// `image`: the built code is inside the image. `mounted`: it is mounted from the builder's output.
    #[schemars(extend("default" = "image"))]
    pub(super) code: Option<Code>,
    /// What the container starts. Without it, `command` of `[service]`.
    pub(super) command: Option<Command>,
    /// Environment variables of the service that are the same wherever it is deployed.
    pub(super) env: Option<Env>,
    /// Debian packages to add to the service's image.
    pub(super) packages: Option<Vec<Package>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    /// The environment variables of this deployment. They are baked into its image: no secrets here.
    pub(super) env: Option<Env>,
    /// Names of secrets, never values. The container finds `DATABASE_PASSWORD` in the file that
    /// `DATABASE_PASSWORD_FILE` names: `/run/secrets/database_password`.
    #[schemars(extend("uniqueItems" = true))]
    pub(super) secrets: Option<Vec<SecretName>>,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {
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
    pub(super) reload: Option<Reload>,
    /// Contracts that may fail for a while. A waived failure is reported as skipped; from the day after `expires` on, the
    /// contract fails by its waiver.
    pub(super) waivers: Option<Vec<Waiver>>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiver {
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
pub(super) struct Reload {
    /// The path to ask.
    #[schemars(regex(pattern = URL_PATH), extend("examples" = ["/"]))]
    pub(super) path: At<String>,
    /// The file to edit, inside the project.
    #[schemars(regex(pattern = PROJECT_PATH), extend("examples" = [examples().file]))]
    pub(super) file: At<String>,
    /// A text that stands once in the file, and in the answer.
    #[schemars(length(min = 1), extend("examples" = ["Hello"]))]
    pub(super) text: At<String>,
}

/// A program and its arguments, each an item of the list.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minItems" = 1, "examples" = [examples().command], "x-exec-form" = true))]
pub(super) struct Command(pub(super) At<Vec<String>>);

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
pub(super) struct Env(pub(super) Ordered<At<String>>);

/// A value and its bytes in the file.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// The value.
    pub(super) fn get(&self) -> &T {
        self.0.get_ref()
    }

    /// The value and its place.
    pub(super) fn split(self) -> (T, Range<usize>) {
        let span = self.0.span();
        (self.0.into_inner(), span)
    }
}

/// A table in the file's order.
#[derive(Debug)]
pub(super) struct Ordered<V>(pub(super) Vec<(At<String>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Ordered<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// In the schema, places do not show and order is no matter.
macro_rules! schema_as {
    ($name:ident as $other:ty) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$other>::json_schema(generator)
            }
        }
    };
}
schema_as!(At as T);
schema_as!(Ordered as std::collections::BTreeMap<String, T>);
