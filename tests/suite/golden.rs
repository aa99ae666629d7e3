//! The folders of tests/cases/scaffold: a description in (dockwright.toml, and a team's own `stacks/`), the container
//! files out (`out/`), byte for byte and with their modes. `DOCKWRIGHT_BLESS=1` writes them anew; the difference is what a review reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dockwright::project::{Code, Layout, Project};
use dockwright::render;
use dockwright::stacks::{self, Folder};

use super::support::repository;

/// Path → whether it is executable, and its text.
type Files = BTreeMap<String, (bool, String)>;

struct Case {
    folder: PathBuf,
    project: Project,
}

fn cases() -> Vec<Case> {
    let root = repository().join("tests/cases/scaffold");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let case = |folder: PathBuf| {
        let project = Project::read(&folder, &stacks::with(own_stacks(&folder)));
        Case { project: project.unwrap_or_else(|error| panic!("{}: {error}", folder.display())), folder }
    };
    folders.into_iter().map(case).collect()
}

/// A team's own stacks, which some cases have in `stacks/`.
fn own_stacks(case: &Path) -> Vec<Folder> {
    let root = case.join("stacks");
    let entries = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
    let file = |path: &Path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap().into())
    };
    let files: Vec<_> = entries.filter(|entry| entry.file_type().is_file()).map(|entry| file(entry.path())).collect();
    if files.is_empty() { Vec::new() } else { vec![Folder::new("stacks", files)] }
}

fn rendered(project: &Project) -> Files {
    let text = |contents| String::from_utf8(contents).expect("rendered files are UTF-8");
    let files = render::scaffold(project).into_iter();
    files.map(|file| (file.path, (file.executable, text(file.contents)))).collect()
}

fn committed(out: &Path) -> Files {
    let entries = walkdir::WalkDir::new(out).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let file = |path: &Path| {
        let executable = fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0;
        let name = path.strip_prefix(out).unwrap().to_str().unwrap().to_owned();
        (name, (executable, fs::read_to_string(path).unwrap()))
    };
    files.map(|entry| file(entry.path())).collect()
}

fn bless(out: &Path, files: &Files) {
    if out.exists() {
        fs::remove_dir_all(out).unwrap();
    }
    for (name, (executable, text)) in files {
        let path = out.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 })).unwrap();
    }
}

/// What differs, a line per file: the first line that does.
fn differences(committed: &Files, rendered: &Files) -> String {
    let mut told = String::new();
    for name in committed.keys().chain(rendered.keys()).collect::<BTreeSet<_>>() {
        let line = match (committed.get(name), rendered.get(name)) {
            (Some(old), Some(new)) if old == new => continue,
            (None, _) => "is not committed".to_owned(),
            (_, None) => "is not rendered".to_owned(),
            (Some((old, _)), Some((new, _))) if old != new => format!("executable: {new}, not {old}"),
            (Some((_, old)), Some((_, new))) => {
                let (mut old, mut new) = (old.lines(), new.lines());
                let mut line = 0;
                loop {
                    line += 1;
                    let (old, new) = (old.next(), new.next());
                    if old != new || old.is_none() {
                        break format!("line {line}\n    - {}\n    + {}", old.unwrap_or("-"), new.unwrap_or("-"));
                    }
                }
            }
        };
        writeln!(told, "  {name}: {line}").unwrap();
    }
    told
}

#[test]
fn rendered_files_are_the_committed_ones() {
    let mut wrong = String::new();
    for Case { folder, project } in cases() {
        let out = folder.join("out");
        let rendered = rendered(&project);
        if std::env::var_os("DOCKWRIGHT_BLESS").is_some() {
            bless(&out, &rendered);
        }
        let differences = differences(&committed(&out), &rendered);
        if !differences.is_empty() {
            writeln!(wrong, "{}\n{differences}", folder.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}DOCKWRIGHT_BLESS=1 writes them anew");
}

#[test]
fn every_stack_manager_layout_and_code_has_a_case() {
    let cases = cases();
    let there = |stack: &str, manager: &str, layout, code| {
        cases.iter().any(|Case { project, .. }| {
            let service = &project.service;
            service.stack.as_deref() == Some(stack)
                && project.stack.as_ref().is_some_and(|one| one.manager == manager)
                && service.layout == layout
                && project.roles.service.code == code
        })
    };
    for stack in stacks::starters() {
        for manager in &stacks::embedded().options(stack).unwrap().managers {
            for layout in [Layout::Single, Layout::PerRole] {
                for code in [Code::Image, Code::Mounted] {
                    let has = there(stack, manager, layout, code);
                    assert!(has, "tests/cases/scaffold: none for {stack} {manager} {layout:?} {code:?}");
                }
            }
        }
    }
}
