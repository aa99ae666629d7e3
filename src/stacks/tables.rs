//! The tables of `templates/ecosystem/`: `system.toml` explains each.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Why a program does not belong in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolKind {
    /// It makes programs out of source.
    Toolchain,
    /// It keeps versions of source.
    VersionControl,
    /// It looks into running programs.
    Debugger,
    /// It changes source.
    Editor,
    /// It judges source, or runs its tests.
    Checker,
}

/// What a package manager is called and what it leaves.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PackageManager {
    /// What a command calls it.
    pub programs: Vec<String>,
    /// Parts of the paths of what it keeps for the next time.
    pub caches: Vec<String>,
    /// What makes it install; only for those of distributions.
    pub installs: Vec<String>,
    /// The files in which it says what is installed; only for those of distributions.
    pub databases: Vec<String>,
}

impl PackageManager {
    /// Whether a path lies in a cache of it.
    #[must_use]
    pub fn caches_at(&self, path: &str) -> bool {
        self.caches.iter().any(|folder| path.contains(folder.as_str()))
    }
}

/// Folders, by their names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Folders {
    /// Where package managers install.
    pub packages: Vec<String>,
    /// The same, where a project may keep them with its source.
    pub vendored: Vec<String>,
    /// A whole environment for one project.
    pub environments: Vec<String>,
    /// What builds make beside the source.
    pub outputs: Vec<String>,
    /// What interpreters leave beside the source.
    pub bytecode: Vec<String>,
    /// Version control.
    pub history: Vec<String>,
}

impl Folders {
    /// Whether a folder of this name holds no source of the project's: tools fill it.
    #[must_use]
    pub fn is_no_source(&self, name: &str) -> bool {
        let Self { packages, environments, outputs, bytecode, history, .. } = self;
        [packages, environments, outputs, bytecode, history].iter().any(|names| names.iter().any(|own| own == name))
    }
}

/// Endings of files.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Endings {
    /// Source that runs as it is and serves to start or to glue.
    pub scripts: Vec<String>,
    /// Source that runs as it is.
    pub source: Vec<String>,
    /// Source that some interpreters run and most services compile first.
    pub transpiled: Vec<String>,
    /// Source that never runs as it is.
    pub compiled: Vec<String>,
    /// Code that was made from source and runs.
    pub built: Vec<String>,
    /// What compilers leave beside what they make.
    pub intermediate: Vec<String>,
}

/// What says that a file is a test's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Tests {
    /// A folder above it.
    pub folders: Vec<String>,
    /// Its whole name.
    pub files: Vec<String>,
    /// How its name ends before the ending.
    pub stems: Vec<String>,
    /// How runners sum up, by their names.
    pub summaries: BTreeMap<String, TestSummary>,
}

/// How a test runner says how many tests it skipped: regular expressions of lines, whose first group is a number. What several
/// lines say is added up; a line without such a group is one test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestSummary {
    /// The tests that it skipped.
    pub skipped: String,
    /// The tests that it ran.
    pub ran: Option<String>,
    /// Those and the skipped ones together, where no line says how many it ran.
    pub total: Option<String>,
    /// A line without which the others are not this runner's.
    pub beside: Option<String>,
}

/// Files that lock dependencies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Locks {
    /// Parts of their names.
    pub names: Vec<String>,
    /// Parts of the names of groups and files of dependencies that are for development.
    #[serde(default)]
    pub development: Vec<String>,
}

/// What runs code.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Runtimes {
    /// How names of libraries begin that are a runtime by themselves, and what they are of.
    pub libraries: BTreeMap<String, String>,
    /// Programs that run what most services transpile.
    pub run_source: Vec<String>,
    /// Variables that list folders in which code is looked for.
    pub search: Vec<String>,
    /// Variables that hold options of a runtime.
    #[serde(default)]
    pub options: Vec<String>,
    /// Options that name code to load.
    #[serde(default)]
    pub loads: Vec<String>,
    /// Command lines (regular expressions) whose program looks for code in the working directory first.
    #[serde(default)]
    pub here: Vec<String>,
    /// Variables that keep it from that.
    #[serde(default)]
    pub not_here: Vec<String>,
    /// Programs (a regular expression of the whole name) whose first argument names what they run, whatever its ending.
    #[serde(default)]
    pub scripts: BTreeMap<String, ScriptOptions>,
}

/// Options of a program whose first argument names what it runs, each a regular expression of the whole word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScriptOptions {
    /// Those that stand for that argument.
    pub instead: String,
    /// Those whose value is the next word.
    pub valued: String,
}

/// What is in a cache although nothing is kept there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Caches {
    /// Files that managers need, or leave, where nothing is kept.
    pub empty: Vec<String>,
    /// Parts of the paths of what is only under way.
    pub partial: Vec<String>,
}

/// Header files, which only compilers read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Headers {
    /// Where they are.
    pub folders: Vec<String>,
    /// How they end.
    pub endings: Vec<String>,
    /// Beginnings of folders below those that hold others.
    pub except: Vec<String>,
    /// Parts of the names of packages that bring them.
    pub packages: Vec<String>,
}

/// Words of images' tags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Tags {
    /// They follow what is published.
    pub moving: Vec<String>,
    /// They say which flavour is meant.
    pub variants: Vec<String>,
    /// Releases of distributions.
    pub releases: Vec<String>,
    /// Names of images whose tags begin with the version of a program.
    pub programs: Vec<String>,
}

/// Words of a RUN.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RunWords {
    /// It takes in the time, chance or its host.
    pub chance: Vec<String>,
    /// It asks for the host's name.
    pub host: Vec<String>,
    /// It says something that depends on where it runs.
    pub environment: Vec<String>,
}

/// What tools print, in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Says {
    /// Nothing was reached.
    pub network: Vec<String>,
    /// A registry does not have an image.
    pub absent: Vec<String>,
    /// A registry refuses who asks.
    pub denied: Vec<String>,
    /// Something is wrong.
    pub wrong: Vec<String>,
    /// A remark, after which a tool goes on.
    pub remark: Vec<String>,
    /// It was for the lock.
    pub locked: Vec<String>,
    /// There is no test.
    pub no_test: Vec<String>,
}

/// Programs that are processes of a container, but not its service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Processes {
    /// The first process, if it only passes signals on and reaps.
    pub init: Vec<String>,
    /// Shells, which may only start others.
    pub shells: Vec<String>,
}

/// Files that no image may contain.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Seeds {
    /// Environment files.
    pub environment: Vec<String>,
    /// Secrets.
    pub secret: Vec<String>,
    /// Version control's folder, and a file in it.
    pub history: Option<(String, String)>,
}

impl Endings {
    /// Whether a file with this ending is what somebody wrote in the language, scripts that only glue aside.
    #[must_use]
    pub fn is_source(&self, ending: &str) -> bool {
        [&self.source, &self.transpiled, &self.compiled].into_iter().flatten().any(|own| own == ending)
    }
}

impl Says {
    /// Whether a line contains one of some words, in upper or lower case.
    #[must_use]
    pub fn any(words: &[String], line: &str) -> bool {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word.as_str()))
    }
}
