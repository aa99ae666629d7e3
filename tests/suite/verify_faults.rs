//! What goes wrong around `verify`: an engine that dies or is full, a network that fails, a user who is impatient. The
//! right exit code, a report, and nothing left on the engine after the next run.
//!
//! An engine is only killed or filled if it is one of our own for that (`tests/engine/up docker28-spare`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::running::{Running, edit, left_by, left_on, runs};
use super::support::{Ran, dockwright, engine, missing, repository, run, service};

const BASE: &str = "debian:trixie-slim";

/// Tests of one process share the spare engine.
static ONE: Mutex<()> = Mutex::new(());

/// The engine that may be broken.
struct Spare {
    host: String,
    folder: PathBuf,
}

impl Spare {
    /// Up, with the base image on it; none where it cannot be had.
    fn up() -> Option<Self> {
        let kind = std::env::var("DOCKWRIGHT_TEST_ENGINE").unwrap_or_default();
        if kind == "any" {
            eprintln!("skipped: this machine's engine is not ours, and another one beside it is not ours to start");
            return None;
        }
        if !kind.starts_with("docker28") {
            missing("engine of tests/engine/up");
            return None;
        }
        let state = std::env::var_os("DOCKWRIGHT_ENGINE_DIR").unwrap_or("/var/lib/dockwright-engine".into());
        let folder = Path::new(&state).join("engines/docker28-spare");
        let spare = Self { host: format!("unix://{}", folder.join("engine.sock").display()), folder };
        Self::start();
        if spare.docker(&["image", "inspect", BASE]).code != Some(0) {
            let copy = format!("set -o pipefail; docker save {BASE} | docker --host {} load", spare.host);
            Ran::of(Command::new("bash").args(["-c", &copy])).exits(0);
        }
        Some(spare)
    }

    /// Starts it, if it does not run.
    fn start() {
        let script = repository().join("tests/engine/up");
        Ran::of(Command::new(script).arg("docker28-spare").env_remove("DOCKER_HOST")).exits(0);
    }

    fn kill(&self) {
        let process = std::fs::read_to_string(self.folder.join("process")).unwrap();
        let pid: i32 = process.split_whitespace().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }

    fn docker(&self, args: &[&str]) -> Ran {
        Ran::of(Command::new("docker").arg("--host").arg(&self.host).args(args))
    }

    fn dockwright(&self, folder: &Path, args: &[&str]) -> Ran {
        Ran::of(dockwright().current_dir(folder).env("DOCKER_HOST", &self.host).args(args))
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let down = repository().join("tests/engine/down");
        let _ = Command::new(down).arg("docker28-spare").status();
    }
}

/// A project whose images are the base image and an instruction in dev's; its service does nothing.
fn plain(instruction: &str) -> (tempfile::TempDir, PathBuf) {
    let (home, folder) = service("python", &[]);
    let stages = ["dev-tools", "builder", "build", "service", "test", "installation"];
    let stages: Vec<String> = stages.iter().map(|stage| format!("FROM {BASE} AS {stage}\nCMD [\"true\"]\n")).collect();
    let text = format!("FROM {BASE} AS dev\n{instruction}\n{}", stages.concat());
    std::fs::write(folder.join("Dockerfile"), text).unwrap();
    (home, folder)
}

/// A word that no other process has among its arguments, and that `sleep` takes.
fn word() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("600.{}{}", std::process::id(), now.subsec_nanos())
}

/// The report in a file, as a run that did not come to its end leaves it.
#[track_caller]
fn broken_off(file: &Path, kind: &str) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("no report {}: {error}", file.display()));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["outcome"], &report["error"]["kind"]), (&"error".into(), &kind.into()), "{report:#}");
    report
}

#[test]
fn an_engine_that_dies_is_told_and_cleaned_when_it_is_back() {
    let _one = ONE.lock().unwrap();
    let Some(spare) = Spare::up() else { return };
    let word = word();
    let sleep = format!("[\"sleep\", \"{word}\"]");
    let (_home, building) = plain(&format!("RUN {sleep}"));
    let (_other, checking) = plain("");
    edit(&checking.join("compose.yaml"), "target: service }", &format!("target: service }}\n    command: {sleep}"));
    for (folder, only) in [(&building, "dev.mount"), (&checking, "service.port")] {
        let args = ["verify", only, "--report", "json=report.json", "--report", "junit=report.xml"];
        let mut running = Running::start_on(folder, &args, Some(&spare.host));
        let pid = running.pid();
        // An engine that dies while it starts a container loses sight of it, whatever anybody does: service.port starts two.
        let known = || only == "dev.mount" || spare.docker(&["ps", "--quiet"]).out.lines().count() == 2;
        running.until(&format!("{only}'s process"), || runs(&word) && known());
        spare.kill();
        let (code, said, took) = running.end();
        assert_eq!(code, Some(3), "{only}: {said}");
        assert!(took < Duration::from_secs(20), "{only}: took {took:?}");
        assert!(said.contains("error") && said.contains("next:"), "{only}: {said}");
        broken_off(&folder.join("report.json"), "engine");
        let junit = std::fs::read_to_string(folder.join("report.xml")).unwrap();
        assert!(junit.contains("<error "), "{junit}");
        // While it is gone, that is told in a moment.
        let gone = spare.dockwright(folder, &["verify"]).exits(3);
        assert!(gone.took < Duration::from_secs(1), "{:?}", gone.took);
        Spare::start();
        spare.dockwright(&checking, &["verify", "dev-tools.optional"]).exits(0);
        assert_eq!(left_on(Some(&spare.host), pid), [""; 0], "{only}");
        // What a dead engine's builder ran is nobody's on the engine that is back.
        if only == "dev.mount" {
            Ran::of(Command::new("pkill").args(["-KILL", "-f", &word]));
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while runs(&word) {
            assert!(Instant::now() < deadline, "{only}: its process goes on");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_full_disk_is_the_engines_failure_and_no_broken_promise() {
    let _one = ONE.lock().unwrap();
    let Some(spare) = Spare::up() else { return };
    let (_home, writing) = plain("RUN [\"dd\", \"if=/dev/zero\", \"of=/file\", \"bs=1M\", \"count=4000\"]");
    let ran = spare.dockwright(&writing, &["verify", "dev.mount", "--report", "json=report.json"]).exits(3);
    let ran = ran.says(&["the engine's disk is full", "dd", "docker system prune"]);
    let report = broken_off(&writing.join("report.json"), "engine");
    assert!(report["error"]["message"].as_str().unwrap().contains("disk is full"), "{report:#}\n{}", ran.err);
    // No room for a container either.
    let (_other, checking) = plain("");
    spare.dockwright(&checking, &["verify", "service.non-root"]);
    let filler = spare.folder.join("data/filler");
    let filled = Command::new("dd").arg("if=/dev/zero").arg(format!("of={}", filler.display())).arg("bs=1M").output();
    assert!(filled.is_ok_and(|filled| String::from_utf8_lossy(&filled.stderr).contains("No space left")));
    let ran = spare.dockwright(&checking, &["verify", "--fresh", "service.non-root", "--report", "json=report.json"]);
    std::fs::remove_file(&filler).unwrap();
    ran.exits(3).says(&["the engine's disk is full"]);
    broken_off(&checking.join("report.json"), "engine");
    // With room again it is as before, and nothing is left of those that failed.
    spare.dockwright(&checking, &["verify", "dev-tools.optional"]).exits(0);
    let left = spare.docker(&["ps", "--all", "--quiet"]).out + &spare.docker(&["volume", "ls", "--quiet"]).out;
    assert_eq!(left, "");
    let images = spare.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]).out;
    assert_eq!(images.trim(), BASE);
}

#[test]
fn a_build_without_network_fails_with_its_log_and_says_so() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    edit(
        &folder.join("Dockerfile"),
        "FROM runtime AS dev\n",
        "FROM runtime AS dev\nENV PIP_RETRIES=1 PIP_INDEX_URL=http://127.0.0.1:9/simple\n",
    );
    edit(&folder.join("requirements.lock"), "#", "# changed\n#");
    let ran = run(&folder, ["verify", "dev.mount", "--format", "json"]).exits(1);
    let report = ran.json();
    let failed = report["contracts"].as_array().unwrap().iter().find(|one| one["outcome"] == "fail").unwrap();
    assert_eq!((&failed["contract"], &failed["file"]), (&"scaffold.builds".into(), &"Dockerfile".into()));
    assert!(failed["hint"].as_str().unwrap().contains("network"), "{failed:#}");
    assert!(failed["log"].to_string().contains("127.0.0.1"), "{failed:#}");
    // A base image that its registry does not give is no fault of the project's.
    edit(&folder.join("Dockerfile"), "FROM runtime AS dev\n", "FROM registry.invalid/nothing:1 AS dev\n");
    let report = run(&folder, ["verify", "dev.mount", "--format", "json"]).exits(3).json();
    let outcomes: Vec<&Value> = report["contracts"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["inconclusive"; 2], "{report:#}");
    let error = &report["error"];
    assert!(error["message"].as_str().unwrap().contains("registry.invalid/nothing:1"), "{error:#}");
    assert!(error["hints"].to_string().contains("docker pull"), "{error:#}");
}

/// In milliseconds, from before the files are read until most checks have begun.
const MOMENTS: [u64; 11] = [0, 60, 150, 300, 500, 800, 1300, 2000, 3200, 5000, 8000];

#[test]
fn an_interrupt_is_right_at_any_moment() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    for moment in MOMENTS {
        let file = folder.join("report.json");
        let _ = std::fs::remove_file(&file);
        let mut running = Running::start(&folder, &["verify", "--report", "json=report.json"]);
        let pid = running.pid();
        running.until_begun();
        std::thread::sleep(Duration::from_millis(moment));
        running.signal(Signal::INT);
        let (code, said, took) = running.end();
        assert_eq!(code, Some(130), "after {moment} ms: {said}");
        assert!(took < Duration::from_secs(20), "after {moment} ms: took {took:?}");
        broken_off(&file, "interrupted");
        assert_eq!(left_by(pid), [""; 0], "after {moment} ms");
    }
}

#[test]
fn a_killed_run_is_swept_whenever_it_was_killed() {
    if !engine() {
        return;
    }
    let (_home, folder) = service("python", &[]);
    let killed: Vec<u32> = MOMENTS
        .iter()
        .map(|moment| {
            let running = Running::start(&folder, &["verify"]);
            let pid = running.pid();
            std::thread::sleep(Duration::from_millis(*moment));
            running.signal(Signal::KILL);
            assert_eq!(running.end().0, None);
            // The engine goes on with what it was told to do, and the next run comes at any time.
            if moment % 200 != 0 {
                run(&folder, ["verify", "dev-tools.optional"]).exits(0);
            }
            pid
        })
        .collect();
    run(&folder, ["verify", "dev-tools.optional"]).exits(0);
    let start = Instant::now();
    for pid in killed {
        // What the engine was still making when the sweep looked is the next one's.
        while !left_by(pid).is_empty() && start.elapsed() < Duration::from_secs(30) {
            run(&folder, ["verify", "dev-tools.optional"]).exits(0);
        }
        assert_eq!(left_by(pid), [""; 0]);
        let copies = std::fs::read_dir(std::env::temp_dir()).unwrap().filter_map(Result::ok);
        let prefix = format!("dockwright-copy-{pid}-");
        assert!(
            !copies.map(|entry| entry.file_name().to_string_lossy().into_owned()).any(|name| name.starts_with(&prefix))
        );
    }
}
