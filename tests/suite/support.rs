//! What the tests share: the command as a user runs it, folders, tools that may be missing, the engine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The repository.
pub(super) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the stacks that have a starter.
pub(super) fn stacks() -> impl Iterator<Item = &'static str> {
    dockwright::stacks::starters()
}

/// The command under test, without colours and a user's own settings.
pub(super) fn dockwright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
    command.env_remove("DOCKWRIGHT_PROJECT").env("NO_COLOR", "1").stdin(Stdio::null());
    // Passes are remembered for users, in a cache of the tests' own.
    command.env_remove("CI").env("XDG_CACHE_HOME", cache());
    command
}

/// The cache that the command under test has.
pub(super) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// What a command did.
#[derive(Debug)]
pub(super) struct Ran {
    /// The exit code; none if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
    pub(super) took: Duration,
}

impl Ran {
    pub(super) fn of(command: &mut Command) -> Self {
        let start = Instant::now();
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self::from(output, start.elapsed())
    }

    pub(super) fn from(output: Output, took: Duration) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took }
    }

    /// Itself, if that is the exit code.
    #[track_caller]
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Itself, if stderr has all of these.
    #[track_caller]
    pub(super) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "no {text:?} in stderr:\n{}", self.err);
        }
        self
    }

    /// stdout as the one JSON document that it is.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in stdout:\n{}\n{}", self.out, self.err))
    }
}

/// Runs the command under test in a folder.
pub(super) fn run<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(dockwright().current_dir(folder).args(args))
}

/// A new service `orders` in a folder of its own, and that folder's guard.
pub(super) fn service(stack: &str, more: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    run(home.path(), ["new", "orders", "--stack", stack].iter().chain(more)).exits(0);
    let folder = home.path().join("orders");
    (home, folder)
}

/// All that is below a folder, by name.
pub(super) fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).min_depth(1).into_iter();
    entries.map(|entry| entry.expect("readable").path().strip_prefix(folder).expect("below").to_owned()).collect()
}

/// Whether all of this must be there: a test that cannot be run fails then.
pub(super) fn ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Whether to go on without `what`: never where `CI` is set.
#[track_caller]
pub(super) fn missing(what: &str) -> bool {
    assert!(!ci(), "CI needs {what}");
    eprintln!("skipped: there is no {what}");
    true
}

/// A program of the PATH or of `tests/engine/tools`.
pub(super) fn tool(name: &str) -> Option<PathBuf> {
    let state = std::env::var_os("DOCKWRIGHT_ENGINE_DIR").unwrap_or("/var/lib/dockwright-engine".into());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["tools/bin", "client/bin"].map(|folder| Path::new(&state).join(folder));
    let found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        missing(name);
    }
    found
}

/// A docker client that has buildx and compose.
pub(super) fn docker() -> Option<Command> {
    let mut command = Command::new(tool("docker")?);
    if std::env::var_os("DOCKER_CONFIG").is_none() {
        let state = std::env::var_os("DOCKWRIGHT_ENGINE_DIR").unwrap_or("/var/lib/dockwright-engine".into());
        let client = Path::new(&state).join("client");
        if client.is_dir() {
            command.env("DOCKER_CONFIG", client);
        }
    }
    command.stdin(Stdio::null());
    Some(command)
}

/// Runs the docker client and expects that it goes well.
#[track_caller]
pub(super) fn docker_out(args: &[&str]) -> String {
    let ran = Ran::of(docker().expect("the engine's tests have a docker client").args(args));
    assert_eq!(ran.code, Some(0), "docker {args:?}: {}", ran.err);
    ran.out
}

/// Whether there is an engine to test on.
pub(super) fn engine() -> bool {
    let there = run(Path::new("/"), ["doctor", "--format", "json"]).code == Some(0);
    there || !missing("container engine")
}

/// Runs the work once for each item, as many at once as there are processors, and fails with all failures.
pub(super) fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(failure) = work(item) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    // One defect often shows in all of them.
    let shown: Vec<&str> = failures.iter().take(6).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), items.len(), shown.join("\n"));
}

/// Sees to it that the engine has the images that files of a folder name, by `tests/engine/images`.
pub(super) fn has_images_of(folder: &Path) {
    let made = Ran::of(Command::new(repository().join("tests/engine/images")).arg("--in").arg(folder));
    assert_eq!(made.code, Some(0), "{}", made.err);
}
