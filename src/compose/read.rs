//! From a folder to the model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::define::{definitions, named, validate};
use super::dotenv;
use super::fault::{Failed, Fault, Sources};
use super::files::{absolute, load};
use super::keys;
use super::merge::{drop_resets, merge};
use super::model::{Compose, Interpolation, Service, Unsupported};
use super::service::service;
use super::values::{entries, text};
use super::yaml::{MAX_BYTES, Node, Value};
use crate::error::{Error, Location, Result};
use crate::text::{Place, read_text};

/// The names of the file, in the order in which Compose looks for them.
pub const FILE_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

const OVERRIDE_NAMES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Reads the compose project of a folder: the file, its override, `.env`, and what they name.
///
/// `env` is the process environment: it wins over `.env` beside the file. Other folders are not searched.
///
/// # Errors
/// No file, a file that is too large, malformed YAML, a key that Compose does not know, a value or a
/// reference that Compose refuses: each with its place.
pub fn read(dir: &Path, env: &BTreeMap<String, String>) -> Result<Compose> {
    let dir = absolute(dir)?;
    let env = with_dotenv(&dir, env)?;
    let files = files(&dir, &env)?;
    let mut sources = Sources::new();
    let mut compose = project(&dir, &files, env, &mut sources).map_err(|failed| match failed {
        Failed::Fault(fault) => fault.into_error(&sources),
        Failed::Error(error) => error,
    })?;
    compose.profiles = profiles(&dir)?;
    Ok(compose)
}

/// What `.env` says of profiles: the last line that does, as of all its variables.
fn profiles(dir: &Path) -> Result<Option<(Vec<String>, Place)>> {
    const NAME: &str = "COMPOSE_PROFILES";
    let path = dir.join(".env");
    if !path.is_file() {
        return Ok(None);
    }
    let text = read_text(&path, MAX_BYTES)?;
    // Malformed, it has been refused before.
    let found = dotenv::parse(&text, &|_| None).unwrap_or_default();
    let value = found.into_iter().filter(|(name, _)| name == NAME).map(|(_, value)| value).next_back();
    let names: Vec<String> =
        value.iter().flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect();
    let line = text.lines().zip(1..).filter(|(line, _)| line.contains(NAME)).map(|(_, number)| number).last();
    Ok(line.filter(|_| names.iter().any(|name| !name.is_empty())).map(|line| (names, Place::new(path.as_path(), line))))
}

fn with_dotenv(dir: &Path, env: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut all = env.clone();
    let path = dir.join(".env");
    if path.is_file() {
        let text = read_text(&path, MAX_BYTES)?;
        let found = dotenv::parse(&text, &|name| env.get(name).cloned())
            .map_err(|(line, message)| dotenv_error(&path, &text, line, message))?;
        for (name, value) in found {
            all.entry(name).or_insert(value);
        }
    }
    Ok(all)
}

fn dotenv_error(path: &Path, text: &str, line: usize, message: String) -> Error {
    Error::description(message).at(Location::in_text(Place::new(path, line), text))
}

fn files(dir: &Path, env: &BTreeMap<String, String>) -> Result<Vec<PathBuf>> {
    if let Some(list) = env.get("COMPOSE_FILE").filter(|list| !list.is_empty()) {
        let separator = env.get("COMPOSE_PATH_SEPARATOR").map_or(":", String::as_str);
        return Ok(list.split(separator).map(|name| dir.join(name)).collect());
    }
    let Some(main) = FILE_NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists()) else {
        return Err(Error::description(format!("{} has no compose.yaml", dir.display()))
            .hint("make one with `dockwright init`, or name the folder that holds it"));
    };
    let over = OVERRIDE_NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    Ok(std::iter::once(main).chain(over).collect())
}

fn project(
    dir: &Path,
    files: &[PathBuf],
    mut env: BTreeMap<String, String>,
    sources: &mut Sources,
) -> std::result::Result<Compose, Failed> {
    let mut interpolated = Vec::new();
    let mut name = env.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()).cloned();
    if name.is_none() {
        name = written_name(files, &env, sources)?;
    }
    let name = match name {
        Some(name) => name,
        None => folder_name(dir),
    };
    if name.is_empty() || normalise(&name) != name {
        return Err(Error::description(format!("`{name}` cannot be the compose project's name"))
            .in_file(&files[0])
            .hint("set `name:` to lower-case letters, digits, `-` and `_`, beginning with a letter or digit")
            .into());
    }
    env.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let mut whole: Option<Node> = None;
    for path in files {
        let tree = load(path, &env, sources, &mut interpolated)?;
        whole = Some(match whole {
            None => tree,
            Some(base) => merge(base, tree, "")?,
        });
    }
    let Some(mut root) = whole else {
        return Err(Error::description("COMPOSE_FILE names no file").into());
    };
    drop_resets(&mut root);
    let mut compose = decode(&root, &env, name)?;
    compose.file.clone_from(&files[0]);
    compose.files = sources.keys().map(|file| file.to_path_buf()).collect();
    // Those that were asked for first, in their order; then what they extend.
    compose.files.sort_by_key(|file| files.iter().position(|asked| asked == file).unwrap_or(usize::MAX));
    compose.interpolated = interpolated;
    for service in compose.services.values_mut() {
        read_env_files(service, &env)?;
    }
    validate(&compose)?;
    Ok(compose)
}

/// `name:` of the last file that has it, interpolated.
fn written_name(
    files: &[PathBuf],
    env: &BTreeMap<String, String>,
    sources: &mut Sources,
) -> std::result::Result<Option<String>, Failed> {
    let mut found = None;
    for path in files {
        let tree = super::files::parse(path, sources)?;
        if let Some(mut node) = tree.get("name").cloned() {
            super::interpolate::tree(&mut node, "name", &|name| env.get(name).cloned(), &mut |_, _, _| {})?;
            found = Some(text(&node, "name")?);
        }
    }
    Ok(found)
}

fn folder_name(dir: &Path) -> String {
    normalise(&dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Compose's own normalisation of a project's name.
fn normalise(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c))
        .collect::<String>()
        .trim_start_matches(['-', '_'])
        .to_owned()
}

fn decode(root: &Node, env: &BTreeMap<String, String>, name: String) -> std::result::Result<Compose, Failed> {
    let mut unsupported = Vec::new();
    keys::check(entries(root, "the file")?, keys::TOP, &[], "a compose file", &mut |key, why| {
        unsupported.push(Unsupported {
            service: None,
            field: key.text.clone(),
            place: key.place.clone(),
            why: why.to_owned(),
        });
    })?;
    let mut services = BTreeMap::new();
    if let Some(node) = root.get("services") {
        for (key, node) in entries(node, "services")? {
            named(key, "services")?;
            if !matches!(node.value, Value::Map(_)) {
                return Err(Fault::new(&key.place, format!("the service `{}` is not a mapping", key.text)).into());
            }
            let mut context = Context { service: &key.text, env, unsupported: &mut unsupported };
            services.insert(key.text.clone(), service(key, node, &mut context)?);
        }
    }
    let mut define = |section: &str, keys: &keys::Keys| definitions(root, section, keys, &name, env, &mut unsupported);
    let mut compose = Compose {
        file: PathBuf::new(),
        files: Vec::new(),
        volumes: define("volumes", keys::VOLUME)?,
        networks: define("networks", keys::NETWORK)?,
        secrets: define("secrets", keys::SECRET)?,
        configs: define("configs", keys::CONFIG)?,
        interpolated: Vec::<Interpolation>::new(),
        unsupported: Vec::new(),
        profiles: None,
        services,
        name,
    };
    unsupported.sort_by_key(|one| one.place.line);
    compose.unsupported = unsupported;
    super::define::default_network(&mut compose);
    Ok(compose)
}

/// Puts what the environment files say under what `environment` says.
fn read_env_files(service: &mut Service, env: &BTreeMap<String, String>) -> std::result::Result<(), Failed> {
    // The files' own variables (Compose 2.40): the host's and .env's, then what `environment` says, then
    // the files before.
    let said = service.settings.environment.clone();
    let mut from_files: BTreeMap<String, String> = BTreeMap::new();
    for file in &service.env_files {
        if !file.path.is_file() {
            if !file.required {
                continue;
            }
            return Err(Fault::new(
                &file.place,
                format!("`env_file` names {}, which does not exist", file.path.display()),
            )
            .hint("make the file, or say `required: false`")
            .into());
        }
        let text = read_text(&file.path, MAX_BYTES).map_err(Error::from)?;
        let found = if file.format.as_deref() == Some("raw") {
            dotenv::parse_raw(&text)
        } else {
            let outer = |name: &str| {
                let said = || said.get(name).and_then(Option::as_ref);
                env.get(name).or_else(said).or_else(|| from_files.get(name)).cloned()
            };
            dotenv::parse(&text, &outer).map_err(|(line, message)| dotenv_error(&file.path, &text, line, message))?
        };
        from_files.extend(found);
    }
    for (name, value) in from_files {
        service.settings.environment.entry(name).or_insert(Some(value));
    }
    Ok(())
}
