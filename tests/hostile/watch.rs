//! A place for a hostile project, and a program that runs there under limits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A folder with `project/`, a home, a folder for what is passing, and things of the host beside them.
pub(super) struct Arena(tempfile::TempDir);

/// What a program did.
pub(super) struct Ran {
    /// None if it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
    /// Of a processor, so that a busy machine fails no test; of the clock if it had to be killed.
    pub(super) took: Duration,
    /// The most that was in memory, in bytes.
    pub(super) memory: u64,
}

/// A scaffold to copy.
pub(super) fn scaffold() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut new = Command::new(env!("CARGO_BIN_EXE_dockwright"));
    let made = new.args(["new", "orders", "--stack", "python", "--into"]).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::rename(folder.path().join("orders"), folder.path().join("project")).unwrap();
    folder
}

/// Copies a scaffold's project.
pub(super) fn copy(scaffold: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(scaffold.join("project")).min_depth(1) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(scaffold.join("project")).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Arena {
    pub(super) fn new() -> Self {
        let arena = Self(tempfile::tempdir().unwrap());
        for folder in ["project", "home/.ssh", "tmp", "outside"] {
            fs::create_dir_all(arena.path().join(folder)).unwrap();
        }
        for file in ["home/.ssh/id", "outside/canary", "outside/canary.yaml"] {
            fs::write(arena.path().join(file), "canary-of-a-file\ncanary-of-a-file {\n").unwrap();
        }
        fs::write(arena.path().join("outside/canary.env"), "A=canary-of-a-file\n").unwrap();
        arena
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// A text in which `{arena}` is this folder's path.
    pub(super) fn named(&self, text: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(text) {
            Ok(text) => text.replace("{arena}", &self.path().display().to_string()).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        }
    }

    /// Every file with what is in it, and every folder; of what is large only the length.
    pub(super) fn inventory(&self) -> BTreeSet<String> {
        // The user's cache is what passes are kept in.
        let own = |entry: &walkdir::DirEntry| entry.file_name() != ".cache";
        let entries = walkdir::WalkDir::new(self.path()).into_iter().filter_entry(own).filter_map(Result::ok);
        let told = entries.map(|entry| {
            let meta = entry.metadata().unwrap();
            let small = meta.is_file() && meta.len() < 1 << 22;
            let mut hash = DefaultHasher::new();
            if small {
                fs::read(entry.path()).unwrap_or_default().hash(&mut hash);
            }
            let kind = meta.mode();
            format!(
                "{} {kind:o} {} {:x}",
                entry.path().display(),
                if meta.is_file() { meta.len() } else { 0 },
                hash.finish()
            )
        });
        told.collect()
    }

    /// Runs a command of dockwright in the project, or a reader of its library, and kills it after `most`.
    pub(super) fn run(&self, command: &[String], env: &BTreeMap<String, String>, most: Duration) -> Ran {
        let mut shell = Command::new("sh");
        // Guards of the machine; what counts is measured.
        shell.args(["-c", "ulimit -v 4000000; ulimit -f 200000; exec \"$@\"", "sh"]);
        match command {
            [one] if one.starts_with("reader:") => {
                shell.arg(std::env::current_exe().unwrap()).args(["reader", "--exact", "--ignored", "--nocapture"]);
            }
            _ => drop(shell.arg(env!("CARGO_BIN_EXE_dockwright")).args(command)),
        }
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        shell
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("tmp"))
            .env("RUST_MIN_STACK", "8388608");
        shell.env("DOCKER_HOST", "unix:///nowhere.sock").env("SECRET_TOKEN", "canary-of-the-environment");
        shell.env("HOSTILE_READER", command[0].trim_start_matches("reader:"));
        shell
            .envs(env.iter().map(|(name, value)| (name, value.replace("{arena}", &self.path().display().to_string()))));
        shell.current_dir(self.project()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let child = shell.spawn().unwrap();
        let pid = child.id();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let memory = scope.spawn(|| watch(pid, &done, start + most));
            let output = child.wait_with_output().unwrap();
            let clock = start.elapsed();
            done.store(true, Ordering::Relaxed);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (memory, worked) = memory.join().unwrap();
            let took = if clock < most { worked } else { clock };
            Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr), took, memory }
        })
    }
}

/// The most memory that a process has had until it is done, and the time of a processor; kills it at its time.
fn watch(pid: u32, done: &AtomicBool, end: Instant) -> (u64, Duration) {
    let status = format!("/proc/{pid}/status");
    let stat = format!("/proc/{pid}/stat");
    let (mut most, mut worked) = (0, Duration::ZERO);
    while !done.load(Ordering::Relaxed) {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = kilobytes.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) << 10);
        // User and system time, in hundredths of a second (proc_pid_stat(5)); the name before them may hold anything.
        let text = fs::read_to_string(&stat).unwrap_or_default();
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        worked = worked.max(Duration::from_millis(ticks * 10));
        if Instant::now() > end
            && let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed())
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (most, worked)
}
