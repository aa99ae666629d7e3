//! `init` in repositories that are there: `tests/cases/init/NAME/repository` in, `expected/` out, byte for byte, and on an engine
//! what `verify` says of it. `DOCKWRIGHT_BLESS=1` writes the expected files anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

use super::support::{below, engine, has_images_of, repository, run};
use crate::turn::turn_of_the_day;

fn cases() -> Vec<PathBuf> {
    let folder = repository().join("tests/cases/init");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// A copy of a case's repository under the name of the case, and its guard.
fn copy(case: &Path) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let from = case.join("repository");
    let to = home.path().join(case.file_name().unwrap());
    for path in below(&from) {
        let (from, to) = (from.join(&path), to.join(&path));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
        } else {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&from, &to).unwrap();
        }
    }
    (home, to)
}

fn files(document: &Value) -> BTreeMap<String, String> {
    let files = document["files"].as_array().unwrap().iter();
    files.map(|file| (file["path"].as_str().unwrap().into(), file["contents"].as_str().unwrap().into())).collect()
}

#[test]
fn each_repository_gets_the_expected_files() {
    // Scripts and what is alike everywhere is looked at elsewhere.
    let is_shown = |path: &str| {
        ["Dockerfile", "compose.yaml", "compose.dockwright.yaml", "dockwright.toml"]
            .iter()
            .any(|name| path.ends_with(name))
    };
    for case in cases() {
        let (_home, folder) = copy(&case);
        let planned = files(&run(&folder, ["init", "--dry-run", "--format", "json"]).exits(0).json());
        assert!(planned.contains_key("dockwright.toml"), "{}: {:?}", case.display(), planned.keys());
        let before = below(&folder);
        let document = run(&folder, ["init", "--format", "json"]).exits(0).json();
        assert_eq!(files(&document), planned, "{}", case.display());
        for (path, contents) in &planned {
            assert_eq!(&fs::read_to_string(folder.join(path)).unwrap(), contents, "{path}");
            assert!(!before.contains(Path::new(path)), "{path} was there");
        }
        for role in ["dev", "dev-tools", "build", "service", "test", "installation"] {
            assert!(document["roles"][role]["stage"].is_string(), "{}: {role}", case.display());
        }
        let expected = case.join("expected");
        for (path, contents) in planned.iter().filter(|(path, _)| is_shown(path)) {
            let committed = expected.join(path);
            if env::var_os("DOCKWRIGHT_BLESS").is_some() {
                fs::create_dir_all(committed.parent().unwrap()).unwrap();
                fs::write(&committed, contents).unwrap();
            }
            let text = fs::read_to_string(&committed).unwrap_or_default();
            assert_eq!(&text, contents, "{} is not what is written", committed.display());
        }
        // What was written renders to itself, and a second time nothing is written.
        let shown = run(&folder, ["show", "compose.yaml"]);
        assert!(shown.code == Some(0) || planned.contains_key("compose.dockwright.yaml"), "{}", shown.err);
        let all = below(&folder);
        run(&folder, ["init"]).exits(2).says(&["dockwright.toml is there already"]);
        assert_eq!(below(&folder), all);
    }
}

#[test]
fn a_build_sees_the_environment_that_it_publishes_and_no_other() {
    let (_home, folder) = copy(&repository().join("tests/cases/init/vite-site"));
    let ignored =
        || files(&run(&folder, ["init", "--dry-run", "--format", "json"]).exits(0).json())[".dockerignore"].clone();
    assert!(
        ignored().contains("**/.env.*\n# The build reads it, and publishes what it sets.\n!.env.production\n"),
        "{}",
        ignored()
    );
    for more in ["DATABASE_HOST=db\n", "not a variable\n"] {
        fs::write(folder.join(".env.production"), format!("VITE_DAY=Fridays\n{more}")).unwrap();
        assert!(!ignored().contains("!.env"), "{more}");
    }
    fs::write(folder.join(".env.production"), "NODE_ENV=production\n").unwrap();
    assert!(!ignored().contains("!.env"));
}

#[test]
fn no_database_is_started_where_a_file_will_do() {
    const DRIVERS: [&str; 3] = ["driver/postgres v1.5.9", "driver/mysql v1.5.7", "driver/sqlite v1.5.6"];
    let home = tempfile::tempdir().unwrap();
    let needs = |drivers: &[&str], compose: &str| {
        let requires: String = drivers.iter().map(|driver| format!("\tgorm.io/{driver}\n")).collect();
        fs::write(home.path().join("go.mod"), format!("module example.com/a\n\ngo 1.23\n\nrequire (\n{requires})\n"))
            .unwrap();
        fs::write(home.path().join("main.go"), "package main\n\nfunc main() {}\n").unwrap();
        fs::write(home.path().join("docker-compose.yml"), compose).unwrap();
        let planned = files(&run(home.path(), ["init", "--dry-run", "--format", "json"]).exits(0).json());
        let lines = planned["dockwright.toml"].lines().filter_map(|line| line.strip_prefix("[repository.needs."));
        lines.map(|line| line.trim_end_matches(']').to_owned()).collect::<Vec<_>>()
    };
    let own = "services:\n  app:\n    build: .\n";
    assert_eq!(needs(&DRIVERS, own), [""; 0]);
    // One other database and a file: the file may be for the tests alone.
    assert_eq!(needs(&[DRIVERS[0], DRIVERS[2]], own), ["postgres"]);
    assert_eq!(needs(&DRIVERS[..2], own), ["postgres", "mysql"]);
    let with = format!("{own}  db:\n    image: mysql:8.4\n");
    assert_eq!(needs(&DRIVERS, &with), ["mysql"]);
    fs::write(home.path().join(".env.example"), "DATABASE_URL=postgres://db/notes\n").unwrap();
    assert_eq!(needs(&DRIVERS, own), ["postgres"]);
}

#[test]
fn files_of_other_people_stay_as_they_are() {
    let (_home, folder) = copy(&repository().join("tests/cases/init/express-npm"));
    let theirs = [
        ("Dockerfile", "FROM node:22-slim\nCOPY . .\nCMD [\"node\", \"server.js\"]\n"),
        ("compose.yaml", "services:\n  web:\n    build: .\n"),
        (".dockerignore", "*\n!server.js\n"),
        (".gitattributes", "*.js text\n"),
        (".devcontainer/devcontainer.json", "{}\n"),
        ("docker/entry.sh", "#!/bin/sh\n"),
    ];
    for (path, text) in theirs {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    }
    let document = run(&folder, ["init", "--format", "json"]).exits(0).json();
    for (path, text) in theirs {
        assert_eq!(fs::read_to_string(folder.join(path)).unwrap(), text);
    }
    let written: Vec<String> = files(&document).into_keys().collect();
    assert_eq!(
        written,
        [
            ".devcontainer/dockwright/devcontainer.json",
            "compose.dockwright.yaml",
            "docker/dockwright.Dockerfile",
            "docker/dockwright.Dockerfile.dockerignore",
            "docker/dockwright/answers.sh",
            "docker/dockwright/as-owner.sh",
            "docker/dockwright/copy-source.sh",
            "docker/dockwright/run-on-change.sh",
            "dockwright.toml",
        ]
    );
    let notes = document["notes"].to_string();
    assert!(
        notes.contains("kept as they are: Dockerfile, .dockerignore, docker, compose.yaml, .devcontainer"),
        "{notes}"
    );
    // With a file of the same name nothing is written at all.
    fs::remove_file(folder.join("dockwright.toml")).unwrap();
    run(&folder, ["init"]).exits(2).says(&["compose.dockwright.yaml", "overwrites nothing"]);
    assert!(!folder.join("dockwright.toml").exists());
}

#[test]
fn a_folder_without_anything_gets_a_new_service_if_its_stack_is_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("My Orders");
    fs::create_dir_all(folder.join(".git")).unwrap();
    run(&folder, ["init"]).exits(2).says(&["is empty", "dockwright new . --stack STACK"]);
    run(&folder, ["init", "--stack", "go", "--dry-run"]).exits(0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    run(&folder, ["new", ".", "--stack", "go"]).exits(0);
    assert!(folder.join("cmd/my-orders/main.go").is_file() && folder.join("dockwright.toml").is_file());
    let other = home.path().join("other");
    fs::create_dir(&other).unwrap();
    run(&other, ["init", "--stack", "python"]).exits(0);
    assert!(other.join("other/app.py").is_file());
}

#[test]
fn commands_that_are_given_make_roles_for_any_language() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("serve.pl"), "print 'hello'\n").unwrap();
    let args =
        ["init", "--stack", "generic", "--set", "start=perl serve.pl", "--set", "port=9000", "--set", "test=prove"];
    run(home.path(), args).exits(0);
    let dockerfile = fs::read_to_string(home.path().join("Dockerfile")).unwrap();
    assert!(dockerfile.contains("CMD [\"perl\", \"serve.pl\"]") && dockerfile.contains("exec prove"), "{dockerfile}");
    let without = tempfile::tempdir().unwrap();
    fs::write(without.path().join("serve.pl"), "print 'hello'\n").unwrap();
    run(without.path(), ["init", "--stack", "generic"]).exits(2).says(&["how the service is started", "--set start="]);
}

/// What a repository has in a folder of the name that dockwright's own files go to stays apart, and reaches the service.
#[test]
fn a_folder_called_docker_is_not_taken_for_dockwright_s() {
    let (_home, folder) = copy(&repository().join("tests/cases/init/flask-requirements"));
    fs::create_dir(folder.join("docker")).unwrap();
    fs::write(folder.join("docker/uwsgi.ini"), "[uwsgi]\n").unwrap();
    run(&folder, ["init"]).exits(0).says(&["docker"]);
    let there = |path: &str| folder.join(path).exists();
    assert!(there("docker/dockwright.Dockerfile") && there("docker/dockwright/copy-source.sh"));
    assert!(!there("docker/as-owner.sh") && !there("Dockerfile"));
    let out = folder.join("out");
    fs::create_dir(&out).unwrap();
    let mut copying = Command::new("bash");
    let copied = copying.arg("docker/dockwright/copy-source.sh").arg(&out).current_dir(&folder).status();
    assert!(copied.unwrap().success());
    assert!(out.join("docker/uwsgi.ini").exists() && !out.join("docker/dockwright").exists());
    assert!(!out.join("docker/dockwright.Dockerfile").exists());
}

/// A Dockerfile's command has paths of its own image: programs of its virtual environment, and files of the repository.
#[test]
fn a_command_is_that_of_our_image() {
    for (command, expected) in [
        (r#""/app/.venv/bin/gunicorn", "main:app""#, "gunicorn main:app"),
        (r#""/app/venv/bin/python", "/app/main.py""#, "python ./main.py"),
        (
            r#""/opt/venv/bin/gunicorn", "--config=/app/gunicorn.conf.py", "main:app""#,
            "gunicorn --config=./gunicorn.conf.py main:app",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let dockerfile = format!("FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD [{command}]\n");
        for (path, text) in [
            ("Dockerfile", dockerfile.as_str()),
            ("requirements.txt", "flask==3.1.0\ngunicorn==23.0.0\n"),
            ("main.py", "from flask import Flask\n\napp = Flask(__name__)\n"),
        ] {
            fs::write(home.path().join(path), text).unwrap();
        }
        let said = run(home.path(), ["init", "--dry-run"]).exits(0).out;
        let start = said.lines().find(|line| line.starts_with("start = ")).unwrap_or_default();
        assert!(start.starts_with(&format!("start = {expected}  #")), "{start}");
    }
}

/// What `verify` does not pass, of those of which `faults.txt` does not say that the repository is to blame, or cannot show it.
fn unexpected(name: &str) -> Vec<String> {
    let case = repository().join("tests/cases/init").join(name);
    let (_home, folder) = copy(&case);
    run(&folder, ["init"]).exits(0);
    has_images_of(&case.join("expected"));
    let ran = run(&folder, ["verify", "--fresh", "--format", "json"]);
    let report = ran.json();
    let known = fs::read_to_string(case.join("faults.txt")).unwrap_or_default();
    let is_known = |contract: &str| known.lines().any(|line| line.split_whitespace().next() == Some(contract));
    let contracts = report["contracts"].as_array().unwrap().iter();
    let bad = contracts.filter(|one| !["pass", "skipped"].contains(&one["outcome"].as_str().unwrap()));
    let bad = bad.filter(|one| !is_known(one["contract"].as_str().or(one["name"].as_str()).unwrap_or_default()));
    bad.map(|one| format!("{one:#}")).collect()
}

/// Whether a repository is verified: in CI, whose time is short, two of five each day.
fn is_in_turn(name: &str) -> bool {
    let place = cases().iter().position(|case| case.ends_with(name)).expect("the test below names them all");
    env::var_os("CI").is_none() || (place + turn_of_the_day()) % 5 < 2
}

macro_rules! verifies {
    ($($test:ident $case:literal)*) => {
        $(
            #[test]
            fn $test() {
                if engine() && is_in_turn($case) {
                    let bad = unexpected($case);
                    assert!(bad.is_empty(), "{}", bad.join("\n"));
                }
            }
        )*

        #[test]
        fn every_repository_is_verified() {
            let named = [$($case),*];
            let there: Vec<String> =
                cases().iter().map(|case| case.file_name().unwrap().to_str().unwrap().to_owned()).collect();
            assert!(there.iter().all(|case| named.contains(&case.as_str())), "{there:?}");
        }
    };
}

verifies! {
    verify_init_django_postgres "django-postgres"
    verify_init_express_npm "express-npm"
    verify_init_fastapi_uv "fastapi-uv"
    verify_init_fastify_typescript "fastify-typescript"
    verify_init_flask_requirements "flask-requirements"
    verify_init_go_cmd "go-cmd"
    verify_init_hono_bun "hono-bun"
    verify_init_axum_cargo "axum-cargo"
    verify_init_spring_maven "spring-maven"
    verify_init_static_html "static-html"
    verify_init_vite_site "vite-site"
}
