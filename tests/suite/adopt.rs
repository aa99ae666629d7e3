//! `init --adopt`: repositories with Dockerfiles of their own, and what of them plays which role.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::{Ran, below, dockwright, engine, has_images_of, repository, run};

/// The repositories of `tests/cases/adopt`, by name.
fn cases() -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(repository().join("tests/cases/adopt")).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap()).collect();
    cases.sort_by_key(fs::DirEntry::file_name);
    cases.into_iter().map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
}

/// A copy of a case's repository, in a folder of its name.
fn copy(name: &str) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let (from, folder) = (repository().join("tests/cases/adopt").join(name).join("repository"), home.path().join(name));
    fs::create_dir(&folder).unwrap();
    for path in below(&from) {
        if from.join(&path).is_dir() {
            fs::create_dir_all(folder.join(&path)).unwrap();
        } else {
            fs::copy(from.join(&path), folder.join(&path)).unwrap();
        }
    }
    (home, folder)
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn each_repository_gets_its_mapping_and_nothing_else_is_written() {
    for (name, case) in cases() {
        let (_home, folder) = copy(&name);
        let before = below(&folder);
        let printed = run(&folder, ["init", "--adopt", "--dry-run"]).exits(0).out;
        assert_eq!(below(&folder), before, "{name}: a dry run writes");
        let expected = case.join("dockwright.toml");
        if std::env::var_os("DOCKWRIGHT_BLESS").is_some() {
            fs::write(&expected, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(&expected).unwrap(), "{name}");
        run(&folder, ["init", "--adopt"]).exits(0);
        assert_eq!(fs::read_to_string(folder.join("dockwright.toml")).unwrap(), printed, "{name}");
        let new: Vec<PathBuf> = below(&folder).difference(&before).cloned().collect();
        assert_eq!(new, [PathBuf::from("dockwright.toml")], "{name}");
        // What is there is not written over.
        run(&folder, ["init", "--adopt"]).exits(2).says(&["is there already"]);
    }
}

#[test]
fn the_document_says_where_each_role_is_and_why() {
    let (_home, folder) = copy("express-postgres");
    let document = run(&folder, ["init", "--adopt", "--dry-run", "--format", "json"]).exits(0).json();
    let role = |name: &str, key: &str| document["roles"][name][key].clone();
    assert_eq!(role("dev", "stage"), "development");
    assert_eq!(role("dev", "compose-service"), "api");
    assert_eq!(role("service", "stage"), "production");
    assert!(role("test", "off").as_str().unwrap().contains("the role test is off"));
    assert_eq!(document["detected"]["health"], "/health");
    assert_eq!(document["written"], false);
    let evidence = document["evidence"].as_array().unwrap();
    let dev = evidence.iter().find(|one| one["field"] == "roles.dev.service").unwrap();
    assert_eq!((&dev["file"], &dev["line"]), (&Value::from("compose.yaml"), &Value::from(12)));
    assert!(document["files"][0]["contents"].as_str().unwrap().contains("[roles.dev]"));
}

/// What a description that names too much says: all of it, at once.
#[test]
fn all_gaps_are_told_at_once() {
    let (_home, folder) = copy("express-postgres");
    let toml = "schema = 1\n[service]\nname = \"notes\"\n[roles.dev]\nservice = \"apo\"\n[roles.service]\nstage = \"prodution\"\n\
                [roles.test]\nenabled = true\n";
    write(&folder, &[("dockwright.toml", toml)]);
    let ran = run(&folder, ["verify", "--build-only"]).exits(2);
    ran.says(&["names the service `apo`", "did you mean `api`?", "no stage `prodution`", "the role test is turned on"]);
}

#[test]
fn a_clone_without_its_env_file_is_adopted_and_the_file_is_a_gap() {
    let home = tempfile::tempdir().unwrap();
    let compose = "services:\n  web:\n    build: .\n    env_file: .env\n    ports: [\"${PORT:?set it}:8000\"]\n";
    write(
        home.path(),
        &[
            (
                "Dockerfile",
                "FROM a:1\nCOPY app.py .\nHEALTHCHECK CMD curl -f http://localhost:8000/up\nCMD [\"python\", \"app.py\"]\n",
            ),
            ("compose.yaml", compose),
            (".env.example", "PORT=8000\n"),
            ("app.py", ""),
        ],
    );
    let ran = run(home.path(), ["init", "--adopt"]).exits(0);
    ran.says(&["compose.yaml:4: `env_file` names .env, which does not exist"]);
    let toml = fs::read_to_string(home.path().join("dockwright.toml")).unwrap();
    assert!(toml.contains("service = \"web\"") && toml.contains("health = \"/up\""), "{toml}");
    run(home.path(), ["verify", "--build-only"]).exits(2).says(&["the variable PORT is required", "or in .env"]);
}

#[test]
fn what_hosted_editors_bring_is_not_the_service() {
    let home = tempfile::tempdir().unwrap();
    let own = "FROM b:1\nCOPY . .\nHEALTHCHECK CMD wget -q http://127.0.0.1:3000/healthz\nEXPOSE 3000\nCMD [\"node\", \"app.js\"]\n";
    write(
        home.path(),
        &[
            (".gitpod.Dockerfile", "FROM a:1\n"),
            (".devcontainer/Dockerfile", "FROM a:1\n"),
            ("docker/Dockerfile", own),
            ("package.json", "{\"name\": \"desk\"}\n"),
            ("app.js", "\n"),
        ],
    );
    run(home.path(), ["init", "--adopt"]).exits(0);
    let toml = fs::read_to_string(home.path().join("dockwright.toml")).unwrap();
    for said in ["dockerfile = \"docker/Dockerfile\"", "stack = \"node\"", "health = \"/healthz\""] {
        assert!(toml.contains(said), "{said}: {toml}");
    }
}

#[test]
fn what_is_not_mapped_is_off_and_a_description_of_nothing_is_refused() {
    let (_home, folder) = copy("go-scratch");
    write(&folder, &[("dockwright.toml", "schema = 1\n[service]\nname = \"pinger\"\n")]);
    run(&folder, ["verify"]).exits(2).says(&["no role is there to verify", "dockwright init --adopt --dry-run"]);
    run(&folder, ["show"]).exits(2).says(&["names no stack"]);
}

const STAGES: &str = "FROM a:1 AS dev\nWORKDIR /app\nCOPY . .\nCMD [\"x\", \"--reload\"]\nFROM a:1 AS builder\nRUN make\n\
                      FROM b:1 AS runner\nCOPY --from=builder /out /out\nCMD [\"/out/x\"]\nFROM runner AS tester\nFROM dev AS test\nCMD [\"x\", \"test\"]\n";

/// What it shows, its files with their contents, and some lines of the description.
type Small = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// Repositories in a few lines, and some of what their description then says.
const SMALL: &[Small] = &[
    (
        "a last stage for tests is not production's",
        &[
            ("Dockerfile", STAGES),
            ("compose.yml", "services:\n  web:\n    build: {context: ., target: dev}\n    volumes: [\".:/app\"]\n"),
        ],
        &[
            "[roles.dev]\nservice = \"web\"\n",
            "[roles.build]\nservice = \"web\"\nstage = \"builder\"",
            "[roles.service]\nservice = \"web\"\nstage = \"runner\"",
            "[roles.test]\nservice = \"web\"\nstage = \"test\"",
        ],
    ),
    (
        "no compose file",
        &[("Dockerfile", STAGES)],
        &["[roles.service]\nstage = \"runner\"\ndockerfile = \"Dockerfile\""],
    ),
    (
        "a Dockerfile for development beside another",
        &[
            ("Dockerfile", "FROM a:1\nEXPOSE 80\n"),
            ("Dockerfile.dev", "FROM a:1\nWORKDIR /app\nCMD [\"x\", \"--watch\"]\n"),
            (
                "docker-compose.yml",
                "services:\n  app:\n    build: {context: ., dockerfile: Dockerfile.dev}\n    volumes: [\".:/app\"]\n",
            ),
        ],
        &["[roles.dev]\nservice = \"app\"", "[roles.service]\nservice = \"app\"\ndockerfile = \"Dockerfile\""],
    ),
    (
        "a service that mounts nothing is production's",
        &[
            ("Dockerfile", "FROM a:1\n"),
            ("compose.yaml", "services:\n  site:\n    build: .\n    volumes: [\"data:/data\"]\nvolumes: {data: {}}\n"),
        ],
        &["[roles.service]\nservice = \"site\"\n"],
    ),
    (
        "a data folder is no source",
        &[
            ("Dockerfile", "FROM a:1\nWORKDIR /app\n"),
            ("uploads/x", ""),
            ("compose.yaml", "services:\n  site:\n    build: .\n    volumes: [\"./uploads:/var/uploads\"]\n"),
        ],
        &["[roles.service]\nservice = \"site\"\n"],
    ),
    (
        "a service of a role's name that is not that role is turned off",
        &[
            ("Dockerfile", "FROM a:1\nWORKDIR /app\n"),
            ("compose.yaml", "services:\n  web:\n    build: .\n  installation:\n    image: setup:1\n"),
        ],
        &["[roles.service]\nservice = \"web\"", "[roles.installation]\nenabled = false"],
    ),
    (
        "a health check's path, and the variable of the port",
        &[
            (
                "Dockerfile",
                "FROM a:1\nEXPOSE 8080\nHEALTHCHECK CMD curl -f http://localhost:8080/up || exit 1\nCMD run --port $PORT\n",
            ),
            ("compose.yaml", "services:\n  web:\n    build: .\n"),
        ],
        &["port-env = \"PORT\"", "health = \"/up\""],
    ),
    (
        "one of several services, by its name",
        &[
            ("web/Dockerfile", "FROM a:1\nEXPOSE 8080 9229\n"),
            ("worker/Dockerfile", "FROM a:1\n"),
            ("compose.yaml", "services:\n  worker:\n    build: ./worker\n  web:\n    build: ./web\n"),
        ],
        &["port = 8080", "[roles.service]\nservice = \"web\""],
    ),
];

#[test]
fn stages_and_services_are_told_apart_by_names_and_contents() {
    for (what, files, expected) in SMALL {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("shop");
        write(&folder, files);
        let printed = Ran::of(dockwright().args(["init", "--adopt", "-n"]).arg(&folder)).exits(0).out;
        for text in *expected {
            assert!(printed.contains(text), "{what}: no {text:?} in\n{printed}");
        }
    }
}

#[test]
fn a_folder_without_a_dockerfile_is_refused() {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), ["init", "--adopt"]).exits(2).says(&["has no Dockerfile to adopt"]);
    run(home.path(), ["init"]).exits(2).says(&["is empty", "dockwright new"]);
}

/// The contracts of a report with an outcome.
fn with(report: &Value, outcome: &str) -> Vec<String> {
    let contracts = report["contracts"].as_array().unwrap().iter();
    let of = contracts.filter(|one| one["outcome"] == outcome);
    of.map(|one| one["contract"].as_str().unwrap().to_owned()).collect()
}

/// Adopts and verifies a case; what fails is what its author breaks, each confirmed by hand (docs/ADOPT.md).
fn verified(name: &str, fails: &[&str], passes: &[&str]) {
    if !engine() {
        return;
    }
    let (_home, folder) = copy(name);
    has_images_of(&folder);
    run(&folder, ["init", "--adopt"]).exits(0);
    let report = run(&folder, ["verify", "--fresh", "--format", "json"]).json();
    let told = serde_json::to_string_pretty(&report["contracts"]).unwrap();
    assert_eq!(with(&report, "fail"), fails, "{told}");
    let passed = with(&report, "pass");
    for contract in passes {
        assert!(passed.iter().any(|one| one == contract), "{contract} does not pass:\n{told}");
    }
    let skipped = with(&report, "skipped");
    assert!(skipped.iter().any(|one| one.starts_with("installation.")), "{told}");
}

#[test]
fn verify_adopted_flask_with_redis() {
    let fails = [
        "scaffold.ignore",
        "dev.owner",
        "service.no-build-deps",
        "service.non-root",
        "service.no-secret",
        "service.health",
    ];
    verified("flask-redis", &fails, &["dev.mount", "dev.reload", "service.port", "service.read-only"]);
}

#[test]
fn verify_adopted_go_from_scratch() {
    let passes = ["service.port", "service.non-root", "build.reproducible", "service.immutable-code"];
    verified("go-scratch", &["service.health"], &passes);
}

/// No path says whether it is well, so any answer does; but not another one than as the project is.
#[test]
fn verify_stages_without_names() {
    if !engine() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("site");
    fs::create_dir_all(folder.join("site")).unwrap();
    write(
        &folder,
        &[
            ("site/index.html", "<h1>hello there</h1>\n"),
            (
                "compose.yaml",
                "services:\n  web:\n    build: .\n    depends_on: [side]\n  side:\n    build: { context: ., dockerfile: Sidefile }\n",
            ),
            ("Sidefile", "FROM python:3.13-slim-trixie\nCMD [\"sleep\", \"inf\"]\n"),
            (
                "Dockerfile",
                "FROM python:3.13-slim-trixie\nCOPY site/ /made/\nRUN chmod -R a+rX /made\n\nFROM python:3.13-slim-trixie\n\
                 WORKDIR /srv/site\nCOPY --from=0 /made/ ./\nUSER 1234\nEXPOSE 8080\n\
                 CMD [\"python\", \"-m\", \"http.server\", \"8080\"]\n",
            ),
            (
                "dockwright.toml",
                "schema = 1\n[service]\nname = \"site\"\nport = 8080\n[roles.service]\nservice = \"web\"\n[verify]\nhealth = \"/\"\n\
                 [roles]\ndev = { enabled = false }\nbuild = { stage = \"0\" }\ntest = { enabled = false }\n\
                 installation = { enabled = false }\ndev-tools = { enabled = false }\n",
            ),
        ],
    );
    run(&folder, ["verify", "scaffold.builds", "service.port"]).exits(0);
}

#[test]
fn verify_files_that_another_umask_keeps_from_being_read() {
    if !engine() {
        return;
    }
    let dockerfile = |copy: &str| {
        format!(
            "FROM python:3.13-slim-trixie AS web\nWORKDIR /srv/site\n{copy}\nUSER 1234\nEXPOSE 8080\n\
             CMD [\"python\", \"-m\", \"http.server\", \"8080\"]\n"
        )
    };
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("site");
    fs::create_dir_all(folder.join("site")).unwrap();
    write(
        &folder,
        &[
            ("site/index.html", "<h1>hello there</h1>\n"),
            ("compose.yaml", "services:\n  web:\n    build: { context: ., target: web }\n"),
            ("Dockerfile", &dockerfile("COPY site/ ./")),
        ],
    );
    run(&folder, ["init", "--adopt"]).exits(0);
    let ran = run(&folder, ["verify", "scaffold.portable"]).exits(1);
    assert!(ran.out.contains("it answers with status 404, and as the project is with 200"), "{}", ran.out);
    assert!(ran.out.contains("--> Dockerfile:3"), "{}", ran.out);
    write(&folder, &[("Dockerfile", &dockerfile("COPY --chmod=0755 site/ ./"))]);
    run(&folder, ["verify", "scaffold.portable"]).exits(0);
}

/// A registry that does not answer is not the project's fault.
#[test]
fn verify_an_image_that_is_not_there() {
    if !engine() {
        return;
    }
    let (_home, folder) = copy("go-scratch");
    let compose =
        "services:\n  pinger:\n    build: .\n    depends_on: [store]\n  store:\n    image: registry.invalid/store:1\n";
    write(&folder, &[("docker-compose.yml", compose)]);
    run(&folder, ["init", "--adopt"]).exits(0);
    let ran = run(&folder, ["verify", "service.port", "service.non-root", "--format", "json"]).exits(3);
    // Once while it goes on, and once as the outcome.
    for line in
        ["  not pulled store (registry.invalid/store:1)", "\nerror: cannot pull the image registry.invalid/store:1"]
    {
        assert_eq!(ran.err.matches(line).count(), 1, "{}", ran.err);
    }
    let report = ran.json();
    assert_eq!(with(&report, "inconclusive"), ["scaffold.builds", "service.non-root", "service.port"], "{}", ran.out);
    assert!(report["error"]["message"].as_str().unwrap().contains("registry.invalid/store:1"));
    // Nor is a base image's.
    let dockerfile = "FROM registry.invalid/base:1\nUSER 1\n";
    write(&folder, &[("Dockerfile", dockerfile), ("docker-compose.yml", "services:\n  pinger:\n    build: .\n")]);
    fs::remove_file(folder.join("dockwright.toml")).unwrap();
    run(&folder, ["init", "--adopt"]).exits(0);
    let ran = run(&folder, ["verify", "--format", "json"]).exits(3);
    assert_eq!(with(&ran.json(), "fail"), [""; 0], "{}", ran.out);
}
