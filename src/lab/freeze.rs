//! Making a service stop answering without ending it: its processes are stopped (SIGSTOP), those of its healthcheck,
//! which begin anew each time, are not. The engine's own pause would stop the healthcheck, too.

use std::collections::BTreeSet;

use super::processes::is_init;
use crate::engine::{Container, Engine, Process};
use crate::error::Result;

/// Processes that stand still until they are released, or their container is removed.
pub(crate) enum Frozen {
    /// Stopped from this host, by handles that cannot come to mean other processes.
    #[cfg(target_os = "linux")]
    FromHost(Vec<std::os::fd::OwnedFd>),
    /// Stopped by a `kill` that is in the image, and by the engine.
    Inside,
}

/// Stops the processes of a container that somebody names, by their ids on this host; none if they are all that it has, or if
/// this host cannot stop them.
pub(crate) async fn freeze_some(container: &Container, pids: &BTreeSet<i64>) -> Result<Option<Frozen>> {
    let first = container.inspect().await?.pid;
    let processes = container.top().await.unwrap_or_default();
    let others = own(&processes, first).into_iter().filter(|one| !is_init(one) && !pids.contains(&one.pid)).count();
    #[cfg(target_os = "linux")]
    if others > 0 {
        return Ok(linux::stop_all(container, Some(pids)).await?.map(Frozen::FromHost));
    }
    Ok(None)
}

/// Stops all processes of a container but an init that only passes signals on; none if nothing here can. The container must
/// have its processes to itself: what is stopped from inside is all that it sees.
pub(crate) async fn freeze(container: &Container) -> Result<Option<Frozen>> {
    #[cfg(target_os = "linux")]
    if let Some(handles) = linux::stop_all(container, None).await? {
        return Ok(Some(Frozen::FromHost(handles)));
    }
    // Process 1 hears of no SIGSTOP that is sent inside; the engine can send it one, if it is the service itself.
    let first = container.inspect().await?.pid;
    let processes = container.top().await.unwrap_or_default();
    let is_service = processes.iter().any(|process| process.pid == first && !is_init(process));
    let by_kill = inside(container, "-STOP").await;
    let by_engine = is_service && container.kill("SIGSTOP").await.is_ok();
    Ok((by_kill || by_engine).then_some(Frozen::Inside))
}

/// Whether processes of containers can be stopped from here: the engine is on this host, and we are root.
pub(crate) fn is_at_hand(engine: &Engine) -> bool {
    #[cfg(target_os = "linux")]
    let root = rustix::process::geteuid().is_root();
    #[cfg(not(target_os = "linux"))]
    let root = false;
    root && engine.info().local
}

impl Frozen {
    /// Lets them go on. Best effort: the container is removed next.
    pub(crate) async fn release(self, container: &Container) {
        match self {
            #[cfg(target_os = "linux")]
            Self::FromHost(handles) => linux::signal_all(&handles, rustix::process::Signal::CONT),
            Self::Inside => {
                // It is stopped, too, if it is the service itself.
                let _ = container.kill("SIGCONT").await;
                inside(container, "-CONT").await;
            }
        }
    }
}

/// Sends a signal to all processes that the container's own user may signal, process 1 and the sender aside.
async fn inside(container: &Container, signal: &str) -> bool {
    let line = format!("kill {signal} -1");
    for command in [vec!["/bin/sh", "-c", line.as_str()], vec!["kill", signal, "-1"]] {
        if container.exec(&command, None, &[]).await.is_ok_and(|done| done.exit_code == 0) {
            return true;
        }
    }
    false
}

/// The processes that descend from the container's first one. What the engine starts in it, as a healthcheck, does not.
fn own(processes: &[Process], first: i64) -> Vec<&Process> {
    let mut found: Vec<&Process> = processes.iter().filter(|process| process.pid == first).collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at].pid;
        found.extend(processes.iter().filter(|process| process.ppid == parent && process.pid != parent));
        at += 1;
    }
    found
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::os::fd::OwnedFd;

    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::{Container, own};
    use crate::error::Result;
    use crate::lab::processes::is_init;
    use crate::text;

    /// A process may start another one while it is being stopped: so often is looked again.
    const ROUNDS: usize = 8;

    /// Handles of all that was stopped, of `only` some if those are named; none if they are not this host's, or not ours to signal.
    pub(super) async fn stop_all(container: &Container, only: Option<&BTreeSet<i64>>) -> Result<Option<Vec<OwnedFd>>> {
        let first = container.inspect().await?.pid;
        let mut held: BTreeMap<i64, OwnedFd> = BTreeMap::new();
        for _ in 0..ROUNDS {
            let Ok(processes) = container.top().await else { break };
            let running = own(&processes, first);
            let new: Vec<i64> = running
                .iter()
                .filter(|process| !is_init(process) && !held.contains_key(&process.pid))
                .filter(|process| only.is_none_or(|pids| pids.contains(&process.pid)))
                .map(|process| process.pid)
                .collect();
            if new.is_empty() {
                return Ok((!held.is_empty()).then(|| held.into_values().collect()));
            }
            for pid in new {
                match stop(pid, container.id()) {
                    Ok(handle) => {
                        held.insert(pid, handle);
                    }
                    // Gone meanwhile.
                    Err(Errno::SRCH) => {}
                    Err(_) => {
                        signal_all(&held.into_values().collect::<Vec<_>>(), Signal::CONT);
                        return Ok(None);
                    }
                }
            }
        }
        signal_all(&held.into_values().collect::<Vec<_>>(), Signal::CONT);
        Ok(None)
    }

    /// Stops one process. The engine may be in a virtual machine, where the same number is another process: only what
    /// this host's kernel says is the container's is touched, and the handle stays that process whatever ends.
    fn stop(pid: i64, container: &str) -> Result<OwnedFd, Errno> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::INVAL)?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        let number = pid.as_raw_nonzero();
        let told =
            |file: &str| text::read_text(format!("/proc/{number}/{file}").as_ref(), text::SMALL).unwrap_or_default();
        if !["cgroup", "mountinfo"].iter().any(|file| told(file).contains(container)) {
            return Err(Errno::PERM);
        }
        pidfd_send_signal(&handle, Signal::STOP)?;
        Ok(handle)
    }

    pub(super) fn signal_all(handles: &[OwnedFd], signal: Signal) {
        for handle in handles {
            // What has ended needs no signal.
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_starts_inside_is_not_the_services_own() {
        let process =
            |pid, ppid| Process { pid, ppid, uid: Some(1), user: "1".into(), age: None, command: String::new() };
        let table = [process(10, 3), process(11, 10), process(12, 11), process(20, 3), process(21, 20)];
        let pids: Vec<i64> = own(&table, 10).iter().map(|process| process.pid).collect();
        assert_eq!(pids, [10, 11, 12]);
        assert!(own(&table, 99).is_empty());
    }
}
