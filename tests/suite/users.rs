//! What people have who have more than a scaffold: a company's registry and proxy, contexts beside the project's, data that no
//! build takes, a suite that never ends; and what they meet first on a terminal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::running::edit;
use super::support::{Ran, docker_out, dockwright, engine, repository, run, service, tool};

const BASE: &str = "debian:trixie-slim";

/// A project whose images are the base image, with some instructions in dev's; its services do nothing.
fn plain(instructions: &str) -> (tempfile::TempDir, PathBuf) {
    let (home, folder) = service("python", &[]);
    let stages = ["dev-tools", "builder", "build", "service", "test", "installation"];
    let stages: Vec<String> = stages.iter().map(|stage| format!("FROM {BASE} AS {stage}\nCMD [\"true\"]\n")).collect();
    let text = format!("FROM {BASE} AS dev\n{instructions}\n{}", stages.concat());
    std::fs::write(folder.join("Dockerfile"), text).unwrap();
    (home, folder)
}

/// The docker CLI's configuration with some text in it.
fn configured(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), text).unwrap();
    folder
}

fn verify(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Ran {
    Ran::of(dockwright().current_dir(folder).arg("verify").args(args).envs(env.iter().copied()))
}

#[test]
fn all_that_compose_yaml_says_of_a_build_reaches_it() {
    if !engine() {
        return;
    }
    let asks = "FROM extra AS taken
FROM debian:trixie-slim AS dev
COPY --from=taken /word /taken
COPY --from=extra /word /word
RUN --mount=from=lib,target=/lib2 cat /word /taken /lib2/lib > /all && grep -q 'extraextralib' /all
RUN : nonce && grep -q '10.9.8.7.*db.internal' /etc/hosts
RUN test \"$(df -k /dev/shm | awk 'END { print $2 }')\" = 32768
RUN test \"$(ulimit -n)\" = 777
RUN test \"$HTTP_PROXY$http_proxy\" = http://proxy.test:1http://proxy.test:1";
    // The builder's cache does not know hosts and proxies.
    let asks = asks.replace(
        "nonce",
        &format!("{}-{:?}", std::process::id(), std::time::SystemTime::now()).replace(['{', '}', ' ', ':'], ""),
    );
    let (_home, folder) = plain("");
    let dockerfile = std::fs::read_to_string(folder.join("Dockerfile")).unwrap();
    std::fs::write(folder.join("Dockerfile"), dockerfile.replacen("FROM debian:trixie-slim AS dev", &asks, 1)).unwrap();
    for (name, word) in [("extra/word", "extra"), ("lib/lib", "lib")] {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), word).unwrap();
    }
    edit(
        &folder.join("compose.yaml"),
        "build: { context: ., target: dev }",
        "build:\n      context: .\n      target: dev\n      additional_contexts: { extra: ./extra, lib: ./lib }\n      \
         extra_hosts: [\"db.internal=10.9.8.7\"]\n      shm_size: 32m\n      ulimits: { nofile: 777 }",
    );
    let config = configured(r#"{"proxies": {"default": {"httpProxy": "http://proxy.test:1"}}}"#);
    let docker = [("DOCKER_CONFIG", config.path().to_str().unwrap())];
    verify(&folder, &["--build-only"], &docker).exits(0);
    // Each is what makes it build.
    edit(&folder.join("Dockerfile"), "RUN : ", "RUN : again-");
    verify(&folder, &["--build-only"], &[("DOCKER_CONFIG", "/nonexistent")]).exits(1);
    for (said, instead) in
        [("10.9.8.7", "10.9.8.6"), ("shm_size: 32m", "shm_size: 16m"), ("lib: ./lib", "lib: ./extra")]
    {
        edit(&folder.join("Dockerfile"), "RUN : ", "RUN : again-");
        edit(&folder.join("compose.yaml"), said, instead);
        verify(&folder, &["--build-only"], &docker).exits(1);
        edit(&folder.join("compose.yaml"), instead, said);
    }
    let platform = [docker[0], ("DOCKER_DEFAULT_PLATFORM", "linux/s390x")];
    let ran = verify(&folder, &["--build-only"], &platform);
    assert_ne!(ran.code, Some(0), "no image of that platform can be had:\n{}", ran.err);
}

/// A registry of `tests/engine/registry`, ended when dropped.
struct Registry {
    child: Child,
    port: String,
}

impl Registry {
    fn start(password: Option<&str>) -> Option<Self> {
        tool("python3")?;
        let mut command = Command::new(repository().join("tests/engine/registry"));
        let mut child = command.args(password).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Some(Self { child, port: port.trim().to_owned() })
    }

    /// The base image's name in it, which nobody has on the engine.
    fn image(&self) -> String {
        format!("127.0.0.1:{}/team/side:1", self.port)
    }

    /// Puts the base image into it, and takes the name off the engine.
    fn filled(self, config: &Path) -> Self {
        let image = self.image();
        docker_out(&["tag", BASE, &image]);
        let mut docker = super::support::docker().unwrap();
        Ran::of(docker.env("DOCKER_CONFIG", config).args(["push", "--quiet", &image])).exits(0);
        docker_out(&["rmi", &image]);
        self
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_registry_has_is_pulled_and_what_it_does_not_have_is_the_project_s_fault() {
    if !engine() {
        return;
    }
    let nobody = configured("{}");
    let Some(registry) = Registry::start(None) else { return };
    let registry = registry.filled(nobody.path());
    let (_home, folder) = plain("");
    let image = registry.image();
    let compose = folder.join("compose.yaml");
    edit(
        &compose,
        "  dev:\n",
        &format!("  side:\n    image: {image}\n    command: [sleep, inf]\n\n  dev:\n    depends_on: [side]\n"),
    );
    let docker = [("DOCKER_CONFIG", nobody.path().to_str().unwrap())];
    let ran = verify(&folder, &["--build-only"], &docker).exits(0);
    assert!(ran.err.contains("pulled side"), "{}", ran.err);
    docker_out(&["rmi", &image]);
    // A registry that says no.
    edit(&compose, "side:1", "side:2");
    let ran = verify(&folder, &["--build-only", "--format", "json"], &docker).exits(1);
    let report = ran.json();
    let failed = report["contracts"].as_array().unwrap().iter().find(|one| one["outcome"] == "fail").unwrap();
    assert_eq!((failed["contract"].as_str(), failed["file"].as_str()), (Some("scaffold.builds"), Some("compose.yaml")));
    assert!(failed["observed"].as_str().unwrap().contains("side:2"), "{failed:#}");
    // One that says nothing.
    edit(&compose, "side:2", "side:1");
    drop(registry);
    verify(&folder, &["--build-only"], &docker).exits(3);
    // So it is with a base image.
    let (_home, other) = plain("");
    edit(&other.join("Dockerfile"), &format!("FROM {BASE} AS dev"), &format!("FROM {image} AS dev"));
    verify(&other, &["--build-only"], &docker).exits(3);
}

#[test]
fn credentials_are_those_of_the_docker_cli() {
    if !engine() {
        return;
    }
    let Some(registry) = Registry::start(Some("me:secret-of-me")) else { return };
    let host = format!("127.0.0.1:{}", registry.port);
    // me:secret-of-me
    let stored = configured(&format!(r#"{{"auths": {{"{host}": {{"auth": "bWU6c2VjcmV0LW9mLW1l"}}}}}}"#));
    let registry = registry.filled(stored.path());
    let helped = configured(&format!(r#"{{"credHelpers": {{"{host}": "tests"}}}}"#));
    let helper = helped.path().join("docker-credential-tests");
    // Written by another process: what this one has open for writing, those that it starts meanwhile keep open for a moment.
    let script = r#"printf '%s\n' '#!/bin/sh' "echo '{\"Username\": \"me\", \"Secret\": \"secret-of-me\"}'" > "$1"; chmod 755 "$1""#;
    Ran::of(Command::new("sh").args(["-c", script, "sh"]).arg(&helper)).exits(0);
    let path = format!("{}:{}", helped.path().display(), std::env::var("PATH").unwrap());
    let nobody = configured("{}");
    let image = registry.image();
    let (_home, folder) = plain("");
    edit(
        &folder.join("compose.yaml"),
        "  dev:\n",
        &format!("  side:\n    image: {image}\n    command: [sleep, inf]\n\n  dev:\n    depends_on: [side]\n"),
    );
    let (_home, from) = plain("");
    edit(&from.join("Dockerfile"), &format!("FROM {BASE} AS dev"), &format!("FROM {image} AS dev"));
    for (config, code) in [(&nobody, 3), (&stored, 0), (&helped, 0)] {
        let env = [("DOCKER_CONFIG", config.path().to_str().unwrap()), ("PATH", path.as_str())];
        for folder in [&folder, &from] {
            let ran = verify(folder, &["--build-only"], &env).exits(code);
            assert!(!ran.err.contains("secret-of-me") && !ran.out.contains("secret-of-me"), "{}", ran.err);
        }
        if code == 0 {
            docker_out(&["rmi", "--force", &image]);
        }
    }
    let auths = format!(r#"{{"auths": {{"{host}": {{"auth": "bWU6c2VjcmV0LW9mLW1l"}}}}}}"#);
    let env = [("DOCKER_CONFIG", nobody.path().to_str().unwrap()), ("DOCKER_AUTH_CONFIG", auths.as_str())];
    verify(&folder, &["--build-only"], &env).exits(0);
    docker_out(&["rmi", "--force", &image]);
}

#[test]
fn data_that_no_build_takes_is_not_copied_and_is_seen() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let ignored = |rule: &str, name: &str| {
        let path = folder.join(rule);
        let rules = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, format!("{rules}\n{name}/\n")).unwrap();
    };
    for name in ["data", "models"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("large.bin"), vec![7_u8; 40 << 20]).unwrap();
        ignored(".dockerignore", name);
    }
    // A program is among them, and git ignores it all.
    std::fs::write(folder.join("models/load.py"), "").unwrap();
    ignored(".gitignore", "models");
    // What is copied is written by a process that may write no large file.
    let program = env!("CARGO_BIN_EXE_dockwright");
    let limited = format!("ulimit -f 16384; exec {program} verify dev.mount");
    let mut command = Command::new("bash");
    Ran::of(command.current_dir(&folder).env("NO_COLOR", "1").env_remove("CI").args(["-c", &limited])).exits(0);
    // dev sees it where it is.
    let seen = "sh -c 'test $(stat -c %s data/large.bin) = 41943040 && sleep inf'";
    edit(&folder.join("compose.yaml"), "  dev:\n", &format!("  dev:\n    command: {seen}\n"));
    let ran = run(&folder, ["verify", "scaffold.unprivileged", "--format", "json"]);
    assert!(!ran.out.contains("exited with 1"), "dev does not see the data:\n{}", ran.out);
}

#[test]
fn a_database_of_development_is_written_and_stays_as_it_is() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    std::fs::create_dir(folder.join("data")).unwrap();
    let database = folder.join("data/app.db");
    std::fs::write(&database, vec![7_u8; 12 << 20]).unwrap();
    for rules in [".dockerignore", ".gitignore"] {
        let text = std::fs::read_to_string(folder.join(rules)).unwrap_or_default();
        std::fs::write(folder.join(rules), text + "\ndata\n").unwrap();
    }
    edit(
        &folder.join("orders/app.py"),
        "async def healthz() -> dict[str, str]:\n",
        "async def healthz() -> dict[str, str]:\n    with open(\"data/app.db\", \"ab\") as database:\n        \
         database.write(b\"x\")\n",
    );
    let ran = run(&folder, ["verify", "dev.owner", "--strict"]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert_eq!(std::fs::metadata(&database).unwrap().len(), 12 << 20, "the project itself is not touched");
}

#[test]
fn a_suite_that_does_nothing_is_given_up() {
    if !engine() {
        return;
    }
    let (_home, folder) = plain("");
    edit(&folder.join("compose.yaml"), "target: test }", "target: test }\n    command: [sleep, inf]");
    edit(&folder.join("dockwright.toml"), "[verify]\n", "[verify]\ntimeout = 3\n");
    let ran = run(&folder, ["verify", "test.passes"]).exits(1);
    assert!(ran.took < Duration::from_mins(3), "{:?}", ran.took);
    assert!(ran.out.contains("neither printed a line nor computed"), "{}", ran.out);
}

/// Runs a command on a terminal of its own, with what somebody types.
fn on_a_terminal(folder: &Path, args: &str, typed: &str) -> Option<(Option<i32>, String)> {
    let script = tool("script")?;
    let program = env!("CARGO_BIN_EXE_dockwright");
    let mut command = Command::new(script);
    command.current_dir(folder).env("NO_COLOR", "1").env("TERM", "xterm").env_remove("CI");
    command.args(["--quiet", "--return", "--command", &format!("{program} {args}"), "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn what_is_missing_is_asked_for_on_a_terminal_and_is_an_error_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), ["new"]).exits(2).says(&["NAME"]);
    run(home.path(), ["new", "orders"]).exits(2).says(&["--stack"]);
    let Some((code, said)) = on_a_terminal(home.path(), "new", "orders\npython\n") else { return };
    assert_eq!(code, Some(0), "{said}");
    assert!(home.path().join("orders/dockwright.toml").is_file(), "{said}");
    assert!(said.contains("What is the service called?") && said.contains("Which stack"), "{said}");
}

#[test]
fn a_service_is_written_into_the_folder_that_somebody_is_in() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my_orders");
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    run(&folder, ["new", ".", "--stack", "python", "--dry-run"]).exits(0);
    run(&folder, ["new", ".", "--stack", "python"]).exits(0);
    let text = std::fs::read_to_string(folder.join("dockwright.toml")).unwrap();
    assert!(text.contains("name = \"my-orders\""), "{text}");
    run(&folder, ["new", ".", "--stack", "python"]).exits(2).says(&["is not empty"]);
    // -C is where the folder is made.
    run(Path::new("/"), ["-C", home.path().to_str().unwrap(), "new", "other", "--stack", "python"]).exits(0);
    assert!(home.path().join("other/compose.yaml").is_file());
    assert_eq!(
        std::fs::read_dir(&folder)
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".dockwright-new") })
            .count(),
        0,
        "no staging folder is left"
    );
}

#[test]
fn the_gate_s_question_is_asked_on_a_terminal_and_only_a_yes_is_one() {
    let (_home, folder) = plain("");
    edit(&folder.join("compose.yaml"), "  dev:\n", "  dev:\n    privileged: true\n");
    for (typed, refused) in [("\n", true), ("no\n", true), ("yess\n", true), ("y\n", false)] {
        // Without an engine it goes no further than to look for one.
        let Some((code, said)) = on_a_terminal(&folder, "verify --build-only", typed) else { return };
        assert!(said.contains("privileged") && said.contains("Let it have all of this, for this run?"), "{said}");
        assert_eq!(code == Some(2), refused, "{typed:?}: {code:?}\n{said}");
    }
}

#[test]
fn an_engine_is_reached_over_ssh() {
    if !engine() {
        return;
    }
    let Ok(host) = std::env::var("DOCKER_HOST") else { return };
    let home = tempfile::tempdir().unwrap();
    // What stands for ssh runs the rest of its words here, as the other host would.
    let ssh = home.path().join("ssh");
    let text = format!("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 2\nDOCKER_HOST={host} exec \"$@\"\n");
    std::fs::write(&ssh, text).unwrap();
    Ran::of(Command::new("chmod").arg("755").arg(&ssh)).exits(0);
    let path = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap());
    let mut command = dockwright();
    let command =
        command.args(["doctor", "--format", "json"]).env("PATH", path).env("DOCKER_HOST", "ssh://me@elsewhere");
    let ran = Ran::of(command).exits(0);
    assert_eq!(ran.json()["engine"]["address"], "ssh://me@elsewhere");
    assert_eq!(ran.json()["engine"]["local"], false);
    assert!(ran.json()["disk"]["images"].is_u64(), "{}", ran.out);
}

#[test]
fn images_are_locked_by_their_digests() {
    if !engine() {
        return;
    }
    let nobody = configured("{}");
    let Some(registry) = Registry::start(None) else { return };
    let registry = registry.filled(nobody.path());
    let image = registry.image();
    let (_home, folder) = plain("");
    let dockerfile = folder.join("Dockerfile");
    let text = std::fs::read_to_string(&dockerfile).unwrap().replace(BASE, &image);
    std::fs::write(&dockerfile, text).unwrap();
    run(&folder, ["pin", "--check"]).exits(1);
    run(&folder, ["pin", "--dry-run"]).exits(0);
    assert!(!folder.join("dockwright.lock").exists());
    run(&folder, ["pin"]).exits(0);
    let lock = std::fs::read_to_string(folder.join("dockwright.lock")).unwrap();
    let pinned = std::fs::read_to_string(&dockerfile).unwrap();
    let digest = lock.split("sha256:").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(pinned.matches(&format!("FROM {image}@sha256:{digest} AS ")).count(), 7, "{pinned}");
    run(&folder, ["pin", "--check"]).exits(0);
    run(&folder, ["verify", "scaffold.pinned"]).exits(0);
    // Another image under the same name is noticed.
    edit(&folder.join("dockwright.lock"), digest, &"0".repeat(64));
    run(&folder, ["pin", "--check"]).exits(1);
    run(&folder, ["verify", "scaffold.pinned"]).exits(1);
    drop(registry);
    run(&folder, ["pin"]).exits(3);
    // What the description renders to has the digests, too.
    let (_home, folder) = service("python", &[]);
    let before = run(&folder, ["show", "Dockerfile"]).exits(0).out;
    let runtime = before.lines().find_map(|line| line.strip_prefix("FROM ")?.strip_suffix(" AS runtime")).unwrap();
    let lock = format!("schema = 1\n\n[images]\n\"{runtime}\" = \"sha256:{}\"\n", "a".repeat(64));
    std::fs::write(folder.join("dockwright.lock"), lock).unwrap();
    let after = run(&folder, ["show", "Dockerfile"]).exits(0).out;
    assert!(after.contains(&format!("FROM {runtime}@sha256:{} AS runtime", "a".repeat(64))), "{after}");
}

#[test]
fn a_name_that_is_not_there_is_in_no_message() {
    // Every command that a message or a page of help names is one.
    let help = run(Path::new("/"), ["--help"]).exits(0).out;
    let commands: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(repository().join("src")).into_iter().filter_map(Result::ok) {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        for found in text.split("`dockwright ").skip(1) {
            let word: String = found.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if !word.is_empty() && !commands.contains(&word.as_str()) && !word.starts_with('-') {
                wrong.push(format!("{}: dockwright {word}", entry.path().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_refusal_is_told_whole_whatever_file_asks_first() {
    let (_home, folder) = service("python", &[]);
    std::os::unix::fs::symlink("/etc/hostname", folder.join(".env")).unwrap();
    edit(&folder.join("compose.yaml"), "  dev:\n", "  dev:\n    privileged: true\n");
    let ran = Ran::of(dockwright().current_dir(&folder).env("CI", "1").arg("verify"));
    ran.exits(2).says(&["host-files", "privileged"]);
}
