//! One service's mapping → the model.

use std::collections::BTreeMap;

use super::build::build;
use super::context::Decoding;
use super::details::{depends_on, env_files};
use super::fault::ComposeFault;
use super::keys;
use super::limits::replicas;
use super::model::ComposeService;
use super::mounts::{file_refs, mounts};
use super::network::{networks, ports};
use super::parts::{Condition, DependsOn};
use super::settings;
use super::values::{integer, items, pairs, scalars, text, texts, unique};
use super::yaml::{YamlKey, YamlNode, YamlValue};
use crate::text::Place;

/// Decodes a service; environment files are named, not read.
pub(super) fn service(
    key: &YamlKey,
    node: &YamlNode,
    context: &mut Decoding<'_>,
) -> Result<ComposeService, ComposeFault> {
    let name = key.text.clone();
    context.check_with(node, keys::SERVICE, &settings::keys(), "", &format!("the service `{name}`"))?;
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    if let (Some(networks), Some(_)) = (at("networks"), at("network_mode")) {
        return Err(ComposeFault::new(&networks.place, "`networks` and `network_mode` cannot both be set"));
    }
    let mut service = ComposeService {
        place: key.place.clone(),
        places: places(node),
        image: word("image")?.filter(|image| !image.is_empty()),
        build: at("build").map(|node| build(node, context)).transpose()?,
        profiles: at("profiles").map(|node| texts(node, "profiles")).transpose()?.map_or_else(Vec::new, unique),
        settings: settings::settings(node, context)?,
        environment_from_host: names_of_host(at("environment"))?,
        env_files: at("env_file").map(|node| env_files(node, context)).transpose()?.unwrap_or_default(),
        volumes: at("volumes").map(|node| mounts(node, context)).transpose()?.unwrap_or_default(),
        networks: networks(at("networks"), at("network_mode").is_some(), context)?,
        ports: at("ports").map(|node| ports(node, context)).transpose()?.unwrap_or_default(),
        expose: at("expose").map(|node| scalars(node, "expose")).transpose()?.map_or_else(Vec::new, unique),
        links: at("links").map(links).transpose()?.unwrap_or_default(),
        depends_on: at("depends_on").map(|node| depends_on(node, context)).transpose()?.unwrap_or_default(),
        secrets: at("secrets").map(|node| file_refs(node, "secrets", context)).transpose()?.unwrap_or_default(),
        configs: at("configs").map(|node| file_refs(node, "configs", context)).transpose()?.unwrap_or_default(),
        container_name: word("container_name")?,
        pull_policy: word("pull_policy")?,
        said: node.said(),
        scale: at("scale").map(|node| integer(node, "scale")).transpose()?.or(replicas(node)?),
        name,
    };
    implied_dependencies(&mut service, node);
    Ok(service)
}

/// What `environment` declares without a value.
fn names_of_host(node: Option<&YamlNode>) -> Result<Vec<String>, ComposeFault> {
    let pairs = node.map(|node| pairs(node, "environment")).transpose()?.unwrap_or_default();
    Ok(pairs.into_iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect())
}

/// Whose namespace, name or volumes a service shares, it waits for.
fn implied_dependencies(service: &mut ComposeService, node: &YamlNode) {
    let mut wait = |name: &str, restart: bool| {
        let dependency = DependsOn { condition: Condition::Started, restart, required: true };
        service.depends_on.entry(name.to_owned()).or_insert(dependency);
    };
    for field in ["network_mode", "ipc", "pid"] {
        let mode = node.get(field).and_then(YamlNode::scalar);
        if let Some(name) = mode.as_deref().and_then(|mode| mode.strip_prefix("service:")) {
            wait(name, true);
        }
    }
    for (name, _) in &service.links {
        wait(name, true);
    }
    for item in node.get("volumes_from").and_then(|node| items(node, "volumes_from").ok()).unwrap_or_default() {
        let item = item.scalar().unwrap_or_default();
        let name = item.split(':').next().unwrap_or_default();
        if name != "container" {
            wait(name, false);
        }
    }
}

/// `links`: `service` or `service:name`.
fn links(node: &YamlNode) -> Result<Vec<(String, String)>, ComposeFault> {
    let said = texts(node, "links")?.into_iter();
    let pair = |link: String| match link.split_once(':') {
        Some((service, name)) => (service.to_owned(), name.to_owned()),
        None => (link.clone(), link),
    };
    Ok(said.map(pair).collect())
}

/// The place of every field, nested mappings dotted.
fn places(node: &YamlNode) -> BTreeMap<String, Place> {
    fn walk(node: &YamlNode, prefix: &str, found: &mut BTreeMap<String, Place>) {
        let YamlValue::Map(entries) = &node.value else { return };
        for (key, value) in entries {
            let path = format!("{prefix}{}", key.text);
            walk(value, &format!("{path}."), found);
            found.insert(path, key.place.clone());
        }
    }
    let mut found = BTreeMap::new();
    walk(node, "", &mut found);
    found
}
