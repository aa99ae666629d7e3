//! What a project's own files list for development alone, by name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use toml::{Table, Value as Toml};

use super::{LockFormat, normal, text};

/// Dependencies that a file lists for development and not for production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevelopmentList {
    /// The file, relative to its folder.
    pub file: String,
    /// What shows one to be installed.
    pub format: LockFormat,
    /// At least one.
    pub names: BTreeSet<String>,
}

/// Those of a folder's manifests and requirement files. `words` are parts of the names of groups and files that are for
/// development. What cannot be read lists nothing.
#[must_use]
pub fn development(folder: &Path, words: &[String]) -> Vec<DevelopmentList> {
    let is_meant = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| words.iter().any(|word| word == part))
    };
    let mut found = Vec::new();
    let mut add = |file: &str, names: BTreeSet<String>, production: &BTreeSet<String>| {
        let names: BTreeSet<String> = names.difference(production).cloned().collect();
        if !names.is_empty() {
            let format = if file == "package.json" { LockFormat::Npm } else { LockFormat::Requirements };
            found.push(DevelopmentList { file: file.to_owned(), format, names });
        }
    };
    if let Some(manifest) = text(folder, "package.json").ok().and_then(|text| serde_json::from_str::<Json>(&text).ok())
    {
        let keys = |name: &str| manifest[name].as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
        add("package.json", keys("devDependencies"), &keys("dependencies"));
    }
    if let Some(pipfile) = table(folder, "Pipfile") {
        add("Pipfile", keys(pipfile.get("dev-packages")), &keys(pipfile.get("packages")));
    }
    if let Some(project) = table(folder, "pyproject.toml") {
        let (names, production) = of_pyproject(&project, &is_meant);
        add("pyproject.toml", names, &production);
    }
    let (own, others): (Vec<String>, Vec<String>) = requirement_files(folder).into_iter().partition(|file| {
        let (_, name) = file.rsplit_once('/').unwrap_or(("", file));
        is_meant(name)
    });
    let listed = |file: &String| text(folder, file).map(|text| requirements(&text)).unwrap_or_default();
    let production: BTreeSet<String> = others.iter().flat_map(listed).collect();
    for file in &own {
        add(file, listed(file), &production);
    }
    found
}

fn table(folder: &Path, file: &str) -> Option<Table> {
    text(folder, file).ok()?.parse().ok()
}

fn keys(value: Option<&Toml>) -> BTreeSet<String> {
    value.and_then(Toml::as_table).into_iter().flat_map(Table::keys).map(|name| normal(name)).collect()
}

/// The names of PEP 508 requirements, of an array.
fn specs(value: Option<&Toml>) -> BTreeSet<String> {
    value.and_then(Toml::as_array).into_iter().flatten().filter_map(Toml::as_str).filter_map(name).collect()
}

/// Groups by PEP 735, extras, and the groups of Poetry, PDM and uv from before it; production as PEP 621 and Poetry have it.
fn of_pyproject(project: &Table, is_meant: &dyn Fn(&str) -> bool) -> (BTreeSet<String>, BTreeSet<String>) {
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(project.get(*first)?, |value, part| value.get(part))
    };
    let groups = |path: &[&str]| {
        let groups = at(path).and_then(Toml::as_table).into_iter().flatten();
        groups.filter(|(name, _)| is_meant(name)).map(|(_, group)| group).collect::<Vec<_>>()
    };
    let mut found = specs(at(&["tool", "uv", "dev-dependencies"]));
    let lists =
        [&["dependency-groups"][..], &["project", "optional-dependencies"], &["tool", "pdm", "dev-dependencies"]];
    for group in lists.into_iter().flat_map(groups) {
        found.extend(specs(Some(group)));
    }
    for group in groups(&["tool", "poetry", "group"]) {
        found.extend(keys(group.get("dependencies")));
    }
    found.extend(keys(at(&["tool", "poetry", "dev-dependencies"])));
    let mut production = specs(at(&["project", "dependencies"]));
    production.extend(keys(at(&["tool", "poetry", "dependencies"])));
    (found, production)
}

/// The requirement files of a folder: `requirements-dev.txt`, `dev-requirements.in`, `requirements/dev.txt`.
fn requirement_files(folder: &Path) -> Vec<String> {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_list = |name: &String| matches!(name.rsplit_once('.'), Some((_, "txt" | "in")));
        let mut names: Vec<String> = names.filter(is_list).collect();
        names.sort();
        names
    };
    let here = names(folder).into_iter().filter(|name| name.contains("requirements"));
    here.chain(names(&folder.join("requirements")).into_iter().map(|name| format!("requirements/{name}"))).collect()
}

fn requirements(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(name).collect()
}

/// The name of a requirement; none of a comment, an option or a URL.
fn name(spec: &str) -> Option<String> {
    let spec = spec.trim();
    let end = spec.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(spec.len());
    let rest = &spec[end..];
    let is_name = spec.starts_with(|c: char| c.is_ascii_alphanumeric()) && !rest.starts_with([':', '/']);
    is_name.then(|| normal(&spec[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own folder")]
    fn what_is_for_development_is_listed_by_each_manager() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("package.json", r#"{"dependencies": {"a": "1"}, "devDependencies": {"a": "1", "typescript": "5"}}"#);
        write("Pipfile", "[packages]\nflask = '*'\n[dev-packages]\nPytest = '*'\n");
        write(
            "pyproject.toml",
            "[project]\nname = 'x'\ndependencies = ['httpx>=1']\n[project.optional-dependencies]\ndev = ['black']\ns3 = ['boto3']\n\
             [dependency-groups]\nunit-tests = ['pytest>=8', 'HTTPX', {include-group = 'x'}]\n\
             postgres = ['psycopg']\n[tool.poetry.group.dev.dependencies]\nruff = '*'\n",
        );
        write("requirements.txt", "flask==3\n");
        write("requirements-dev.txt", "-r requirements.txt\nflask\nPyTest-cov[x]>=5 # why\n./local\nhttps://x/y.whl\n");
        write("requirements/prod.txt", "gunicorn\n");
        write("requirements/test.in", "gunicorn\ntox ; python_version > '3'\n");
        let words = ["dev", "test", "tests"].map(ToOwned::to_owned);
        let found = development(folder.path(), &words);
        let found: Vec<(&str, Vec<&str>)> =
            found.iter().map(|one| (one.file.as_str(), one.names.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            found,
            [
                ("package.json", vec!["typescript"]),
                ("Pipfile", vec!["pytest"]),
                ("pyproject.toml", vec!["black", "pytest", "ruff"]),
                ("requirements-dev.txt", vec!["pytest-cov"]),
                ("requirements/test.in", vec!["tox"]),
            ]
        );
        assert!(development(&folder.path().join("none"), &words).is_empty());
    }
}
