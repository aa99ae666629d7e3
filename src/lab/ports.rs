//! Where a role's container is asked.

use std::ops::RangeInclusive;

use super::Lab;
use super::obstacle::{Attempt, Obstacle};
use crate::compose::ComposeService;
use crate::engine::{ContainerSpec, ImageInfo, PortSpec};
use crate::spec::Protocol;

/// The port that a service answers on: what the variable that names it says in its container, else the only one that
/// compose.yaml publishes, else the description, else the only one that the image exposes, too.
pub(crate) fn port_of(lab: &Lab, service: &ComposeService, image: &ImageInfo) -> Attempt<u16> {
    let told = |variable: &str| {
        let own = service.settings.environment.get(variable).cloned().flatten();
        own.or_else(|| image.config.env_value(variable).map(ToOwned::to_owned))?.parse().ok()
    };
    if let Some(port) = lab.subject.project.port_env().and_then(told) {
        return Ok(port);
    }
    let mut published: Vec<u16> = service.ports.iter().map(|port| port.target).collect();
    published.sort_unstable();
    published.dedup();
    if let [port] = published.as_slice() {
        return Ok(*port);
    }
    if let Some(port) = lab.subject.project.service.port {
        return Ok(port.get());
    }
    let exposed = image.config.exposed_ports.iter().filter_map(|text| exposed(text));
    let exposed: Vec<u16> = exposed.flat_map(|(ports, _)| ports).collect();
    let mut both: Vec<u16> = exposed.iter().copied().filter(|port| published.contains(port)).collect();
    if published.is_empty() {
        both = exposed;
    }
    both.sort_unstable();
    both.dedup();
    // A service that reads it may do so by its usual name.
    let only = if let [port] = both.as_slice() { Some(*port) } else { told("PORT") };
    match only {
        Some(port) => Ok(port),
        None => Err(Obstacle::Undeclared {
            why: "its port is not declared".to_owned(),
            hint: "give [service] in dockwright.toml a `port`".to_owned(),
        }),
    }
}

/// The ports that EXPOSE or `expose` declares, as `8000`, `8000/udp` or `9100-9110`, and of which protocol: none if it is none
/// that is known.
pub(crate) fn exposed(text: &str) -> Option<(RangeInclusive<u16>, Option<Protocol>)> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, Protocol::Tcp.name()));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    Some((first.trim().parse().ok()?..=last.trim().parse().ok()?, Protocol::of(protocol)))
}

/// The path that answers when the service is well; of a service of the user's own that declares none, `/`, and what counts
/// as an answer then says [`Lab::is_well`].
pub(crate) fn health_path(lab: &Lab) -> Attempt<String> {
    let project = &lab.subject.project;
    let health = project.verify.health.as_ref().map(|path| path.as_str().to_owned());
    let health = health.or_else(|| (!project.is_starter()).then(|| "/".to_owned()));
    health.ok_or_else(|| Obstacle::Undeclared {
        why: "[verify] health is not declared, so there is no path to ask for".to_owned(),
        hint: "say in [verify] of dockwright.toml which path answers 200 when the service is well".to_owned(),
    })
}

/// The port that the service answers on in dev: what PORT says there, else the description, else the only exposed one.
pub(crate) fn dev_port(lab: &Lab) -> Attempt<u16> {
    let role = lab.role("dev")?;
    let service = lab.subject.service(role);
    let image = lab.container_image("dev")?;
    port_of(lab, service, image)
}

/// Lets a port of the container be reached from outside.
pub(crate) fn publish(spec: &mut ContainerSpec, port: u16) {
    if !spec.ports.iter().any(|one| one.container == port) {
        spec.ports.push(PortSpec { container: port, ..Default::default() });
    }
}
