//! Our reading of every case in tests/cases/compose against `docker compose config --format json`.
//!
//! A case is a folder: compose.yaml and what it needs, `host.env` (the process environment, one
//! `NAME=value` a line), and what comes out: `config.json` as Compose has it (less its paths), or
//! `error.txt` as we say it where Compose refuses the file too; `unsupported.txt` lists what we cannot
//! honour, one `service field line` each, which is left out of the comparison.
//! `UPDATE=1 cargo test --test main compose` writes them anew.

mod config_json;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use dockwright::compose::{Compose, read};

use self::config_json::to_config_json;
use super::support::repository;

/// Fields that change nothing in a container that is started alone; see `keys.rs`.
const HARMLESS: &[&str] = &[
    "annotations",
    "attach",
    "deploy.endpoint_mode",
    "deploy.labels",
    "deploy.mode",
    "deploy.placement",
    "deploy.resources.reservations.cpus",
    "deploy.restart_policy",
    "deploy.rollback_config",
    "deploy.update_config",
    "develop",
    "logging",
    "pull_refresh_after",
    "volumes.consistency",
];

fn cases() -> Vec<PathBuf> {
    let root = repository().join("tests/cases/compose");
    let mut found: Vec<_> =
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    assert!(found.len() >= 25, "{} cases", found.len());
    found
}

fn environment(case: &Path) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([("HOME".to_owned(), "/home/user".to_owned())]);
    if let Ok(text) = std::fs::read_to_string(case.join("host.env")) {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        env.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    env
}

/// What we make of a case.
struct Ours {
    config: Option<Value>,
    unsupported: String,
    error: String,
}

fn ours(case: &Path) -> Ours {
    match read(case, &environment(case)) {
        Ok(compose) => Ours {
            config: Some(comparable(&to_config_json(&compose), case)),
            unsupported: unsupported(&compose),
            error: String::new(),
        },
        Err(error) => {
            let mut text = format!("{error}\n").replace(&*case.to_string_lossy(), ".");
            for hint in error.hints() {
                writeln!(text, "hint: {hint}").unwrap();
            }
            let source = error.location().and_then(|at| at.text.clone());
            writeln!(text, "text: {}", source.unwrap_or_default()).unwrap();
            Ours { config: None, unsupported: String::new(), error: text }
        }
    }
}

fn unsupported(compose: &Compose) -> String {
    compose.unsupported.iter().fold(String::new(), |mut text, one| {
        let service = one.service.as_deref().unwrap_or("-");
        writeln!(text, "{service} {} {}", one.field, one.place.line).unwrap();
        text
    })
}

/// Compose's own word on a case; `None`: it refuses the file.
fn theirs(compose: &[String], case: &Path) -> Option<Value> {
    let output = Command::new(&compose[0])
        .args(&compose[1..])
        .args(["--profile", "*", "config", "--format", "json"])
        .current_dir(case)
        .env_clear()
        .envs(["PATH", "DOCKER_CONFIG"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment(case))
        .output()
        .unwrap();
    if !output.status.success() {
        return None;
    }
    // It doubles every dollar sign, so that its output can be read again.
    let text = String::from_utf8(output.stdout).unwrap().replace("$$", "$");
    Some(comparable(&serde_json::from_str(&text).unwrap(), case))
}

/// Takes off what differs between Compose's releases without a meaning, and the case's own path.
fn comparable(config: &Value, case: &Path) -> Value {
    // Also what a case names beside its own folder.
    let beside = case.parent().expect("a case is in a folder").to_string_lossy();
    let text = config.to_string().replace(&*case.to_string_lossy(), "/CASE").replace(&*beside, "/CASES");
    let mut config: Value = serde_json::from_str(&text).unwrap();
    extensions(&mut config);
    let services = config.get_mut("services").and_then(Value::as_object_mut);
    for service in services.into_iter().flat_map(|all| all.values_mut()) {
        for field in HARMLESS {
            remove(service, field);
        }
        if service.get("deploy").is_some_and(|deploy| deploy.as_object().is_some_and(serde_json::Map::is_empty)) {
            remove(service, "deploy");
        }
        for kind in ["secrets", "configs", "build"] {
            service.get_mut(kind).map(modes);
        }
        for mount in service.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
            let entries = mount.as_object_mut().unwrap();
            entries.retain(|_, value| value.as_object().is_none_or(|inner| !inner.is_empty()));
        }
    }
    for network in
        config.get_mut("networks").and_then(Value::as_object_mut).into_iter().flat_map(serde_json::Map::values_mut)
    {
        network
            .as_object_mut()
            .unwrap()
            .entry("ipam")
            .and_modify(|subnets| *subnets = Value::Object(serde_json::Map::new()));
    }
    config
}

/// Takes off what Compose passes on without a look.
fn extensions(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(extensions),
        Value::Object(entries) => {
            entries.retain(|key, _| !key.starts_with("x-"));
            entries.values_mut().for_each(extensions);
        }
        _ => {}
    }
}

/// Compose 2.26 writes modes as decimal numbers, 2.40 as octal strings.
fn modes(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(modes),
        Value::Object(entries) => {
            if let Some(mode) = entries.get_mut("mode")
                && let Some(number) = mode.as_u64()
            {
                *mode = Value::String(format!("{number:04o}"));
            }
            entries.values_mut().for_each(modes);
        }
        _ => {}
    }
}

fn remove(node: &mut Value, path: &str) {
    match path.split_once('.') {
        None => {
            node.as_object_mut().map(|entries| entries.shift_remove(path));
        }
        Some((first, rest)) => {
            for item in node.as_array_mut().into_iter().flatten() {
                remove(item, path);
            }
            let Some(inner) = node.get_mut(first) else { return };
            if let Value::Array(items) = inner {
                for item in items {
                    remove(item, rest);
                }
            } else {
                remove(inner, rest);
            }
            if inner.as_object().is_some_and(serde_json::Map::is_empty) {
                node.as_object_mut().map(|entries| entries.shift_remove(first));
            }
        }
    }
}

/// Both less what is listed as unsupported.
fn without_unsupported(mut config: Value, list: &str) -> Value {
    for line in list.lines() {
        let mut words = line.split(' ');
        let (service, field) = (words.next().unwrap(), words.next().unwrap());
        if service == "-" {
            remove(&mut config, field);
        } else if let Some(one) = config.get_mut("services").and_then(|all| all.get_mut(service)) {
            remove(one, field);
        }
    }
    config
}

/// The lines in which two documents differ.
fn difference(expected: &Value, found: &Value) -> String {
    let sorted = |value: &Value| {
        let plain: BTreeMap<String, Value> = flat(value).into_iter().collect();
        plain
    };
    let (expected, found) = (sorted(expected), sorted(found));
    let mut text = String::new();
    for (key, value) in &expected {
        if found.get(key) != Some(value) {
            writeln!(text, "  {key}: expected {value}, found {:?}", found.get(key)).unwrap();
        }
    }
    for (key, value) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
        writeln!(text, "  {key}: not expected, found {value}").unwrap();
    }
    text
}

fn flat(value: &Value) -> Vec<(String, Value)> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(entries) if !entries.is_empty() => {
            entries.iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        // JSON does not tell 2 from 2.0.
        Value::Number(number) => return vec![(String::new(), Value::from(number.as_f64()))],
        other => return vec![(String::new(), other.clone())],
    };
    inner
        .into_iter()
        .flat_map(|(key, value)| flat(value).into_iter().map(move |(rest, value)| (format!("/{key}{rest}"), value)))
        .collect()
}

fn file(case: &Path, name: &str) -> String {
    std::fs::read_to_string(case.join(name)).unwrap_or_default()
}

#[test]
fn every_case_is_read_as_compose_reads_it() {
    let mut wrong = String::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let ours = ours(&case);
        let golden = file(&case, "config.json");
        match (&ours.config, serde_json::from_str::<Value>(&golden)) {
            (Some(config), Ok(golden)) => {
                let difference = difference(
                    &without_unsupported(golden, &ours.unsupported),
                    &without_unsupported(config.clone(), &ours.unsupported),
                );
                if !difference.is_empty() {
                    writeln!(wrong, "{name}:\n{difference}").unwrap();
                }
            }
            (Some(_), Err(_)) => writeln!(wrong, "{name}: read, but Compose refuses it").unwrap(),
            (None, Ok(_)) => writeln!(wrong, "{name}: Compose reads it: {}", ours.error).unwrap(),
            (None, Err(_)) => {}
        }
        for (name_of_file, found) in [("unsupported.txt", &ours.unsupported), ("error.txt", &ours.error)] {
            let expected = file(&case, name_of_file);
            if expected != *found {
                writeln!(wrong, "{name}: {name_of_file} is\n{found}instead of\n{expected}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// `docker compose`, or what `DOCKWRIGHT_COMPOSE` names; it must be there in CI.
fn compose() -> Option<(Vec<String>, String)> {
    let words: Vec<String> = std::env::var("DOCKWRIGHT_COMPOSE")
        .unwrap_or_else(|_| "docker compose".to_owned())
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let version = Command::new(&words[0]).args(&words[1..]).args(["version", "--short"]).output();
    let version = version.ok().filter(|output| output.status.success());
    assert!(version.is_some() || std::env::var_os("CI").is_none(), "CI needs docker compose");
    Some((words, String::from_utf8(version?.stdout).unwrap()))
}

/// `2.40.3-3` as numbers.
fn release(version: &str) -> Vec<u32> {
    let start = version.trim().trim_start_matches('v');
    start.split(['.', '-']).map_while(|part| part.parse().ok()).take(2).collect()
}

#[test]
fn the_cases_are_what_compose_says() {
    let Some((compose, version)) = compose() else { return };
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        // `since`: the release of Compose whose reading this is; older ones differ.
        let since = file(&case, "since");
        if !since.is_empty() && release(&version) < release(since.trim()) {
            continue;
        }
        let theirs = theirs(&compose, &case);
        if update {
            write(&case, theirs.as_ref());
            continue;
        }
        let golden = serde_json::from_str::<Value>(&file(&case, "config.json")).ok();
        match (golden, theirs) {
            (Some(golden), Some(theirs)) => {
                let difference = difference(&theirs, &golden);
                if !difference.is_empty() {
                    writeln!(wrong, "{name}:\n{difference}").unwrap();
                }
            }
            (None, None) => {}
            (golden, _) => {
                let what = if golden.is_some() { "refuses it now" } else { "reads it now" };
                writeln!(wrong, "{name}: Compose {what}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[expect(clippy::disallowed_methods, reason = "writes the cases' expected results on demand")]
fn write(case: &Path, theirs: Option<&Value>) {
    let ours = ours(case);
    let config = theirs.map(|value| format!("{value:#}\n")).unwrap_or_default();
    for (name, text) in [("config.json", config), ("unsupported.txt", ours.unsupported), ("error.txt", ours.error)] {
        let path = case.join(name);
        if text.is_empty() {
            let _ = std::fs::remove_file(path);
        } else {
            std::fs::write(path, text).unwrap();
        }
    }
}
