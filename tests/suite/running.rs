//! A dockwright that runs, what it does on the engine meanwhile, and what it leaves there.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::support::{ci, docker_out, dockwright};

/// Everything on the engine but what carries a run's label (see [`left_by`]) or the name that tests give to what they
/// make: other tests run meanwhile. Only CI has the engine for itself; elsewhere what comes and goes is others', and this
/// is empty.
pub(super) fn inventory() -> BTreeSet<String> {
    let mut things = BTreeSet::new();
    if !ci() {
        return things;
    }
    let label = "{{.Label \"dev.dockwright.owner\"}}";
    let [container, network, volume] =
        ["{{.Names}} {{.ID}}", "{{.Name}} {{.ID}}", "{{.Name}}"].map(|what| format!("{what} {label}"));
    for (kind, args) in [
        ("container", &["ps", "--all", "--no-trunc", "--format", &container][..]),
        ("network", &["network", "ls", "--no-trunc", "--format", &network]),
        ("volume", &["volume", "ls", "--format", &volume]),
    ] {
        let lines = docker_out(args);
        things.extend(lines.lines().filter(|line| line.ends_with(' ')).map(|line| format!("{kind} {line}")));
    }
    let images = docker_out(&["images", "--all", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    let others = images.lines().filter(|line| !line.contains("dockwright-run-"));
    things.extend(others.map(|line| format!("image {line}")));
    things.retain(|thing| !thing.contains(" dockwright-test-"));
    things
}

/// What has come since and stays. Other tests run meanwhile: what is theirs goes when they are done with it.
pub(super) fn left_since(before: &BTreeSet<String>) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let left: Vec<String> = inventory().difference(before).cloned().collect();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// What the process with this id made and did not remove.
pub(super) fn left_by(pid: u32) -> Vec<String> {
    left_on(None, pid)
}

/// Likewise, on that engine; none for the usual one.
pub(super) fn left_on(host: Option<&str>, pid: u32) -> Vec<String> {
    let label = "{{.Label \"dev.dockwright.owner\"}}";
    let mut found = Vec::new();
    for (kind, args) in [
        ("container", &["ps", "--all", "--format", label][..]),
        ("network", &["network", "ls", "--format", label]),
        ("volume", &["volume", "ls", "--format", label]),
        ("image", &["images", "--all", "--format", "{{.Repository}}"]),
    ] {
        let args = host.iter().flat_map(|host| ["--host", *host]).chain(args.iter().copied()).collect::<Vec<_>>();
        for line in docker_out(&args).lines() {
            let owner = line.rsplit('/').find(|part| part.starts_with("dockwright-run-")).unwrap_or(line);
            let owner = owner.trim_start_matches("dockwright-run-");
            // host-boot-pid-start
            if owner.split('-').nth(2) == Some(&pid.to_string()) {
                found.push(format!("{kind} {line}"));
            }
        }
    }
    found
}

/// A running dockwright whose lines on stderr are read as they come.
pub(super) struct Running {
    child: Child,
    stderr: std::sync::mpsc::Receiver<String>,
    said: String,
}

impl Running {
    pub(super) fn start(folder: &Path, args: &[&str]) -> Self {
        Self::start_on(folder, args, None)
    }

    /// On that engine; none for the usual one.
    pub(super) fn start_on(folder: &Path, args: &[&str], host: Option<&str>) -> Self {
        let mut command = dockwright();
        command.envs(host.map(|host| ("DOCKER_HOST", host)));
        command.current_dir(folder).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, stderr) = std::sync::mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, stderr, said: String::new() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until something is so.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_mins(5);
        while !so() {
            self.said.extend(self.stderr.try_iter().map(|line| line + "\n"));
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?} before {what}:\n{}", self.said);
            assert!(Instant::now() < deadline, "{what}: not within five minutes\n{}", self.said);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it catches SIGINT, which it does before it reads a file.
    #[track_caller]
    pub(super) fn until_begun(&mut self) {
        let status = format!("/proc/{}/status", self.pid());
        self.until("it catches SIGINT", || {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
            // One bit for each signal, the lowest for number 1 (proc_pid_status(5)).
            u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & (1 << (Signal::INT.as_raw() - 1)) != 0)
        });
    }

    /// Waits until a container of its own is on the engine.
    #[track_caller]
    pub(super) fn until_container(&mut self) {
        let pid = self.pid();
        self.until("a container", || left_by(pid).iter().any(|thing| thing.starts_with("container")));
    }

    /// Its exit code, and what it said.
    pub(super) fn end(mut self) -> (Option<i32>, String, Duration) {
        let start = Instant::now();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        let took = start.elapsed();
        self.said.extend(self.stderr.iter().map(|line| line + "\n"));
        (status.code(), self.said, took)
    }
}

/// Whether a process with this argument runs on this host, in whatever container.
pub(super) fn runs(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes()))
}

pub(super) fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}:\n{text}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// The contracts of a report that have another outcome than `pass`.
pub(super) fn not_passed(report: &Value) -> Vec<String> {
    let contracts = report["contracts"].as_array().expect("a report").iter();
    let others = contracts.filter(|contract| contract["outcome"] != "pass");
    others.map(|contract| serde_json::to_string_pretty(contract).unwrap()).collect()
}
