//! The sockets that a container waits on, as the kernel lists them for its network (`proc_net(5)`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Lab, proc};
use crate::engine::Container;
use crate::error::Result;

/// A socket that waits for whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listener {
    pub(crate) protocol: &'static str,
    pub(crate) port: u16,
    address: IpAddr,
    /// The number of the socket, which links in `/proc/PID/fd` name.
    pub(super) inode: u64,
}

impl Listener {
    /// Whether others than the container itself reach it.
    pub(crate) fn is_open(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => !address.is_loopback(),
            IpAddr::V6(address) => {
                !address.is_loopback() && !address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
            }
        }
    }
}

const TABLES: [(&str, &str); 4] = [("tcp", "TCP"), ("tcp6", "TCP"), ("udp", "UDP"), ("udp6", "UDP")];

/// The sockets of a running container; none if neither this host's `/proc` nor a `cat` in the image shows them.
pub(crate) async fn listeners(lab: &Lab, container: &Container) -> Result<Option<Vec<Listener>>> {
    let state = container.inspect().await?;
    if lab.engine().info().local
        && let Some(found) = of_host(state.pid)
    {
        return Ok(Some(found));
    }
    let mut tables = Vec::new();
    for (file, protocol) in TABLES {
        let Ok(shown) = container.exec(&["cat", &format!("/proc/net/{file}")], None, &[]).await else { break };
        // A network without IPv6 has two tables.
        if shown.exit_code == 0 {
            tables.push((protocol, shown.output));
        }
    }
    Ok((!tables.is_empty()).then(|| all(&tables)))
}

/// The sockets of a process of this host; none if it is in no container.
pub(super) fn of_host(pid: i64) -> Option<Vec<Listener>> {
    if !proc::is_contained(pid) {
        return None;
    }
    let tables: Vec<_> = TABLES
        .into_iter()
        .filter_map(|(file, protocol)| Some((protocol, proc::read(pid, &format!("net/{file}"))?)))
        .collect();
    (!tables.is_empty()).then(|| all(&tables))
}

fn all(tables: &[(&'static str, String)]) -> Vec<Listener> {
    let mut found: Vec<Listener> = tables
        .iter()
        .flat_map(|(protocol, table)| table.lines().skip(1).filter_map(|line| listener(protocol, line)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// One line of a table: `sl local_address rem_address st …`, the inode being the tenth field. A UDP socket on a port that the
/// kernel hands out asks somebody else rather than waits.
fn listener(protocol: &'static str, line: &str) -> Option<Listener> {
    const LISTEN: &str = "0A";
    const UNCONNECTED: &str = "07";
    /// The first that Linux hands out (ip(7), `ip_local_port_range`).
    const HANDED_OUT: u16 = 32_768;
    let mut fields = line.split_whitespace().skip(1);
    let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    let inode = fields.nth(5).and_then(|inode| inode.parse().ok()).unwrap_or_default();
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let waits = match protocol {
        "TCP" => state == LISTEN,
        _ => state == UNCONNECTED && port < HANDED_OUT,
    };
    waits.then_some(Listener { protocol, port, address: ip(address)?, inode })
}

/// An address as the kernel prints it: words of 32 bits, each in the machine's order.
fn ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let octets: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 1 1
   1: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 2 1
   2: 0B00007F:A4C1 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 3 1
   3: 020011AC:1F40 010011AC:D2F0 01 00000000:00000000 00:00000000 00000000 10001 0 4 1
";
    const TCP6: &str = "  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A 0 0 0 0 0
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0 0 0 0 0
   2: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 0 0 0 0 0
";
    const UDP: &str = "  sl  local_address rem_address   st
   0: 00000000:1FBD 00000000:0000 07 0 0
   1: 00000000:C350 00000000:0000 07 0 0
   2: 020011AC:1000 0B00007F:0035 01 0 0
";

    #[cfg(target_endian = "little")]
    #[test]
    fn what_waits_is_told_from_what_talks() {
        let tables = [("TCP", TCP.to_owned()), ("TCP", TCP6.to_owned()), ("UDP", UDP.to_owned())];
        let found = all(&tables);
        let open: Vec<_> = found.iter().filter(|one| one.is_open()).map(|one| (one.protocol, one.port)).collect();
        assert_eq!(open, [("TCP", 8000), ("TCP", 9090), ("UDP", 8125)]);
        let closed: Vec<_> = found.iter().filter(|one| !one.is_open()).map(|one| one.port).collect();
        assert_eq!(closed, [80, 81, 9090, 42_177]);
    }
}
