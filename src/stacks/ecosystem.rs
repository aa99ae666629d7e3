//! What is known of the world of packages and programs, whatever the stack: `templates/ecosystem/`, a file per language
//! and `system.toml`, which explains every table. A check sees all of them together, because an image may hold any.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::published::Published;
use super::tables::{
    Caches, Endings, Folders, Headers, Locks, PackageManager, Processes, RunWords, Runtimes, Says, Seeds, Tags, Tests,
    ToolKind,
};
use super::written::SecretForms;

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
    pub commands: RunWords,
    /// What tools print.
    pub says: Says,
    /// Programs that are processes of a container, but not its service.
    pub processes: Processes,
    /// Files that lie in many a project's folder and that no image may contain.
    pub seeds: Seeds,
    /// What bundlers publish.
    pub published: Published,
    /// Secret files as users have them, and what stands before and after the secret.
    pub secrets: BTreeMap<String, (String, String)>,
    /// Files of lines `KEY=VALUE`, and how keys end whose values are secrets.
    pub tokens: BTreeMap<String, Vec<String>>,
    /// The sections of distributions' packages that are tools.
    pub sections: BTreeMap<String, ToolKind>,
    /// How secrets look that somebody wrote down.
    pub written: SecretForms,
    /// What the files have apart: one language each.
    #[serde(skip)]
    pub languages: Vec<Language>,
}

/// What tells one language's files and programs from another's.
#[derive(Debug)]
pub struct Language {
    /// How its files end.
    pub endings: Endings,
    /// What makes something of them, or runs them: its toolchain and its package managers.
    pub programs: Vec<String>,
}

/// A program that does not belong in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EcosystemTool<'a> {
    /// Why it does not.
    pub kind: ToolKind,
    /// Its name.
    pub program: &'a str,
    /// The packages that bring it under another name.
    pub packages: &'a [String],
}

impl<'a> EcosystemTool<'a> {
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
        let mut languages = Vec::new();
        for (name, text) in files {
            let table: toml::Table = text.parse().map_err(|error| format!("{name}: {error}"))?;
            languages.push(Language::of(table.clone().try_into().map_err(|error| format!("{name}: {error}"))?));
            join(&mut all, table).map_err(|key| format!("{name}: {key} has a value already"))?;
        }
        let all: Self = all.try_into().map_err(|error| error.to_string())?;
        Ok(Self { languages, ..all })
    }

    /// The programs of the languages that a file with this ending is of; none where no language has it.
    #[must_use]
    pub fn programs_for(&self, ending: &str) -> Vec<String> {
        let languages = self.languages.iter().filter(|language| language.endings.is_source(ending));
        languages.flat_map(|language| language.programs.iter().cloned()).collect()
    }

    /// The tool of this name.
    #[must_use]
    pub fn tool(&self, program: &str) -> Option<EcosystemTool<'_>> {
        self.tools.iter().find_map(|(kind, tools)| {
            let (program, packages) = tools.get_key_value(program)?;
            Some(EcosystemTool { kind: *kind, program, packages })
        })
    }
}

impl Language {
    fn of(file: Ecosystem) -> Self {
        let toolchain = file.tools.get(&ToolKind::Toolchain).into_iter().flat_map(|tools| tools.keys().cloned());
        let managers = file.managers.values().flat_map(|manager| manager.programs.iter().cloned());
        Self { programs: toolchain.chain(managers).chain(file.images.programs).collect(), endings: file.endings }
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
        let text = format!("{:?}", Ecosystem { languages: Vec::new(), ..Ecosystem::read(files()).unwrap() });
        assert_eq!(text.matches("[]").count(), may_be_empty(&all) + 1, "{text}");
        assert!(!text.contains("{}") && all.seeds.history.is_some());
    }

    #[test]
    fn what_works_on_a_language_is_in_its_file() {
        let all = Ecosystem::read([
            (
                "a.toml",
                "[endings]\ncompiled = [\"aa\"]\n[tools.toolchain]\nac = []\n[managers.am]\nprograms = [\"am\"]",
            ),
            ("b.toml", "[endings]\ntranspiled = [\"bb\"]\n[images]\nprograms = [\"b\"]"),
        ])
        .unwrap();
        assert_eq!(
            (all.programs_for("aa"), all.programs_for("bb")),
            (vec!["ac".to_owned(), "am".to_owned()], vec!["b".to_owned()])
        );
        assert!(all.programs_for("cc").is_empty() && !ecosystem().programs_for("rs").is_empty());
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
        let lists: [(&str, &[String]); 24] = [
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
            ("absent", &all.says.absent),
            ("denied", &all.says.denied),
            ("remark", &all.says.remark),
            ("wrong", &all.says.wrong),
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
