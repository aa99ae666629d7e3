//! Who made a thing on the engine: enough to tell a run that is still alive from one that is not.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::text;
use sha2::{Digest, Sha256};

/// The process that owns a run. Written as `host-boot-pid-start`, all in lower-case letters and digits, so
/// that it fits into a label and into an image's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// The machine and, where there is one, the process namespace: a pid means nothing outside of it.
    pub host: String,
    /// The boot: after another, every pid is new.
    pub boot: String,
    pub pid: u32,
    /// When the process began, in the system's own ticks: a pid can be used again.
    pub start: String,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> &'static Self {
        static THIS: LazyLock<Owner> = LazyLock::new(|| {
            let pid = std::process::id();
            Owner { host: host(), boot: boot(), pid, start: start_of(pid).unwrap_or_else(|| "0".into()) }
        });
        &THIS
    }

    /// Whether the owner certainly lives no more. Of another host's processes nothing is certain.
    pub(super) fn is_dead(&self) -> bool {
        let this = Self::this();
        if self.host != this.host {
            return false;
        }
        if self.boot != this.boot {
            return true;
        }
        match start_of(self.pid) {
            Some(start) => start != self.start,
            None => !is_alive(self.pid),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.host, self.boot, self.pid, self.start)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned).ok_or(());
        let owner = Self { host: next()?, boot: next()?, pid: next()?.parse().map_err(drop)?, start: next()? };
        if parts.next().is_some() { Err(()) } else { Ok(owner) }
    }
}

fn digest(parts: &[String]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    hex::encode(&digest[..5])
}

fn read(path: &str) -> String {
    text::read_text(Path::new(path), text::SMALL).unwrap_or_default().trim().to_owned()
}

fn host() -> String {
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default();
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    #[cfg(unix)]
    let name = name + &rustix::system::uname().nodename().to_string_lossy();
    digest(&[read("/etc/machine-id"), name, namespace])
}

fn boot() -> String {
    // Without a boot id (outside Linux) start times alone must tell.
    digest(&[read("/proc/sys/kernel/random/boot_id")])
}

/// The start of a process, from Linux's /proc.
fn start_of(pid: u32) -> Option<String> {
    let stat = text::read_text(Path::new(&format!("/proc/{pid}/stat")), text::SMALL).ok()?;
    // The second field is the command in parentheses and may hold anything; the start is the 22nd.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    // Not being allowed to signal it means that it is there.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_alive(_pid: u32) -> bool {
    // Cannot be told without calling the system: such leftovers wait for `dockwright clean`.
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_survives_writing_and_reading() {
        let this = Owner::this();
        assert_eq!(this.to_string().parse(), Ok(this.clone()));
        assert!("a-b-1".parse::<Owner>().is_err());
        assert!("a-b-1-2-3".parse::<Owner>().is_err());
    }

    #[test]
    fn only_the_certainly_dead_are_dead() {
        let this = Owner::this();
        assert!(!this.is_dead());
        assert!(!Owner { host: "elsewhere".into(), boot: "x".into(), ..this.clone() }.is_dead());
        assert!(Owner { boot: "before".into(), ..this.clone() }.is_dead());
        assert!(Owner { pid: 4_194_305, ..this.clone() }.is_dead());
        #[cfg(target_os = "linux")]
        assert!(Owner { start: "1".into(), ..this.clone() }.is_dead());
    }
}
