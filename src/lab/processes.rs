//! Processes of a container, as the engine lists them.

use crate::engine::Process;
use crate::stacks::ecosystem;

/// A process that runs as another uid, and does not just stand above those that have the right one: a launcher
/// (`su`, `sudo`, a supervisor) writes nothing.
pub(crate) fn foreign(processes: &[Process], uid: u32) -> Option<&Process> {
    let launches = |process: &Process| {
        let mut below = vec![process.pid];
        while let Some(pid) = below.pop() {
            let children = processes.iter().filter(|child| child.ppid == pid && child.pid != pid);
            for child in children {
                if child.uid == Some(uid) {
                    return true;
                }
                below.push(child.pid);
            }
        }
        false
    };
    processes.iter().find(|process| process.uid != Some(uid) && !is_init(process) && !launches(process))
}

/// The engine's own: the first process, which only passes signals on, and the runtime before it becomes the command
/// of a health check, which is root for a moment whatever the user is.
pub(crate) fn is_init(process: &Process) -> bool {
    let program = process.command.split_whitespace().next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(program);
    ecosystem().processes.init.iter().any(|own| own == name) || is_runtime(&process.command)
}

/// Whether a command line is of the runtime before it becomes a container's command.
pub(super) fn is_runtime(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let name = words.next().and_then(|program| program.rsplit('/').next());
    matches!(name, Some("runc" | "crun" | "exe")) && words.next() == Some("init") && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i64, ppid: i64, uid: u32, command: &str) -> Process {
        Process { pid, ppid, uid: Some(uid), user: uid.to_string(), age: None, command: command.into() }
    }

    #[test]
    fn what_the_engine_runs_is_told_from_the_service() {
        let own = ["/sbin/docker-init -- serve", "runc init", "/usr/bin/runc init", "/proc/self/exe init"];
        assert!(own.iter().all(|command| is_init(&process(2, 1, 0, command))));
        let others = ["init", "runc run it", "/app/exe", "python -m init", "runc init now"];
        assert!(!others.iter().any(|command| is_init(&process(2, 1, 0, command))));
    }

    #[test]
    fn launchers_are_told_from_those_that_write() {
        let tree = [
            process(1, 0, 0, "/sbin/docker-init -- su app"),
            process(2, 1, 0, "su app -c serve"),
            process(3, 2, 7, "serve"),
        ];
        assert_eq!(foreign(&tree, 7), None);
        assert_eq!(foreign(&tree, 8).unwrap().pid, 2);
        let beside = [process(1, 0, 0, "sh -c"), process(2, 1, 7, "serve"), process(3, 1, 0, "watcher")];
        assert_eq!(foreign(&beside, 7).unwrap().pid, 3);
        assert_eq!(foreign(&[process(1, 0, 0, "python -m http.server")], 7).unwrap().pid, 1);
    }
}
