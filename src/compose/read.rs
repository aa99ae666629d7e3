//! From a folder to the model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::context::Decoding;
use super::define::{definitions, named, validate};
use super::dotenv;
use super::fault::{ComposeFailure, ComposeFault, Sources};
use super::files::{absolute, load};
use super::include::{IncludeReader, include, is_remote};
use super::keys;
use super::merge::{drop_resets, merge};
use super::model::{Compose, Interpolation, Unsupported};
use super::paths::{Surroundings, resolve};
use super::service::service;
use super::values::{entries, items, text};
use super::variables::{read_env_files, variables, with_dotenv};
use super::yaml::{MAX_BYTES, YamlNode, YamlValue};
use crate::error::{Error, Result};
use crate::text::{Place, Placed, read_text};

/// The names of the file, in the order in which Compose looks for them.
pub const FILE_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The name of dockwright's own file where another one is there.
pub const BESIDE: &str = "compose.dockwright.yaml";

/// The most files that make one project.
const MAX_FILES: usize = 64;

/// What repositories call the file from which each clone's `.env` is made.
const EXAMPLES: [&str; 7] =
    [".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", "env.example", ".env-example"];

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
    read_with(dir, env, false)
}

/// As [`read`], in a clone that nobody has prepared: services do without files of environment that are missing, and variables
/// are those of the example, if there is one and no `.env`.
///
/// # Errors
/// As [`read`].
pub fn read_unprepared(dir: &Path, env: &BTreeMap<String, String>) -> Result<Compose> {
    const FILES: &str = "COMPOSE_ENV_FILES";
    let example = EXAMPLES.iter().find(|name| dir.join(name).is_file());
    let example = example.filter(|_| !dir.join(".env").exists() && !env.contains_key(FILES));
    let prepared = example.map(|example| {
        let mut env = env.clone();
        env.insert(FILES.to_owned(), (*example).to_owned());
        read_with(dir, &env, true)
    });
    // An example may be one for people, which no program can read.
    prepared.and_then(Result::ok).map_or_else(|| read_with(dir, env, true), Ok)
}

fn read_with(dir: &Path, env: &BTreeMap<String, String>, unprepared: bool) -> Result<Compose> {
    let dir = absolute(dir)?;
    let (env, taken) = with_dotenv(&dir, env)?;
    let files = files(&dir, &env)?;
    let mut surroundings = Surroundings::of(env);
    surroundings.unprepared = unprepared;
    let mut compose = project_of(&dir, &files, surroundings)?;
    compose.in_env_files.splice(0..0, taken);
    let said = said_for_all(&dir)?;
    let names =
        |(value, place): (String, Place)| (value.split(',').map(|name| name.trim().to_owned()).collect(), place);
    compose.profiles = said("COMPOSE_PROFILES").map(names);
    let name = said("COMPOSE_PROJECT_NAME").filter(|(value, _)| normalise(value) == compose.name);
    compose.fixed_name = name.map(|(_, place)| place).or(compose.fixed_name);
    Ok(compose)
}

/// Reads one file that another includes, with the `.env` beside it, as a project of its own.
///
/// # Errors
/// As [`read`].
pub fn read_included(file: &Path, env: &BTreeMap<String, String>) -> Result<Compose> {
    let dir = absolute(file.parent().unwrap_or(Path::new("/")))?;
    let (env, taken) = with_dotenv(&dir, env)?;
    let mut compose = project_of(&dir, &[file.to_owned()], Surroundings::of(env))?;
    compose.in_env_files.splice(0..0, taken);
    Ok(compose)
}

fn project_of(dir: &Path, files: &[PathBuf], env: Surroundings) -> Result<Compose> {
    let mut sources = Sources::new();
    project(dir, files, env, &mut sources).map_err(|failed| match failed {
        ComposeFailure::Fault(fault) => fault.into_error(&sources),
        ComposeFailure::Error(error) => error,
    })
}

/// What `.env` says of variables of Compose's own, by their names: the last line that does, as of all its variables; none if
/// it says nothing.
fn said_for_all(dir: &Path) -> Result<impl Fn(&str) -> Option<(String, Place)>> {
    let path = dir.join(".env");
    let text = if path.is_file() { read_text(&path, MAX_BYTES)? } else { String::new() };
    // Malformed, it has been refused before.
    let found = dotenv::parse(&text, &|_| None).unwrap_or_default();
    Ok(move |wanted: &str| {
        let (_, value) = found.iter().rfind(|(name, _)| name.as_str() == wanted)?;
        let line = text.lines().zip(1..).filter(|(line, _)| line.contains(wanted)).map(|(_, number)| number).last()?;
        let says = value.split(',').any(|part| !part.trim().is_empty());
        says.then(|| (value.clone(), Place::new(path.as_path(), line)))
    })
}

fn files(dir: &Path, env: &BTreeMap<String, String>) -> Result<Vec<PathBuf>> {
    // dockwright's own, beside one of other people, is the one that dockwright reads.
    let own = dir.join(BESIDE);
    if own.is_file() {
        return Ok(vec![own]);
    }
    if let Some(list) = env.get("COMPOSE_FILE").filter(|list| !list.is_empty()) {
        let separator = env.get("COMPOSE_PATH_SEPARATOR").map_or(":", String::as_str);
        if list.split(separator).nth(MAX_FILES).is_some() {
            return Err(Error::description(format!("COMPOSE_FILE names more than {MAX_FILES} files")));
        }
        return Ok(list.split(separator).map(|name| dir.join(name)).collect());
    }
    let Some(main) = FILE_NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists()) else {
        return Err(Error::description(format!("{} has no compose.yaml", dir.display()))
            .hint("create one with `dockwright init`, or name the folder that contains it"));
    };
    let over = OVERRIDE_NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    Ok(std::iter::once(main).chain(over).collect())
}

/// Reads the files that include one another.
struct Files<'a> {
    sources: &'a mut Sources,
    interpolated: &'a mut Vec<Interpolation>,
    asked: &'a mut Vec<Interpolation>,
    /// What all of them were read with.
    all: Surroundings,
}

impl IncludeReader for Files<'_> {
    fn load(&mut self, path: &Path, env: &Surroundings) -> std::result::Result<YamlNode, ComposeFailure> {
        self.all.learn(env);
        load(path, env, self.sources, self.interpolated)
    }

    fn variables(
        &mut self,
        file: &Path,
        place: &Place,
        env: &mut Surroundings,
    ) -> std::result::Result<(), ComposeFailure> {
        if !file.is_file() {
            let what = format!("`include` names {}, which does not exist", file.display());
            return Err(ComposeFault::new(place, what).into());
        }
        let text = read_text(file, MAX_BYTES).map_err(Error::from)?;
        let found = variables(file, &text, None, env, &|_| None, self.asked)?;
        for (name, value) in &found {
            env.offer(name, value);
        }
        // It is one of the project's files, as a change of it shows.
        self.sources.insert(file.into(), text);
        Ok(())
    }
}

fn project(
    dir: &Path,
    files: &[PathBuf],
    mut env: Surroundings,
    sources: &mut Sources,
) -> std::result::Result<Compose, ComposeFailure> {
    // The paths of all start from the folder of the first.
    let dir = files.first().and_then(|file| file.parent()).unwrap_or(dir);
    for file in files {
        env.base(file, dir);
    }
    let (mut interpolated, mut in_env_files) = (Vec::new(), Vec::new());
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
    env.set("COMPOSE_PROJECT_NAME", &name);
    let mut reader = Files { sources, interpolated: &mut interpolated, asked: &mut in_env_files, all: env.clone() };
    let mut whole: Option<YamlNode> = None;
    for path in files {
        let tree = reader.load(path, &env)?;
        let tree = include(tree, 0, &env, &mut reader)?;
        whole = Some(match whole {
            None => tree,
            Some(base) => merge(base, tree, "")?,
        });
    }
    let env = reader.all;
    let Some(mut root) = whole else {
        return Err(Error::description("COMPOSE_FILE names no file").into());
    };
    let dropped = drop_resets(&mut root);
    let mut compose = decode(&root, &env, name)?;
    for (path, place) in dropped {
        // What a service lacks is missing there.
        let field = path.strip_prefix("services.").and_then(|path| path.split_once('.'));
        if let Some((service, field)) = field
            && let Some(service) = compose.services.get_mut(service)
        {
            service.places.entry(field.to_owned()).or_insert(place);
        }
    }
    compose.file.clone_from(&files[0]);
    compose.files = sources.keys().map(|file| file.to_path_buf()).collect();
    // Those that were asked for first, in their order; then what they extend.
    compose.files.sort_by_key(|file| files.iter().position(|asked| asked == file).unwrap_or(usize::MAX));
    compose.interpolated = interpolated;
    compose.fixed_name = root.get("name").filter(|_| !compose.varies(None, "name")).map(|node| node.place.clone());
    compose.in_env_files = in_env_files;
    for service in compose.services.values_mut() {
        read_env_files(service, &env, &mut compose.in_env_files)?;
    }
    validate(&compose)?;
    Ok(compose)
}

/// `name:` of the last file that has it, interpolated.
fn written_name(
    files: &[PathBuf],
    env: &BTreeMap<String, String>,
    sources: &mut Sources,
) -> std::result::Result<Option<String>, ComposeFailure> {
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

fn decode(root: &YamlNode, env: &Surroundings, name: String) -> std::result::Result<Compose, ComposeFailure> {
    let mut unsupported = Vec::new();
    keys::check(entries(root, "the file")?, keys::TOP, &[], "a compose file", &mut |key, why| {
        unsupported.push(Unsupported {
            service: None,
            field: key.text.clone(),
            place: key.place.clone(),
            why: why.to_owned(),
            untrusted: false,
        });
    })?;
    let mut services = BTreeMap::new();
    if let Some(node) = root.get("services") {
        for (key, node) in entries(node, "services")? {
            named(key, "services")?;
            if !matches!(node.value, YamlValue::Map(_)) {
                return Err(
                    ComposeFault::new(&key.place, format!("the service `{}` is not a mapping", key.text)).into()
                );
            }
            let mut context = Decoding { service: &key.text, env, unsupported: &mut unsupported };
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
        fixed_name: None,
        interpolated: Vec::<Interpolation>::new(),
        in_env_files: Vec::new(),
        included: included(root, env)?,
        unsupported: Vec::new(),
        default_platform: env.get("DOCKER_DEFAULT_PLATFORM").filter(|platform| !platform.is_empty()).cloned(),
        ssh_agent: env.get("SSH_AUTH_SOCK").cloned(),
        profiles: None,
        services,
        name,
    };
    unsupported.sort_by_key(|one| one.place.line);
    compose.unsupported = unsupported;
    super::define::default_network(&mut compose);
    Ok(compose)
}

/// The files that `include` names (spec 14); those of another host are none.
fn included(root: &YamlNode, env: &Surroundings) -> std::result::Result<Vec<Placed<PathBuf>>, ComposeFault> {
    let mut found = Vec::new();
    let Some(node) = root.get("include") else { return Ok(found) };
    let one = std::slice::from_ref(node);
    let entries = if let YamlValue::List(_) = node.value { items(node, "include")? } else { one };
    for entry in entries {
        let path = entry.get("path").unwrap_or(entry);
        let one = std::slice::from_ref(path);
        for path in if let YamlValue::List(_) = path.value { items(path, "include.path")? } else { one } {
            let raw = text(path, "include")?;
            if !is_remote(&raw) {
                found.push(Placed { value: resolve(&raw, &path.place, env).into(), place: path.place.clone() });
            }
        }
    }
    Ok(found)
}
