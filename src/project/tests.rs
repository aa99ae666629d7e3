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
    let mut names: Vec<PathBuf> =
        fs::read_dir(in_repository("tests/cases/project")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 30, "the cases are gone");
    let mut wrong = Vec::new();
    for case in &names {
        let file = Path::new(FILE);
        let bytes = fs::read(case.join("in.toml")).unwrap();
        let answer = read::decode(bytes, file).and_then(|text| Project::parse(&text, file, STACKS));
        let good = case.file_name().unwrap().to_string_lossy().starts_with("good-");
        assert_eq!(answer.is_ok(), good, "{}: {answer:?}", case.display());
        let hinted = answer.as_ref().err().is_none_or(|error| !error.hints().is_empty());
        assert!(hinted, "{}: what to do next?", case.display());
        let actual = answer.map_or_else(|error| told(&error), |project| format!("{project:#?}\n"));
        wrong.extend(same_as_file(&actual, &case.join("expected.txt")).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A folder with a description, gone after the test.
fn folder(content: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join(FILE), content);
    dir
}

#[expect(clippy::disallowed_methods, reason = "tests make the files that they read")]
fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests make the folders that they read")]
fn make_dir(path: &Path) {
    fs::create_dir(path).unwrap();
}

const GOOD: &[u8] = b"schema = 1\n[service]\nname = \"orders\"\nstack = \"python\"\n";

#[test]
fn reads_what_stands_in_a_folder() {
    for content in [
        GOOD.to_vec(),
        [b"\xEF\xBB\xBF", GOOD].concat(),
        String::from_utf8_lossy(GOOD).replace('\n', "\r\n").into_bytes(),
    ] {
        let project = Project::read(folder(&content).path(), STACKS).unwrap();
        assert_eq!(project.service.name.as_str(), "orders");
    }
}

#[cfg(unix)]
#[test]
fn reads_a_description_through_a_link() {
    let there = folder(GOOD);
    let here = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(there.path().join(FILE), here.path().join(FILE)).unwrap();
    assert!(Project::read(here.path(), STACKS).is_ok());
}

#[test]
fn says_what_is_no_description() {
    let nothing = tempfile::tempdir().unwrap();
    let error = Project::read(nothing.path(), STACKS).unwrap_err();
    assert!(error.message().starts_with("no dockwright.toml in "), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("dockwright init")), "{:?}", error.hints());

    let below = folder(GOOD);
    make_dir(&below.path().join("src"));
    let error = Project::read(&below.path().join("src"), STACKS).unwrap_err();
    assert!(error.hints()[0].starts_with("there is one in "), "{:?}", error.hints());

    let error = Project::read(&below.path().join(FILE), STACKS).unwrap_err();
    assert!(error.message().ends_with("is not a folder"), "{error}");

    let error = Project::read(&below.path().join("nowhere"), STACKS).unwrap_err();
    assert!(error.message().ends_with("nowhere does not exist"), "{error}");

    let is_folder = tempfile::tempdir().unwrap();
    make_dir(&is_folder.path().join(FILE));
    let error = Project::read(is_folder.path(), STACKS).unwrap_err();
    assert!(error.message().contains("this is a folder"), "{error}");
}

#[test]
fn refuses_large_files_unread() {
    let large = folder(b"");
    // 100 GB that take no room: reading them would be noticed.
    let file = fs::OpenOptions::new().write(true).open(large.path().join(FILE)).unwrap();
    file.set_len(100 << 30).unwrap();
    let error = Project::read(large.path(), STACKS).unwrap_err();
    assert!(error.message().contains("larger than 1 MiB"), "{error}");

    let two = folder(&b"# x\n".repeat(1 << 19));
    assert!(Project::read(two.path(), STACKS).unwrap_err().message().contains("larger than 1 MiB"));
}

/// A full mebibyte of flaws is answered at once: nothing here is worse than linear times a few.
#[test]
fn a_mebibyte_of_flaws_takes_no_time() {
    let start = std::time::Instant::now();
    for content in [
        [GOOD, &b"[".repeat(1_000_000)].concat(),
        [GOOD, &(0..60_000).flat_map(|i| format!("k{i} = 1\n").into_bytes()).collect::<Vec<_>>()].concat(),
    ] {
        assert!(Project::read(folder(&content).path(), STACKS).is_err());
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[cfg(unix)]
#[test]
fn does_not_wait_for_pipes_and_devices() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join(FILE);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let error = Project::read(dir.path(), STACKS).unwrap_err();
    assert!(error.message().contains("pipe, socket or device"), "{error}");

    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join(FILE)).unwrap();
    let error = Project::read(dir.path(), STACKS).unwrap_err();
    assert!(error.message().contains("pipe, socket or device"), "{error}");
}
