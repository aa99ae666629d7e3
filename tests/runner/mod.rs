//! What verifies broken and unusual projects: the mutants of `tests/mutants.rs` and those of `tests/mutate/`.
//!
//! Runs the binary under test on a folder and says what was found, a few folders side by side.

mod turn;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use std::{env, fs, io, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
pub(crate) use turn::turn_of_the_day;

/// The service's name in every scaffold.
pub(crate) const NAME: &str = "orders";

/// The longest that a verification may take. A package manager whose connection the network has lost waits for a quarter
/// of an hour.
const LIMIT: Duration = Duration::from_mins(8);

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn told(error: io::Error) -> String {
    error.to_string()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
    // What deployments declare is not to come from whoever runs the tests; nor is the gate, which refuses a privileged
    // service in CI before a contract looks at it.
    for name in ["APP_ENV", "LOG_LEVEL", "PORT", "NODE_ENV", "DOCKWRIGHT_PROJECT", "CI"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// What a verification printed; none if it had to be ended.
fn within_limit(arguments: &[&str]) -> Option<Output> {
    let mut command = command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dockwright starts");
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel();
    let waiting = thread::spawn(move || ended.send(child.wait_with_output().expect("its output can be read")));
    let output = end.recv_timeout(LIMIT).ok();
    if output.is_none() {
        // It removes what it made.
        let _ = kill_process(pid, Signal::TERM);
    }
    let _ = waiting.join();
    output
}

/// A scaffold as `dockwright new` makes it with these arguments, in `into`.
pub(crate) fn scaffold(new: &[&str], into: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(into).map_err(told)?;
    let into = into.to_str().expect("a temporary folder has a plain name");
    let mut arguments = vec!["new", NAME, "--into", into];
    arguments.extend(new);
    let made = command(&arguments).output().expect("dockwright starts");
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned());
    }
    Ok(Path::new(into).join(NAME))
}

/// What verification said of one project.
pub(crate) struct Verified {
    pub(crate) code: Option<i32>,
    pub(crate) findings: Vec<Value>,
    /// The error by which nothing was verified; null without one.
    pub(crate) error: Value,
}

/// Verifies, and once again if the first try does not come to its end in time.
pub(crate) fn verify(folder: &Path, only: &[String]) -> Result<Verified, String> {
    let folder = folder.to_str().expect("a temporary folder has a plain name");
    let mut arguments = vec!["-C", folder, "verify", "--format", "json"];
    arguments.extend(only.iter().map(String::as_str));
    let done = within_limit(&arguments).or_else(|| {
        say(&format!("  again {folder}: not within {} s", LIMIT.as_secs()));
        within_limit(&arguments)
    });
    let done = done.ok_or_else(|| format!("twice not within {} s", LIMIT.as_secs()))?;
    let report: Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| format!("exit {:?}: {}", done.status.code(), String::from_utf8_lossy(&done.stderr)))?;
    let findings = report["contracts"].as_array().cloned().unwrap_or_default();
    Ok(Verified { code: done.status.code(), findings, error: report["error"].clone() })
}

impl Verified {
    /// The contracts of this outcome.
    pub(crate) fn with(&self, outcome: &str) -> BTreeSet<&str> {
        let such = self.findings.iter().filter(|finding| finding["outcome"] == outcome);
        such.filter_map(|finding| finding["contract"].as_str()).collect()
    }

    /// The failure of a contract.
    pub(crate) fn failure(&self, contract: &str) -> Option<&Value> {
        self.findings.iter().find(|finding| finding["outcome"] == "fail" && finding["contract"] == contract)
    }

    /// What is not as a mutant of a contract must have it, or, without one, a decoy.
    pub(crate) fn flaws(&self, expected: Option<&str>, unseen: &[String]) -> Vec<String> {
        let mut flaws = Vec::new();
        let contracts: BTreeSet<&str> = expected.into_iter().collect();
        let (failed, inconclusive) = (self.with("fail"), self.with("inconclusive"));
        if failed != contracts {
            flaws.push(format!("failed: {failed:?}, not {contracts:?}"));
        }
        if inconclusive.iter().any(|name| !unseen.iter().any(|allowed| allowed == name)) {
            flaws.push(format!("inconclusive: {inconclusive:?}"));
        }
        if expected.is_none() && !self.with("skipped").is_empty() {
            flaws.push(format!("skipped: {:?}", self.with("skipped")));
        }
        let code = i32::from(expected.is_some());
        if self.code != Some(code) {
            flaws.push(format!("exit code {:?}, not {code}", self.code));
        }
        flaws
    }

    /// The findings that did not pass, for whoever reads the test's output.
    pub(crate) fn told(&self) -> String {
        let error = self.error["message"].as_str();
        let mut text = error.map_or_else(String::new, |error| format!("      error: {error}\n"));
        for finding in self.findings.iter().filter(|finding| finding["outcome"] != "pass") {
            let word = |key: &str| finding[key].as_str().unwrap_or_default();
            let _ = writeln!(
                text,
                "      {} {} ({}:{}): {}",
                word("outcome"),
                word("contract"),
                word("file"),
                finding["line"],
                word("observed")
            );
            for line in finding["log"].as_array().into_iter().flatten().filter(|_| finding["outcome"] == "fail") {
                let _ = writeln!(text, "        | {}", line.as_str().unwrap_or_default());
            }
        }
        text
    }
}

/// Where a failure points: the file, the line's number (0 if there is none), and the line itself.
pub(crate) fn place(finding: &Value, folder: &Path) -> (String, usize, String) {
    let file = finding["file"].as_str().unwrap_or_default();
    let number = finding["line"].as_u64().and_then(|line| usize::try_from(line).ok()).unwrap_or(0);
    let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
    let line = number.checked_sub(1).and_then(|index| text.lines().nth(index)).unwrap_or_default();
    (file.to_owned(), number, line.to_owned())
}

/// Does the work for each item, a few at once, and returns the errors; the work is told which try it is. In CI what goes
/// wrong is tried once more, alone: a registry that does not answer for a while fails nobody's commit. Both tries are said.
pub(crate) fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T, u8) -> Result<(), String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..wide() {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = work(item, 1) {
                        wrong.lock().unwrap().push((item, why));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    // So many are no accident.
    if env::var_os("CI").is_none() || wrong.len() > items.len() / 10 + 1 {
        return wrong.into_iter().map(|(_, why)| why).collect();
    }
    for (_, why) in &wrong {
        say(&format!("  once more, alone: {why}"));
    }
    wrong.into_iter().filter_map(|(item, _)| work(item, 2).err()).collect()
}

/// How many are verified side by side: most of the time they wait for a service to start or to end.
fn wide() -> usize {
    let asked = env::var("MUTANTS_WIDE").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| thread::available_parallelism().map_or(2, Into::into).clamp(2, 8))
}

/// Whether there is an engine. Where `CI` is set there must be one.
pub(crate) fn has_engine() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(dockwright::engine::Engine::connect()).is_ok();
    if !found {
        assert!(env::var_os("CI").is_none(), "CI needs an engine");
        say("no engine: neither mutants nor decoys were verified");
    }
    found
}

/// Says it at once: the harness keeps back what `eprintln!` prints until a test fails.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
