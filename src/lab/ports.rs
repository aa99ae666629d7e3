//! Where a role's container is asked.

use super::Lab;
use super::obstacle::{Attempt, Obstacle};
use crate::compose::Service;
use crate::engine::{ContainerSpec, ImageInfo, Port};

/// The port that a service answers on: what PORT says in its container, else the description, else the only
/// port that its image exposes or compose.yaml publishes.
pub(crate) fn port_of(lab: &Lab, service: &Service, image: &ImageInfo) -> Attempt<u16> {
    let own = service.settings.environment.get("PORT").cloned().flatten();
    let own = own.or_else(|| image.config.env_value("PORT").map(ToOwned::to_owned));
    if let Some(port) = own.and_then(|port| port.parse().ok()) {
        return Ok(port);
    }
    if let Some(port) = lab.subject.project.service.port {
        return Ok(port.get());
    }
    let exposed = image.config.exposed_ports.iter().filter_map(|port| port.split('/').next()?.parse().ok());
    let mut ports: Vec<u16> = service.ports.iter().map(|port| port.target).chain(exposed).collect();
    ports.sort_unstable();
    ports.dedup();
    match ports.as_slice() {
        [port] => Ok(*port),
        _ => Err(Obstacle::Undeclared {
            why: "which port it answers on is not said".to_owned(),
            hint: "give [service] in dockwright.toml a `port`".to_owned(),
        }),
    }
}

/// The path that answers when the service is well.
pub(crate) fn health_path(lab: &Lab) -> Attempt<String> {
    let health = lab.subject.project.verify.health.as_ref().map(|path| path.as_str().to_owned());
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
        spec.ports.push(Port { container: port, ..Default::default() });
    }
}
