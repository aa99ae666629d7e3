//! The floors of docs/ARCHITECTURE.md: which module may import which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::support::repository;

/// Module and what it may import beside itself, those of the lowest floor first. The same table stands in
/// docs/ARCHITECTURE.md.
const FLOORS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("error", &["text"]),
    ("spec", &[]),
    ("contract", &[]),
    ("stacks", &["error", "text"]),
    ("ui", &["error", "text"]),
    ("compose", &["error", "spec", "text"]),
    ("dockerfile", &["error", "text"]),
    ("detect", &["compose", "dockerfile", "error", "stacks", "text"]),
    ("engine", &["error", "spec", "text"]),
    ("project", &["contract", "error", "stacks", "text"]),
    ("roles", &["project", "stacks"]),
    ("render", &["project", "roles", "stacks"]),
    ("write", &["error", "render", "text"]),
    ("subject", &["compose", "dockerfile", "error", "project", "roles", "spec", "stacks", "text"]),
    ("adopt", &["compose", "dockerfile", "error", "project", "spec", "stacks", "subject", "text"]),
    ("describe", &["adopt", "compose", "detect", "error", "project", "stacks"]),
    ("gate", &["compose", "dockerfile", "project", "spec", "stacks", "subject", "text"]),
    ("lab", &["compose", "dockerfile", "engine", "error", "gate", "project", "spec", "stacks", "subject", "text"]),
    (
        "verify",
        &[
            "compose",
            "contract",
            "dockerfile",
            "engine",
            "error",
            "gate",
            "lab",
            "project",
            "roles",
            "spec",
            "stacks",
            "subject",
            "text",
        ],
    ),
    ("report", &["contract", "text", "ui", "verify"]),
    (
        "cli",
        &[
            "adopt", "contract", "describe", "detect", "engine", "error", "gate", "lab", "project", "render", "report",
            "roles", "stacks", "subject", "text", "ui", "verify", "write",
        ],
    ),
];

/// No file of `src/` is longer (docs/STYLE.md): split it by subject.
const LONGEST: usize = 400;

pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The module path: `src/engine/build/mod.rs` is `engine`, `build`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
}

pub(super) fn sources() -> Vec<Source> {
    let root = repository().join("src");
    let mut sources = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let inner = path.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = inner.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        module.pop_if(|last| last == "mod");
        let text = std::fs::read_to_string(&path).unwrap();
        sources.push(Source { path: path.strip_prefix(repository()).unwrap().to_owned(), module, text });
    }
    assert!(sources.len() > 50, "src has moved");
    sources
}

/// The text without comments, so that links in documentation count for nothing.
pub(super) fn code(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// The names that follow `prefix`: one, or those of a group `{a::b, c}`.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        for part in group.split_inclusive([',', '{', '}']) {
            if depth == 0 {
                names.insert(word(part.trim_start()));
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            if depth < 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

/// The top modules that a file imports.
fn imports(source: &Source) -> BTreeSet<String> {
    let code = code(&source.text);
    let mut names = names_after(&code, "crate::");
    // As many `super`s as it takes to come out at the root.
    let climb = "super::".repeat(source.module.len());
    names.extend(names_after(&code, &climb).into_iter().filter(|name| FLOORS.iter().any(|(floor, _)| floor == name)));
    names
}

#[test]
fn every_import_follows_the_floors() {
    let floors: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let own = source.module[0].as_str();
        if own == "lib" || own == "main" {
            continue;
        }
        let Some(allowed) = floors.get(own) else {
            wrong.push(format!("{}: the module {own} has no floor", source.path.display()));
            continue;
        };
        for name in imports(&source) {
            if name != own && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {own} may not import {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_upwards_would_be_seen() {
    let source = |module: &[&str], text: &str| Source {
        path: PathBuf::new(),
        module: module.iter().map(ToString::to_string).collect(),
        text: text.into(),
    };
    let text = "use crate::{\n    cli::{args, b::c},\n    verify,\n};\nfn f() { crate::ui::say(); }\n// crate::write\n";
    let seen = imports(&source(&["engine", "run"], text));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["cli", "ui", "verify"]);
    let seen = imports(&source(&["engine", "run"], "use super::super::project::Project; use super::verify;"));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["project"]);
}

#[test]
fn the_floors_have_no_circle() {
    let mut lower: BTreeSet<&str> = BTreeSet::new();
    for (floor, below) in FLOORS {
        for name in *below {
            assert!(lower.contains(name), "{floor} may import {name}, which is on no lower floor");
        }
        lower.insert(floor);
    }
}

#[test]
fn the_architecture_page_has_the_same_table() {
    let page = std::fs::read_to_string(repository().join("docs/ARCHITECTURE.md")).unwrap();
    let block = page.split_once("```floors\n").and_then(|(_, rest)| rest.split_once("\n```"));
    let (block, _) = block.expect("docs/ARCHITECTURE.md has a block fenced as `floors`");
    let line = |(floor, below): &(&str, &[&str])| format!("{floor}: {}", below.join(" ")).trim_end().to_owned();
    let expected: Vec<String> = FLOORS.iter().map(line).collect();
    assert_eq!(block.trim_end(), expected.join("\n"), "docs/ARCHITECTURE.md and tests/suite/floors.rs differ");
}

#[test]
fn only_the_engine_knows_bollard() {
    for source in sources() {
        let stranger = source.module[0] != "engine" && code(&source.text).contains("bollard::");
        assert!(!stranger, "{} uses bollard", source.path.display());
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{} has {lines} lines, more than {LONGEST}", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
