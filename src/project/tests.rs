//! The folders of tests/cases/project: a description in, what a person reads out.
//! `DOCKWRIGHT_BLESS=1` writes the expected files anew; read the difference before committing it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::{FILE, Project, read};
use crate::error::Error;
use crate::stacks::{Folder, Stacks, Text};

/// Stand in for the real stacks, so that these cases do not change with them.
pub(super) fn stacks() -> &'static Stacks {
    static STACKS: LazyLock<Stacks> = LazyLock::new(|| {
        let stack = |name: &str, lists: &str| {
            let text = format!("{lists}\n{}", include_str!("../../tests/cases/stacks/whole.toml"));
            (format!("{name}/stack.toml"), Cow::Owned(text))
        };
        Stacks::new(vec![Folder::new(
            "stacks",
            [
                stack(
                    "python",
                    "managers = { pip = {}, uv = {} }\nreserved = ['json', 'class', 'socket']\ndefault-manager = 'pip'",
                ),
                stack("node", "managers = { npm = {} }\nreserved = ['http']\ndefault-manager = 'npm'"),
                stack("rust", "managers = { cargo = {} }\nreserved = ['crate']\ndefault-manager = 'cargo'"),
                ("python/frameworks/flask.toml".into(), "service.command = ['gunicorn', '@module@:app']".into()),
                ("libraries.toml".into(), "libpq.runtime = ['libpq5']\n'a b'.build = ['a-b-dev']".into()),
            ],
        )])
    });
    &STACKS
}

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
        let bytes = crate::text::read(&case.join("in.toml"), 1 << 20).unwrap();
        let answer = read::decode(bytes, file).and_then(|text| Project::parse(&text, file, stacks()));
        let good = case.file_name().unwrap().to_string_lossy().starts_with("good-");
        assert_eq!(answer.is_ok(), good, "{}: {answer:?}", case.display());
        let hinted = answer.as_ref().err().is_none_or(|error| !error.hints().is_empty());
        assert!(hinted, "{}: what to do next?", case.display());
        let actual = answer.map_or_else(|error| told(&error), |project| format!("{:#?}\n", project.description));
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
        let project = Project::read(folder(&content).path(), stacks()).unwrap();
        assert_eq!(project.service.name.as_str(), "orders");
    }
}

#[cfg(unix)]
#[test]
fn reads_a_description_through_a_link() {
    let there = folder(GOOD);
    let here = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(there.path().join(FILE), here.path().join(FILE)).unwrap();
    assert!(Project::read(here.path(), stacks()).is_ok());
}

#[test]
fn says_what_is_no_description() {
    let nothing = tempfile::tempdir().unwrap();
    let error = Project::read(nothing.path(), stacks()).unwrap_err();
    assert!(error.message().starts_with("no dockwright.toml in "), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("dockwright init")), "{:?}", error.hints());

    let below = folder(GOOD);
    make_dir(&below.path().join("src"));
    let error = Project::read(&below.path().join("src"), stacks()).unwrap_err();
    assert!(error.hints()[0].starts_with("there is one in "), "{:?}", error.hints());

    let error = Project::read(&below.path().join(FILE), stacks()).unwrap_err();
    assert!(error.message().ends_with("is not a folder"), "{error}");

    let error = Project::read(&below.path().join("nowhere"), stacks()).unwrap_err();
    assert!(error.message().ends_with("nowhere does not exist"), "{error}");

    let is_folder = tempfile::tempdir().unwrap();
    make_dir(&is_folder.path().join(FILE));
    let error = Project::read(is_folder.path(), stacks()).unwrap_err();
    assert!(error.message().contains("this is a folder"), "{error}");
}

#[test]
fn refuses_large_files_unread() {
    let large = folder(b"");
    // 100 GB that take no room: reading them would be noticed.
    #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
    let file = fs::OpenOptions::new().write(true).open(large.path().join(FILE)).unwrap();
    file.set_len(100 << 30).unwrap();
    let error = Project::read(large.path(), stacks()).unwrap_err();
    assert!(error.message().contains("larger than 1 MiB"), "{error}");

    let two = folder(&b"# x\n".repeat(1 << 19));
    assert!(Project::read(two.path(), stacks()).unwrap_err().message().contains("larger than 1 MiB"));
}

#[test]
fn what_is_said_is_over_the_stack_and_says_where() {
    let text = r#"schema = 1
[service]
name = "order-items"
stack = "python"
framework = "flask"
version = ">=3.12"
libraries = ["libpq"]
[roles.dev]
env = { GREETING = "@name@ $X" }
packages = ["procps"]
[images]
build = "localhost/b:1"
"#;
    let project = Project::parse(text, Path::new(FILE), stacks()).unwrap();
    let stack = project.stack.as_deref().unwrap();
    assert_eq!(stack.service.command, ["gunicorn", "order_items:app"]);
    assert_eq!((stack.version.as_deref(), stack.images.runtime.as_str()), (Some("3.12"), "base:3.12"));
    assert_eq!(stack.native.runtime, ["libpq5"]);
    assert_eq!(stack.dev.packages, ["less", "procps"]);
    assert_eq!(stack.dev.env["GREETING"], Text::Literal { literal: "@name@ $X".into() });
    for (path, expected) in [
        ("service.command", "framework flask (stacks/python/frameworks/flask.toml:1)"),
        ("dev.env.GREETING", "user (dockwright.toml:9)"),
        ("images.build", "user (dockwright.toml:12)"),
        ("images.runtime", "stack (stacks/python/stack.toml:10)"),
    ] {
        assert_eq!(stack.origins.origin(path).unwrap().to_string(), expected, "{path}");
    }

    let error = Project::parse(&text.replace(">=3.12", ">=4"), Path::new(FILE), stacks()).unwrap_err();
    assert_eq!(error.to_string(), "dockwright.toml:6: no version satisfies `>=4`: there are 3.11, 3.12, 3.13");
}

/// A full mebibyte of flaws is answered at once: nothing here is worse than linear times a few.
#[test]
fn a_mebibyte_of_flaws_takes_no_time() {
    let start = std::time::Instant::now();
    for content in [
        [GOOD, &b"[".repeat(1_000_000)].concat(),
        [GOOD, &(0..60_000).flat_map(|i| format!("k{i} = 1\n").into_bytes()).collect::<Vec<_>>()].concat(),
    ] {
        assert!(Project::read(folder(&content).path(), stacks()).is_err());
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[cfg(unix)]
#[test]
fn does_not_wait_for_pipes_and_devices() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join(FILE);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let error = Project::read(dir.path(), stacks()).unwrap_err();
    assert!(error.message().contains("pipe, socket or device"), "{error}");

    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join(FILE)).unwrap();
    let error = Project::read(dir.path(), stacks()).unwrap_err();
    assert!(error.message().contains("pipe, socket or device"), "{error}");
}
