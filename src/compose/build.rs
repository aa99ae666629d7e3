//! `build` (spec "build.md").

use std::collections::BTreeMap;

use super::context::Decoding;
use super::details::ulimits;
use super::fault::ComposeFault;
use super::keys;
use super::mounts::file_refs;
use super::parts::Build;
use super::paths::resolve;
use super::values::{boolean, bytes, extra_hosts, map, pairs, text, texts, unique};
use super::yaml::{YamlNode, YamlValue};
use crate::text::Place;

/// The long form, or a string that is the context.
pub(super) fn build(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Build, ComposeFault> {
    let long = matches!(node.value, YamlValue::Map(_));
    if long {
        context.check(node, keys::BUILD, "build.", "`build`")?;
    }
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    let flag = |field: &str| at(field).map(|node| boolean(node, field)).transpose();
    let list = |field: &str| -> Result<Vec<String>, ComposeFault> {
        Ok(unique(at(field).map(|node| texts(node, field)).transpose()?.unwrap_or_default()))
    };
    let written = if long { at("context") } else { Some(node) };
    let place = written.map_or(&node.place, |node| &node.place);
    let raw = written.map(|node| text(node, "build.context")).transpose()?;
    let inline = word("dockerfile_inline")?;
    if inline.is_some()
        && let Some(file) = at("dockerfile")
    {
        return Err(ComposeFault::new(&file.place, "`dockerfile` and `dockerfile_inline` cannot both be set"));
    }
    let (mut args, mut args_from_host) = (BTreeMap::new(), Vec::new());
    for (name, value) in at("args").map(|node| pairs(node, "build.args")).transpose()?.unwrap_or_default() {
        if value.is_none() {
            args_from_host.push(name.clone());
        }
        let value = value.or_else(|| context.env.get(&name).cloned());
        args.insert(name, value);
    }
    let additional =
        at("additional_contexts").map(|node| map(node, "build.additional_contexts")).transpose()?.unwrap_or_default();
    Ok(Build {
        context: context_path(raw.as_deref().unwrap_or("."), place, context),
        dockerfile: match (word("dockerfile")?, &inline) {
            (None, Some(_)) => None,
            (file, _) => Some(file.unwrap_or_else(|| "Dockerfile".to_owned())),
        },
        dockerfile_inline: inline,
        target: word("target")?,
        args,
        args_from_host,
        additional_contexts: additional
            .into_iter()
            .map(|(name, value)| {
                let value = context_path(&value, place, context);
                (name, value)
            })
            .collect(),
        no_cache: flag("no_cache")?.unwrap_or_default(),
        pull: flag("pull")?.unwrap_or_default(),
        platforms: at("platforms").map(|node| texts(node, "build.platforms")).transpose()?.unwrap_or_default(),
        secrets: at("secrets").map(|node| file_refs(node, "build.secrets", context)).transpose()?.unwrap_or_default(),
        ssh: at("ssh")
            .map(|node| pairs(node, "build.ssh"))
            .transpose()?
            .unwrap_or_default()
            .into_iter()
            .map(|(id, path)| path.map_or(id.clone(), |path| format!("{id}={path}")))
            .collect(),
        labels: at("labels").map(|node| map(node, "build.labels")).transpose()?.unwrap_or_default(),
        network: word("network")?,
        cache_from: list("cache_from")?,
        cache_to: list("cache_to")?,
        tags: list("tags")?,
        extra_hosts: at("extra_hosts")
            .map(|node| extra_hosts(node, "build.extra_hosts"))
            .transpose()?
            .unwrap_or_default(),
        shm_size: at("shm_size").map(|node| bytes(node, "build.shm_size")).transpose()?,
        ulimits: at("ulimits").map(|node| ulimits(node, context)).transpose()?.unwrap_or_default(),
        place: node.place.clone(),
    })
}

/// A build context: a folder made absolute, anything with a scheme as it is.
fn context_path(raw: &str, place: &Place, context: &Decoding<'_>) -> String {
    let remote = raw.contains("://") || raw.starts_with("git@") || raw.starts_with("github.com/");
    // Of another service's image, or a named one.
    if remote || raw.starts_with("service:") {
        return raw.to_owned();
    }
    resolve(raw, place, context.env)
}
