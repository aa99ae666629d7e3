//! The engines that dockwright is for, each brought up by `tests/engine/up`: those that `DOCKWRIGHT_TEST_KINDS` names
//! (`DOCKWRIGHT_TEST_KINDS="docker20 podman5" cargo nextest run kinds`).

use std::process::Command;

use super::running::not_passed;
use super::support::{Ran, dockwright, repository, service};

/// The variables that lead to an engine of that kind; none if it is not asked for.
fn engine(kind: &str) -> Option<Vec<(String, String)>> {
    let wanted = std::env::var("DOCKWRIGHT_TEST_KINDS").unwrap_or_default();
    if !wanted.split_whitespace().any(|one| one == kind) {
        eprintln!("skipped: DOCKWRIGHT_TEST_KINDS does not name {kind}");
        return None;
    }
    let script = "set -e; exports=$(tests/engine/up \"$1\"); eval \"$exports\"; env -0";
    let ran = Ran::of(Command::new("bash").current_dir(repository()).args(["-c", script, "bash", kind])).exits(0);
    let pairs = ran.out.split('\0').filter_map(|pair| pair.split_once('='));
    let wanted = |name: &str| name.starts_with("DOCKER_") || name == "PATH";
    Some(pairs.filter(|(name, _)| wanted(name)).map(|(name, value)| (name.into(), value.into())).collect())
}

fn verify(kind: &str, stack: &str) -> Option<(i32, serde_json::Value, String)> {
    let env = engine(kind)?;
    let (_home, folder) = service(stack, &[]);
    let ran = Ran::of(dockwright().current_dir(&folder).envs(env).args(["verify", "--format", "json"]));
    Some((ran.code.unwrap_or(-1), ran.json(), ran.err))
}

fn all_pass(kind: &str) {
    let Some((code, report, said)) = verify(kind, "python") else { return };
    assert_eq!(not_passed(&report), [""; 0], "{said}");
    assert_eq!(code, 0);
}

#[test]
fn docker20_verifies() {
    all_pass("docker20");
}

#[test]
fn docker26_verifies() {
    all_pass("docker26");
}

#[test]
fn docker28_containerd_verifies() {
    all_pass("docker28-containerd");
}

/// What its API cannot do is inconclusive, and says why; nothing fails.
#[test]
fn podman5_verifies_as_far_as_its_api_goes() {
    let Some((code, report, said)) = verify("podman5", "python") else { return };
    assert_eq!(code, 0, "{}\n{said}", not_passed(&report).join("\n"));
    for contract in report["contracts"].as_array().unwrap() {
        match contract["outcome"].as_str() {
            Some("pass") => {}
            Some("inconclusive") => {
                assert!(contract["observed"].as_str().is_some_and(|why| !why.is_empty()), "{contract:#}");
            }
            _ => panic!("{contract:#}\n{said}"),
        }
    }
    let passed = report["contracts"].as_array().unwrap().iter().filter(|one| one["outcome"] == "pass").count();
    assert!(passed >= 10, "only {passed} pass:\n{}", not_passed(&report).join("\n"));
}
