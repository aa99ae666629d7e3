//! pnpm's lock.

use serde_json::Value as Json;

use super::{Production, add, follow, yaml};

/// What the project's own dependencies lead to; of older locks, what is not marked `dev`.
pub(super) fn read(text: &str) -> Result<Production, String> {
    let lock = yaml(text)?;
    let packages = lock["packages"].as_object().ok_or("it contains no package")?;
    let is_conditional = |key: &str| {
        let package = packages.get(key).or_else(|| packages.get(&format!("/{key}")));
        package.is_some_and(|package| ["os", "cpu", "libc", "optional"].iter().any(|field| !package[*field].is_null()))
    };
    let mut found = Production::new();
    let Some(snapshots) = lock["snapshots"].as_object() else {
        for (key, _) in packages.iter().filter(|(_, package)| package["dev"] != true) {
            let key = key.trim_start_matches('/');
            let (name, version) = parts(key);
            add(&mut found, name.to_owned(), Some(version.to_owned()), !is_conditional(key));
        }
        return Ok(found);
    };
    let own = edges(&lock["importers"]["."], |value| value["version"].as_str());
    follow(own, |(name, version): &(String, String), always| {
        let alias = format!("{name}@{version}");
        // Under another name than its own it is named in full.
        let key = if snapshots.contains_key(&alias) { &alias } else { version };
        let Some(snapshot) = snapshots.get(key) else { return Vec::new() };
        let bare = key.split('(').next().unwrap_or(key);
        let always = always && !is_conditional(bare);
        add(&mut found, name.clone(), Some(parts(bare).1.to_owned()), always);
        edges(snapshot, Json::as_str).into_iter().map(|(edge, own)| (edge, own && always)).collect()
    });
    Ok(found)
}

/// The dependencies of a package that run in production: name and version, and whether they may not be missing.
fn edges(package: &Json, version: impl Fn(&Json) -> Option<&str>) -> Vec<((String, String), bool)> {
    let lists = [("dependencies", true), ("optionalDependencies", false)];
    let all = lists.into_iter().flat_map(|(list, always)| {
        package[list].as_object().into_iter().flatten().map(move |(name, value)| (name, value, always))
    });
    all.filter_map(|(name, value, always)| Some(((name.clone(), version(value)?.to_owned()), always))).collect()
}

/// Name and version of `@scope/name@1.0.0(peer@2)`, or of `name/1.0.0_peer`.
fn parts(key: &str) -> (&str, &str) {
    let bare = key.split('(').next().unwrap_or(key);
    let is_numbered = |at: &usize| bare[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let mut marks = bare.match_indices(['@', '/']).map(|(at, _)| at).filter(|at| *at > 0);
    let (name, version) = marks.find(is_numbered).map_or((bare, ""), |at| (&bare[..at], &bare[at + 1..]));
    (name, version.split('_').next().unwrap_or(version))
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn what_the_project_depends_on_is_production() {
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@s/web':\n        specifier: ^1\n        version: 1.2.0(peer@3.0.0)\n      short:\n        specifier: npm:long@4\n        version: long@4.0.0\n    devDependencies:\n      tester:\n        specifier: ^1\n        version: 1.0.0\n\n\
                    packages:\n\n  '@s/web@1.2.0':\n    resolution: {integrity: x}\n    peerDependencies:\n      peer: '3'\n\n  fsevents@2.0.0:\n    os: [darwin]\n\n\
                    snapshots:\n\n  '@s/web@1.2.0(peer@3.0.0)':\n    dependencies:\n      peer: 3.0.0\n    optionalDependencies:\n      fsevents: 2.0.0\n\n  fsevents@2.0.0:\n    optional: true\n\n  long@4.0.0: {}\n\n  peer@3.0.0: {}\n\n  tester@1.0.0: {}\n";
        let found = read(lock).unwrap();
        assert_eq!(names(&found), ["@s/web", "fsevents?", "peer", "short"]);
        assert_eq!(found["@s/web"].version.as_deref(), Some("1.2.0"));
    }

    #[test]
    fn older_locks_mark_what_is_not() {
        for lock in [
            "lockfileVersion: '6.0'\n\npackages:\n\n  /@s/web@1.2.0(peer@3.0.0):\n    resolution: {integrity: x}\n    dev: false\n\n  /tester@1.0.0:\n    dev: true\n",
            "lockfileVersion: 5.4\n\npackages:\n\n  /@s/web/1.2.0_peer@3.0.0:\n    dev: false\n\n  /tester/1.0.0:\n    dev: true\n",
        ] {
            let found = read(lock).unwrap();
            assert_eq!(names(&found), ["@s/web"], "{lock}");
            assert_eq!(found["@s/web"].version.as_deref(), Some("1.2.0"), "{lock}");
        }
        assert!(read("").is_err());
    }
}
