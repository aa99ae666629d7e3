//! `dev.owner`: what dev writes on the mount belongs to whoever owns it.

use super::at_work;
use super::dev::held_mount;
use crate::dockerfile::Kind;
use crate::engine::Process;
use crate::stacks::ecosystem;
use crate::verify::bench::{Bench, Checked};
use crate::verify::http;
use crate::verify::outcome::{fail, inconclusive, pass, skipped};
use crate::verify::subject::RoleSubject;

/// `dev.owner`.
pub(super) async fn check(bench: &Bench) -> Checked {
    let role = bench.role("dev")?;
    let mount = held_mount(bench)?;
    let info = bench.engine().info();
    if info.rootless || info.userns {
        return Ok(inconclusive(
            "this engine shifts user ids, so the owner on the host does not show in the container",
        )
        .hint("run verify on an engine without user namespaces to see this contract proved"));
    }
    let work = at_work::dev(bench).await?;
    let scene = &work.scene;
    let (uid, gid) = (scene.copy.uid(), scene.copy.gid());
    let expected = format!("whatever writes on the source runs as its owner, here {uid}:{gid}");
    let place = user_place(bench, role);
    let Some(processes) = &work.processes else {
        let why = work.served.as_ref().err().map_or("dev ended before its processes could be seen", String::as_str);
        return Ok(skipped(format!("dev does not stay up, which dev.reload says more of: {why}")));
    };
    if let Some(other) = foreign(processes, uid).filter(|_| work.served.is_ok()) {
        let what =
            format!("`{}` runs as uid {}, and the source belongs to {uid}", http::shorten(&other.command), other.user);
        return Ok(fail(what).expected(expected).at(place.0, place.1));
    }
    // What it wrote on its way here, and what an entrypoint wrote before it changed its user.
    if let Some((path, owner)) = &work.foreign_file {
        let path = path.strip_prefix(scene.copy.path()).unwrap_or(path).display().to_string();
        return Ok(fail(format!("{path} was written on the mount and belongs to uid {owner} on the host"))
            .expected(expected)
            .at(place.0, place.1));
    }
    if let Err(why) = &work.served {
        return Ok(skipped(format!("dev does not serve, which dev.reload says more of: {why}")));
    }
    // A file written by such a process, and looked at from the host.
    let verdict = match written(bench, scene, &mount.target, uid, gid).await? {
        Some(seen) if seen == (uid, gid) => {
            pass(format!("its processes run as uid {uid}, and a file they write belongs to {uid}:{gid}"))
        }
        Some((owner, group)) => fail(format!("a file written on the mount belongs to {owner}:{group} on the host"))
            .expected(expected)
            .at(place.0, place.1),
        None => pass(format!("its processes run as uid {uid}, the owner of the source")),
    };
    Ok(verdict)
}

/// A process that runs as another uid, and does not just stand above those that have the right one: a launcher
/// (`su`, `sudo`, a supervisor) writes nothing.
pub(super) fn foreign(processes: &[Process], uid: u32) -> Option<&Process> {
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

/// The line that says as whom a role runs: compose.yaml's `user`, else the image's USER, else its entrypoint.
pub(super) fn user_place(bench: &Bench, role: &RoleSubject) -> (String, usize) {
    let service = bench.subject.service(role);
    if service.user.is_some() {
        return (bench.subject.compose_file(), service.at("user").line);
    }
    let dockerfile = &role.target.dockerfile;
    let chain = dockerfile.ancestry(role.target.stage);
    let last = |wanted: &dyn Fn(&Kind) -> bool| {
        let mut instructions = chain.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev());
        instructions.find(|one| wanted(&one.kind)).map(|one| one.line)
    };
    let user = last(&|kind| matches!(kind, Kind::User(_)));
    let line = user.or_else(|| last(&|kind| matches!(kind, Kind::Entrypoint(_)))).unwrap_or(role.target.line());
    (role.target.file.clone(), line)
}

/// The engine's own: the first process, which only passes signals on, and the runtime before it becomes the command
/// of a health check, which is root for a moment whatever the user is.
pub(super) fn is_init(process: &Process) -> bool {
    let mut words = process.command.split_whitespace();
    let program = words.next().unwrap_or_default();
    match program.rsplit('/').next() {
        Some(name) if ecosystem().processes.init.iter().any(|own| own == name) => true,
        Some("runc" | "crun" | "exe") => words.next() == Some("init") && words.next().is_none(),
        _ => false,
    }
}

/// Writes a file in the container with the ids of its serving process; none if it has no shell to do so.
async fn written(
    bench: &Bench,
    scene: &crate::verify::bench::Scene,
    target: &str,
    uid: u32,
    gid: u32,
) -> Checked<Option<(u32, u32)>> {
    const NAME: &str = "dockwright-written";
    let path = format!("{}/{NAME}", target.trim_end_matches('/'));
    let main = scene.container.inspect().await?.pid;
    let gid = group_of(main).unwrap_or(gid);
    let user = format!("{uid}:{gid}");
    let done = scene.container.exec(&["touch", &path], Some(&user), &[]).await;
    if !done.is_ok_and(|done| done.exit_code == 0) {
        return Ok(None);
    }
    let service = bench.subject.service(bench.role("dev")?);
    let source = service.volumes.iter().find(|mount| mount.target == target).and_then(|mount| mount.source.clone());
    let inside = source.and_then(|source| {
        std::path::Path::new(&source).strip_prefix(&bench.subject.folder).ok().map(ToOwned::to_owned)
    });
    let file = scene.copy.path().join(inside.unwrap_or_default()).join(NAME);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok(std::fs::metadata(file).ok().map(|meta| (meta.uid(), meta.gid())))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(None)
    }
}

/// The group that a process of this host runs as; none if the engine is on another one.
fn group_of(pid: i64) -> Option<u32> {
    // The first process may be the engine's init; the one it started has the ids that count.
    let child = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let pid = child.split_whitespace().next().map_or(pid.to_string(), ToOwned::to_owned);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("Gid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
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
