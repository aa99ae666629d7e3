//! `dev.owner`: what dev writes on the mount belongs to whoever owns it.

use std::time::Duration;

use super::dev::source_mount;
use super::reload::{publish, service_port};
use crate::engine::Process;
use crate::verify::bench::{Bench, Checked};
use crate::verify::http;
use crate::verify::outcome::{fail, inconclusive, pass, skipped};

/// `dev.owner`.
pub(super) async fn check(bench: &Bench) -> Checked {
    let role = bench.role("dev")?;
    let Ok(mount) = source_mount(bench) else {
        return Ok(skipped("dev.mount does not hold, so nothing is written on the project"));
    };
    let info = bench.engine().info();
    if info.rootless || info.userns {
        return Ok(inconclusive(
            "this engine shifts user ids, so the owner on the host does not show in the container",
        )
        .hint("run verify on an engine without user namespaces to see this contract proved"));
    }
    let service = bench.subject.service(role);
    let port = service_port(bench).ok();
    let scene = bench.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    // The process that serves is what writes; before it serves, an entrypoint may still be root.
    if let (Some(port), Some(health)) = (port, bench.subject.project.verify.health.as_ref()) {
        let host = scene.host_port(port).await?;
        let _ = http::wait_for(host, health.as_str(), bench.patience(), http::Answer::ok).await;
    } else {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let line = service.at("user").line;
    let (uid, gid) = (scene.copy.uid(), scene.copy.gid());
    let processes = match scene.container.top().await {
        Ok(processes) => processes,
        Err(_) => {
            let log = scene.log().await;
            scene.end().await;
            return Ok(inconclusive("dev ended before its processes could be seen").log(log));
        }
    };
    let others: Vec<&Process> =
        processes.iter().filter(|process| !is_init(process) && process.uid != Some(uid)).collect();
    if let Some(other) = others.first() {
        let what =
            format!("`{}` runs as uid {}, and the source belongs to {uid}", http::shorten(&other.command), other.user);
        scene.end().await;
        return Ok(fail(what)
            .expected(format!("every process runs as the owner of the source, here {uid}:{gid}"))
            .at(bench.subject.compose_file(), line));
    }
    // A file written by such a process, and looked at from the host.
    let verdict = match written(bench, &scene, &mount.target, uid, gid).await? {
        Some(seen) if seen == (uid, gid) => {
            pass(format!("its processes run as uid {uid}, and a file they write belongs to {uid}:{gid}"))
        }
        Some((owner, group)) => fail(format!("a file written on the mount belongs to {owner}:{group} on the host"))
            .expected(format!("it belongs to {uid}:{gid}, the owner of the source"))
            .at(bench.subject.compose_file(), line),
        None => pass(format!("its processes run as uid {uid}, the owner of the source")),
    };
    scene.end().await;
    Ok(verdict)
}

/// The engine's own first process, which only passes signals on.
pub(super) fn is_init(process: &Process) -> bool {
    let program = process.command.split_whitespace().next().unwrap_or_default();
    matches!(program.rsplit('/').next(), Some("docker-init" | "tini" | "catatonit" | "dumb-init"))
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
