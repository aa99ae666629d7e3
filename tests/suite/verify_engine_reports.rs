//! Reports, waivers and redaction on a real engine.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::support::{Ran, dockwright, engine, service};

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "no {from:?} in {}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

fn append(file: &Path, text: &str) {
    let before = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, before + text).unwrap();
}

fn outcome<'a>(report: &'a Value, contract: &str) -> &'a Value {
    let mut all = report["contracts"].as_array().unwrap().iter();
    all.find(|one| one["contract"] == contract).unwrap_or_else(|| panic!("no {contract} in {report:#}"))
}

/// A service that runs as root, a waiver for that, one that is not needed, and one whose day is over.
#[test]
fn waivers_hold_until_their_day_is_over() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    change(&folder.join("Dockerfile"), "USER 10001:10001", "USER 0:0");
    let waiver = |contract: &str, day: &str| {
        format!("\n[[verify.waivers]]\ncontract = \"{contract}\"\nreason = \"until release 7\"\nexpires = \"{day}\"\n")
    };
    let description = folder.join("dockwright.toml");
    append(&description, &waiver("service.non-root", "9999-12-31"));
    append(&description, &waiver("installation.extends-service", "9999-12-31"));
    let only = ["verify", "service.non-root", "installation.extends-service", "--format", "json"];
    let ran = Ran::of(dockwright().current_dir(&folder).args(only).args(["--report", "sarif=r.sarif"])).exits(0);
    let report = ran.json();
    assert_eq!(report["outcome"], "pass");
    let waived = outcome(&report, "service.non-root");
    assert_eq!((&waived["outcome"], &waived["waiver"]["state"]), (&"skipped".into(), &"used".into()));
    let said = waived["observed"].as_str().unwrap();
    assert!(said.starts_with("waived until 9999-12-31: until release 7 (it fails: "), "{said}");
    assert_eq!(waived["file"], "Dockerfile");
    assert_eq!(outcome(&report, "installation.extends-service")["waiver"]["state"], "unneeded");
    let sarif: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("r.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["suppressions"][0]["justification"], "until release 7");

    change(&description, "9999-12-31", "2020-02-29");
    let ran = Ran::of(dockwright().current_dir(&folder).args(only)).exits(1);
    let report = ran.json();
    let expired = outcome(&report, "service.non-root");
    assert_eq!((&expired["outcome"], &expired["file"]), (&"fail".into(), &"dockwright.toml".into()));
    let text = std::fs::read_to_string(&description).unwrap();
    let line = text.lines().position(|line| line.contains("2020-02-29")).unwrap() + 1;
    assert_eq!(expired["line"], line);
}

/// A suite that prints a secret of compose.yaml: no report has it, though the log is told.
#[test]
fn no_report_has_a_secret() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    std::fs::write(folder.join("token.txt"), "s3cr3t-of-orders\n").unwrap();
    append(&folder.join("compose.yaml"), "\nsecrets:\n  token:\n    file: ./token.txt\n");
    let test = folder.join("tests/test_app.py");
    append(
        &test,
        "\n\ndef test_that_tells() -> None:\n    print('told: s3cr3t-of-orders')\n    raise SystemExit('s3cr3t-of-orders')\n",
    );
    let mut command = dockwright();
    command.current_dir(&folder).args(["verify", "test.passes"]);
    for kind in ["html", "json", "junit", "ndjson", "sarif"] {
        command.args(["--report".to_owned(), format!("{kind}=report.{kind}")]);
    }
    let summary = folder.join("summary.md");
    let ran = Ran::of(command.args(["--report", "github"]).env("GITHUB_STEP_SUMMARY", &summary)).exits(1);
    let mut texts = vec![("stdout", ran.out), ("stderr", ran.err)];
    for kind in ["html", "json", "junit", "ndjson", "sarif"] {
        texts.push((kind, std::fs::read_to_string(folder.join(format!("report.{kind}"))).unwrap()));
    }
    texts.push(("summary", std::fs::read_to_string(&summary).unwrap()));
    for (name, text) in texts {
        assert!(!text.contains("s3cr3t-of-orders"), "{name} has the secret:\n{text}");
        if ["json", "html", "junit"].contains(&name) {
            assert!(text.contains("[redacted]"), "{name} has no log:\n{text}");
        }
    }
}

#[test]
fn an_interrupted_run_has_its_reports() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let mut command = dockwright();
    command.current_dir(&folder).args(["verify", "dev", "--format", "ndjson", "--report", "junit=r.xml"]);
    command.args(["--report", "json=r.json"]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    // As soon as a check has begun, so that some contracts have not been looked at.
    let begun = lines.by_ref().map_while(Result::ok).find(|line| line.contains("\"event\":\"check-started\""));
    assert!(begun.is_some());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let last = lines.map_while(Result::ok).last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["event"], &last["error"]["kind"]), (&"ended".into(), &"interrupted".into()));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("r.json")).unwrap()).unwrap();
    assert_eq!(json["outcome"], "error");
    assert_eq!(outcome(&json, "scaffold.builds")["outcome"], "pass");
    let reload = outcome(&json, "dev.reload");
    assert_eq!((&reload["outcome"], &reload["observed"]), (&"skipped".into(), &"not run: interrupted".into()));
    let junit = std::fs::read_to_string(folder.join("r.xml")).unwrap();
    assert!(junit.contains("<error ") && junit.contains("type=\"interrupted\""), "{junit}");
}
