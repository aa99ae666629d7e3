//! One name, one thing: a type that another file can see has a name of its own in the whole crate.

use std::collections::BTreeMap;

use regex::Regex;

use super::floors::sources;

#[test]
fn a_type_that_others_see_has_a_name_of_its_own() {
    let type_of = Regex::new(r"(?m)^pub(?:\([a-z: ]+\))? (?:struct|enum|trait|type|union) (\w+)").unwrap();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for found in type_of.captures_iter(&source.text) {
            files.entry(found[1].to_owned()).or_default().push(source.path.display().to_string());
        }
    }
    assert!(files.len() > 200, "the sources were not read: {} types", files.len());
    let twice: Vec<String> = files
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(twice.is_empty(), "docs/STYLE.md, \"Types\":\n{}", twice.join("\n"));
}
