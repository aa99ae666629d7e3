//! Which processes of a container hold the socket that it serves on, and what programs they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Lab;
use super::listeners::of_host;
use super::pace::Watch;
use super::proc::{self, Program};
use crate::engine::Container;
use crate::error::Result;

/// The processes that hold a socket waiting on a TCP port, by their ids on this host; none where none does, or it cannot be seen: the
/// engine is on another machine, or the processes are another user's.
pub(crate) async fn servers(lab: &Lab, container: &Container, port: u16) -> Result<Option<BTreeSet<i64>>> {
    Ok(seen(lab, container, port).await?.filter(|found| !found.is_empty()))
}

/// The same, of a container whose service may be starting again at the moment: as soon as there are any.
pub(crate) async fn servers_soon(lab: &Lab, container: &Container, port: u16) -> Result<Option<BTreeSet<i64>>> {
    let start = Watch::start();
    loop {
        match seen(lab, container, port).await? {
            Some(found) if found.is_empty() && start.elapsed() < lab.patience() => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            found => return Ok(found.filter(|found| !found.is_empty())),
        }
    }
}

async fn seen(lab: &Lab, container: &Container, port: u16) -> Result<Option<BTreeSet<i64>>> {
    let state = container.inspect().await?;
    let Some(found) = lab.engine().info().local.then(|| of_host(state.pid)).flatten() else { return Ok(None) };
    let waits = found.iter().filter(|one| one.protocol == "TCP" && one.port == port);
    let sockets: BTreeSet<String> = waits.map(|one| format!("socket:[{}]", one.inode)).collect();
    let mut found = BTreeSet::new();
    for process in container.top().await.unwrap_or_default() {
        let folder = format!("/proc/{}", process.pid);
        let Ok(open) = fs::read_dir(Path::new(&folder).join("fd")) else {
            // One that has ended meanwhile holds nothing.
            if Path::new(&folder).exists() {
                return Ok(None);
            }
            continue;
        };
        let mut links = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if links.any(|link| sockets.contains(link.to_string_lossy().as_ref())) {
            found.insert(process.pid);
        }
    }
    Ok(Some(found))
}

/// The programs of those processes; none where they cannot be seen.
pub(crate) async fn programs(lab: &Lab, container: &Container, port: u16) -> Result<Option<BTreeSet<Program>>> {
    let Some(servers) = servers(lab, container, port).await? else { return Ok(None) };
    let programs = tokio::task::spawn_blocking(move || servers.into_iter().filter_map(proc::program).collect());
    let programs: BTreeSet<Program> = programs.await.expect("reading does not panic");
    Ok((!programs.is_empty()).then_some(programs))
}
