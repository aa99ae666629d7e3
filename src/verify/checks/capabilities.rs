//! What running processes may do, as the kernel tells it.

use super::owner::is_init;
use crate::engine::Process;
use crate::verify::bench::Bench;

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
pub(in crate::verify) struct Rights {
    /// Its user inside the container.
    pub(super) uid: u32,
    /// Its effective, permitted and ambient capabilities together.
    pub(super) mask: u64,
    /// Its command line.
    pub(super) command: String,
}

/// What processes of an engine on this machine may do, its own init aside; none where that cannot be read.
pub(super) fn rights(bench: &Bench, processes: &[Process]) -> Option<Vec<Rights>> {
    let info = bench.engine().info();
    if !info.local || processes.is_empty() {
        return None;
    }
    let shifted = info.rootless || info.userns;
    processes.iter().filter(|process| !is_init(process)).map(|process| of_process(process, shifted)).collect()
}

fn of_process(process: &Process, shifted: bool) -> Option<Rights> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", process.pid)).ok();
    let status = read("status")?;
    let mut rights = parsed(&status, process)?;
    if shifted {
        rights.uid = inside(&read("uid_map")?, rights.uid)?;
    }
    Some(rights)
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
pub(super) fn names(mask: u64) -> String {
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
    fn uids_are_found_in_their_namespace() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        assert_eq!((inside(map, 1000), inside(map, 110_000), inside(map, 5)), (Some(0), Some(10_001), None));
    }
}
