//! Reading one file: size, encoding, YAML, variables, and the services it extends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::{Failed, Fault, Sources};
use super::keys;
use super::merge::merge;
use super::model::Interpolation;
use super::paths::resolve;
use super::values::{entries, text};
use super::yaml::{self, MAX_BYTES, Node, Value};
use crate::error::{Error, Result};
use crate::text::{clean, read_text};

/// How many services may extend one another in a row.
const MAX_EXTENDS: usize = 16;

/// A folder's absolute path, cleaned without following links, as Compose has it.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(dir).map_err(|error| Error::io("cannot find", dir, error))?;
    Ok(PathBuf::from(clean(&path.to_string_lossy())))
}

/// A file's tree as it is written.
pub(super) fn parse(path: &Path, sources: &mut Sources) -> std::result::Result<Node, Failed> {
    let file: Arc<Path> = Arc::from(path);
    if !sources.contains_key(&file) {
        sources.insert(Arc::clone(&file), read_text(path, MAX_BYTES).map_err(Error::from)?);
    }
    let text = sources[&file].trim_start_matches('\u{feff}');
    let node = yaml::parse(text, &file)?;
    match &node.value {
        Value::Map(_) => Ok(node),
        _ => Err(Fault::new(&node.place, "a compose file is a mapping").hint("it begins with `services:`").into()),
    }
}

/// A file's tree with variables put in and its services' `extends` worked out.
pub(super) fn load(
    path: &Path,
    env: &BTreeMap<String, String>,
    sources: &mut Sources,
    interpolated: &mut Vec<Interpolation>,
) -> std::result::Result<Node, Failed> {
    let mut root = interpolate(path, env, sources, interpolated)?;
    let whole = root.clone();
    let Value::Map(entries) = &mut root.value else { return Ok(root) };
    for (key, services) in entries {
        let Value::Map(services) = &mut services.value else { continue };
        if key.text != "services" {
            continue;
        }
        for (key, service) in services {
            let extended = extended(
                service.clone(),
                &key.text,
                &whole,
                0,
                &mut |path| interpolate(path, env, sources, interpolated),
                env,
            )?;
            *service = extended;
        }
    }
    Ok(root)
}

fn interpolate(
    path: &Path,
    env: &BTreeMap<String, String>,
    sources: &mut Sources,
    interpolated: &mut Vec<Interpolation>,
) -> std::result::Result<Node, Failed> {
    let mut root = parse(path, sources)?;
    let lookup = |name: &str| env.get(name).cloned();
    super::interpolate::tree(&mut root, "", &lookup, &mut |node, path, name| {
        let mut parts = path.splitn(3, '.');
        let service = match (parts.next(), parts.next()) {
            (Some("services"), Some(service)) => Some(service.to_owned()),
            _ => None,
        };
        interpolated.push(Interpolation {
            field: if service.is_some() { parts.next().unwrap_or_default() } else { path }.to_owned(),
            service,
            name: name.to_owned(),
            set: env.contains_key(name),
            place: node.place.clone(),
        });
    })?;
    Ok(root)
}

type Loader<'a> = &'a mut dyn FnMut(&Path) -> std::result::Result<Node, Failed>;

/// A service over the one that it extends, and so on.
fn extended(
    mut service: Node,
    name: &str,
    file: &Node,
    depth: usize,
    load: Loader<'_>,
    env: &BTreeMap<String, String>,
) -> std::result::Result<Node, Failed> {
    let Value::Map(fields) = &mut service.value else { return Ok(service) };
    let Some(at) = fields.iter().position(|(key, _)| key.text == "extends") else {
        return Ok(service);
    };
    let (key, extends) = fields.remove(at);
    let place = key.place;
    if depth > MAX_EXTENDS {
        return Err(Fault::new(&place, format!("`{name}` extends itself, or more than {MAX_EXTENDS} in a row")).into());
    }
    let (base, path) = if let Value::Map(_) = extends.value {
        keys::check(entries(&extends, "extends")?, keys::EXTENDS, &[], "`extends`", &mut |_, _| {})?;
        let service = extends.get("service").ok_or_else(|| Fault::new(&place, "`extends` needs a `service`"))?;
        let path = extends
            .get("file")
            .map(|node| text(node, "extends.file").map(|raw| resolve(&raw, &node.place, env)))
            .transpose()?;
        (text(service, "extends.service")?, path)
    } else {
        (text(&extends, "extends")?, None)
    };
    let other = match path {
        Some(path) if Path::new(&path) != &*place.file => {
            if !Path::new(&path).is_file() {
                return Err(Fault::new(&place, format!("`extends` names {path}, which does not exist")).into());
            }
            Some(load(Path::new(&path))?)
        }
        _ => None,
    };
    let file = other.as_ref().unwrap_or(file);
    let found = file.get("services").and_then(|services| services.get(&base)).cloned();
    let Some(found) = found else {
        return Err(Fault::new(&place, format!("`{name}` extends `{base}`, which does not exist")).into());
    };
    let found = extended(found, &base, file, depth + 1, load, env)?;
    Ok(merge(found, service, &format!("services.{}", name.replace('.', "_")))?)
}
