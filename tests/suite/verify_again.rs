//! Verifying again: what is taken from the user's cache, and that it is nothing that may have changed.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::running::{Running, edit};
use super::support::{Ran, cache, dockwright, engine, service};

/// Contracts that are seen without a container, so that many runs take no time.
const QUICK: &[&str] = &["dev-tools.optional", "test.isolated-env", "installation.env-complete"];

/// Where the passes of a project are kept; none if they are not.
fn passes_of(folder: &Path) -> Option<PathBuf> {
    let name = hex::encode(Sha256::digest(folder.canonicalize().unwrap().as_os_str().as_encoded_bytes()));
    let file = cache().join("dockwright/passes").join(format!("{}.json", &name[..32]));
    file.exists().then_some(file)
}

/// The contracts of a report that were not looked at now.
fn cached(report: &Value) -> BTreeSet<&str> {
    let contracts = report["contracts"].as_array().expect("a report").iter();
    contracts.filter(|one| one["cached"].is_string()).filter_map(|one| one["contract"].as_str()).collect()
}

fn verify(folder: &Path, more: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = dockwright();
    command.current_dir(folder).envs(env.iter().copied()).args(["verify", "--format", "json"]);
    Ran::of(command.args(more))
}

fn quick(folder: &Path) -> Ran {
    verify(folder, QUICK, &[])
}

fn append(path: &Path, text: &str) {
    let before = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, before + text).unwrap();
}

/// A change somewhere in the project.
type Change = fn(&Path);

#[test]
fn whatever_changes_is_looked_at_again() {
    if !engine() {
        return;
    }
    let changes: &[(&str, Change)] = &[
        ("source", |folder| append(&folder.join("orders/app.py"), "\n# changed\n")),
        ("a file that no build takes in", |folder| append(&folder.join("README.md"), "\nchanged\n")),
        ("a new file", |folder| std::fs::write(folder.join("notes.txt"), "x").unwrap()),
        ("its mode", |folder| {
            std::fs::set_permissions(folder.join("notes.txt"), std::fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("a link", |folder| symlink("notes.txt", folder.join("link")).unwrap()),
        ("where it leads", |folder| {
            std::fs::remove_file(folder.join("link")).unwrap();
            symlink("README.md", folder.join("link")).unwrap();
        }),
        ("a folder", |folder| std::fs::create_dir(folder.join("empty")).unwrap()),
        ("a file gone", |folder| std::fs::remove_file(folder.join("link")).unwrap()),
        ("the Dockerfile", |folder| append(&folder.join("Dockerfile"), "# changed\n")),
        ("compose.yaml", |folder| append(&folder.join("compose.yaml"), "# changed\n")),
        (".dockerignore", |folder| append(&folder.join(".dockerignore"), "# changed\n")),
        (".env", |folder| std::fs::write(folder.join(".env"), "NOBODY_USES_THIS=1\n").unwrap()),
        ("dockwright.toml", |folder| append(&folder.join("dockwright.toml"), "# changed\n")),
        ("the same length, and the time of before", |folder| {
            let file = folder.join("notes.txt");
            let time = std::fs::metadata(&file).unwrap().modified().unwrap();
            std::fs::write(&file, "y").unwrap();
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        }),
    ];
    let (_home, folder) = service("python", &[]);
    // build.reproducible builds without a cache, so that a test beside this one replaces the layers they share.
    edit(&folder.join("Dockerfile"), "AS runtime\n", "AS runtime\nENV DOCKWRIGHT_TEST=verify-again\n");
    let all: BTreeSet<&str> = QUICK.iter().copied().collect();
    assert_eq!(cached(&quick(&folder).exits(0).json()), BTreeSet::new());
    for (what, change) in changes {
        assert_eq!(cached(&quick(&folder).exits(0).json()), all, "before {what}");
        change(&folder);
        assert_eq!(cached(&quick(&folder).exits(0).json()), BTreeSet::new(), "{what} has changed");
    }
    // What is asked for alone is the same contract.
    assert_eq!(cached(&verify(&folder, &QUICK[..1], &[]).exits(0).json()), QUICK[..1].iter().copied().collect());
    assert_eq!(cached(&verify(&folder, &[QUICK, &["--fresh"]].concat(), &[]).exits(0).json()), BTreeSet::new());
    assert_eq!(cached(&quick(&folder).exits(0).json()), all, "what was looked at freshly is remembered");
    // Times alone are no change: a checkout sets them anew.
    for entry in walkdir::WalkDir::new(&folder).into_iter().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        let file = std::fs::File::options().append(true).open(entry.path()).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(500_000)).unwrap();
    }
    assert_eq!(cached(&quick(&folder).exits(0).json()), all, "only times have changed");
}

#[test]
fn the_environment_that_compose_takes_values_from_is_in_the_key() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    edit(&folder.join("compose.yaml"), "stop_grace_period: 15s", "stop_grace_period: ${DOCKWRIGHT_TEST_GRACE:-15s}");
    let grace = |value: &'static str| [("DOCKWRIGHT_TEST_GRACE", value)];
    verify(&folder, QUICK, &grace("14s"));
    let same = verify(&folder, QUICK, &grace("14s"));
    let other = verify(&folder, QUICK, &grace("13s"));
    assert!(!cached(&same.json()).is_empty(), "{}", same.out);
    assert_eq!(cached(&other.json()), BTreeSet::new());
}

#[test]
fn a_broken_promise_is_never_taken_from_the_cache() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let contracts = ["dev-tools.optional", "installation.env-complete"];
    verify(&folder, &contracts, &[]).exits(0);
    let file = folder.join("compose.yaml");
    let kept = std::fs::read_to_string(&file).unwrap();
    edit(&file, "profiles: [dev-tools]", "profiles: []");
    for _ in 0..2 {
        let report = verify(&folder, &contracts, &[]).exits(1).json();
        let broken = report["contracts"].as_array().unwrap().iter().find(|one| one["outcome"] == "fail").unwrap();
        assert_eq!((&broken["contract"], &broken["cached"]), (&Value::from(contracts[0]), &Value::Null));
    }
    // The cache may be deleted, broken or somebody else's at any time.
    std::fs::write(&file, kept).unwrap();
    for text in [
        "",
        "{",
        "\0",
        r#"{"schema":1,"passes":{"dev-tools.optional":{"key":"","seen":"","expected":"","observed":""}}}"#,
    ] {
        std::fs::write(passes_of(&folder).unwrap(), text).unwrap();
        assert_eq!(cached(&verify(&folder, &contracts, &[]).exits(0).json()), BTreeSet::new(), "{text}");
    }
    assert_eq!(cached(&verify(&folder, &contracts, &[]).exits(0).json()), contracts.into());
}

#[test]
fn what_cannot_be_remembered_is_told_and_not_written() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let no_folder = tempfile::NamedTempFile::new().unwrap();
    let blocked = [("XDG_CACHE_HOME", no_folder.path().to_str().unwrap())];
    let ran = verify(&folder, QUICK, &blocked).exits(0);
    ran.says(&["the next run will check everything again", "cannot create"]);
    assert_eq!(passes_of(&folder), None);
    let compose = folder.join("compose.yaml");
    let usual = std::fs::read_to_string(&compose).unwrap();
    symlink("/etc", folder.join("linked")).unwrap();
    for (source, told) in [("/etc/hostname", "/etc/hostname"), ("./linked", "linked"), ("./orders/../../", "mounts")] {
        edit(&compose, "- .:/srv/app\n", &format!("- .:/srv/app\n      - {source}:/etc/host:ro\n"));
        quick(&folder).exits(0).says(&["the next run will check everything again", told]);
        assert_eq!(passes_of(&folder), None, "{source}");
        std::fs::write(&compose, &usual).unwrap();
    }
    quick(&folder).exits(0);
    assert!(passes_of(&folder).is_some() && !folder.join(".dockwright").exists());
}

#[test]
fn nothing_in_the_project_is_evidence_and_nothing_is_remembered_in_ci() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    quick(&folder).exits(0);
    let passes = std::fs::read(passes_of(&folder).unwrap()).unwrap();
    // What a pull request brings along, where earlier versions kept it and where this one would.
    std::fs::remove_file(passes_of(&folder).unwrap()).unwrap();
    for place in [".dockwright/cache/verify.json", ".cache/dockwright/passes/x.json"] {
        let file = folder.join(place);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &passes).unwrap();
    }
    let ci = |value| [("CI", value)];
    for _ in 0..2 {
        assert_eq!(cached(&verify(&folder, QUICK, &ci("true")).exits(0).json()), BTreeSet::new());
        assert_eq!(passes_of(&folder), None);
    }
    assert_eq!(cached(&verify(&folder, QUICK, &ci("false")).exits(0).json()), BTreeSet::new());
    assert_eq!(cached(&quick(&folder).exits(0).json()), QUICK.iter().copied().collect());
    assert_eq!(
        cached(&verify(&folder, QUICK, &ci("1")).exits(0).json()),
        BTreeSet::new(),
        "known, and not taken in CI"
    );
}

#[test]
fn a_project_that_changes_meanwhile_is_told_and_not_remembered() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let report = folder.join("report.json");
    let mut running =
        Running::start(&folder, &["verify", "service.shutdown", "dev-tools.optional", "--report", "json=report.json"]);
    running.until_container();
    append(&folder.join("orders/app.py"), "\n# changed\n");
    std::fs::write(folder.join("run.log"), "a log of the run itself is none of it\n").unwrap();
    let (code, said, _) = running.end();
    assert_eq!(code, Some(0), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["outcome"], "inconclusive", "{report:#}");
    assert_eq!(report["changed"], Value::from(vec!["orders/app.py"]));
    assert_eq!(passes_of(&folder), None, "what was seen of a project that changed is not remembered");
    // A failure that the change may have made is none that was observed.
    edit(&folder.join("dockwright.toml"), "[verify]\n", "[verify]\ntimeout = 5\n");
    edit(&folder.join("compose.yaml"), "target: service }", "target: service }\n    command: [\"sleep\", \"600\"]");
    let mut running = Running::start(&folder, &["verify", "service.port", "--strict", "--report", "json=report.json"]);
    running.until_container();
    append(&folder.join("orders/app.py"), "\n# changed again\n");
    let (code, said, _) = running.end();
    assert_eq!(code, Some(4), "{said}");
    let text = std::fs::read_to_string(folder.join("report.json")).unwrap();
    assert!(text.contains("orders/app.py changed while dockwright looked at it"), "{text}");
}

/// What the gate refuses in CI is reported with the promise that it breaks, as far as files show it.
#[test]
fn a_refusal_of_the_gate_names_the_broken_promise() {
    let (_home, folder) = service("node", &[]);
    for (asks, line) in [
        ("privileged: true", Some(3)),
        ("volumes: ['/run/docker.sock:/s']", Some(3)),
        ("environment: [HOST_TOKEN]", None),
    ] {
        std::fs::write(folder.join("compose.override.yaml"), format!("services:\n  dev:\n    {asks}\n")).unwrap();
        let mut command = dockwright();
        command.current_dir(&folder).args(["verify", "--format", "json"]);
        let ran = Ran::of(command.env("CI", "1").env("HOST_TOKEN", "0123456789abcdef")).exits(2);
        let report = ran.json();
        let finding = &report["contracts"][0];
        match line {
            Some(line) => {
                assert_eq!(
                    (&finding["contract"], &finding["outcome"]),
                    (&"scaffold.unprivileged".into(), &"fail".into())
                );
                assert_eq!((&finding["file"], &finding["line"]), (&"compose.override.yaml".into(), &line.into()));
            }
            None => assert!(finding.is_null(), "{report}"),
        }
    }
}
