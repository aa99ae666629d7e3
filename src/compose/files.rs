//! Reading one file: size, encoding, YAML, variables, and the services it extends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::fault::{ComposeFailure, ComposeFault, Sources};
use super::keys;
use super::merge::merge;
use super::model::Interpolation;
use super::paths::{Surroundings, resolve};
use super::values::{entries, text};
use super::yaml::{self, MAX_BYTES, YamlNode, YamlValue};
use crate::error::{Error, Result};
use crate::text::{clean, read_text};

/// How many services may extend one another in a row.
const MAX_EXTENDS: usize = 16;

/// What the services of a file may grow to by extending others, in bytes.
const MAX_EXTENDED: usize = 32 << 20;

/// A folder's absolute path, cleaned without following links, as Compose has it.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(dir).map_err(|error| Error::io("cannot find", dir, error))?;
    Ok(PathBuf::from(clean(&path.to_string_lossy())))
}

/// A file's tree as it is written.
pub(super) fn parse(path: &Path, sources: &mut Sources) -> std::result::Result<YamlNode, ComposeFailure> {
    let file: Arc<Path> = Arc::from(path);
    if !sources.contains_key(&file) {
        sources.insert(Arc::clone(&file), read_text(path, MAX_BYTES).map_err(Error::from)?);
    }
    let text = sources[&file].trim_start_matches('\u{feff}');
    let node = yaml::parse(text, &file)?;
    match &node.value {
        YamlValue::Map(_) => Ok(node),
        _ => {
            Err(ComposeFault::new(&node.place, "a compose file is a mapping").hint("it begins with `services:`").into())
        }
    }
}

/// A file's tree with variables put in and its services' `extends` worked out.
pub(super) fn load(
    path: &Path,
    env: &Surroundings,
    sources: &mut Sources,
    interpolated: &mut Vec<Interpolation>,
) -> std::result::Result<YamlNode, ComposeFailure> {
    let mut root = interpolate(path, env, sources, interpolated)?;
    let whole = root.clone();
    let YamlValue::Map(entries) = &mut root.value else { return Ok(root) };
    for (key, services) in entries {
        let YamlValue::Map(services) = &mut services.value else { continue };
        if key.text != "services" {
            continue;
        }
        let (mut loaded, mut left) = (BTreeMap::new(), MAX_EXTENDED);
        for (key, service) in services {
            // Each file is read once, however many services name it.
            let mut load = |path: &Path| -> std::result::Result<Rc<YamlNode>, ComposeFailure> {
                if let Some(known) = loaded.get(path) {
                    return Ok(Rc::clone(known));
                }
                let node = Rc::new(interpolate(path, env, sources, interpolated)?);
                loaded.insert(path.to_owned(), Rc::clone(&node));
                Ok(node)
            };
            let before = service.get("extends").is_some();
            let extended = extended(service.clone(), &key.text, &whole, 0, &mut load, env)?;
            if before {
                left = left.checked_sub(weight(&extended)).ok_or_else(|| {
                    let grown = format!("what services extend grows to more than {} MiB", MAX_EXTENDED >> 20);
                    ComposeFault::new(&key.place, grown)
                })?;
            }
            *service = extended;
        }
    }
    Ok(root)
}

fn interpolate(
    path: &Path,
    env: &Surroundings,
    sources: &mut Sources,
    interpolated: &mut Vec<Interpolation>,
) -> std::result::Result<YamlNode, ComposeFailure> {
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

/// What a tree takes in memory, roughly, in bytes.
fn weight(node: &YamlNode) -> usize {
    const NODE: usize = 128;
    NODE + match &node.value {
        YamlValue::Text(text) => text.len(),
        YamlValue::List(items) => items.iter().map(weight).sum(),
        YamlValue::Map(entries) => entries.iter().map(|(key, value)| key.text.len() + weight(value)).sum(),
        _ => 0,
    }
}

type Loader<'a> = &'a mut dyn FnMut(&Path) -> std::result::Result<Rc<YamlNode>, ComposeFailure>;

/// A service over the one that it extends, and so on.
fn extended(
    mut service: YamlNode,
    name: &str,
    file: &YamlNode,
    depth: usize,
    load: Loader<'_>,
    env: &Surroundings,
) -> std::result::Result<YamlNode, ComposeFailure> {
    let YamlValue::Map(fields) = &mut service.value else { return Ok(service) };
    let Some(at) = fields.iter().position(|(key, _)| key.text == "extends") else {
        return Ok(service);
    };
    let (key, extends) = fields.remove(at);
    let place = key.place;
    if depth > MAX_EXTENDS {
        return Err(
            ComposeFault::new(&place, format!("`{name}` extends itself, or more than {MAX_EXTENDS} in a row")).into()
        );
    }
    let (base, path) = if let YamlValue::Map(_) = extends.value {
        keys::check(entries(&extends, "extends")?, keys::EXTENDS, &[], "`extends`", &mut |_, _| {})?;
        let service = extends.get("service").ok_or_else(|| ComposeFault::new(&place, "`extends` needs a `service`"))?;
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
                return Err(ComposeFault::new(&place, format!("`extends` names {path}, which does not exist")).into());
            }
            Some(load(Path::new(&path))?)
        }
        _ => None,
    };
    let file = other.as_deref().unwrap_or(file);
    let found = file.get("services").and_then(|services| services.get(&base)).cloned();
    let Some(found) = found else {
        return Err(ComposeFault::new(&place, format!("`{name}` extends `{base}`, which does not exist")).into());
    };
    let found = extended(found, &base, file, depth + 1, load, env)?;
    Ok(merge(found, service, &format!("services.{}", name.replace('.', "_")))?)
}
