//! uv's lock.

use std::collections::{BTreeMap, BTreeSet};

use super::{Production, add, follow, normal};

/// What the project's own package depends on, its groups aside.
pub(super) fn read(text: &str) -> Result<Production, String> {
    let lock: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("it contains no package")?;
    let word = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).map(ToOwned::to_owned);
    let is_own = |package: &&toml::Value| {
        package.get("source").is_some_and(|source| source.get("virtual").or(source.get("editable")).is_some())
    };
    let own: BTreeSet<String> = packages.iter().filter(is_own).filter_map(|package| word(package, "name")).collect();
    if own.is_empty() {
        return Err("it does not say which package is the project's".to_owned());
    }
    let mut by_name: BTreeMap<String, Vec<&toml::Value>> = BTreeMap::new();
    for package in packages {
        if let Some(name) = word(package, "name") {
            by_name.entry(name).or_default().push(package);
        }
    }
    let mut found = Production::new();
    // A name, and an extra of it.
    let open = own.iter().map(|name| ((name.clone(), None), true)).collect();
    follow(open, |(name, extra): &(String, Option<String>), always| {
        let mut open = Vec::new();
        for package in by_name.get(name).into_iter().flatten().copied() {
            if !own.contains(name) {
                add(&mut found, normal(name), word(package, "version"), always);
            }
            let list = match extra {
                None => package.get("dependencies"),
                Some(extra) => package.get("optional-dependencies").and_then(|groups| groups.get(extra)),
            };
            for edge in list.and_then(toml::Value::as_array).into_iter().flatten() {
                let Some(next) = word(edge, "name") else { continue };
                let always = always && edge.get("marker").is_none();
                let extras = edge.get("extra").and_then(toml::Value::as_array).into_iter().flatten();
                let extras = extras.filter_map(|extra| Some(extra.as_str()?.to_owned()));
                open.extend(extras.map(|extra| ((next.clone(), Some(extra)), always)));
                open.push(((next, None), always));
            }
        }
        open
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn what_the_project_depends_on_is_production() {
        let lock = r#"
            [[package]]
            name = "orders"
            version = "0.1.0"
            source = { virtual = "." }
            dependencies = [{ name = "web", extra = ["fast"] }, { name = "win", marker = "sys_platform == 'win32'" }]
            [package.dev-dependencies]
            test = [{ name = "pytest" }]
            [[package]]
            name = "web"
            version = "1"
            [package.optional-dependencies]
            fast = [{ name = "Loop_x" }]
            [[package]]
            name = "Loop_x"
            version = "2"
            [[package]]
            name = "win"
            version = "3"
            [[package]]
            name = "pytest"
            version = "4"
        "#;
        assert_eq!(names(&read(lock).unwrap()), ["loop-x", "web", "win?"]);
    }
}
