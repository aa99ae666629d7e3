//! Yarn's lock, as both Yarn 1 and its successors write it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Production, add, follow};

#[derive(Debug, Default)]
struct Entry {
    version: Option<String>,
    /// Name, range, and whether it may be missing.
    needs: Vec<(String, String, bool)>,
    conditional: bool,
}

/// What the manifest's dependencies lead to.
pub(super) fn read(text: &str, manifest: &str) -> Result<Production, String> {
    let manifest: Json = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
    let (entries, by_key) = entries(text);
    if entries.is_empty() {
        return Err("it contains no package".to_owned());
    }
    // A name, and the range of it that is asked for.
    let mut open: Vec<((String, String), bool)> = Vec::new();
    for (list, always) in [("dependencies", true), ("optionalDependencies", false)] {
        let own = manifest[list].as_object().into_iter().flatten();
        open.extend(own.map(|(name, range)| ((name.clone(), range.as_str().unwrap_or_default().to_owned()), always)));
    }
    let mut found = Production::new();
    follow(open, |(name, range): &(String, String), always| {
        // A resolution puts another one in place of what was asked for.
        let exact = by_key.get(&format!("{name}@{range}")).copied();
        let of_name =
            || by_key.iter().filter(|(key, _)| name_of(key) == name.as_str()).map(|(_, index)| *index).collect();
        let indexes: Vec<usize> = exact.map_or_else(of_name, |index| vec![index]);
        let mut open = Vec::new();
        for entry in indexes.into_iter().map(|index| &entries[index]) {
            let always = always && !entry.conditional;
            add(&mut found, name.clone(), entry.version.clone(), always);
            open.extend(entry.needs.iter().map(|(name, range, may)| ((name.clone(), range.clone()), always && !may)));
        }
        open
    });
    Ok(found)
}

/// `@scope/name@range` → `@scope/name`.
fn name_of(key: &str) -> &str {
    key.get(1..).and_then(|rest| rest.find('@')).map_or(key, |at| &key[..=at])
}

/// The lock's entries, and which of them answers to `name@range`.
fn entries(text: &str) -> (Vec<Entry>, BTreeMap<String, usize>) {
    let (mut entries, mut by_key) = (Vec::<Entry>::new(), BTreeMap::new());
    let mut list = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if indent == 0 {
            let keys = line.trim_end_matches(':').split(", ").flat_map(|part| part.split(','));
            let keys = keys.map(|key| plain(key).replace("@npm:", "@"));
            by_key.extend(keys.filter(|key| key.rfind('@').is_some_and(|at| at > 0)).map(|key| (key, entries.len())));
            entries.push(Entry::default());
            list.clear();
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let (key, value) = pair(line);
        match (indent, key.as_str()) {
            (2, "version") => entry.version = Some(value),
            (2, "conditions") => entry.conditional = true,
            (2, _) => list = key,
            (4, _) if list == "dependencies" || list == "optionalDependencies" => {
                entry.needs.push((key, value.trim_start_matches("npm:").to_owned(), list != "dependencies"));
            }
            // `dependenciesMeta`: what may be missing.
            (6, "optional") if value == "true" => {
                let name = entry.needs.last_mut().filter(|_| list == "dependencies");
                if let Some(need) = name {
                    need.2 = true;
                }
            }
            _ => {}
        }
    }
    (entries, by_key)
}

/// `name "range"`, `"name": range`, `name:`.
fn pair(line: &str) -> (String, String) {
    let end = match line.strip_prefix('"') {
        Some(rest) => rest.find('"').map_or(line.len(), |end| end + 2),
        None => line.find([' ', ':']).unwrap_or(line.len()),
    };
    (plain(&line[..end]), plain(line[end..].trim_start_matches(':')))
}

fn plain(text: &str) -> String {
    text.trim().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    const MANIFEST: &str = r#"{"dependencies": {"@s/web": "^1.0.0"}, "devDependencies": {"tester": "^1"}}"#;

    #[test]
    fn what_the_manifest_leads_to_is_production() {
        let classic = "# yarn lockfile v1\n\n\n\"@s/web@^1.0.0\", \"@s/web@^1.1\":\n  version \"1.2.0\"\n  resolved \"x\"\n  dependencies:\n    base \">=2 <3\"\n  optionalDependencies:\n    fsevents \"^2\"\n\n\
                       base@\">=2 <3\":\n  version \"2.5.0\"\n\n\"base@>=2 <3\":\n  version \"2.5.0\"\n\nfsevents@^2:\n  version \"2.0.0\"\n\ntester@^1:\n  version \"1.0.0\"\n";
        let berry = "__metadata:\n  version: 8\n\n\"@s/web@npm:^1.0.0, @s/web@npm:^1.1\":\n  version: 1.2.0\n  resolution: \"x\"\n  dependencies:\n    base: \"npm:>=2 <3\"\n    fsevents: \"npm:^2\"\n  checksum: y\n\n\
                     \"base@npm:>=2 <3\":\n  version: 2.5.0\n\n\"fsevents@npm:^2\":\n  version: 2.0.0\n  conditions: os=darwin\n\n\"tester@npm:^1\":\n  version: 1.0.0\n";
        for lock in [classic, berry] {
            let found = read(lock, MANIFEST).unwrap();
            assert_eq!(names(&found), ["@s/web", "base", "fsevents?"], "{lock}");
            assert_eq!(found["base"].version.as_deref(), Some("2.5.0"));
        }
        assert!(read("", MANIFEST).is_err() && read(classic, "x").is_err());
    }
}
