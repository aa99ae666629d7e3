//! Mutants by rule: operators (`operators/*.toml`) applied to every site of every scaffold (`scaffolds.toml`) where they
//! fit. Each says which contract it breaks, or which ones pass though the project is unusual (a decoy).
//!
//! Without an engine it is tested what the operators make. With one, a mutant of each contract and a few decoys are verified,
//! by rotation, of those that a whole run has judged right (`tried`): `TURN` says which, and is printed. The whole run can
//! be interrupted and goes on where it was, as its results are in `target/mutate/results.jsonl`, by what the files and the
//! binary are:
//!
//!     MUTATE_ALL=1 cargo test --test mutate --locked -- --nocapture
//!
//! It writes docs/MUTATION.md and `tried`; `MUTATE_TABLE=1` does so, and verifies nothing. `MUTATE=root/,service.port` is
//! for those only whose operator, name or contract begins with one of these words, `MUTATE_MINUTES=9` begins no other after
//! that time, `MUTATE_AGAIN=1` also verifies what is in the results, `MUTATE_NEW=1` leaves out what was right by any build,
//! `MUTATE_LIST=1` lists names and verifies nothing, and `MUTATE_KEEP=FOLDER` leaves the projects there.
#![expect(clippy::disallowed_methods, reason = "tests write folders and print")]

mod excludes;
mod files;
mod operators;
mod run;
#[path = "../runner/mod.rs"]
mod runner;
mod sites;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;

use dockwright::contract;

use files::{Content, Files};
use operators::{Mutant, OPERATORS, SCAFFOLDS};
use runner::{has_engine, say, scaffold};

/// All mutants and decoys, in the order of operators, scaffolds and sites.
fn all() -> Vec<Mutant> {
    let temporary = tempfile::tempdir().unwrap();
    let read: Vec<Files> = SCAFFOLDS
        .iter()
        .map(|one| {
            if let Some(folder) = &one.adopted {
                return Files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate/adopted").join(folder));
            }
            let arguments: Vec<&str> = one.new.iter().map(String::as_str).collect();
            let folder = scaffold(&arguments, &temporary.path().join(&one.name)).unwrap_or_else(|why| panic!("{why}"));
            Files::read(&folder)
        })
        .collect();
    let mut mutants = Vec::new();
    for operator in OPERATORS.iter() {
        for (at, (scaffold, files)) in SCAFFOLDS.iter().zip(&read).enumerate() {
            mutants.extend(operator.apply(at, scaffold, files));
        }
    }
    mutants
}

/// What is wrong with the files that containers are made from, as their own parsers see them.
fn unparsable(mutant: &Mutant) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, content) in &mutant.files.0 {
        let Content::File { bytes, .. } = content else { continue };
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let result = match path.rsplit('/').next().unwrap_or(path) {
            name if sites::is_dockerfile(name) => {
                parse_dockerfile::parse(text).map(drop).map_err(|error| error.to_string())
            }
            name if name.contains("compose") && !name.contains(".md") => {
                serde_saphyr::from_str::<serde_json::Value>(text).map(drop).map_err(|error| error.to_string())
            }
            name if Path::new(name).extension().is_some_and(|ending| ending == "toml") => {
                toml::from_str::<toml::Table>(text).map(drop).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        };
        wrong.extend(result.err().map(|error| format!("{}: {path}: {error}", mutant.name)));
    }
    wrong
}

#[test]
fn operators_are_whole() {
    let mut names = BTreeSet::new();
    for operator in OPERATORS.iter() {
        let name = &operator.name;
        assert!(names.insert(name), "two operators are called {name}");
        assert!(operator.why.ends_with('.') && operator.why.len() > 20, "{name} does not say why");
        assert_ne!(operator.breaks.is_some(), !operator.passes.is_empty(), "{name} is neither a mutant nor a decoy");
        if let Some(limit) = &operator.limit {
            let named = operator
                .breaks
                .as_deref()
                .and_then(contract::find)
                .is_some_and(|one| one.assumes.contains(&limit.as_str()));
            assert!(named, "{name}: its contract does not name this limit: {limit}");
        }
        for one in operator.breaks.iter().chain(&operator.passes) {
            assert!(contract::find(one).is_some(), "{name}: {one} is no contract");
        }
    }
}

#[test]
fn mutants_are_many_distinct_and_well_formed() {
    let mutants = all();
    let (mut seen, mut named, mut wrong) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    for mutant in &mutants {
        if !named.insert(&mutant.name) {
            wrong.push(format!("two are called {}", mutant.name));
        }
        if let Some(other) = seen.insert((&mutant.digest, &mutant.scaffold.name), &mutant.name) {
            wrong.push(format!("{} is {other}", mutant.name));
        }
        wrong.extend(unparsable(mutant));
    }
    for operator in OPERATORS.iter() {
        if !mutants.iter().any(|mutant| mutant.operator.name == operator.name) {
            wrong.push(format!("{} fits nowhere", operator.name));
        }
    }
    let is_mutant = |mutant: &&Mutant| mutant.operator.breaks.is_some() && mutant.is_counted();
    for one in contract::ALL.iter().map(|contract| contract.name) {
        let of = mutants.iter().filter(is_mutant).filter(|mutant| mutant.contract() == one).count();
        let passing = mutants.iter().filter(|mutant| mutant.operator.passes.iter().any(|name| name == one)).count();
        if of < 3 || passing < 1 {
            wrong.push(format!("{one} has {of} mutants and {passing} decoys"));
        }
    }
    let count = mutants.iter().filter(is_mutant).count();
    let decoys = mutants.iter().filter(|mutant| mutant.operator.breaks.is_none()).count();
    say(&format!("{} operators make {count} mutants and {decoys} decoys", OPERATORS.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 600 && decoys >= 200, "{count} mutants and {decoys} decoys");
}

#[test]
fn mutants_are_made_alike_each_time() {
    let digests = || all().into_iter().map(|mutant| (mutant.name, mutant.digest)).collect::<Vec<_>>();
    assert_eq!(digests(), digests());
}

#[test]
fn mutants_are_caught() {
    let mutants = all();
    if env::var_os("MUTATE_LIST").is_some() {
        for mutant in run::chosen(&mutants) {
            say(&format!("{} {} {}:{}", mutant.contract(), mutant.name, mutant.edited.0, mutant.edited.1.first));
        }
        return;
    }
    if env::var_os("MUTATE_TABLE").is_some() {
        table::write(&mutants);
        return;
    }
    if !has_engine() {
        return;
    }
    let wrong = if env::var_os("MUTATE_ALL").is_some() || env::var_os("MUTATE").is_some() {
        run::whole(&mutants)
    } else {
        run::sample(&mutants)
    };
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
