//! `include`: what other files define, beside what a file defines itself (spec 14, "Include").

use std::path::{Path, PathBuf};

use super::fault::{ComposeFailure, ComposeFault};
use super::keys;
use super::merge::merge;
use super::paths::{Surroundings, resolve};
use super::values::{entries, text, texts};
use super::yaml::{YamlKey, YamlNode, YamlValue};
use crate::text::Place;

/// How many files may include one another in a row.
const MAX_INCLUDES: usize = 16;

/// The sections whose entries are taken over.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "secrets", "configs"];

/// What reads files for an include.
pub(super) trait IncludeReader {
    /// A file's tree: variables put in, `extends` worked out.
    fn load(&mut self, path: &Path, env: &Surroundings) -> Result<YamlNode, ComposeFailure>;

    /// Puts the variables of a file below those that are there already.
    fn variables(&mut self, file: &Path, place: &Place, env: &mut Surroundings) -> Result<(), ComposeFailure>;
}

/// An item of the list: files that are merged, the folder that their paths start from, and files of variables.
struct Item {
    paths: Vec<(PathBuf, Place)>,
    folder: PathBuf,
    env_files: Vec<(PathBuf, Place)>,
}

/// A file's tree with what it includes. An `include` of files on other hosts stays as it is.
pub(super) fn include(
    root: YamlNode,
    depth: usize,
    env: &Surroundings,
    reader: &mut dyn IncludeReader,
) -> Result<YamlNode, ComposeFailure> {
    let Some(list) = root.get("include").cloned() else { return Ok(root) };
    if depth > MAX_INCLUDES {
        return Err(
            ComposeFault::new(&list.place, format!("more than {MAX_INCLUDES} files include one another")).into()
        );
    }
    let YamlValue::List(nodes) = &list.value else {
        return Err(ComposeFault::new(&list.place, "`include` is a list of files").into());
    };
    let mut items = Vec::new();
    for node in nodes {
        match item(node, env)? {
            Some(item) => items.push(item),
            None => return Ok(root),
        }
    }
    let mut root = root;
    for item in items {
        let mut own = env.clone();
        for (path, _) in &item.paths {
            own.base(path, &item.folder);
        }
        for (file, place) in &item.env_files {
            reader.variables(file, place, &mut own)?;
        }
        let mut whole: Option<YamlNode> = None;
        for (path, place) in &item.paths {
            if !path.is_file() {
                let what = format!("`include` names {}, which does not exist", path.display());
                return Err(ComposeFault::new(place, what).into());
            }
            let read = reader.load(path, &own)?;
            let tree = include(read, depth + 1, &own, reader)?;
            whole = Some(match whole {
                None => tree,
                Some(base) => merge(base, tree, "")?,
            });
        }
        if let Some(tree) = whole {
            take_over(&mut root, tree)?;
        }
    }
    if let YamlValue::Map(entries) = &mut root.value {
        entries.retain(|(key, _)| key.text != "include");
    }
    Ok(root)
}

/// What an item of the list says; none if it names files of another host.
fn item(node: &YamlNode, env: &Surroundings) -> Result<Option<Item>, ComposeFault> {
    let long = matches!(node.value, YamlValue::Map(_));
    if long {
        keys::check(entries(node, "include")?, keys::INCLUDE, &[], "`include`", &mut |_, _| {})?;
    }
    let at = |field: &str| if long { node.get(field) } else { None };
    let written = if long { at("path") } else { Some(node) };
    let Some(written) = written else { return Err(ComposeFault::new(&node.place, "`include` needs a `path`")) };
    let all = |node: &YamlNode, field: &str| -> Result<Vec<(String, Place)>, ComposeFault> {
        let place = |at: usize| match &node.value {
            YamlValue::List(items) => items[at].place.clone(),
            _ => node.place.clone(),
        };
        Ok(texts(node, field)?.into_iter().enumerate().map(|(at, text)| (text, place(at))).collect())
    };
    let paths = all(written, "include.path")?;
    if paths.iter().any(|(path, _)| is_remote(path)) {
        return Ok(None);
    }
    let absolute = |(raw, place): (String, Place)| (PathBuf::from(resolve(&raw, &place, env)), place);
    let paths: Vec<_> = paths.into_iter().map(absolute).collect();
    let folder =
        at("project_directory").map(|node| text(node, "include.project_directory").map(|raw| (raw, &node.place)));
    let folder = match folder.transpose()? {
        Some((raw, place)) => PathBuf::from(resolve(&raw, place, env)),
        None => paths.first().and_then(|(path, _)| path.parent()).unwrap_or(Path::new("/")).to_owned(),
    };
    let env_files = match at("env_file") {
        // It turns the usual one off.
        Some(node) => {
            let files = all(node, "include.env_file")?.into_iter().map(absolute);
            files.filter(|(file, _)| file != Path::new("/dev/null")).collect()
        }
        None => {
            let usual = folder.join(".env");
            if usual.is_file() { vec![(usual, node.place.clone())] } else { Vec::new() }
        }
    };
    Ok(Some(Item { paths, folder, env_files }))
}

/// Whether a file is on another host.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.starts_with("oci:")
}

/// Puts what another file defines beside what is there; Compose refuses two services of one name.
fn take_over(root: &mut YamlNode, other: YamlNode) -> Result<(), ComposeFault> {
    let (YamlValue::Map(entries), YamlValue::Map(sections)) = (&mut root.value, other.value) else { return Ok(()) };
    for (section, node) in sections.into_iter().filter(|(key, _)| SECTIONS.contains(&key.text.as_str())) {
        let YamlValue::Map(new) = node.value else { continue };
        let at = entries.iter().position(|(key, _)| key.text == section.text);
        let at = at.unwrap_or_else(|| {
            let empty = YamlNode::new(YamlValue::Map(Vec::new()), section.place.clone());
            entries.push((YamlKey { text: section.text.clone(), place: section.place.clone() }, empty));
            entries.len() - 1
        });
        if matches!(entries[at].1.value, YamlValue::Null) {
            entries[at].1.value = YamlValue::Map(Vec::new());
        }
        let YamlValue::Map(own) = &mut entries[at].1.value else { continue };
        for (key, value) in new {
            match own.iter().find(|(other, _)| other.text == key.text) {
                None => own.push((key, value)),
                Some((other, _)) if section.text == "services" => {
                    let what = format!("the service `{}` is defined here and in an included file", key.text);
                    return Err(ComposeFault::new(&other.place, what).hint("give one of them another name"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
