//! Limits, in the service's own fields and in `deploy`.

use super::fault::Fault;
use super::keys;
use super::parts::Limits;
use super::service::Context;
use super::values::{bytes, float, integer, text};
use super::yaml::Node;

/// What is read of `deploy`.
#[derive(Default)]
pub(super) struct Deploy {
    pub limits: Limits,
    pub replicas: Option<i64>,
}

pub(super) fn deploy(node: Option<&Node>, context: &mut Context<'_>) -> Result<Deploy, Fault> {
    let Some(node) = node else { return Ok(Deploy::default()) };
    context.check(node, keys::DEPLOY, "deploy.", "`deploy`")?;
    let mut found = Deploy {
        replicas: node.get("replicas").map(|node| integer(node, "deploy.replicas")).transpose()?,
        ..Deploy::default()
    };
    let Some(resources) = node.get("resources") else { return Ok(found) };
    context.check(resources, keys::RESOURCES, "deploy.resources.", "`deploy.resources`")?;
    if let Some(node) = resources.get("limits") {
        context.check(node, keys::LIMITS, "deploy.resources.limits.", "`deploy.resources.limits`")?;
        found.limits.memory = node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
        found.limits.cpus = node.get("cpus").map(|node| float(node, "cpus")).transpose()?;
        found.limits.pids = node.get("pids").map(|node| integer(node, "pids")).transpose()?;
    }
    if let Some(node) = resources.get("reservations") {
        let path = "deploy.resources.reservations";
        context.check(node, keys::RESERVATIONS, &format!("{path}."), &format!("`{path}`"))?;
        found.limits.memory_reservation = node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
    }
    Ok(found)
}

/// The service's own fields; where they are silent, `deploy`'s.
pub(super) fn limits(node: &Node, deploy: &Limits) -> Result<Limits, Fault> {
    let at = |field: &str| node.get(field);
    let size = |field: &str| at(field).map(|node| bytes(node, field)).transpose();
    let number = |field: &str| at(field).map(|node| integer(node, field)).transpose();
    let cpus = at("cpus").map(|node| float(node, "cpus")).transpose()?;
    Ok(Limits {
        memory: size("mem_limit")?.or(deploy.memory),
        memory_swap: size("memswap_limit")?,
        memory_reservation: size("mem_reservation")?.or(deploy.memory_reservation),
        cpus: cpus.or(deploy.cpus),
        pids: number("pids_limit")?.or(deploy.pids),
        cpu_shares: number("cpu_shares")?,
        cpuset: at("cpuset").map(|node| text(node, "cpuset")).transpose()?,
    })
}
