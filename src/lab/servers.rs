//! Which processes of a container hold the socket that it serves on, as this host's kernel has it.

use std::collections::BTreeSet;
use std::fs;

use super::Lab;
use super::listeners::of_host;
use crate::engine::Container;
use crate::error::Result;

/// The processes that hold a socket waiting on a TCP port, by their ids on this host; none where that cannot be seen: the
/// engine is on another machine, or the processes are another user's.
pub(crate) async fn servers(lab: &Lab, container: &Container, port: u16) -> Result<Option<BTreeSet<i64>>> {
    let state = container.inspect().await?;
    let Some(tables) = lab.engine().info().local.then(|| of_host(state.pid)).flatten() else { return Ok(None) };
    let lines = tables.iter().flat_map(|(_, table)| table.lines().skip(1));
    let sockets: BTreeSet<String> = lines.filter_map(|line| socket(line, port)).collect();
    let mut found = BTreeSet::new();
    for process in container.top().await.unwrap_or_default() {
        let Ok(open) = fs::read_dir(format!("/proc/{}/fd", process.pid)) else { return Ok(None) };
        let mut links = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if links.any(|link| sockets.contains(link.to_string_lossy().as_ref())) {
            found.insert(process.pid);
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// What a line of `/proc/net/tcp` lists, as links in `/proc/PID/fd` name it, if it waits on a port (`proc_net(5)`: `sl
/// local_address rem_address st … inode`).
fn socket(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let waits = fields.get(3) == Some(&LISTEN) && fields.get(1)?.ends_with(&format!(":{port:04X}"));
    waits.then(|| Some(format!("socket:[{}]", fields.get(9)?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_its_port() {
        let line = "   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 12321 0 94123 1 0 100 0 0 10 0";
        assert_eq!(socket(line, 8000).as_deref(), Some("socket:[94123]"));
        assert_eq!(socket(line, 8001), None);
        assert_eq!(socket(&line.replace(" 0A ", " 01 "), 8000), None, "a connection");
    }
}
