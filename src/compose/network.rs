//! `ports` and `networks` of a service.

use std::collections::{BTreeMap, HashSet};

use super::context::Decoding;
use super::fault::ComposeFault;
use super::keys;
use super::parts::{ComposePort, NetworkUse};
use super::values::{entries, integer, items, scalar, text, texts, unique};
use super::yaml::{YamlNode, YamlValue};

/// The networks a service is in; `default` where it names none and has no network mode of its own.
pub(super) fn networks(
    node: Option<&YamlNode>,
    has_mode: bool,
    context: &mut Decoding<'_>,
) -> Result<BTreeMap<String, NetworkUse>, ComposeFault> {
    let mut found = BTreeMap::new();
    match node {
        None if has_mode => {}
        None => {
            found.insert("default".to_owned(), NetworkUse::default());
        }
        Some(node) if matches!(node.value, YamlValue::List(_)) => {
            for name in texts(node, "networks")? {
                found.insert(name, NetworkUse::default());
            }
        }
        Some(node) => {
            for (key, node) in entries(node, "networks")? {
                if node.value == YamlValue::Null {
                    found.insert(key.text.clone(), NetworkUse::default());
                    continue;
                }
                let field = format!("networks.{}", key.text);
                context.check(node, keys::NETWORK_USE, &format!("{field}."), &format!("`{field}`"))?;
                let at = |name: &str| node.get(name);
                let word = |name: &str| at(name).map(|node| text(node, name)).transpose();
                let aliases = at("aliases").map(|node| texts(node, "aliases")).transpose()?;
                let network = NetworkUse {
                    aliases: unique(aliases.unwrap_or_default()),
                    ipv4_address: word("ipv4_address")?,
                    ipv6_address: word("ipv6_address")?,
                    mac_address: word("mac_address")?,
                    priority: at("priority").map(|node| integer(node, "priority")).transpose()?,
                };
                found.insert(key.text.clone(), network);
            }
        }
    }
    Ok(found)
}

/// A service that publishes more has a range that nobody meant: an engine starts a proxy for each.
const MAX_PORTS: usize = 4096;

/// All ports, ranges spread out, each once.
pub(super) fn ports(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Vec<ComposePort>, ComposeFault> {
    let mut found: Vec<ComposePort> = Vec::new();
    let mut seen = HashSet::new();
    for item in items(node, "ports")? {
        let new = if let YamlValue::Map(_) = item.value {
            vec![long(item, context)?]
        } else {
            let spec = scalar(item, "ports")?;
            short(item, &spec).map_err(|why| {
                ComposeFault::new(&item.place, format!("`{spec}` is not a port: {why}"))
                    .hint("write [address:][host port:]container port[/protocol]")
            })?
        };
        for port in new {
            let key = (port.target, port.published.clone(), port.host_ip.clone(), port.protocol.clone());
            if seen.insert(key) {
                found.push(port);
            }
            if found.len() > MAX_PORTS {
                return Err(ComposeFault::new(&item.place, format!("these are more than {MAX_PORTS} ports")));
            }
        }
    }
    Ok(found)
}

fn long(node: &YamlNode, context: &mut Decoding<'_>) -> Result<ComposePort, ComposeFault> {
    context.check(node, keys::PORT, "ports.", "`ports`")?;
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    let place = match &node.value {
        YamlValue::Map(entries) => entries.first().map_or(&node.place, |(key, _)| &key.place),
        _ => &node.place,
    };
    let target = at("target").ok_or_else(|| ComposeFault::new(place, "a port needs a `target`"))?;
    let number = integer(target, "ports.target")?;
    Ok(ComposePort {
        target: u16::try_from(number)
            .map_err(|_| ComposeFault::new(&target.place, format!("{number} is not a port")))?,
        published: at("published")
            .map(|node| scalar(node, "ports.published"))
            .transpose()?
            .filter(|published| !published.is_empty()),
        host_ip: word("host_ip")?.filter(|address| !address.is_empty()),
        protocol: word("protocol")?.unwrap_or_else(|| "tcp".to_owned()),
        mode: word("mode")?.unwrap_or_else(|| "ingress".to_owned()),
        name: word("name")?,
        app_protocol: word("app_protocol")?,
        place: place.clone(),
    })
}

/// `[IP:][HOST:]CONTAINER[/PROTOCOL]`, HOST and CONTAINER also ranges (spec 05, "ports", "Short syntax").
fn short(node: &YamlNode, spec: &str) -> Result<Vec<ComposePort>, String> {
    let (ports, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
    if !["tcp", "udp", "sctp"].contains(&protocol.to_ascii_lowercase().as_str()) {
        return Err(format!("`{protocol}` is not a protocol"));
    }
    let (rest, container) = ports.rsplit_once(':').unwrap_or(("", ports));
    let (address, host) = match rest.rsplit_once(':') {
        // Inside brackets a colon belongs to the address.
        Some((address, host)) if !host.ends_with(']') => (address, host),
        Some(_) => (rest, ""),
        None if rest.contains('.') => (rest, ""),
        None => ("", rest),
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    if !address.is_empty() && address.parse::<std::net::IpAddr>().is_err() {
        return Err(format!("`{address}` is not an address"));
    }
    let (first, last) = range(container)?;
    let published = if host.is_empty() { None } else { Some(range(host)?) };
    let count = last - first;
    if usize::from(count) >= MAX_PORTS {
        return Err(format!("it is a range of more than {MAX_PORTS}"));
    }
    let spread = match published {
        // Several host ports for one of the container: any free one of them.
        Some((low, high)) if count == 0 && high > low => None,
        Some((low, high)) if high - low == count => Some(low),
        Some(_) => return Err("the ranges are not of one length".to_owned()),
        None => None,
    };
    Ok((first..=last)
        .map(|target| ComposePort {
            target,
            published: match (spread, published) {
                (Some(low), _) => Some((low + (target - first)).to_string()),
                (None, Some(_)) => Some(host.to_owned()),
                (None, None) => None,
            },
            host_ip: (!address.is_empty()).then(|| address.to_owned()),
            protocol: protocol.to_ascii_lowercase(),
            mode: "ingress".to_owned(),
            name: None,
            app_protocol: None,
            place: node.place.clone(),
        })
        .collect())
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is not a port number"));
    let (low, high) = (number(low)?, number(high)?);
    if low > high { Err(format!("`{text}` runs backwards")) } else { Ok((low, high)) }
}
