//! Bun's lock as text (<https://bun.sh/docs/pm/lockfile>): JSON with trailing commas.

use serde_json::Value as Json;

use super::{Production, add, follow, yaml};

/// What the project's own dependencies lead to.
pub(super) fn read(text: &str) -> Result<Production, String> {
    let lock = yaml(text)?;
    let packages = lock["packages"].as_object().ok_or("it contains no package")?;
    let mut found = Production::new();
    let own = edges(&lock["workspaces"][""]).map(|(name, always)| ((String::new(), name), always)).collect();
    follow(own, |(of, name): &(String, String), always| {
        // The nearest package of that name, upwards from the one that needs it.
        let mut above = Some(of.as_str());
        let mut keys = std::iter::from_fn(|| {
            let here = above?;
            above = (!here.is_empty()).then(|| parent(here));
            Some(if here.is_empty() { name.clone() } else { format!("{here}/{name}") })
        });
        let Some((key, package)) = keys.find_map(|key| packages.get(&key).map(|one| (key, one))) else {
            return Vec::new();
        };
        // `name@version`, the registry, what it needs, and a hash; of a package of the workspace the first alone.
        let version = package[0].as_str().and_then(|id| id.rsplit_once('@')).map(|(_, version)| version.to_owned());
        let needs = package.as_array().into_iter().flatten().find(|part| part.is_object()).unwrap_or(&Json::Null);
        let always = always && ["os", "cpu", "libc"].iter().all(|field| needs[*field].is_null());
        if version.as_deref().is_some_and(|version| version.starts_with("workspace:")) {
            let member = version.as_deref().unwrap_or_default().trim_start_matches("workspace:");
            return edges(&lock["workspaces"][member])
                .map(|(edge, own)| ((key.clone(), edge), own && always))
                .collect();
        }
        add(&mut found, name.clone(), version, always);
        edges(needs).map(|(edge, own)| ((key.clone(), edge), own && always)).collect()
    });
    Ok(found)
}

/// What a package needs in production, and whether it may not be missing. A peer may be one that only development brings.
fn edges(package: &Json) -> impl Iterator<Item = (String, bool)> + '_ {
    let lists = [("dependencies", true), ("optionalDependencies", false), ("peerDependencies", false)];
    lists.into_iter().flat_map(|(list, always)| {
        package[list].as_object().into_iter().flat_map(|table| table.keys()).map(move |name| (name.clone(), always))
    })
}

/// The key of the package around the last of a key: `a/@s/b` → `a`.
fn parent(key: &str) -> &str {
    let (above, _) = key.rsplit_once('/').unwrap_or_default();
    match above.rsplit_once('/') {
        Some((further, scope)) if scope.starts_with('@') => further,
        None if above.starts_with('@') => "",
        _ => above,
    }
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn what_production_leads_to_is_found_by_the_nearest_name() {
        let lock = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "api",
      "dependencies": { "@s/web": "^1", "deep": "1", "own": "workspace:*", },
      "devDependencies": { "tester": "^1", },
      "optionalDependencies": { "fsevents": "2", },
    },
    "packages/own": { "name": "own", "dependencies": { "of-own": "1" }, "devDependencies": { "of-tests": "1" } },
  },
  "packages": {
    "@s/web": ["@s/web@1.2.0", "", { "dependencies": { "base": "2" }, "peerDependencies": { "tester": "*" } }, "sha512-x"],
    "base": ["base@1.0.0", "", {}, "sha512-x"],
    "@s/web/base": ["base@2.0.0", "", { "dependencies": { "@s/leaf": "1" } }, "sha512-x"],
    "@s/leaf": ["@s/leaf@1.0.0", "", { "os": "linux" }, "sha512-x"],
    "deep": ["deep@git+ssh://example.org/deep#abc", { "dependencies": { "base": "1" } }, "abc"],
    "fsevents": ["fsevents@2.0.0", "", { "os": "darwin" }, "sha512-x"],
    "of-own": ["of-own@1.0.0", "", {}, "sha512-x"],
    "of-tests": ["of-tests@1.0.0", "", {}, "sha512-x"],
    "other": ["other@1.0.0", "", {}, "sha512-x"],
    "own": ["own@workspace:packages/own"],
    "tester": ["tester@1.0.0", "", { "dependencies": { "other": "1" } }, "sha512-x"],
  }
}"#;
        let found = read(lock).unwrap();
        assert_eq!(names(&found), ["@s/leaf?", "@s/web", "base", "deep", "fsevents?", "of-own", "other?", "tester?"]);
        assert_eq!((found["base"].version.as_deref(), found["@s/web"].version.as_deref()), (None, Some("1.2.0")));
        assert!(read("{}").is_err() && read("{").is_err());
        assert_eq!([parent("a/@s/b"), parent("@s/b"), parent("a/b"), parent("a")], ["a", "", "a", ""]);
    }
}
