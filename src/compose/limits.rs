//! `deploy`: what it says of limits and replicas.

use super::context::Decoding;
use super::fault::ComposeFault;
use super::keys;
use super::values::{bytes, float, integer};
use super::yaml::{YamlNode, YamlValue};
use crate::spec::Limits;

/// The limits in `deploy.resources`; all other keys are checked.
pub(super) fn deploy(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Limits, ComposeFault> {
    let mut found = Limits::default();
    // Of a service, Compose takes null for command, entrypoint and deploy alone.
    if node.value == YamlValue::Null {
        return Ok(found);
    }
    context.check(node, keys::DEPLOY, "deploy.", "`deploy`")?;
    let Some(resources) = node.get("resources") else { return Ok(found) };
    context.check(resources, keys::RESOURCES, "deploy.resources.", "`deploy.resources`")?;
    if let Some(node) = resources.get("limits") {
        context.check(node, keys::LIMITS, "deploy.resources.limits.", "`deploy.resources.limits`")?;
        found.memory = node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
        found.cpus = node.get("cpus").map(|node| float(node, "cpus")).transpose()?;
        found.pids = node.get("pids").map(|node| integer(node, "pids")).transpose()?;
    }
    if let Some(node) = resources.get("reservations") {
        let path = "deploy.resources.reservations";
        context.check(node, keys::RESERVATIONS, &format!("{path}."), &format!("`{path}`"))?;
        found.memory_reservation = node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
    }
    Ok(found)
}

/// `deploy.replicas` of a service.
pub(super) fn replicas(service: &YamlNode) -> Result<Option<i64>, ComposeFault> {
    let replicas = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
    replicas.map(|node| integer(node, "deploy.replicas")).transpose()
}
