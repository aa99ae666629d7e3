//! `verify` and `build` on a real engine: what they say, and that nothing of theirs stays on it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::running::{Running, edit, inventory, left_by, left_since, not_passed, runs};
use super::support::{Ran, below, docker_out, dockwright, engine, in_parallel, run, service, stacks};

fn passes_and_leaves_nothing(stack: &str) {
    if !engine() {
        return;
    }
    let (_home, folder) = service(stack, &[]);
    let (files, before) = (below(&folder), inventory());
    let running = dockwright()
        .current_dir(&folder)
        .args(["verify", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (pid, start) = (running.id(), Instant::now());
    let (ran, networks) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Ran::from(running.wait_with_output().unwrap(), start.elapsed()).exits(0));
        let networks = networks_of(pid, || waiting.is_finished());
        (waiting.join().unwrap(), networks)
    });
    // By default an engine has subnets for some thirty networks: they go when what was in them has gone.
    let (all, most) = networks;
    assert!(all > most && most < 20, "{most} networks at once, {all} in all");
    let report = ran.json();
    assert_eq!(not_passed(&report), [""; 0], "{}", ran.err);
    assert_eq!((&report["schema"], &report["outcome"]), (&Value::from(1), &Value::from("pass")));
    assert!(report["engine"].is_object() || report["engine"].is_string());
    let roles: BTreeSet<&str> =
        report["roles"].as_array().unwrap().iter().filter_map(|role| role["role"].as_str()).collect();
    assert!(roles.is_superset(&["dev", "dev-tools", "build", "service", "test", "installation"].into()), "{roles:?}");
    for contract in report["contracts"].as_array().unwrap() {
        for key in ["contract", "role", "outcome", "expected", "observed", "file", "line", "seconds"] {
            assert!(contract.get(key).is_some(), "{} has no {key}", contract["contract"]);
        }
    }
    assert_eq!(left_by(pid), [""; 0]);
    let left: Vec<String> = left_since(&before);
    assert_eq!(left, [""; 0]);
    assert_eq!(below(&folder), files, "verification wrote in the user's folder");
    // Again, and nothing has changed.
    let report = run(&folder, ["verify", "--format", "json"]).exits(0).json();
    assert_eq!(not_passed(&report), [""; 0]);
    let contracts = report["contracts"].as_array().unwrap().iter();
    let seen: Vec<&str> =
        contracts.filter(|one| one["cached"].is_null()).filter_map(|one| one["contract"].as_str()).collect();
    assert_eq!(seen, ["scaffold.builds"]);
}

/// How many networks a process has made until something is so, and how many there were at once.
fn networks_of(pid: u32, so: impl Fn() -> bool) -> (usize, usize) {
    let owner = format!("-{pid}-");
    let (mut all, mut most) = (BTreeSet::new(), 0);
    while !so() {
        let list = docker_out(&["network", "ls", "--format", "{{.Name}} {{.Label \"dev.dockwright.owner\"}}"]);
        let pairs = list.lines().filter_map(|line| line.split_once(' '));
        let ours: BTreeSet<String> =
            pairs.filter(|(_, label)| label.contains(&owner)).map(|(name, _)| name.to_owned()).collect();
        most = most.max(ours.len());
        all.extend(ours);
        std::thread::sleep(Duration::from_millis(500));
    }
    (all.len(), most)
}

#[test]
fn python_passes_and_leaves_nothing() {
    passes_and_leaves_nothing("python");
}

#[test]
fn node_passes_and_leaves_nothing() {
    passes_and_leaves_nothing("node");
}

#[test]
fn rust_passes_and_leaves_nothing() {
    passes_and_leaves_nothing("rust");
}

#[test]
fn java_passes_and_leaves_nothing() {
    passes_and_leaves_nothing("java");
}

#[test]
fn go_passes_and_leaves_nothing() {
    passes_and_leaves_nothing("go");
}

#[test]
fn one_contract_alone_builds_only_what_it_needs() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let ran = run(&folder, ["verify", "dev.mount", "--format", "json"]).exits(0);
    let report = ran.json();
    let contracts: Vec<&str> =
        report["contracts"].as_array().unwrap().iter().filter_map(|one| one["contract"].as_str()).collect();
    assert_eq!(contracts, ["scaffold.builds", "dev.mount"]);
    let roles: Vec<&str> =
        report["roles"].as_array().unwrap().iter().filter_map(|role| role["role"].as_str()).collect();
    assert!(roles.contains(&"dev") && !roles.contains(&"service") && !roles.contains(&"test"), "{roles:?}");
}

/// An answer of `GET /healthz` from a container's published port.
fn answers(image: &str) -> bool {
    let id = docker_out(&["run", "--detach", "--publish", "127.0.0.1::8000", "--env", "PORT=8000", image]);
    let id = id.trim();
    let address = docker_out(&["port", id, "8000/tcp"]).lines().next().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut answered = false;
    while !answered && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        let Ok(mut stream) = TcpStream::connect(&address) else { continue };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answered = answer.starts_with("HTTP/1.1 200");
    }
    docker_out(&["rm", "--force", "--volumes", id]);
    answered
}

#[test]
fn both_ways_to_build_give_an_image_that_runs() {
    if !engine() {
        return;
    }
    for stack in stacks() {
        // All listen on the same port, so that one question does for all.
        let (_home, folder) = service(stack, &["--port", "8000"]);
        for source in ["copy", "mount"] {
            let tag = format!("dockwright-test-{stack}-{source}:{}", std::process::id());
            let ran = run(&folder, ["build", "--source", source, "--tag", &tag, "--format", "json"]).exits(0);
            assert_eq!(ran.json()["tag"], tag.as_str());
            let healthy = answers(&tag);
            docker_out(&["image", "rm", "--force", &tag]);
            assert!(healthy, "{stack} {source} does not answer");
        }
    }
}

#[test]
fn a_failing_run_is_told_with_place_code_and_log() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let file = folder.join("Dockerfile");
    let failing = "RUN echo this-is-the-log && exit 7";
    edit(&file, "FROM service AS test\n", &format!("FROM service AS test\n{failing}\n"));
    let line = std::fs::read_to_string(&file).unwrap().lines().position(|line| line == failing).unwrap() + 1;
    let ran = run(&folder, ["verify", "--build-only", "--format", "json"]).exits(1);
    let report = ran.json();
    let failed = report["contracts"].as_array().unwrap().iter().find(|one| one["outcome"] == "fail").unwrap();
    assert_eq!(failed["contract"], "scaffold.builds");
    assert_eq!(
        (failed["file"].as_str(), failed["line"].as_u64()),
        (Some("Dockerfile"), Some(line as u64)),
        "{failed:#}"
    );
    let said = failed.to_string();
    assert!(said.contains("this-is-the-log") && said.contains('7'), "{failed:#}");
    let ran = run(&folder, ["verify", "--build-only"]).exits(1);
    for part in [&format!("Dockerfile:{line}"), failing, "this-is-the-log", "7"] {
        assert!(ran.out.contains(part), "no {part} in\n{}\n{}", ran.out, ran.err);
    }
}

/// A project whose dev image takes minutes to build, and the word by which its build can be seen.
fn slow_to_build() -> (tempfile::TempDir, PathBuf, String) {
    let (home, folder) = service("python", &[]);
    let word = format!("600.{}{}", std::process::id(), Instant::now().elapsed().subsec_nanos());
    edit(
        &folder.join("Dockerfile"),
        "FROM runtime AS dev\n",
        &format!("FROM runtime AS dev\nRUN [\"sleep\", \"{word}\"]\n"),
    );
    (home, folder, word)
}

#[test]
fn an_interrupt_in_the_build_ends_it_and_leaves_nothing() {
    if !engine() {
        return;
    }
    for signal in [Signal::INT, Signal::TERM] {
        let (_home, folder, word) = slow_to_build();
        let mut running = Running::start(&folder, &["verify"]);
        let pid = running.pid();
        running.until("the build", || runs(&word));
        running.signal(signal);
        let (code, said, took) = running.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("interrupted"), "{said}");
        assert!(took < Duration::from_secs(20), "took {took:?}");
        assert_eq!(left_by(pid), [""; 0]);
        let deadline = Instant::now() + Duration::from_secs(10);
        while runs(&word) {
            assert!(Instant::now() < deadline, "the engine goes on building");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn an_interrupt_in_the_checks_leaves_nothing() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let before = inventory();
    let mut running = Running::start(&folder, &["verify", "dev.reload", "service.shutdown"]);
    let pid = running.pid();
    running.until_container();
    running.signal(Signal::INT);
    // Who is impatient must not stop the clean-up half-way.
    std::thread::sleep(Duration::from_millis(50));
    running.signal(Signal::INT);
    let (code, said, _) = running.end();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(left_by(pid), [""; 0]);
    let left: Vec<String> = left_since(&before);
    assert_eq!(left, [""; 0]);
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let mut running = Running::start(&folder, &["verify", "dev.reload"]);
    let killed = running.pid();
    running.until_container();
    running.signal(Signal::KILL);
    let (code, _, _) = running.end();
    assert_eq!(code, None);
    run(&folder, ["verify", "dev.mount"]).exits(0);
    assert_eq!(left_by(killed), [""; 0]);
}

/// A service whose image holds what is copied of the context, and no more.
fn plain(copied: &str) -> (tempfile::TempDir, PathBuf) {
    // In memory, where the machine has that: 100,000 files are written and removed.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    run(home.path(), ["new", "orders", "--stack", "python"]).exits(0);
    let folder = home.path().join("orders");
    let stages: Vec<String> = ["dev", "dev-tools", "builder", "build", "test", "installation"]
        .iter()
        .map(|stage| format!("FROM debian:trixie-slim AS {stage}\n"))
        .collect();
    let text =
        format!("{}FROM debian:trixie-slim AS service\nCOPY {copied} /context/\nCMD [\"true\"]\n", stages.concat());
    std::fs::write(folder.join("Dockerfile"), text).unwrap();
    (home, folder)
}

/// Puts something odd into a folder.
type Seed = fn(&Path);

#[test]
fn an_odd_context_is_built_or_refused_in_words() {
    if !engine() {
        return;
    }
    let odd: &[(&str, Seed)] = &[
        ("socket", |folder| drop(std::os::unix::net::UnixListener::bind(folder.join("odd")).unwrap())),
        ("fifo", |folder| drop(Ran::of(Command::new("mkfifo").arg(folder.join("odd"))).exits(0))),
        ("dangling", |folder| std::os::unix::fs::symlink("/nonexistent", folder.join("odd")).unwrap()),
        ("circle", |folder| std::os::unix::fs::symlink(".", folder.join("odd")).unwrap()),
        ("not-utf8", |folder| std::fs::write(folder.join(std::ffi::OsStr::from_bytes(b"odd-\xff")), "x").unwrap()),
        ("newline", |folder| std::fs::write(folder.join("odd\nname"), "x").unwrap()),
        ("long", |folder| std::fs::write(folder.join("o".repeat(255)), "x").unwrap()),
        ("deep", |folder| std::fs::create_dir_all(folder.join("d/".repeat(200))).unwrap()),
        ("sparse", |folder| std::fs::File::create(folder.join("odd")).unwrap().set_len(64 << 20).unwrap()),
        ("many", |folder| {
            for outer in 0..100 {
                std::fs::create_dir(folder.join(format!("many-{outer}"))).unwrap();
                for inner in 0..1000 {
                    std::fs::write(folder.join(format!("many-{outer}/{inner}")), "x").unwrap();
                }
            }
        }),
    ];
    in_parallel(odd, |(name, seed)| {
        // What the engine does with 100,000 files is its own affair; listing them is ours.
        let (_home, folder) = plain(if *name == "many" { "pyproject.toml" } else { "." });
        seed(&folder);
        let files = below(&folder).len();
        let tag = format!("dockwright-test-odd-{name}:{}", std::process::id());
        let ran = run(&folder, ["build", "--tag", &tag]);
        if below(&folder).len() != files {
            return Err(format!("{name}: something was written"));
        }
        match ran.code {
            Some(0) => {
                docker_out(&["image", "rm", "--force", &tag]);
                Ok(())
            }
            Some(2 | 3) if ran.err.contains("error: ") && ran.err.contains("odd") => Ok(()),
            _ => Err(format!("{name}: {:?} after {:?}\n{}", ran.code, ran.took, ran.err)),
        }
    });
}
