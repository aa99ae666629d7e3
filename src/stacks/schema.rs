//! The closed schema of a stack, once its layers are merged. Each layer may say any part of it: `stack.toml`, the table
//! of a manager in it, a framework's file.
//!
//! In every string, `@name@` stands for the service's name, `@module@` for the same in snake case, `@version@` for the
//! version of the language.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;

use super::document::Table;
use super::formats::LockFormat;
use super::version::Range;

/// How a stack's code gets from source to what production runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The source runs on an interpreter of the base image; dev runs it on the mounted source.
    Interpreted,
    /// A toolchain that only the build role has makes an artefact; dev runs that out of a shared volume. Tests are
    /// compiled, too.
    Built,
    /// Likewise, but what is made are files that a server of the base image hands out. Tests are run as they are.
    StaticSite,
}

/// All that dockwright knows of a stack, with one manager, perhaps a framework, and what the description says.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stack {
    /// The package manager.
    #[serde(skip)]
    pub manager: String,
    /// What each package manager of the stack says by itself.
    #[serde(skip)]
    pub managers: BTreeMap<String, Manager>,
    /// Debian packages that the named libraries need.
    #[serde(skip)]
    pub native: Library,
    /// The same as a table, whose values say where they come from.
    #[serde(skip)]
    pub origins: Table,
    /// The stack's name for people, as "Python".
    pub title: String,
    /// See [`Shape`].
    pub shape: Shape,
    /// The port that the service listens on.
    pub port: u16,
    /// The version of the language, which `@version@` stands for.
    #[serde(default)]
    pub version: Option<String>,
    /// The versions that there are images of; empty where any will do.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Which of them an open range means.
    #[serde(default)]
    pub range: Range,
    /// Whether a newer version builds and runs what an older one does, so that a repository's is the lowest that will do.
    #[serde(default)]
    pub minimum: bool,
    /// Contracts that no repository like this can keep, each with the reason; none with an empty one.
    #[serde(default)]
    pub unclaimed: IndexMap<String, String>,
    /// Base images.
    pub images: BaseImages,
    /// The package manager of a new service.
    pub default_manager: String,
    /// The lock of the production dependencies; none where no dependency is installed as a file of its own.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// How each kind of dependency gets into its stage.
    #[serde(default)]
    pub dependencies: Dependencies,
    /// Stages that hold a tool which steps mount (see [`StageStep::from`]), by name: made from the runtime's image.
    #[serde(default)]
    pub helpers: IndexMap<String, StageStep>,
    /// Files and folders that the service reads beside what is built: the build takes those along that there are.
    #[serde(default)]
    pub carries: Vec<String>,
    /// Dependencies that need Debian packages, by their names in `libraries.toml`.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Service names that the language or its standard library has taken.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// Lines of `.dockerignore`: what the stack's tools leave in the source folder.
    pub ignore: Vec<String>,
    /// Environment files that set only what the build publishes: `.dockerignore` lets them in.
    #[serde(default)]
    pub public_env: Vec<String>,
    /// Dependency manifests (globs): the only project files that an image without source may hold.
    pub manifests: Vec<String>,
    /// Folders of the project in which its tools leave what they build on the host.
    pub outputs: Vec<String>,
    /// How verification adds a dependency that no lock file holds; the first whose manifest is there.
    pub locks: Vec<LockProbe>,
    /// How verification makes the suite fail, or empty.
    pub suite: SuiteProbe,
    /// The environment of the production runtime.
    #[serde(default)]
    pub env: StackEnv,
    /// The dev role.
    pub dev: RoleData,
    /// The dev-tools role.
    pub dev_tools: RoleData,
    /// The build role. Its command makes the artefact in `/out`.
    pub build: RoleData,
    /// The service role.
    pub service: RoleData,
    /// The test role.
    pub test: RoleData,
    /// The command of the service's healthcheck, exec form.
    pub health: Vec<String>,
    /// What verification needs to know of the starter service.
    pub verify: VerifyData,
}

impl Stack {
    /// The globs and regular expressions in it, each with the key that says it.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&'static str, TextPattern<'_>)> {
        let lists =
            [("manifests", &self.manifests), ("suite.files", &self.suite.files), ("suite.except", &self.suite.except)];
        let globs =
            lists.into_iter().flat_map(|(key, globs)| globs.iter().map(move |glob| (key, TextPattern::Glob(glob))));
        let locks = self.locks.iter().flat_map(|lock| {
            let used =
                lock.used.iter().flat_map(|used| [TextPattern::Glob(&used.files), TextPattern::Expression(&used.find)]);
            [TextPattern::Glob(&lock.manifest), TextPattern::Expression(&lock.command)].into_iter().chain(used)
        });
        let SuiteProbe { holds, disable, ran, .. } = &self.suite;
        let suite = disable.iter().map(|(test, _)| ("suite.disable", TextPattern::Expression(test)));
        let ran = ran.iter().map(|ran| ("suite.ran", TextPattern::Expression(ran)));
        let holds = [("suite.holds", TextPattern::Expression(holds.as_str()))];
        globs.chain(locks.map(|pattern| ("locks", pattern))).chain(suite).chain(ran).chain(holds)
    }
}

/// A text with a grammar of its own.
pub(super) enum TextPattern<'a> {
    Glob(&'a str),
    Expression(&'a str),
}

/// Environment variables, in order.
pub type StackEnv = IndexMap<String, Text>;

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// As a Dockerfile has it: it may refer to `$PATH`.
    Written(String),
    /// As the process is to see it.
    Literal {
        /// The value.
        literal: String,
    },
}

impl Text {
    /// Its letters, whoever reads them.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Written(text) | Self::Literal { literal: text } => text,
        }
    }
}

/// Base images, by exact tag.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaseImages {
    /// What production runs on.
    pub runtime: String,
    /// What the build role starts from, where that is not the runtime itself.
    pub build: Option<String>,
}

/// A package manager, as far as it is of interest beside the chosen one.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Manager {
    /// Its lock.
    pub lock: Option<Lock>,
}

/// How each kind of dependency gets into its stage.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dependencies {
    /// Production dependencies, in the runtime.
    pub production: Vec<StageStep>,
    /// Build dependencies, in the builder.
    pub build: Vec<StageStep>,
    /// Test dependencies, on top of the service.
    pub test: Vec<StageStep>,
}

impl Dependencies {
    /// Drops the steps that do nothing, as all that they said needed facts that are not there, and files that are named twice.
    pub(super) fn drop_empty(&mut self) {
        for steps in [&mut self.production, &mut self.build, &mut self.test] {
            for step in &mut *steps {
                let mut seen = std::collections::BTreeSet::new();
                step.bind.retain(|file| seen.insert(file.clone()));
            }
            steps.retain(|step| !step.run.is_empty() || !step.copy.is_empty());
        }
    }
}

/// The Debian packages that a dependency needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Library {
    /// While it is compiled.
    pub build: Vec<String>,
    /// While it runs.
    pub runtime: Vec<String>,
}

/// What says which production dependencies are installed.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// Its usual names, the first that is there counts.
    pub files: Vec<String>,
    /// How it is written.
    pub format: LockFormat,
}

/// A step of a stage: files in, commands run.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StageStep {
    /// Why it is there; becomes the comment above it.
    pub comment: Vec<String>,
    /// Files of the build context to copy in.
    pub copy: Vec<String>,
    /// Where to, with a slash at the end.
    pub to: String,
    /// Files of the build context that only the command reads: mounted as `/tmp/FILE`.
    pub bind: Vec<String>,
    /// Helpers: the folder `/NAME` of the stage `NAME` is mounted as `/tmp/NAME`.
    pub from: Vec<String>,
    /// Folders that stay on the engine between builds.
    pub cache: Vec<String>,
    /// Shell commands, joined by `&&`.
    pub run: Vec<String>,
}

/// What a stack says of a role.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RoleData {
    /// The container's command, exec form.
    pub command: Vec<String>,
    /// Environment of the role.
    pub env: StackEnv,
    /// Shell commands of an image build, joined by `&&` (build: makes `/out`; test of a compiled stack: makes `/tests`).
    pub run: Vec<String>,
    /// Shell commands of the watching builder.
    pub watch: Vec<String>,
    /// What the watching builder watches.
    pub watched: Vec<String>,
    /// Folders in which the watching builder's tools keep what the next build is quicker with: each is a volume.
    pub volumes: BTreeMap<String, String>,
    /// Files and folders of the build context to copy in.
    pub copy: Vec<String>,
    /// service: the parts of the artefact, each a layer of its own, what changes least first. One layer if left out.
    pub layers: Vec<String>,
    /// The role's own working directory, if it is not the service's.
    pub workdir: Option<String>,
    /// test: where the image has `/tests` of the builder, if not there.
    pub into: Option<String>,
    /// Declared tools: a name and the command that shows that it runs.
    pub tools: BTreeMap<String, Vec<String>>,
    /// dev-tools: what tools do on the project as it stands, each by a command that exits 0.
    pub work: BTreeMap<String, Vec<String>>,
    /// Scripts of `templates/roles/scripts` that the role's image brings.
    pub scripts: Vec<String>,
    /// Debian packages.
    pub packages: Vec<String>,
    /// Shell commands that install what Debian does not have.
    pub install: Vec<String>,
}

/// What `dockwright.toml`'s `[verify]` says for the starter service.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VerifyData {
    /// A path that answers 200 when the service is well.
    pub health: String,
    /// A path that answers slowly.
    pub slow: String,
    /// How to see a reload.
    pub reload: ReloadProbe,
}

/// An edit and the answer that shows it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReloadProbe {
    /// The path to ask.
    pub path: String,
    /// The file to edit.
    pub file: String,
    /// The text to replace, which the answer shows.
    pub text: String,
}

/// A manifest that declares dependencies, and one to add.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockProbe {
    /// The manifest (a glob; the one nearest to the root is taken): JSON, XML, a `go.mod` or TOML, by its name.
    pub manifest: String,
    /// A table that a manifest of this kind has.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The table or list that a dependency is added to; made if it is not there and `requires` is said.
    pub at: Vec<String>,
    /// Small packages of the registry: the first that is in no lock file is added, in any version, or in that of
    /// `NAME@VERSION`. In XML a name is `GROUP:ARTIFACT`.
    pub packages: Vec<String>,
    /// What a RUN that installs or builds by the manifest says (a regular expression).
    pub command: String,
    /// How code comes to use it, where a dependency that no code uses is not part of a build.
    pub used: Option<Usage>,
}

impl LockProbe {
    /// What fits a RUN that installs or builds by the manifest.
    ///
    /// # Panics
    ///
    /// On a pattern that is not a regular expression; a test reads them all.
    #[must_use]
    pub fn command(&self) -> regex::Regex {
        regex::Regex::new(&self.command).expect("a stack's patterns are read by a test")
    }
}

/// How code is made to use a package.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Usage {
    /// The files of code (a glob).
    pub files: String,
    /// Where in them (a regular expression, of which the first match counts).
    pub find: String,
    /// What stands in its place; `@package@` is the package's name.
    pub replace: String,
}

/// How a failing test is added to a suite, and how its tests are taken away.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SuiteProbe {
    /// Files that may hold tests (globs).
    pub files: Vec<String>,
    /// Those that hold none whatever is in them (globs).
    #[serde(default)]
    pub except: Vec<String>,
    /// What stands in a file that holds tests (a regular expression).
    pub holds: String,
    /// A failing test, appended to such a file; `@number@` in it differs by file. It says `dockwright_probe`, and where it
    /// can it prints `dockwright-probe-ran` to the container's own output, which no runner keeps back.
    pub failing: String,
    /// What keeps a runner from loading such a file, appended to it. Without it a compiler sees to that.
    pub broken: Option<String>,
    /// What makes a test (a regular expression) and what stands in its place in an empty suite. Without it, the file
    /// becomes `empty`.
    pub disable: Option<(String, String)>,
    /// What a file without tests says.
    #[serde(default)]
    pub empty: String,
    /// What the runners print where a test was run after all (regular expressions).
    #[serde(default)]
    pub ran: Vec<String>,
}
