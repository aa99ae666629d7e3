//! `--report` and `--format` as a user gives them, where no engine is reached.

use std::path::Path;

use serde_json::Value;

use crate::suite::support::{Ran, below, dockwright, service};

fn verify(folder: &Path, args: &[&str]) -> Ran {
    let mut command = dockwright();
    command.current_dir(folder).env("DOCKER_HOST", "unix:///nonexistent/engine.sock").env_remove("GITHUB_STEP_SUMMARY");
    Ran::of(command.arg("verify").args(args))
}

#[test]
fn a_report_that_could_not_be_written_is_told_before_anything_is_built() {
    let (home, folder) = service("python", &[]);
    std::fs::create_dir(home.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", folder.join("out")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("link.xml")).unwrap();
    let before = below(home.path());
    for (args, said) in [
        (&["--report", "junit=no/such.xml"][..], "the folder no does not exist"),
        (&["--report", "junit=orders"], "orders already exists and is not a file"),
        (&["--report", "junit=link.xml"], "link.xml is a symbolic link"),
        (&["--report", "html=out/page.html"], "leads out of"),
        (&["--report", "html=a", "--report", "json=a"], "two reports have the same file, a"),
        (&["--report", "html"], "name the file"),
        (&["--report", "pdf=x"], "the kinds are"),
        (&["--report", "github=x"], "github takes no file"),
    ] {
        let ran = verify(&folder, args).exits(2).says(&[said]);
        assert_eq!(ran.out, "");
    }
    assert_eq!(below(home.path()), before, "something was written");
}

#[test]
fn the_formats_of_verify_are_its_own() {
    let (_home, folder) = service("python", &[]);
    let ran = Ran::of(dockwright().current_dir(&folder).args(["show", "--format", "sarif"])).exits(2);
    ran.says(&["only `dockwright verify` has this format"]);
}

#[test]
fn every_format_tells_a_run_that_could_not_begin() {
    let (_home, folder) = service("python", &[]);
    let mut args: Vec<String> = Vec::new();
    for kind in ["html", "json", "junit", "ndjson", "sarif"] {
        args.extend(["--report".into(), format!("{kind}=report.{kind}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // No engine is reached: exit code 3, and all are written all the same.
    verify(&folder, &args).exits(3);
    let read = |kind: &str| std::fs::read_to_string(folder.join(format!("report.{kind}"))).unwrap();
    let json: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!((&json["outcome"], &json["error"]["kind"]), (&"error".into(), &"engine".into()));
    assert!(read("html").contains("<h2 id=\"error\">Error</h2>"));
    assert!(read("junit").contains("type=\"engine\""), "{}", read("junit"));
    let sarif: Value = serde_json::from_str(&read("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let last: Value = serde_json::from_str(read("ndjson").lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["outcome"]), (&"ended".into(), &"error".into()));
    // The same on stdout.
    for (format, begins) in
        [("json", "{"), ("ndjson", "{"), ("junit", "<?xml"), ("sarif", "{"), ("github", "::error title=")]
    {
        let ran = verify(&folder, &["--format", format]).exits(3);
        assert!(ran.out.starts_with(begins), "{format}: {}", ran.out);
        assert!(ran.err.contains("error: "), "{}", ran.err);
    }
}

#[test]
fn a_mistake_in_a_file_is_annotated_where_it_is() {
    let (home, folder) = service("python", &[]);
    let file = folder.join("dockwright.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("stack = \"python\"", "stack = \"pyhton\"")).unwrap();
    let summary = home.path().join("summary.md");
    std::fs::write(&summary, "# before\n").unwrap();
    let mut command = dockwright();
    command.current_dir(home.path()).env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_WORKSPACE", home.path());
    let ran = Ran::of(command.args(["-C", "orders", "verify", "--report", "github", "--format", "json"])).exits(2);
    assert_eq!(ran.json()["error"]["kind"], "description");
    ran.says(&["::error file=orders/dockwright.toml,line=7,title=dockwright verify::unknown value \"pyhton\""]);
    let summary = std::fs::read_to_string(&summary).unwrap();
    assert!(summary.starts_with("# before\n## "), "{summary}");
}
