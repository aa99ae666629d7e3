//! `init --dry-run`: the corpus scored by field, what beats what, and inputs that nobody wrote for us.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::{repository, run};

/// A field's value as `expected.toml` has it, against the one that was found.
fn same(expected: &toml::Value, found: Option<&Value>) -> bool {
    match (expected, found) {
        (toml::Value::String(text), Some(Value::String(found))) => text == found,
        (toml::Value::Integer(number), Some(found)) => found.as_i64() == Some(*number),
        (toml::Value::Array(list), Some(Value::Array(found))) => {
            let sorted = |mut texts: Vec<String>| {
                texts.sort();
                texts
            };
            let expected: Vec<String> = list.iter().filter_map(|one| one.as_str().map(ToOwned::to_owned)).collect();
            let found: Vec<String> = found.iter().filter_map(|one| one.as_str().map(ToOwned::to_owned)).collect();
            sorted(expected) == sorted(found)
        }
        _ => false,
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = repository().join("tests/corpus");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

#[test]
fn every_field_of_the_corpus_is_right() {
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let expected: toml::Table = fs::read_to_string(case.join("expected.toml")).unwrap().parse().unwrap();
        let ran = run(&case.join("repo"), ["init", "--dry-run", "--format", "json"]);
        if ran.code != Some(0) {
            wrong.push(format!("{name}: exits with {:?}: {} {}", ran.code, ran.out, ran.err));
            continue;
        }
        let found = ran.json();
        let mut count = |field: &str, right: bool, says: String| {
            let (good, all) = score.entry(field.to_owned()).or_default();
            *good += usize::from(right);
            *all += 1;
            if !right {
                wrong.push(format!("{name}: {field}: {says}"));
            }
        };
        for (field, value) in &expected {
            if field == "absent" {
                for field in value.as_array().unwrap().iter().filter_map(toml::Value::as_str) {
                    let there = found["detected"].get(field);
                    count(field, there.is_none(), format!("expected nothing, found {there:?}"));
                }
                continue;
            }
            let there = found["detected"].get(field);
            count(field, same(value, there), format!("expected {value}, found {there:?}"));
        }
        // Whatever is detected has evidence of that value, and every line is one of its file.
        for (field, value) in found["detected"].as_object().unwrap() {
            let evidence = found["evidence"].as_array().unwrap();
            let of_field: Vec<&Value> = evidence.iter().filter(|one| one["field"] == field.as_str()).collect();
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            assert!(value.is_array() || of_field.iter().any(|one| one["value"] == text.as_str()), "{name}: {field}");
            for one in of_field.iter().filter(|one| one["file"] != "") {
                let file = case.join("repo").join(one["file"].as_str().unwrap());
                let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()));
                let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
                assert!((1..=lines).contains(&one["line"].as_u64().unwrap()), "{name}: {one}");
            }
        }
    }
    println!("{} repositories", cases.len());
    for (field, (good, all)) in &score {
        println!("{field:>10} {good:>4} of {all}");
    }
    assert!(
        wrong.is_empty(),
        "{} of {} values are wrong:\n{}",
        wrong.len(),
        score.values().map(|(_, all)| all).sum::<usize>(),
        wrong.join("\n")
    );
    assert!(cases.len() >= 120, "the corpus has {} repositories", cases.len());
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    home
}

fn detected(folder: &Path, more: &[&str]) -> Value {
    let args = ["init", "--dry-run", "--format", "json"];
    run(folder, args.iter().chain(more)).exits(0).json()
}

#[test]
fn what_the_user_says_beats_what_is_found() {
    let home = folder(&[
        ("package.json", br#"{"name": "a", "scripts": {"start": "node a.js"}, "dependencies": {"express": "4"}}"#),
        ("tool/go.mod", b"module example.com/tool\n\ngo 1.22\n"),
        ("tool/main.go", b"package main\n\nfunc main() {}\n"),
    ]);
    let found = detected(home.path(), &["--set", "port=8080", "--set", "start=node b.js"]);
    assert_eq!(
        (&found["detected"]["port"], &found["detected"]["start"]),
        (&Value::from(8080), &Value::from("node b.js"))
    );
    let start: Vec<&Value> =
        found["evidence"].as_array().unwrap().iter().filter(|one| one["field"] == "start").collect();
    assert_eq!(
        (&start[0]["band"], &start[1]["value"]),
        (&Value::from("told"), &Value::from("node a.js")),
        "the other stays"
    );
    assert_eq!(detected(home.path(), &["--stack", "go"])["detected"]["member"], "tool");
    assert_eq!(detected(home.path(), &["--path", "tool"])["detected"]["stack"], "go");
    for (args, says) in [
        (["--set", "prot=1"], "did you mean `port`?"),
        (["--set", "port"], "is not FIELD=VALUE"),
        (["--set", "port=0"], "`0` is not a port"),
        (["--stack", "cobol"], "there is no stack `cobol`"),
        (["--path", "../x"], "is not below the repository"),
        (["--path", "nowhere"], "there is no folder `nowhere`"),
    ] {
        run(home.path(), ["init", "--dry-run"].iter().chain(&args)).exits(2).says(&[says]);
    }
}

#[test]
fn torn_between_two_values_it_takes_one_and_keeps_the_other() {
    let home = folder(&[
        ("package.json", br#"{"name": "a", "main": "a.js", "dependencies": {"express": "4"}}"#),
        ("a.js", b""),
        ("yarn.lock", b""),
        ("pnpm-lock.yaml", b""),
    ]);
    let found = detected(home.path(), &[]);
    let notes = found["notes"].to_string();
    assert!(notes.contains("manager: took `pnpm`") && notes.contains("not `yarn` (yarn.lock:1)"), "{notes}");
    assert!(
        found["evidence"].as_array().unwrap().iter().any(|one| one["value"] == "yarn" && one["file"] == "yarn.lock")
    );
}

#[test]
fn where_nothing_is_found_it_says_what_it_looked_for() {
    let home = folder(&[("requirement.txt", b"flask\n"), ("pakage.json", b"{}"), ("notes.md", b"")]);
    let ran = run(home.path(), ["init", "--dry-run"]).exits(2);
    ran.says(&[
        "has no service that dockwright knows",
        "requirement.txt: did you mean `requirements.txt`?",
        "pakage.json: did you mean `package.json`?",
        "looked for ",
        "go.mod",
    ]);
    run(home.path(), ["init", "no-such-folder", "--dry-run"]).exits(2).says(&["is not a folder"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = folder(&[("go.mod", b"module a\n\ngo 1.22\n"), ("main.go", b"package main\n")]);
    let before = super::support::below(home.path());
    run(home.path(), ["init", "--dry-run"]).exits(0);
    assert_eq!(super::support::below(home.path()), before);
}

#[test]
fn a_stack_without_roles_says_so() {
    let home = folder(&[("Gemfile", b"gem 'sinatra'\n"), ("config.ru", b"")]);
    let found = detected(home.path(), &[]);
    assert_eq!(
        (&found["schema"], &found["roles"], &found["files"]),
        (&Value::from(1), &serde_json::json!({}), &serde_json::json!([]))
    );
    assert!(found["notes"].to_string().contains("has no roles in this version"), "{}", found["notes"]);
}

#[test]
fn a_package_manager_without_roles_says_so_and_another_that_is_there_is_taken() {
    let environment = ("environment.yml", &b"name: a\ndependencies: [python=3.13, flask]\n"[..]);
    let app = ("app.py", &b"from flask import Flask\napp = Flask(__name__)\n"[..]);
    let home = folder(&[environment, app]);
    let says = ["package manager conda is detected", "`dockwright init --set manager=NAME`", "pip, uv"];
    run(home.path(), ["init"]).exits(2).says(&says);
    assert_eq!(detected(home.path(), &[])["detected"]["manager"], "conda");
    assert!(!home.path().join("dockwright.toml").exists());

    let home = folder(&[environment, app, ("requirements.txt", b"flask==3.1.2\n")]);
    run(home.path(), ["init"]).exits(0);
    let dockerfile = std::fs::read_to_string(home.path().join("Dockerfile")).unwrap();
    assert!(dockerfile.contains("requirements.txt"), "{dockerfile}");
}

#[test]
fn nothing_that_a_repository_holds_stops_it() {
    let big = "x".repeat(3 << 20);
    let deep_json = format!("{}{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let lines = "import os\n".repeat(400_000);
    let home = folder(&[
        ("package.json", br#"{"name": "a", "scripts": {"start": "npm run b", "b": "npm start", "c": "npm run c && npm run c"}, "dependencies": {"express": 1}}"#),
        ("index.js", big.as_bytes()),
        ("deno.json", deep_json.as_bytes()),
        ("pyproject.toml", b"[project\nname = "),
        ("Cargo.toml", b"\xff\xfe\x00\xd8\x00"),
        ("requirements.txt", lines.as_bytes()),
        ("docker-compose.yml", b"a: &a [*a, *a]\nservices: [1, {build: {context: {}}}]\n"),
        ("compose.yaml", b"x: &x {a: 1}\nservices:\n  web: {build: '../../../etc', ports: [{}, -1, '99999:99999']}\n"),
        ("Dockerfile", b"FROM a AS a\nFROM b AS a\nCMD [\"sh\", \"-c\"\nENTRYPOINT ./run.sh\nEXPOSE $X 0 70000\n"),
        ("run.sh", b"#!/bin/sh\nexec ./run.sh \"$@\"\n"),
        ("Procfile", b"web: ./run.sh && sh -c \"sh -c './run.sh'\nweb: \n"),
        ("fly.toml", b"[http_service]\ninternal_port = 99999999999999999999\n"),
        ("pom.xml", b"<!DOCTYPE a [<!ENTITY a \"&a;&a;\">]><project>&a;</project>"),
        (".gitignore", b"[[[\n**/**/**\n!\n\\\n"),
        ("go.mod", "module \u{1F980}\n\ngo 1.\n".as_bytes()),
        ("main.go", b"package main\n\x00\x00"),
        ("a@b/@c@/package.json", br#"{"scripts": {"start": "node @1@ @file@ @"}, "dependencies": {"koa": "1"}}"#),
    ]);
    let mut deep = home.path().to_owned();
    for index in 0..120 {
        deep.push(format!("d{index}"));
    }
    fs::create_dir_all(&deep).unwrap();
    for index in 0..2_000 {
        fs::write(home.path().join(format!("d0/f{index}.py")), "PORT = os.getenv('PORT', 1)\n").unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(home.path(), home.path().join("d0/loop")).unwrap();
        symlink("/etc/passwd", home.path().join("Pipfile")).unwrap();
        symlink("b", home.path().join("a")).unwrap();
        symlink("a", home.path().join("b")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, home.path().join("Gemfile"), rustix::fs::Mode::RUSR).unwrap();
    }
    for stack in dockwright::detect::stacks() {
        let ran = run(home.path(), ["init", "--dry-run", "--format", "json", "--stack", stack]);
        assert!(matches!(ran.code, Some(0 | 2)), "{stack}: {:?} {}", ran.code, ran.err);
        assert!(ran.took.as_secs() < 60, "{stack}: {:?}", ran.took);
        assert!(!ran.out.contains("root:x:0"), "{stack}: a link was followed");
    }
    let found = detected(home.path(), &[]);
    assert!(found["detected"]["stack"].is_string());
}
