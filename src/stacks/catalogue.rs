//! The stacks that there are, and how one of them becomes a value: its layers are merged as TOML, then read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;

use super::document::Table;
use super::facts::{self, Facts};
use super::origin::OriginLayer;
use super::schema::{Library, Manager, Stack, TextPattern};
use super::version;
use crate::error::{Error, Result};

/// The shared table of dependencies that need Debian packages.
const LIBRARIES: &str = "libraries.toml";

/// A folder of stacks: `NAME/stack.toml`, `NAME/frameworks/NAME.toml`, `libraries.toml`.
#[derive(Debug)]
pub struct Folder {
    name: String,
    files: BTreeMap<String, Cow<'static, str>>,
}

/// The stacks of one folder or of several, of which a later one is merged over the earlier ones.
#[derive(Debug)]
pub struct Stacks(Vec<Folder>);

/// What a description may say of a stack.
#[derive(Debug, Default)]
pub struct Options {
    /// Its package managers, the default first.
    pub managers: Vec<String>,
    /// Those that only repositories have, for which there is no starter.
    pub more_managers: Vec<String>,
    /// Its frameworks.
    pub frameworks: Vec<String>,
    /// Service names that its tools cannot use (keywords, names of its standard library).
    pub reserved: Vec<String>,
    /// The dependencies that are known to need Debian packages, of all stacks.
    pub libraries: Vec<String>,
    /// The facts of repositories that its data knows.
    pub facts: Vec<String>,
    /// The services that another one may need.
    pub needs: Vec<String>,
}

/// A stack to resolve.
#[derive(Debug, Default)]
pub struct Choice<'a> {
    /// Its name.
    pub stack: &'a str,
    /// The package manager, if it is not the default.
    pub manager: Option<&'a str>,
    /// The framework, if there is one.
    pub framework: Option<&'a str>,
    /// The service's name, which `@name@` stands for.
    pub name: &'a str,
    /// Facts of the repository, where the code is its own and not the stack's starter.
    pub facts: Option<Facts>,
    /// What comes over all that: what the user says. No placeholder is replaced in it.
    pub over: Vec<Table>,
}

impl Folder {
    /// A folder that messages call `name`, by its files' paths (with `/`) and texts.
    pub fn new(name: &str, files: impl IntoIterator<Item = (String, Cow<'static, str>)>) -> Self {
        Self { name: name.to_owned(), files: files.into_iter().collect() }
    }
}

impl Stacks {
    /// The stacks of these folders, a later one over the earlier ones.
    #[must_use]
    pub fn new(folders: Vec<Folder>) -> Self {
        Self(folders)
    }

    /// Their names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let names =
            self.0.iter().flat_map(|folder| folder.files.keys()).filter_map(|path| path.strip_suffix("/stack.toml"));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a description may say of a stack.
    ///
    /// # Errors
    /// There is no such stack, or its data is broken.
    pub fn options(&self, stack: &str) -> Result<Options> {
        let default = self.resolve(&Choice { stack, ..Choice::default() })?;
        let others = default.managers.keys().filter(|name| **name != default.manager).cloned();
        let managers = std::iter::once(default.manager.clone()).chain(others).collect();
        let prefix = format!("{stack}/frameworks/");
        let paths = self.0.iter().flat_map(|folder| folder.files.keys());
        let frameworks = paths.filter_map(|path| path.strip_prefix(&prefix)?.strip_suffix(".toml"));
        let frameworks = frameworks.map(ToOwned::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
        let libraries = self.merged(LIBRARIES, &OriginLayer::Stack)?.keys().map(ToOwned::to_owned).collect();
        let adopted = self.merged(&format!("{stack}/adopted.toml"), &OriginLayer::Adopted)?.take_table("managers");
        let more_managers = adopted.unwrap_or_default().keys().map(ToOwned::to_owned).collect();
        let needs = super::needs().keys().cloned().collect();
        Ok(Options {
            managers,
            more_managers,
            frameworks,
            reserved: default.reserved,
            libraries,
            facts: self.facts(stack)?,
            needs,
        })
    }

    /// A stack with its manager and framework, and with what is said over them.
    ///
    /// # Errors
    /// There is no such stack, manager, framework, version or library; a layer is not TOML or does not follow the schema.
    /// With the line of the layer that is wrong.
    pub fn resolve(&self, choice: &Choice<'_>) -> Result<Stack> {
        let mut merged = self.merged(&format!("{}/stack.toml", choice.stack), &OriginLayer::Stack)?;
        if merged == Table::default() {
            return Err(Error::description(format!("there is no stack `{}`", choice.stack))
                .hint(format!("the stacks are {}", self.names().join(", "))));
        }
        let mut tables = merged.take_table("managers").unwrap_or_default();
        let mut adopted = self.merged(&format!("{}/adopted.toml", choice.stack), &OriginLayer::Adopted)?;
        let more = adopted.take_table("managers").filter(|_| choice.facts.is_some());
        tables.merge(more.unwrap_or_default());
        let manager = choice.manager.or(merged.text("default-manager")).unwrap_or_default().to_owned();
        let mut managers = BTreeMap::new();
        for name in tables.keys() {
            managers.insert(name.to_owned(), read::<Manager>(&extended(&tables, name)?)?);
        }
        merged.merge(extended(&tables, &manager)?);
        if let Some(framework) = choice.framework {
            let layer = OriginLayer::Framework(framework.to_owned());
            let table = self.merged(&format!("{}/frameworks/{framework}.toml", choice.stack), &layer)?;
            if table == Table::default() {
                return Err(Error::description(format!("the stack {} has no framework `{framework}`", choice.stack)));
            }
            merged.merge(table);
        }
        let names = match &choice.facts {
            Some(facts) => adopt(&mut merged, &adopted, facts)?,
            None => Vec::new(),
        };
        let version = version(&merged, &choice.over)?;
        let module = choice.name.replace('-', "_");
        let fill = |text: &str| text.replace("@name@", choice.name).replace("@module@", &module);
        match &version {
            Some(version) => merged.fill(&|text| fill(text).replace("@version@", version)),
            None => merged.fill(&fill),
        }
        if let Some(facts) = &choice.facts {
            merged.change(&|value| facts::fill(value, &names, facts));
        }
        choice.over.iter().for_each(|table| merged.merge(table.clone()));
        let mut stack: Stack = read(&merged)?;
        for (key, pattern) in stack.patterns() {
            let flaw = match pattern {
                TextPattern::Glob(text) => globset::Glob::new(text).err().map(|error| error.to_string()),
                TextPattern::Expression(text) => regex::Regex::new(text).err().map(|error| error.to_string()),
            };
            if let Some(flaw) = flaw {
                return Err(at(Error::description(format!("{key}: {flaw}")), &merged, key));
            }
        }
        stack.dependencies.drop_empty();
        (stack.manager, stack.managers, stack.version) = (manager, managers, version);
        stack.native = self.native(&stack.libraries, &merged)?;
        stack.origins = merged;
        Ok(stack)
    }

    /// The facts that the stack's data knows of repositories.
    ///
    /// # Errors
    /// As [`Stacks::resolve`].
    pub fn facts(&self, stack: &str) -> Result<Vec<String>> {
        Ok(facts::named(&self.merged(&format!("{stack}/adopted.toml"), &OriginLayer::Adopted)?))
    }

    /// A file of all folders, merged; empty where there is none.
    fn merged(&self, path: &str, layer: &OriginLayer) -> Result<Table> {
        let mut merged = Table::default();
        for folder in &self.0 {
            if let Some(text) = folder.files.get(path) {
                merged.merge(Table::parse(text, layer, &format!("{}/{path}", folder.name))?);
            }
        }
        Ok(merged)
    }

    /// The packages that the named libraries need, each once.
    fn native(&self, names: &[String], merged: &Table) -> Result<Library> {
        let mut sum = Library::default();
        if names.is_empty() {
            return Ok(sum);
        }
        let known: BTreeMap<String, Library> = read(&self.merged(LIBRARIES, &OriginLayer::Stack)?)?;
        for name in names {
            let library = known.get(name).ok_or_else(|| {
                let error = Error::description(format!("`{name}` is not among the libraries whose packages are known"))
                    .hint("name its Debian packages in `packages` of [roles.build] and [roles.service] instead");
                at(error, merged, "libraries")
            })?;
            for (all, more) in [(&mut sum.build, &library.build), (&mut sum.runtime, &library.runtime)] {
                let new: Vec<String> = more.iter().filter(|package| !all.contains(package)).cloned().collect();
                all.extend(new);
            }
        }
        Ok(sum)
    }
}

/// Puts what is so of a repository's own code over a stack; the names of its facts.
fn adopt(merged: &mut Table, layer: &Table, facts: &Facts) -> Result<Vec<String>> {
    let names = facts::named(layer);
    let chosen = facts::chosen(layer.clone(), facts).map_err(|(variant, why)| {
        at(Error::description(format!("the variant {variant}: {why}")), layer, &format!("variants.{variant}"))
    })?;
    merged.merge(chosen);
    Ok(names)
}

/// A manager's table over those that it extends.
fn extended(managers: &Table, name: &str) -> Result<Table> {
    let mut chain: Vec<(String, Table)> = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next {
        let place = chain.last().map_or(String::new(), |(by, _)| format!("{by}.extends"));
        if chain.iter().any(|(known, _)| *known == name) {
            return Err(at(
                Error::description(format!("the package manager `{name}` extends itself")),
                managers,
                &place,
            ));
        }
        let mut table = managers.clone().take_table(&name).ok_or_else(|| {
            let known = managers.keys().collect::<Vec<_>>().join(", ");
            let error = Error::description(format!("there is no package manager `{name}`"));
            at(error.hint(format!("there are {known}")), managers, &place)
        })?;
        table.relabel(&OriginLayer::Manager(name.clone()));
        next = table.take_text("extends");
        chain.push((name, table));
    }
    let mut merged = Table::default();
    chain.into_iter().rev().for_each(|(_, table)| merged.merge(table));
    Ok(merged)
}

/// The version that `@version@` stands for.
fn version(merged: &Table, over: &[Table]) -> Result<Option<String>> {
    let said = over.iter().rev().chain([merged]).find(|table| table.text("version").is_some());
    let Some((table, wanted)) = said.and_then(|table| Some((table, table.text("version")?))) else { return Ok(None) };
    let versions = merged.texts("versions");
    let range = merged.text("range").map_or(Ok(version::Range::default()), |text| {
        version::Range::deserialize(toml::Value::from(text))
            .map_err(|error| at(Error::description(error.message().to_owned()), merged, "range"))
    })?;
    let chosen = version::choose(wanted, &versions, range);
    chosen.map(Some).map_err(|why| at(Error::description(why), table, "version"))
}

/// A merged table as a value; an error points at the layer that says what is wrong.
fn read<T: serde::de::DeserializeOwned>(table: &Table) -> Result<T> {
    serde_path_to_error::deserialize(toml::Value::Table(table.to_toml())).map_err(|error| {
        let path = error.path().to_string();
        at(Error::description(format!("{path}: {}", error.inner().message())), table, &path)
    })
}

fn at(error: Error, table: &Table, path: &str) -> Error {
    match table.origin(path) {
        Some(origin) => error.at(origin.location()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Text;
    use super::*;

    /// A whole stack, and over it what a case says.
    fn stacks(over: &str) -> Stacks {
        let base = include_str!("../../tests/cases/stacks/whole.toml");
        let folder = |name, text: String| Folder::new(name, [("s/stack.toml".to_owned(), Cow::Owned(text))]);
        let managers = "\n[managers]\na = { env = { A = '1' }, lock = { files = ['a.lock'], format = 'npm' } }\n";
        let base = format!("default-manager = 'a'\n{base}{managers}");
        Stacks::new(vec![folder("base", base), folder("team", over.to_owned())])
    }

    fn resolve(stacks: &Stacks, manager: Option<&str>) -> Result<Stack> {
        stacks.resolve(&Choice { stack: "s", manager, name: "order-items", ..Choice::default() })
    }

    #[test]
    fn a_manager_is_merged_over_those_that_it_extends() {
        let stacks =
            stacks("[managers.b]\nextends = 'a'\nenv.B = '@module@'\n[managers.c]\nextends = 'b'\nenv.A = '3'\n");
        let stack = resolve(&stacks, Some("c")).unwrap();
        let written = |text: &str| Text::Written(text.to_owned());
        assert_eq!(
            stack.env.into_iter().collect::<Vec<_>>(),
            [("A".into(), written("3")), ("B".into(), written("order_items"))]
        );
        assert_eq!((stack.manager.as_str(), stack.lock.unwrap().files), ("c", vec!["a.lock".to_owned()]));
        assert_eq!(stack.origins.origin("env.B").unwrap().to_string(), "manager b (team/s/stack.toml:3)");
        assert_eq!(stacks.options("s").unwrap().managers, ["a", "b", "c"]);
        assert!(resolve(&stacks, None).unwrap().env.contains_key("A"));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (over, place, message) in [
            ("x = 1\n", "team/s/stack.toml:1", "unknown field `x`"),
            ("[dev]\npackages = []\ncomand = ['x']\n", "team/s/stack.toml:3", "dev.comand: unknown field `comand`"),
            ("\nport = 'x'\n", "team/s/stack.toml:2", "port: invalid type"),
            ("[managers.a]\nlock.format = 'x'\n", "team/s/stack.toml:2", "unknown variant `x`"),
            ("version = '9'\n", "team/s/stack.toml:1", "version 9 has no image"),
            ("range = 'x'\n", "team/s/stack.toml:1", "unknown variant `x`"),
            ("libraries = ['nothing']\n", "team/s/stack.toml:1", "`nothing` is not among the libraries"),
            ("manifests = ['a{']\n", "team/s/stack.toml:1", "manifests: "),
            ("[suite]\nholds = '('\n", "team/s/stack.toml:2", "suite.holds: "),
            ("a = \n", "team/s/stack.toml:1", ""),
            ("[managers.a]\nextends = 'a'\n", "team/s/stack.toml:2", "extends itself"),
            ("[managers.a]\nextends = 'z'\n", "team/s/stack.toml:2", "there is no package manager `z`"),
            ("shape = 'runtime-binary'\n", "team/s/stack.toml:1", "unknown variant `runtime-binary`"),
        ] {
            let error = resolve(&stacks(over), None).unwrap_err();
            let found = error.location().map(|at| format!("{}:{}", at.file.display(), at.line.unwrap_or(0)));
            assert_eq!(found.unwrap_or_default(), place, "{over}: {error}");
            assert!(error.message().contains(message), "{over}: {error}");
        }
        let error = stacks("").resolve(&Choice { stack: "t", ..Choice::default() }).unwrap_err();
        assert_eq!(error.message(), "there is no stack `t`");
        let error = resolve(&stacks(""), Some("z")).unwrap_err();
        assert_eq!((error.message(), &error.hints()[0][..]), ("there is no package manager `z`", "there are a"));
    }
}
