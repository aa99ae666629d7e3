//! The closed schema of `templates/detect/`: what is looked for, and what follows from it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use regex::Regex;
use serde::{Deserialize, Deserializer};

use crate::stacks::Range;

/// How sure a claim is, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// What people of the framework or stack usually do.
    Usual,
    /// Source text says it.
    Found,
    /// A manifest says it.
    #[default]
    Declared,
    /// A lock says it.
    Locked,
    /// A file says it whose purpose this is.
    Stated,
    /// The user says it.
    Told,
}

/// A regular expression of the data, compiled when it is first asked. `^` and `$` are those of lines.
#[derive(Debug)]
pub(super) struct RulePattern {
    text: String,
    compiled: OnceLock<Regex>,
}

impl<'de> Deserialize<'de> for RulePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { text: String::deserialize(deserializer)?, compiled: OnceLock::new() })
    }
}

impl RulePattern {
    /// The expression; a test compiles each.
    pub(super) fn get(&self) -> &Regex {
        let compile = |text: &str| regex::RegexBuilder::new(text).multi_line(true).size_limit(4 << 20).build();
        self.compiled.get_or_init(|| compile(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.text)))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.get().is_match(text)
    }
}

/// What one file of `templates/detect/` says; what a stack's file lacks is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Book {
    /// The stack's name for people.
    pub(super) title: String,
    /// Which of two stacks is the service, where nothing else decides: the lower.
    pub(super) order: u32,
    /// Whether it counts only where the user names it.
    pub(super) asked: bool,
    /// What an open range of versions means.
    pub(super) range: Range,
    /// The versions that a range may mean, the lowest first.
    pub(super) versions: Vec<String>,
    /// Those of them that are no longer maintained.
    pub(super) ended: Vec<String>,
    /// Versions by the names that people give them.
    pub(super) codenames: BTreeMap<String, String>,
    /// Values of fields that are never right.
    pub(super) never: BTreeMap<String, RulePattern>,
    /// Where dependencies are listed.
    pub(super) deps: Vec<DependencyList>,
    /// How commands are read.
    pub(super) commands: CommandRules,
    /// What follows from what.
    pub(super) rules: Vec<Rule>,
}

/// What holds for every stack: `templates/detect/shared.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Shared {
    /// The fields in the order in which they are settled.
    pub(super) order: Vec<String>,
    /// Fields beside those of people's lists that may have several values.
    pub(super) several: Vec<String>,
    /// Names of folders that nobody wrote.
    pub(super) skip: Vec<String>,
    /// Paths that are no part of the service.
    pub(super) quiet: RulePattern,
    /// Which of several folders with a service is meant.
    pub(super) folders: Preference,
    /// Names of stages, services and files that are not for production.
    pub(super) passed_over: RulePattern,
    /// Values of fields that are never right.
    pub(super) never: BTreeMap<String, RulePattern>,
    /// Documents that rules name by their purpose.
    pub(super) documents: BTreeMap<String, Vec<String>>,
    /// How commands are read.
    pub(super) commands: CommandRules,
    /// Rules for every stack.
    pub(super) rules: Vec<Rule>,
    /// Rules for every stack that count where the stack's own say nothing surer.
    pub(super) late: Vec<Rule>,
}

/// What is preferred and what is avoided, by regular expressions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Preference {
    pub(super) prefer: Vec<RulePattern>,
    pub(super) avoid: Vec<RulePattern>,
}

/// Where a manifest lists dependencies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DependencyList {
    pub(super) file: String,
    pub(super) at: Option<String>,
    /// Whether the names are keys.
    #[serde(default)]
    pub(super) keys: bool,
    /// The name in the text.
    pub(super) re: Option<RulePattern>,
    #[serde(default)]
    pub(super) kind: DependencyKind,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DependencyKind {
    /// It runs in production.
    #[default]
    Main,
    /// It builds, tests or develops.
    Dev,
    /// Either.
    Any,
}

/// How a command is read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct CommandRules {
    /// What may stand before a command.
    pub(super) wrappers: Vec<RulePattern>,
    /// Parts of a chain that prepare a release.
    pub(super) release: Vec<RulePattern>,
    /// Parts of a chain that neither serve nor prepare a release.
    pub(super) setup: Vec<RulePattern>,
    /// Commands that only develop: they start no service of production.
    pub(super) dev: Vec<RulePattern>,
    /// Commands and what stands for them in production.
    pub(super) rewrite: Vec<Rewrite>,
    /// Commands that run what another file says.
    pub(super) expand: Vec<Expand>,
}

/// A command and what stands in its place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rewrite {
    pub(super) re: RulePattern,
    pub(super) to: String,
}

/// A command that runs what a file says at a path of keys, or in a line. Its named group `name` is `@name@` there, `dir` the folder, `rest` what is added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expand {
    pub(super) re: RulePattern,
    pub(super) file: String,
    pub(super) at: Option<String>,
    /// The line of a text, whose first group is the command; `@name@` in it is the name.
    pub(super) line: Option<String>,
}

/// What follows from what is seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The field.
    pub(super) says: String,
    /// What is looked for.
    pub(super) see: Probe,
    /// What must be there as well.
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) and: Vec<Probe>,
    /// What must not be there.
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) not: Vec<Probe>,
    /// The value, with placeholders; else what was captured.
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) band: Band,
    #[serde(rename = "as")]
    pub(super) reading: Option<ValueReading>,
    #[serde(default)]
    pub(super) prefer: Vec<RulePattern>,
    #[serde(default)]
    pub(super) avoid: Vec<RulePattern>,
}

/// How a captured text becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ValueReading {
    /// A command: chains are split, scripts followed.
    Command,
    /// A command whose program lies where an image has it.
    Program,
    /// A version, a range of versions or a name of one.
    Range,
    /// The same, and of a range none that is no longer maintained, if there is another.
    Maintained,
    /// A port.
    Port,
    /// A name of a service.
    Name,
    /// Text in lower case.
    Lower,
    /// A path of an address.
    Path,
}

/// What is looked for: one of `file`, `doc`, `dep`, `is`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Probe {
    /// Files (a glob, from the service's folder); `^` before it: here or in the nearest folder above; `^^`: in all of them;
    /// `../`: in the nearest folder above; `/`: from the repository's root;
    /// `+`: below, also what is no part of what runs, such as tests.
    pub(super) file: Option<String>,
    /// A document of `shared.toml` by its purpose.
    pub(super) doc: Option<String>,
    /// A path of keys in it.
    pub(super) at: Option<String>,
    /// Whether the keys there are meant, not the values.
    pub(super) keys: bool,
    /// What the text says.
    pub(super) re: Option<RulePattern>,
    /// The value names a file, from the service's folder.
    pub(super) exists: bool,
    /// In `and` and `not`: only in the file that `see` found.
    pub(super) here: bool,
    /// A dependency's name.
    pub(super) dep: Option<RulePattern>,
    pub(super) kind: DependencyKind,
    /// A field that is settled.
    pub(super) is: Option<String>,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Probe>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Probes {
        One(Box<Probe>),
        Many(Vec<Probe>),
    }
    Ok(match Probes::deserialize(deserializer)? {
        Probes::One(one) => vec![*one],
        Probes::Many(many) => many,
    })
}

impl Rule {
    /// All its probes.
    #[cfg(test)]
    pub(super) fn probes(&self) -> impl Iterator<Item = &Probe> {
        std::iter::once(&self.see).chain(&self.and).chain(&self.not)
    }
}

impl CommandRules {
    /// Every expression in it.
    #[cfg(test)]
    pub(super) fn patterns(&self) -> impl Iterator<Item = &RulePattern> {
        let lists = [&self.wrappers, &self.release, &self.setup, &self.dev];
        let rewrites = self.rewrite.iter().map(|one| &one.re).chain(self.expand.iter().map(|one| &one.re));
        lists.into_iter().flatten().chain(rewrites)
    }
}

/// The data of all stacks by name, in the order of their files.
pub(super) type Books = IndexMap<&'static str, Book>;
