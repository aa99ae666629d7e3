//! The locks of Poetry and of PDM: a list of packages, most of which say for which groups they are there.

use std::collections::BTreeMap;

use super::{Production, add, follow, normal};

/// The groups of what runs in production, as either calls it.
const PRODUCTION: [&str; 2] = ["main", "default"];

/// What is in the group of production; where an older lock names no groups, what the manifest depends on.
pub(super) fn read(text: &str, manifest: impl FnOnce() -> Result<String, String>) -> Result<Production, String> {
    let lock: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let packages: Vec<&toml::Table> = match lock.get("package").and_then(toml::Value::as_array) {
        Some(packages) => packages.iter().filter_map(toml::Value::as_table).collect(),
        None => return Err("it contains no package".to_owned()),
    };
    let groups = |package: &toml::Table| -> Vec<String> {
        let category = package.get("category").and_then(toml::Value::as_str).map(ToOwned::to_owned);
        let groups = package.get("groups").and_then(toml::Value::as_array).into_iter().flatten();
        groups.filter_map(|one| one.as_str().map(ToOwned::to_owned)).chain(category).collect()
    };
    let is_unconditional = |package: &toml::Table| {
        let optional = package.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
        !optional && !package.contains_key("markers") && !package.contains_key("marker")
    };
    let mut found = Production::new();
    let mut by_name: BTreeMap<String, Vec<&toml::Table>> = BTreeMap::new();
    for package in packages {
        let Some(name) = package.get("name").and_then(toml::Value::as_str).map(normal) else { continue };
        if groups(package).iter().any(|group| PRODUCTION.contains(&group.as_str())) {
            add(&mut found, name.clone(), version(package), is_unconditional(package));
        }
        by_name.entry(name).or_default().push(package);
    }
    if by_name.values().flatten().any(|package| !groups(package).is_empty()) {
        return Ok(found);
    }
    follow(declared(&manifest()?)?, |name: &String, always| {
        let mut open = Vec::new();
        for package in by_name.get(name).into_iter().flatten() {
            add(&mut found, name.clone(), version(package), always && is_unconditional(package));
            open.extend(edges(package.get("dependencies")).map(|(name, plain)| (name, always && plain)));
        }
        open
    });
    Ok(found)
}

fn version(package: &toml::Table) -> Option<String> {
    package.get("version").and_then(toml::Value::as_str).map(ToOwned::to_owned)
}

/// Dependencies of a table, each with whether it has no condition.
fn edges(table: Option<&toml::Value>) -> impl Iterator<Item = (String, bool)> {
    let table = table.and_then(toml::Value::as_table).into_iter().flatten();
    table.filter(|(name, _)| *name != "python").map(|(name, value)| (normal(name), value.is_str()))
}

/// What a manifest depends on.
fn declared(text: &str) -> Result<Vec<(String, bool)>, String> {
    let manifest: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let poetry = manifest.get("tool").and_then(|tool| tool.get("poetry")).and_then(|poetry| poetry.get("dependencies"));
    let listed =
        manifest.get("project").and_then(|project| project.get("dependencies")).and_then(toml::Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(toml::Value::as_str).map(|text| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(text.len());
        (normal(&text[..end]), !text.contains(';'))
    });
    Ok(edges(poetry).chain(listed).collect())
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    fn none() -> Result<String, String> {
        Err("pyproject.toml cannot be read".to_owned())
    }

    #[test]
    fn what_is_in_the_group_of_production_is_production() {
        for (one, other) in
            [("groups = [\"main\"]", "groups = [\"dev\"]"), ("category = \"main\"", "category = \"dev\"")]
        {
            let lock = format!(
                "[[package]]\nname = \"Web_x\"\nversion = \"1\"\n{one}\n[[package]]\nname = \"pytest\"\nversion = \"2\"\n{other}\n\
                 [[package]]\nname = \"win\"\nversion = \"3\"\n{one}\nmarkers = \"sys_platform == 'win32'\"\n"
            );
            assert_eq!(names(&read(&lock, none).unwrap()), ["web-x", "win?"], "{one}");
        }
    }

    #[test]
    fn without_groups_it_is_what_the_manifest_depends_on() {
        let lock = "[[package]]\nname = \"web\"\nversion = \"1\"\n[package.dependencies]\nBase = \">=2\"\nwin = { version = \"*\", markers = \"x\" }\n\
                    [[package]]\nname = \"base\"\nversion = \"2\"\n[[package]]\nname = \"win\"\nversion = \"3\"\n[[package]]\nname = \"pytest\"\nversion = \"4\"\n";
        let poetry = "[tool.poetry.dependencies]\npython = \"^3.11\"\nweb = \"^1\"\n";
        let project = "[project]\ndependencies = [\"web[fast]>=1\"]\n";
        for manifest in [poetry, project] {
            let found = read(lock, || Ok(manifest.to_owned())).unwrap();
            assert_eq!(names(&found), ["base", "web", "win?"], "{manifest}");
        }
        assert!(read(lock, none).is_err() && read("x = 1", none).is_err());
    }
}
