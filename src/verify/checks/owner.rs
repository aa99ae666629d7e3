//! `dev.owner`: what dev writes on the mount belongs to whoever owns it.

use std::path::Path;

use crate::lab::mount::source_mount;
use crate::lab::processes::foreign;
use crate::lab::{Lab, Scene, at_work, blame, http};
use crate::text;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

/// `dev.owner`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("dev")?;
    let mount = source_mount(lab)?;
    let info = lab.engine().info();
    if info.rootless || info.userns {
        return Ok(inconclusive(
            "this engine shifts user ids, so the owner on the host does not show in the container",
        )
        .hint("run verify on an engine without user namespaces to see this contract proved"));
    }
    let work = at_work::dev(lab).await?;
    let scene = &work.scene;
    let (uid, gid) = (scene.copy.uid(), scene.copy.gid());
    let expected = format!("whatever writes on the source runs as its owner, here {uid}:{gid}");
    let place = blame::user_or_entrypoint(&lab.subject, role);
    let Some(processes) = &work.processes else {
        let why = work.served.as_ref().err().map_or("dev ended before its processes could be seen", String::as_str);
        return Ok(inconclusive(format!("dev does not stay up: {why}")));
    };
    if let Some(other) = foreign(processes, uid).filter(|_| work.served.is_ok()) {
        let what =
            format!("`{}` runs as uid {}, and the source belongs to {uid}", http::shorten(&other.command), other.user);
        return Ok(fail(what).expected(expected).at_place(&place).by_itself());
    }
    // What it wrote on its way here, and what an entrypoint wrote before it changed its user.
    if let Some((path, owner)) = &work.foreign_file {
        let path = path.strip_prefix(scene.copy.path()).unwrap_or(path).display().to_string();
        return Ok(fail(format!("{path} was written on the mount and belongs to uid {owner} on the host"))
            .expected(expected)
            .at_place(&place)
            .by_itself());
    }
    if let Err(why) = &work.served {
        return Ok(inconclusive(format!("dev does not serve: {why}")));
    }
    // A file written by such a process, and looked at from the host.
    let verdict = match written(lab, scene, &mount.target, uid, gid).await? {
        Some(seen) if seen == (uid, gid) => {
            pass(format!("its processes run as uid {uid}, and a file they write belongs to {uid}:{gid}"))
        }
        Some((owner, group)) => fail(format!("a file written on the mount belongs to {owner}:{group} on the host"))
            .expected(expected)
            .at_place(&place)
            .by_itself(),
        None => pass(format!("its processes run as uid {uid}, the owner of the source")),
    };
    Ok(verdict)
}

/// Writes a file in the container with the ids of its serving process; none if it has no shell to do so.
async fn written(lab: &Lab, scene: &Scene, target: &str, uid: u32, gid: u32) -> Checked<Option<(u32, u32)>> {
    const NAME: &str = "dockwright-written";
    let path = format!("{}/{NAME}", target.trim_end_matches('/'));
    let main = scene.container.inspect().await?.pid;
    let gid = group_of(main).unwrap_or(gid);
    let user = format!("{uid}:{gid}");
    let done = scene.container.exec(&["touch", &path], Some(&user), &[]).await;
    if !done.is_ok_and(|done| done.exit_code == 0) {
        return Ok(None);
    }
    let service = lab.subject.service(lab.role("dev")?);
    let source = service.volumes.iter().find(|mount| mount.target == target).and_then(|mount| mount.source.clone());
    let inside = source
        .and_then(|source| std::path::Path::new(&source).strip_prefix(&lab.subject.folder).ok().map(ToOwned::to_owned));
    let file = inside.unwrap_or_default().join(NAME);
    Ok(scene.copy.owner_of(&file.to_string_lossy()).ok())
}

/// The group that a process of this host runs as; none if the engine is on another one.
fn group_of(pid: i64) -> Option<u32> {
    // The first process may be the engine's init; the one it started has the ids that count.
    let child = text::read_text(Path::new(&format!("/proc/{pid}/task/{pid}/children")), text::SMALL).ok()?;
    let pid = child.split_whitespace().next().map_or(pid.to_string(), ToOwned::to_owned);
    let status = text::read_text(Path::new(&format!("/proc/{pid}/status")), text::SMALL).ok()?;
    let line = status.lines().find(|line| line.starts_with("Gid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}
