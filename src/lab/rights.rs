//! What running processes may do, as the kernel tells it.

use std::time::Duration;

use super::Lab;
use super::pace;
use super::processes::is_init;
use crate::engine::{Container, Process};
use crate::error::Result;
use crate::text;

/// How often processes are listed again that changed while they were looked at, and after how long.
const LOOKS: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// By their number in the kernel's masks.
const CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What a process may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Its user inside the container.
    pub(crate) uid: u32,
    /// Its effective, permitted and ambient capabilities together.
    pub(crate) mask: u64,
    /// Its command line.
    pub(crate) command: String,
}

/// The processes of a container, and what each may do, the engine's init aside; the second is none where that cannot
/// be read, as where the engine is on another machine.
///
/// # Errors
/// When the container's processes cannot be listed: it has ended, or the engine's host has no `ps`.
pub(crate) async fn look(lab: &Lab, container: &Container) -> Result<(Vec<Process>, Option<Vec<Rights>>)> {
    let mut processes = container.top().await?;
    let mut known = rights(lab, &processes);
    // A process may take on another user between the list and the look at it, as one that the engine just starts.
    for _ in 0..LOOKS {
        if known.is_some() {
            break;
        }
        pace::pause(PAUSE).await;
        processes = container.top().await?;
        known = rights(lab, &processes);
    }
    Ok((processes, known))
}

fn rights(lab: &Lab, processes: &[Process]) -> Option<Vec<Rights>> {
    let info = lab.engine().info();
    if !info.local {
        return None;
    }
    let shifted = info.rootless || info.userns;
    let known = processes.iter().filter(|process| !is_init(process)).map(|process| of_process(process, shifted));
    told(known.collect::<Option<Vec<Look>>>()?)
}

/// What is known of processes, those that have ended left aside; none if that is all of them: then they were never
/// here.
fn told(looks: Vec<Look>) -> Option<Vec<Rights>> {
    let rights: Vec<Rights> = looks.into_iter().filter_map(|look| look.0).collect();
    (!rights.is_empty()).then_some(rights)
}

/// One process; nothing of one that has ended since it was listed.
struct Look(Option<Rights>);

fn of_process(process: &Process, shifted: bool) -> Option<Look> {
    let read = |file: &str| {
        text::read_text(format!("/proc/{}/{file}", process.pid).as_ref(), text::SMALL).map_err(std::io::Error::from)
    };
    let status = match read("status") {
        Ok(status) => status,
        // What ends while its file is read tells ESRCH.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => {
            return Some(Look(None));
        }
        Err(_) => return None,
    };
    let mut rights = parsed(&status, process)?;
    if shifted {
        rights.uid = inside(&read("uid_map").ok()?, rights.uid)?;
    }
    Some(Look(Some(rights)))
}

/// Reads `/proc/PID/status`; none if it is another process' than the engine told of, as where the engine's machine
/// only seems to be this one.
fn parsed(status: &str, process: &Process) -> Option<Rights> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let uid = field("Uid")?.split_whitespace().next()?.parse().ok()?;
    let nested = field("NSpid")?.split_whitespace().count() > 1;
    if !nested || process.uid.is_some_and(|told| told != uid) {
        return None;
    }
    let mask = |name: &str| u64::from_str_radix(field(name)?, 16).ok();
    let mask = mask("CapEff")? | mask("CapPrm")? | mask("CapAmb")?;
    Some(Rights { uid, mask, command: process.command.clone() })
}

/// A uid as it is inside of a user namespace, by its map.
fn inside(map: &str, uid: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (first, outside, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let offset = uid.checked_sub(outside)?;
        (offset < count).then(|| first + offset)
    })
}

/// The names of the capabilities in a mask.
pub(crate) fn names(mask: u64) -> String {
    let known = CAPABILITIES.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, name)| *name);
    let known: Vec<&str> = known.collect();
    if known.len() > 5 { format!("{} capabilities", known.len()) } else { known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_may_do_is_read_from_its_status() {
        let process =
            Process { pid: 7, ppid: 1, uid: Some(10_001), user: "10001".into(), age: None, command: "serve".into() };
        let status = |uid: u32, nspid: &str, ambient: &str| {
            format!(
                "Name:\tserve\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nNSpid:\t{nspid}\nCapInh:\t0000000000000400\n\
                 CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nCapAmb:\t{ambient}\n"
            )
        };
        let none = "0000000000000000";
        assert_eq!(parsed(&status(10_001, "7\t1", none), &process).unwrap().mask, 0);
        assert_eq!(
            names(parsed(&status(10_001, "7\t1", "0000000000000400"), &process).unwrap().mask),
            "NET_BIND_SERVICE"
        );
        assert_eq!(parsed(&status(0, "7\t1", none), &process), None);
        assert_eq!(parsed(&status(10_001, "7", none), &process), None);
    }

    #[test]
    fn what_has_ended_since_is_left_aside() {
        let process =
            |pid: i64| Process { pid, ppid: 0, uid: None, user: String::new(), age: None, command: String::new() };
        // No process has a number beyond the kernel's greatest, 2^22.
        assert!(matches!(of_process(&process(1 << 23), false), Some(Look(None))));
        let serves = || Look(Some(Rights { uid: 7, mask: 0, command: "serve".into() }));
        assert_eq!(told(vec![Look(None), serves()]).unwrap().len(), 1);
        assert_eq!(told(vec![Look(None)]), None);
        // This one is not in a container, so its number cannot be that of the process that is asked for.
        assert!(of_process(&process(i64::from(std::process::id())), false).is_none());
    }

    #[test]
    fn uids_are_found_in_their_namespace() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        assert_eq!((inside(map, 1000), inside(map, 110_000), inside(map, 5)), (Some(0), Some(10_001), None));
    }
}
