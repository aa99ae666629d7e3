//! What the service needs beside its code: other services, and variables that its containers are given.

use std::collections::BTreeSet;

use crate::detect::Detection;
use crate::project::{DeclaredEnv, EnvName, EnvValue, Need};
use crate::stacks;

/// The variables of compose.yaml, and the services with those by which they are found.
pub(super) fn of(found: &Detection, known: &[String]) -> (DeclaredEnv, Vec<Need>) {
    let names: BTreeSet<&str> = found.values("env").into_iter().collect();
    let mut needs: Vec<Need> = Vec::new();
    let optional = found.values("optional");
    let is_needed = |name: &&str| known.iter().any(|one| one == name) && !optional.contains(name);
    for name in found.values("services").into_iter().filter(is_needed) {
        let data = &stacks::needs()[name];
        let taken = |variable: &str| needs.iter().any(|need| need.env.iter().any(|(own, _)| own.as_str() == variable));
        let values = names.iter().filter(|variable| !taken(variable));
        let values = values.filter_map(|name| Some(((*name).to_owned(), data.value(name)?.to_owned())));
        let env = env(values);
        needs.push(Need { name: name.to_owned(), env });
    }
    let is_of_need = |name: &str| needs.iter().any(|need| need.env.iter().any(|(own, _)| own.as_str() == name));
    let given = found.values("env-value").into_iter().filter_map(|text| text.split_once('='));
    let left = found.values("env-left");
    let given = given.map(|(name, value)| (name.trim(), value));
    let given = given.filter(|(name, value)| !value.trim().is_empty() && !is_of_need(name) && !left.contains(name));
    let given = given.map(|(name, value)| (name.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()));
    (env(given), needs)
}

/// A variable, if it is a valid one.
pub(super) fn variable((name, value): (String, String)) -> Option<(EnvName, EnvValue)> {
    Some((EnvName::parse(&name).ok()?, EnvValue::parse(&value).ok()?))
}

/// Variables that are valid, one by one.
fn env(pairs: impl Iterator<Item = (String, String)>) -> DeclaredEnv {
    let mut env = DeclaredEnv::new();
    for (name, value) in pairs.filter_map(variable) {
        if !env.iter().any(|(known, _)| known.as_str().eq_ignore_ascii_case(name.as_str())) {
            env.push((name, value));
        }
    }
    env
}
