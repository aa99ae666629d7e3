//! The checks' own controls, as data: `tests/mutants/<contract>/<name>/mutant.toml` is a scaffold broken as a user
//! would break it, which fails that contract and no other; or a decoy, correct and unusual, which passes.
//!
//! Verifies all of them on the engine of `DOCKER_HOST`, the docker context or the known sockets, and prints the
//! score. Without an engine that part does nothing, but where `CI` is set it fails.
//! `MUTANTS=service.port,dev.reload/root` verifies only those whose name holds one of these texts, and not the scaffolds
//! as they come; `MUTANTS_EACH=1` one of each contract, its first mutant and its first decoy by turns, and no scaffold as it
//! comes, as CI does, whose time is short; `MUTANTS_WIDE=1` one at a time; `MUTANTS_TELL=1` prints what was found in each.
#![expect(clippy::disallowed_methods, reason = "tests write folders and print")]

mod runner;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use dockwright::contract;
use serde::Deserialize;
use serde_json::Value;

use runner::{Verified, has_engine, place, say, scaffold, side_by_side, told, turn_of_the_day, verify};

/// What `mutant.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Mutant {
    /// How a user comes to have it.
    why: String,
    /// The stack it is made from.
    #[serde(default = "python")]
    base: String,
    /// Arguments of `dockwright new`.
    #[serde(default)]
    new: Vec<String>,
    /// The contract that must fail; no other may.
    expect: Option<String>,
    /// What the failure says, to tell the right reason from another.
    says: Option<String>,
    /// The line that the failure points at.
    at: Option<At>,
    /// The contracts for which it is a decoy, the first that of its folder.
    #[serde(default)]
    decoy: Vec<String>,
    /// Contracts that cannot be observed on it.
    #[serde(default)]
    inconclusive: Vec<String>,
    /// Roles and contracts to verify: those that the edits can reach; all if left out.
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    edits: Vec<Edit>,
}

fn python() -> String {
    "python".into()
}

/// A file, and a text of the line meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct At {
    file: String,
    text: String,
}

/// One change: `find` and `replace`, `append`, `contents`, or `delete`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: Option<String>,
    find: Option<String>,
    replace: Option<String>,
    append: Option<String>,
    contents: Option<String>,
    delete: Option<String>,
}

struct Case {
    /// `contract/name`.
    name: String,
    contract: String,
    mutant: Mutant,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants");
    let mut cases = Vec::new();
    for contract in folders(&root) {
        for folder in folders(&root.join(&contract)) {
            let path = root.join(&contract).join(&folder).join("mutant.toml");
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mutant = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            cases.push(Case { name: format!("{contract}/{folder}"), contract: contract.clone(), mutant });
        }
    }
    cases
}

fn folders(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl Edit {
    /// Makes the change; the error says why it cannot be made.
    fn apply(&self, folder: &Path) -> Result<(), String> {
        let path = |name: &str| folder.join(name);
        match self {
            Edit { file: None, delete: Some(name), find: None, replace: None, append: None, contents: None } => {
                fs::remove_file(path(name)).map_err(|error| format!("{name} cannot be deleted: {error}"))
            }
            Edit { file: Some(name), contents: Some(text), find: None, replace: None, append: None, delete: None } => {
                let path = path(name);
                fs::create_dir_all(path.parent().unwrap()).and_then(|()| fs::write(&path, text)).map_err(told)
            }
            Edit { file: Some(name), append: Some(text), find: None, replace: None, contents: None, delete: None } => {
                let old = fs::read_to_string(path(name)).map_err(|error| format!("{name}: {error}"))?;
                fs::write(path(name), old + text).map_err(told)
            }
            Edit {
                file: Some(name),
                find: Some(find),
                replace: Some(new),
                append: None,
                contents: None,
                delete: None,
            } => {
                let old = fs::read_to_string(path(name)).map_err(|error| format!("{name}: {error}"))?;
                match old.matches(find.as_str()).count() {
                    1 => fs::write(path(name), old.replacen(find.as_str(), new, 1)).map_err(told),
                    count => Err(format!("{name} contains it {count} times, not once: {find:?}")),
                }
            }
            other => Err(format!("is not an edit: {other:?}")),
        }
    }
}

/// A scaffold of a stack with the edits made, in `into`.
fn edited(base: &str, new: &[String], edits: &[Edit], into: &Path) -> Result<PathBuf, String> {
    let mut arguments = vec!["--stack", base];
    arguments.extend(new.iter().map(String::as_str));
    let folder = scaffold(&arguments, into)?;
    edits.iter().try_for_each(|edit| edit.apply(&folder))?;
    Ok(folder)
}

/// What is not as a mutant or decoy must have it.
fn flaws(verified: &Verified, mutant: &Mutant, folder: &Path) -> Vec<String> {
    let expected = mutant.expect.as_deref();
    let mut flaws = verified.flaws(expected, &mutant.inconclusive);
    if let Some(finding) = expected.and_then(|contract| verified.failure(contract)) {
        flaws.extend(misplaced(finding, mutant, folder));
    }
    flaws
}

/// What is wrong with where a failure points and what it says.
fn misplaced(finding: &Value, mutant: &Mutant, folder: &Path) -> Vec<String> {
    let mut flaws = Vec::new();
    let observed = finding["observed"].as_str().unwrap_or_default();
    if let Some(says) = &mutant.says
        && !observed.contains(says.as_str())
    {
        flaws.push(format!("does not say {says:?}"));
    }
    let Some(at) = &mutant.at else { return flaws };
    let (file, number, line) = place(finding, folder);
    if file != at.file || !line.contains(&at.text) {
        flaws.push(format!("points at {file}:{number} ({line}), not at {}: {}", at.file, at.text));
    }
    flaws
}

#[test]
fn every_contract_has_mutants_and_decoys() {
    let cases = cases();
    for case in &cases {
        let Case { name, contract, mutant } = case;
        assert!(contract::find(contract).is_some(), "{name} is of no contract");
        assert!(mutant.why.ends_with('.') && mutant.why.len() > 20, "{name} does not say why");
        match &mutant.expect {
            Some(expected) => {
                assert_eq!(expected, contract, "{name} is in another's folder");
                assert!(mutant.decoy.is_empty() && mutant.says.is_some() && mutant.at.is_some(), "{name} is not whole");
            }
            None => assert_eq!(mutant.decoy.first(), Some(contract), "{name} is neither a mutant nor a decoy of it"),
        }
        for other in mutant.decoy.iter().chain(&mutant.inconclusive) {
            assert!(contract::find(other).is_some(), "{name}: {other} is no contract");
        }
    }
    let count = |wanted: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| wanted(case)).count();
    for contract in contract::ALL.iter().map(|contract| contract.name) {
        let mutants = count(&|case| case.mutant.expect.as_deref() == Some(contract));
        let decoys = count(&|case| case.mutant.decoy.iter().any(|one| one == contract));
        assert!(mutants >= 2 && decoys >= 1, "{contract} has {mutants} mutants and {decoys} decoys");
    }
}

#[test]
fn every_edit_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let made = cases().into_iter().enumerate().map(|(index, Case { name, mutant, .. })| {
        let into = folder.path().join(index.to_string());
        edited(&mutant.base, &mutant.new, &mutant.edits, &into).map_err(|why| format!("{name}: {why}"))
    });
    let wrong: Vec<String> = made.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mutants_are_caught_and_decoys_pass() {
    if !has_engine() {
        return;
    }
    let chosen = env::var("MUTANTS").ok();
    let is_chosen = |case: &Case| chosen.as_ref().is_none_or(|some| some.split(',').any(|one| case.name.contains(one)));
    let mut cases: Vec<Case> = cases().into_iter().filter(is_chosen).collect();
    if env::var_os("MUTANTS_EACH").is_some() {
        let mut seen = BTreeSet::new();
        cases.retain(|case| seen.insert((case.contract.clone(), case.mutant.expect.is_some())));
        let turn = turn_of_the_day();
        let place = |case: &Case| contract::ALL.iter().position(|one| one.name == case.contract).unwrap_or_default();
        cases.retain(|case| (place(case) + turn) % 2 == usize::from(case.mutant.expect.is_some()));
    }
    assert!(!cases.is_empty(), "no mutant's name holds {chosen:?}");
    let temporary = tempfile::Builder::new().prefix("dockwright-mutants-").tempdir().unwrap();

    // What a broken scaffold shows counts only if the whole one keeps every promise.
    let mut bases: BTreeSet<&str> = cases.iter().map(|case| case.mutant.base.as_str()).collect();
    // In CI other tests have verified those already (tests/suite/verify_engine.rs).
    bases.retain(|_| chosen.is_none() && env::var_os("MUTANTS_EACH").is_none());
    let start = Instant::now();
    let wrong = side_by_side(&bases.into_iter().collect::<Vec<_>>(), |base, turn| {
        whole(base, &temporary.path().join(format!("{base}-{turn}")))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let wrong = side_by_side(&cases, |case, turn| {
        let into = format!("{}-{turn}", case.name.replace('/', "-"));
        one(case, &temporary.path().join(into)).map_err(|_| case.name.clone())
    });
    say(&score(&cases, &wrong, start));
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}

/// A scaffold as it comes must keep every promise.
fn whole(base: &str, into: &Path) -> Result<(), String> {
    let start = Instant::now();
    let folder = scaffold(&["--stack", base], into)?;
    let verified = verify(&folder, &[])?;
    if verified.code != Some(0) || verified.with("pass").len() != contract::ALL.len() {
        return Err(format!("the scaffold for {base} itself is broken:\n{}", verified.told()));
    }
    say(&format!("  ok    {base} as it comes ({:.0} s)", start.elapsed().as_secs_f64()));
    Ok(())
}

fn one(case: &Case, into: &Path) -> Result<(), String> {
    let start = Instant::now();
    let mutant = &case.mutant;
    let told = edited(&mutant.base, &mutant.new, &mutant.edits, into).and_then(|folder| {
        let verified = verify(&folder, &mutant.only)?;
        let wrong = flaws(&verified, mutant, &folder);
        let told = verified.told();
        if wrong.is_empty() { Ok(told) } else { Err(format!("{}\n{told}", wrong.join("; "))) }
    });
    let seconds = start.elapsed().as_secs_f64();
    let name = &case.name;
    match &told {
        Ok(told) if env::var_os("MUTANTS_TELL").is_some() => say(&format!("  ok    {name} ({seconds:.0} s)\n{told}")),
        Ok(_) => say(&format!("  ok    {name} ({seconds:.0} s)")),
        Err(why) => say(&format!("  WRONG {name} ({seconds:.0} s): {why}")),
    }
    told.map(drop)
}

fn score(cases: &[Case], wrong: &[String], start: Instant) -> String {
    let (mutants, decoys): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.mutant.expect.is_some());
    let right = |cases: &[&Case]| cases.iter().filter(|case| !wrong.contains(&case.name)).count();
    format!(
        "{} of {} mutants caught by the right contract and no other, {} of {} decoys passed, in {:.0} s",
        right(&mutants),
        mutants.len(),
        right(&decoys),
        decoys.len(),
        start.elapsed().as_secs_f64()
    )
}
