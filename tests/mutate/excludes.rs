//! What the argument of each contract excludes (`excludes.toml`), held against the mutants that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dockwright::contract;
use serde::Deserialize;

use crate::operators::OPERATORS;

/// A way to break a promise that its contract's argument excludes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Excluded {
    /// The words of the argument by which it is excluded.
    of: String,
    way: String,
    /// The operators whose mutants show it.
    #[serde(default)]
    operators: Vec<String>,
    /// The mutants of `tests/mutants/` that show it.
    #[serde(default)]
    mutants: Vec<String>,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the mutants of `tests/mutants/` that break a contract.
fn by_hand(contract: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants").join(contract);
    let names = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let breaks = |name: &String| {
        let text = read(&format!("mutants/{contract}/{name}/mutant.toml"));
        toml::from_str::<toml::Table>(&text).unwrap().contains_key("expect")
    };
    names.filter(breaks).collect()
}

#[test]
fn each_way_that_an_argument_excludes_has_a_mutant_and_each_mutant_shows_one() {
    let ways: BTreeMap<String, Vec<Excluded>> = toml::from_str(&read("mutate/excludes.toml")).unwrap();
    let mut wrong = Vec::new();
    for name in ways.keys().filter(|name| contract::find(name).is_none()) {
        wrong.push(format!("{name} is no contract"));
    }
    for one in contract::ALL {
        let name = one.name;
        let Some(ways) = ways.get(name) else {
            wrong.push(format!("{name}: no way is excluded"));
            continue;
        };
        for sentence in one.therefore.split_inclusive(". ") {
            if !ways.iter().any(|way| sentence.contains(&way.of)) {
                wrong.push(format!("{name}: nothing is excluded by: {sentence}"));
            }
        }
        let of = OPERATORS.iter().filter(|one| one.breaks.as_deref() == Some(name) && one.limit.is_none());
        let operators: BTreeSet<String> = of.map(|operator| operator.name.clone()).collect();
        let mutants = by_hand(name);
        for way in ways {
            if !one.therefore.contains(&way.of) {
                wrong.push(format!("{name}: the argument does not say: {}", way.of));
            }
            if way.operators.is_empty() && way.mutants.is_empty() {
                wrong.push(format!("{name}: no mutant shows that {}", way.way));
            }
            let strange = |named: &[String], known: &BTreeSet<String>| {
                named.iter().filter(|one| !known.contains(*one)).cloned().collect::<Vec<_>>()
            };
            for other in [strange(&way.operators, &operators), strange(&way.mutants, &mutants)].concat() {
                wrong.push(format!("{name}: {other} does not break it"));
            }
        }
        let shown = |of: fn(&Excluded) -> &Vec<String>, one: &String| ways.iter().any(|way| of(way).contains(one));
        wrong.extend(
            operators
                .iter()
                .filter(|one| !shown(|way| &way.operators, one))
                .chain(mutants.iter().filter(|one| !shown(|way| &way.mutants, one)))
                .map(|one| format!("{name}: {one} shows no way that is excluded")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
