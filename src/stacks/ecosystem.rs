//! What is known of the world of packages and programs, whatever the stack: `templates/ecosystem/`, a file per language
//! and `system.toml`, which explains every table. A check sees all of them together, because an image may hold any.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::written::Written;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/ecosystem");

static ECOSYSTEM: LazyLock<Ecosystem> = LazyLock::new(|| {
    let files = FILES.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
    Ecosystem::read(files).expect("the files are in this binary, and a test reads them")
});

/// What is known of all ecosystems; read once.
#[must_use]
pub fn ecosystem() -> &'static Ecosystem {
    &ECOSYSTEM
}

/// The tables of `templates/ecosystem/`. A file has some of them; together they leave none empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Ecosystem {
    /// Programs that do not belong in production, with the packages that bring one under another name.
    pub tools: BTreeMap<ToolKind, BTreeMap<String, Vec<String>>>,
    /// Package managers, by name.
    pub managers: BTreeMap<String, PackageManager>,
    /// Folders, by their names.
    pub folders: Folders,
    /// Endings of files.
    pub endings: Endings,
    /// What says that a file is a test's.
    pub tests: Tests,
    /// Files that lock dependencies.
    pub locks: Locks,
    /// What runs code.
    pub runtimes: Runtimes,
    /// What is in caches of packages.
    pub caches: Caches,
    /// Header files.
    pub headers: Headers,
    /// Tags of images.
    pub images: Tags,
    /// Words of a RUN.
    pub commands: Commands,
    /// What tools print.
    pub says: Says,
    /// Programs that are processes of a container, but not its service.
    pub processes: Processes,
    /// Files that lie in many a project's folder and that no image may contain.
    pub seeds: Seeds,
    /// Secret files as users have them, and what stands before and after the secret.
    pub secrets: BTreeMap<String, (String, String)>,
    /// Files of lines `KEY=VALUE`, and how keys end whose values are secrets.
    pub tokens: BTreeMap<String, Vec<String>>,
    /// The sections of distributions' packages that are tools.
    pub sections: BTreeMap<String, ToolKind>,
    /// How secrets look that somebody wrote down.
    pub written: Written,
}

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
}

/// Files that lock dependencies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Locks {
    /// Parts of their names.
    pub names: Vec<String>,
}

/// What runs code.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Runtimes {
    /// How names of libraries begin that are a runtime by themselves, and what they are of.
    pub libraries: BTreeMap<String, String>,
    /// Programs that run what most services transpile.
    pub run_source: Vec<String>,
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
pub struct Commands {
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

/// A program that does not belong in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool<'a> {
    /// Why it does not.
    pub kind: ToolKind,
    /// Its name.
    pub program: &'a str,
    /// The packages that bring it under another name.
    pub packages: &'a [String],
}

impl<'a> Tool<'a> {
    /// What a command that installs it may call it.
    #[must_use]
    pub fn words(&self) -> Vec<&'a str> {
        [self.program].into_iter().chain(self.packages.iter().map(String::as_str)).collect()
    }
}

impl Ecosystem {
    /// Reads files, each a name and a text, as if they were one: tables are joined, lists put end to end.
    ///
    /// # Errors
    /// A text that is not TOML, a key that the schema lacks or has with another type, two values for one key.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut all = toml::Table::new();
        for (name, text) in files {
            let table = text.parse().map_err(|error| format!("{name}: {error}"))?;
            join(&mut all, table).map_err(|key| format!("{name}: {key} has a value already"))?;
        }
        all.try_into().map_err(|error| error.to_string())
    }

    /// The tool of this name.
    #[must_use]
    pub fn tool(&self, program: &str) -> Option<Tool<'_>> {
        self.tools.iter().find_map(|(kind, tools)| {
            let (program, packages) = tools.get_key_value(program)?;
            Some(Tool { kind: *kind, program, packages })
        })
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

/// Adds a table to another; the error is a key that cannot have both values.
fn join(all: &mut toml::Table, more: toml::Table) -> Result<(), String> {
    for (key, value) in more {
        match (all.get_mut(&key), value) {
            (None, value) => drop(all.insert(key, value)),
            (Some(toml::Value::Table(all)), toml::Value::Table(more)) => join(all, more)?,
            (Some(toml::Value::Array(all)), toml::Value::Array(more)) => all.extend(more),
            _ => return Err(key),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.files().map(|file| (file.path().to_str().unwrap(), file.contents_utf8().unwrap()))
    }

    #[test]
    fn each_file_fits_the_schema_and_so_do_all_together() {
        for file in files() {
            Ecosystem::read([file]).unwrap_or_else(|why| panic!("{}: {why}", file.0));
        }
        let all = Ecosystem::read(files()).unwrap();
        // No table stays empty by a slip of its name.
        let text = format!("{all:?}");
        assert_eq!(text.matches("[]").count(), may_be_empty(&all), "{text}");
        assert!(!text.contains("{}") && all.seeds.history.is_some());
    }

    /// Lists of nothing: tools that no package brings under another name, managers without caches, and those of languages, which
    /// have no database of the distribution.
    fn may_be_empty(all: &Ecosystem) -> usize {
        let tools = all.tools.values().flat_map(BTreeMap::values).filter(|packages| packages.is_empty());
        let managers = all.managers.values();
        let managers = managers
            .map(|one| [&one.caches, &one.installs, &one.databases].into_iter().filter(|list| list.is_empty()).count());
        tools.count() + managers.sum::<usize>()
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused_by_name() {
        for (text, says) in [
            ("[tool.editor]", "tool"),
            ("[tools.editors]", "editors"),
            ("[images]\nmoving = \"lts\"", "moving"),
            ("[images]\nmoving = [1]", "moving"),
            ("[images", "bad.toml"),
        ] {
            let why = Ecosystem::read([("bad.toml", text)]).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        let twice =
            [("a.toml", "[runtimes.libraries]\nlibx = \"X\""), ("b.toml", "[runtimes.libraries]\nlibx = \"Y\"")];
        assert_eq!(Ecosystem::read(twice).unwrap_err(), "b.toml: libx has a value already");
    }

    #[test]
    fn each_word_is_listed_once_and_as_it_is_compared() {
        let all = ecosystem();
        let lists: [(&str, &[String]); 20] = [
            ("packages", &all.folders.packages),
            ("environments", &all.folders.environments),
            ("bytecode", &all.folders.bytecode),
            ("history", &all.folders.history),
            ("scripts", &all.endings.scripts),
            ("source", &all.endings.source),
            ("transpiled", &all.endings.transpiled),
            ("compiled", &all.endings.compiled),
            ("built", &all.endings.built),
            ("intermediate", &all.endings.intermediate),
            ("stems", &all.tests.stems),
            ("locks", &all.locks.names),
            ("moving", &all.images.moving),
            ("variants", &all.images.variants),
            ("releases", &all.images.releases),
            ("programs", &all.images.programs),
            ("network", &all.says.network),
            ("locked", &all.says.locked),
            ("no-test", &all.says.no_test),
            ("init", &all.processes.init),
        ];
        for (name, list) in lists {
            for (index, word) in list.iter().enumerate() {
                assert!(!list[..index].contains(word), "{name} has {word} twice");
                let compared = name == "history" || *word == word.to_lowercase();
                assert!(compared, "{name}: {word} is compared with lower case");
            }
        }
        let programs: Vec<&String> = all.tools.values().flat_map(BTreeMap::keys).collect();
        for (index, program) in programs.iter().enumerate() {
            assert!(!programs[..index].contains(program), "{program} is two kinds of tool");
        }
        for manager in all.managers.values() {
            assert!(
                manager.caches.iter().all(|folder| folder.starts_with('/') && folder.ends_with('/')),
                "{manager:?}"
            );
        }
    }
}
