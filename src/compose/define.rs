//! The top-level volumes, networks, secrets and configs, and whether what services name is there.

use std::collections::BTreeMap;

use super::fault::ComposeFault;
use super::keys::{Keys, check};
use super::model::{Compose, Definition, Unsupported};
use super::paths::{Surroundings, resolve};
use super::values::{boolean, entries, map, text};
use super::yaml::{YamlKey, YamlNode, YamlValue};
use crate::spec::MountKind;
use crate::text::nearest;

/// Refuses a name that Compose refuses: its schema has `^[a-zA-Z0-9._-]+$` for services, volumes, secrets and configs (compose-spec.json).
pub(super) fn named(key: &YamlKey, section: &str) -> Result<(), ComposeFault> {
    let name = &key.text;
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Ok(());
    }
    let fault = ComposeFault::new(&key.place, format!("`{}` cannot name anything in `{section}`", name.escape_debug()));
    Err(fault.hint("a name consists of letters, digits, `.`, `_` and `-`"))
}

/// One section of the top level.
pub(super) fn definitions(
    root: &YamlNode,
    section: &str,
    keys: &Keys,
    project: &str,
    env: &Surroundings,
    unsupported: &mut Vec<Unsupported>,
) -> Result<BTreeMap<String, Definition>, ComposeFault> {
    let mut found = BTreeMap::new();
    let Some(node) = root.get(section) else { return Ok(found) };
    for (key, node) in entries(node, section)? {
        // Compose takes any name for a network.
        if section != "networks" {
            named(key, section)?;
        }
        let path = format!("{section}.{}", key.text);
        let empty: &[(YamlKey, YamlNode)] = &[];
        let own = if node.value == YamlValue::Null { empty } else { entries(node, &path)? };
        check(own, keys, &[], &format!("`{path}`"), &mut |inner, why| {
            unsupported.push(Unsupported {
                service: None,
                field: format!("{path}.{}", inner.text),
                place: inner.place.clone(),
                why: why.to_owned(),
                untrusted: false,
            });
        })?;
        if let Some(driver) = node.get("driver").filter(|_| section == "networks")
            && !driver.scalar().is_some_and(|name| ["", "bridge", "default"].contains(&name.as_str()))
        {
            unsupported.push(Unsupported {
                service: None,
                field: format!("{path}.driver"),
                place: driver.place.clone(),
                why: "dockwright creates bridge networks only".to_owned(),
                untrusted: false,
            });
        }
        let at = |field: &str| node.get(field);
        let word = |field: &str| at(field).map(|node| text(node, &format!("{path}.{field}"))).transpose();
        let flag = |field: &str| at(field).map(|node| boolean(node, &format!("{path}.{field}"))).transpose();
        let texts = |field: &str| -> Result<BTreeMap<String, String>, ComposeFault> {
            Ok(at(field).map(|node| map(node, field)).transpose()?.unwrap_or_default())
        };
        // `external: {name: x}` is the old form.
        let old_name = at("external").and_then(|node| node.get("name")).and_then(YamlNode::scalar);
        let external = match at("external") {
            Some(node) if matches!(node.value, YamlValue::Map(_)) => true,
            Some(node) => boolean(node, &format!("{path}.external"))?,
            None => false,
        };
        let real = if external { key.text.clone() } else { format!("{project}_{}", key.text) };
        found.insert(
            key.text.clone(),
            Definition {
                key: key.text.clone(),
                name: word("name")?.or(old_name).unwrap_or(real),
                external,
                driver: word("driver")?,
                driver_opts: texts("driver_opts")?,
                labels: texts("labels")?,
                file_path: word("file")?
                    .map(|raw| resolve(&raw, at("file").map_or(&key.place, |node| &node.place), env).into()),
                environment: word("environment")?,
                content: word("content")?,
                internal: flag("internal")?.unwrap_or_default(),
                attachable: flag("attachable")?.unwrap_or_default(),
                enable_ipv6: flag("enable_ipv6")?,
                place: key.place.clone(),
                said: node.said(),
            },
        );
    }
    Ok(found)
}

/// Adds the network `default` where a service is in it and nobody has written it.
pub(super) fn default_network(compose: &mut Compose) {
    let user = compose.services.values().find(|service| service.networks.contains_key("default"));
    let (Some(user), false) = (user, compose.networks.contains_key("default")) else { return };
    let definition = Definition {
        key: "default".to_owned(),
        name: format!("{}_default", compose.name),
        external: false,
        driver: None,
        driver_opts: BTreeMap::new(),
        labels: BTreeMap::new(),
        file_path: None,
        environment: None,
        content: None,
        internal: false,
        attachable: false,
        enable_ipv6: None,
        place: user.place.clone(),
        said: Vec::new(),
    };
    compose.networks.insert("default".to_owned(), definition);
}

/// What Compose refuses although every field is well formed.
pub(super) fn validate(compose: &Compose) -> Result<(), ComposeFault> {
    for service in compose.services.values() {
        let name = &service.name;
        let missing = |field: &str, kind: &str, wanted: &str, there: Vec<&String>| {
            let fault = ComposeFault::new(
                service.at(field),
                format!("the service `{name}` names the {kind} `{wanted}`, which is not defined"),
            );
            match nearest(wanted, there.into_iter().map(String::as_str)) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("define it under the top-level `{kind}s:`")),
            }
        };
        if service.image.is_none() && service.build.is_none() && !service.places.contains_key("provider") {
            return Err(ComposeFault::new(
                &service.place,
                format!("the service `{name}` has neither `image` nor `build`"),
            ));
        }
        for network in service.networks.keys() {
            if !compose.networks.contains_key(network) {
                return Err(missing("networks", "network", network, compose.networks.keys().collect()));
            }
        }
        for mount in &service.volumes {
            let is_volume = matches!(mount.kind, MountKind::Volume { .. });
            if let Some(source) = mount.source.as_ref().filter(|_| is_volume)
                && !compose.volumes.contains_key(source)
            {
                let mut fault = missing("volumes", "volume", source, compose.volumes.keys().collect());
                fault.place = mount.place.clone();
                return Err(fault);
            }
        }
        let build = service.build.iter().flat_map(|build| &build.secrets);
        for secret in service.secrets.iter().chain(build) {
            if !compose.secrets.contains_key(&secret.source) {
                return Err(missing("secrets", "secret", &secret.source, compose.secrets.keys().collect()));
            }
        }
        for config in &service.configs {
            if !compose.configs.contains_key(&config.source) {
                return Err(missing("configs", "config", &config.source, compose.configs.keys().collect()));
            }
        }
        for other in service.depends_on.keys() {
            if !compose.services.contains_key(other) {
                let mut fault = missing("depends_on", "service", other, compose.services.keys().collect());
                if fault.hint.as_deref().is_some_and(|hint| hint.starts_with("define")) {
                    fault.hint = None;
                }
                return Err(fault);
            }
        }
    }
    Ok(())
}
