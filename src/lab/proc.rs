//! What this host's kernel says of a container's processes (`proc(5)`). Nothing, where the engine is on another machine, or
//! the processes are another user's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Lab;
use super::processes::is_runtime;
use crate::engine::Container;
use crate::error::Result;
use crate::stacks::ecosystem;
use crate::text;

/// How often environments are looked at: a program that is replaced by another one is there for some milliseconds.
const OFTEN: Duration = Duration::from_millis(20);
const SELDOM: Duration = Duration::from_millis(200);

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Program {
    /// Where its container has it, links followed.
    pub(crate) path: String,
    /// Of its content.
    pub(crate) sha256: [u8; 32],
}

/// The variables of a process.
pub(crate) type Environ = BTreeMap<String, String>;

/// A file of a process, as text.
pub(super) fn read(pid: i64, file: &str) -> Option<String> {
    let bytes = text::read(Path::new(&format!("/proc/{pid}/{file}")), text::SMALL).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a process of this host is in a container: the engine's machine may only seem to be this one.
pub(super) fn is_contained(pid: i64) -> bool {
    let nested = |line: &str| line.starts_with("NSpid:") && line.split_whitespace().count() > 2;
    read(pid, "status").is_some_and(|status| status.lines().any(nested))
}

/// What a process runs.
pub(super) fn program(pid: i64) -> Option<Program> {
    let exe = format!("/proc/{pid}/exe");
    let path = fs::read_link(&exe).ok()?.to_str()?.to_owned();
    let mut file = text::open(Path::new(&exe)).ok()?;
    let (mut sum, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part).ok()? {
            0 => return Some(Program { path, sha256: sum.finalize().into() }),
            count => sum.update(&part[..count]),
        }
    }
}

/// Does some work, and returns with its result what variables the program had meanwhile that a container's command comes
/// down to; none where that cannot be seen.
pub(crate) async fn environs_during<T>(
    lab: &Lab,
    container: &Container,
    work: impl Future<Output = T>,
) -> Result<(T, Option<BTreeSet<Environ>>)> {
    let init = if lab.engine().info().local { container.inspect().await?.pid } else { 0 };
    // Once it has ended, another process of this host may get its number.
    let space = (init > 0 && is_contained(init)).then(|| space_of(init)).flatten();
    let mut seen = BTreeSet::new();
    let mut pause = OFTEN;
    let mut work = std::pin::pin!(work);
    loop {
        if space.is_some() {
            let own = commands(init).into_iter().filter(|pid| space_of(*pid) == space);
            seen.extend(own.filter_map(settled_environ));
        }
        tokio::select! {
            done = &mut work => return Ok((done, (!seen.is_empty()).then_some(seen))),
            () = tokio::time::sleep(pause) => pause = (pause * 21 / 20).min(SELDOM),
        }
    }
}

/// The PID namespace that a process is in, as the kernel numbers it (`pid_namespaces(7)`).
fn space_of(pid: i64) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// The environment of a process that is no other program by the time it was read, as the runtime's is that becomes the command.
fn settled_environ(pid: i64) -> Option<Environ> {
    let before = read(pid, "cmdline").filter(|command| !command.is_empty())?;
    let environ = environ(pid)?;
    let same = read(pid, "cmdline").as_ref() == Some(&before) && !is_runtime(&before.replace('\0', " "));
    same.then_some(environ)
}

/// The processes that a container's command comes down to: the first, or where that only starts another one, that one.
fn commands(init: i64) -> Vec<i64> {
    let mut found = Vec::new();
    let mut next = vec![init];
    while let Some(pid) = next.pop() {
        let command = read(pid, "cmdline").unwrap_or_default();
        if is_runtime(&command.replace('\0', " ")) {
            continue;
        }
        let mut below: Vec<i64> = match read(pid, &format!("task/{pid}/children")) {
            Some(children) if starts_others(&command) => {
                children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
            }
            _ => Vec::new(),
        };
        // An init starts one process, its first child; to the others it came when their parents ended.
        if is_init(&command) {
            below.truncate(1);
        }
        if below.is_empty() { found.push(pid) } else { next.extend(below) }
    }
    found
}

/// Whether a command line, its words ended by zeros, is of a program that only passes signals on and reaps.
fn is_init(command: &str) -> bool {
    let program = command.split(['\0', ' ']).next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(program);
    ecosystem().processes.init.iter().any(|init| init == name)
}

/// Whether a command line, its words ended by zeros, is of a program that does nothing itself: an init, a shell, a package
/// manager that runs a script.
fn starts_others(command: &str) -> bool {
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).trim_start_matches('-').to_owned();
    let processes = &ecosystem().processes;
    let managers = ecosystem().managers.values().flat_map(|manager| &manager.programs);
    let starters: BTreeSet<&str> =
        processes.init.iter().chain(&processes.shells).chain(managers).map(String::as_str).collect();
    // A script's own name comes after that of its interpreter. Some programs write their command line anew, with blanks.
    command.split(['\0', ' ']).take(2).any(|word| starters.contains(name(word).as_str()))
}

pub(super) fn environ(pid: i64) -> Option<Environ> {
    let text = read(pid, "environ").filter(|text| !text.is_empty())?;
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Whether a value is another one, or that with more before or after it, as a script adds options to those that there are.
pub(crate) fn adds_to(found: &str, value: &str) -> bool {
    const APART: [char; 4] = [' ', ':', ',', ';'];
    let before = |rest: &str| rest.is_empty() || rest.ends_with(APART);
    let after = |rest: &str| rest.is_empty() || rest.starts_with(APART);
    found.strip_suffix(value).is_some_and(before) || !value.is_empty() && found.strip_prefix(value).is_some_and(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_starts_others_is_told_from_a_service() {
        for command in [
            "/sbin/docker-init\0--\0x",
            "sh\0-c\0x",
            "-bash\0",
            "npm test\0",
            "/usr/bin/dash\0/as-owner.sh\0x",
            "npm\0test",
        ] {
            assert!(starts_others(command), "{command:?}");
        }
        assert!(is_init("/sbin/docker-init\0--\0x") && is_init("tini -- x") && !is_init("sh\0tini"));
        assert!(starts_others("/usr/local/bin/node\0/usr/local/bin/npm\0test"));
        for command in ["python\0-m\0orders", "/out/orders\0", "node\0dist/main.js\0npm", ""] {
            assert!(!starts_others(command), "{command:?}");
        }
    }

    #[test]
    fn a_value_that_is_added_to_is_still_there() {
        for (found, value) in [("a", "a"), ("-x -y", "-x"), ("/opt:/bin", "/bin"), ("", "")] {
            assert!(adds_to(found, value), "{found} {value}");
        }
        for (found, value) in
            [("10", "1"), ("staging", "production"), ("", "a"), ("unproduction", "production"), ("a", "")]
        {
            assert!(!adds_to(found, value), "{found} {value}");
        }
    }

    #[test]
    fn this_process_is_known() {
        let own = program(i64::from(std::process::id())).unwrap();
        assert!(own.path.starts_with('/') && own.path.contains("dockwright"));
        assert_eq!(
            environ(i64::from(std::process::id())).unwrap().get("PATH").map(String::as_str),
            std::env::var("PATH").ok().as_deref()
        );
    }
}
