//! The folders of tests/cases/project: a description in, what a person reads out.
//! `DOCKWRIGHT_BLESS=1` writes the expected files anew; read the difference before committing it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FILE, Project, StackFacts, read};
use crate::error::Error;

/// Stands in for the real stacks, so that these cases do not change with them.
pub(super) const STACKS: &[StackFacts<'_>] = &[
    StackFacts { name: "python", managers: &["pip", "uv"], reserved: &["json", "class", "socket"] },
    StackFacts { name: "node", managers: &["npm"], reserved: &["http"] },
    StackFacts { name: "rust", managers: &["cargo"], reserved: &["crate"] },
];

/// Whether to write what is there instead of comparing with it.
pub(super) fn blessing() -> bool {
    std::env::var_os("DOCKWRIGHT_BLESS").is_some()
}

/// A path in the repository.
pub(super) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares `actual` with a committed file, or writes it there.
#[expect(clippy::disallowed_methods, reason = "tests write what they then compare with")]
pub(super) fn same_as_file(actual: &str, path: &Path) -> Result<(), String> {
    if blessing() {
        fs::write(path, actual).expect("the repository can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    Err(format!("{}\n--- expected\n{expected}\n--- actual\n{actual}", path.display()))
}

/// An error as `ui` lays it out.
fn told(error: &Error) -> String {
    let mut out = format!("error: {}\n", error.message());
    if let Some(place) = error.location() {
        writeln!(out, " --> {place}").unwrap();
        if let (Some(line), Some(column), Some(text)) = (place.line, place.column, &place.text) {
            let gutter = " ".repeat(line.to_string().len());
            let caret = " ".repeat(column - 1);
            writeln!(out, "{gutter} |\n{line} | {text}\n{gutter} | {caret}^").unwrap();
        }
    }
    for hint in error.hints() {
        writeln!(out, "hint: {hint}").unwrap();
    }
    out
}

#[test]
fn cases() {
    let mut names: Vec<PathBuf> = fs::read_dir(in_repository("tests/cases/project"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() >= 30, "the cases are gone");
    let mut wrong = Vec::new();
    for case in &names {
        let file = Path::new(FILE);
        let bytes = fs::read(case.join("in.toml")).unwrap();
        let answer = read::decode(bytes, file).and_then(|text| Project::parse(&text, file, STACKS));
        let good = case.file_name().unwrap().to_string_lossy().starts_with("good-");
        assert_eq!(answer.is_ok(), good, "{}: {answer:?}", case.display());
        let actual = answer.map_or_else(|error| told(&error), |project| format!("{project:#?}\n"));
        wrong.extend(same_as_file(&actual, &case.join("expected.txt")).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_flaw_comes_with_a_hint() {
    for case in fs::read_dir(in_repository("tests/cases/project")).unwrap() {
        let path = case.unwrap().path().join("expected.txt");
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.starts_with("error:") || text.contains("\nhint: "), "{}", path.display());
    }
}
