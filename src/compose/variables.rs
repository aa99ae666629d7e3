//! Files of variables: `.env`, those that `COMPOSE_ENV_FILES` names, and those of services.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::dotenv;
use super::fault::{ComposeFailure, ComposeFault};
use super::model::{ComposeService, Interpolation};
use super::paths::Surroundings;
use super::yaml::MAX_BYTES;
use crate::error::{Error, Location, Result};
use crate::text::{Place, read_text};

/// The environment over `.env`, and what that takes from the environment.
pub(super) fn with_dotenv(
    dir: &Path,
    env: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, Vec<Interpolation>)> {
    let (mut found, mut taken) = (BTreeMap::new(), Vec::new());
    for path in env_files(dir, env)? {
        let text = read_text(&path, MAX_BYTES)?;
        found.extend(variables(&path, &text, None, env, &|name| found.get(name).cloned(), &mut taken)?);
    }
    found.extend(env.clone());
    Ok((found, taken))
}

/// The files of variables: those that the environment names, else `.env`; none if the environment wants none.
fn env_files(dir: &Path, env: &BTreeMap<String, String>) -> Result<Vec<PathBuf>> {
    let said = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(list) = said("COMPOSE_ENV_FILES") {
        let files: Vec<PathBuf> = list.split(',').map(|name| dir.join(name.trim())).collect();
        return match files.iter().find(|file| !file.is_file()) {
            Some(missing) => {
                Err(Error::description(format!("COMPOSE_ENV_FILES names {}, which does not exist", missing.display())))
            }
            None => Ok(files),
        };
    }
    let off = said("COMPOSE_DISABLE_ENV_FILE")
        .is_some_and(|value| ["1", "true", "t"].contains(&value.to_lowercase().as_str()));
    Ok(vec![dir.join(".env")].into_iter().filter(|path| !off && path.is_file()).collect())
}

/// What a file of variables says, those put in that `env` has, else those of `more`. `taken` learns which came from `env`.
///
/// # Errors
/// A line that Compose refuses.
pub(super) fn variables(
    file: &Path,
    text: &str,
    service: Option<&str>,
    env: &BTreeMap<String, String>,
    more: &dyn Fn(&str) -> Option<String>,
    taken: &mut Vec<Interpolation>,
) -> Result<BTreeMap<String, String>> {
    let asked = RefCell::new(BTreeSet::new());
    let outer = |name: &str| match env.get(name) {
        Some(value) => {
            asked.borrow_mut().insert(name.to_owned());
            Some(value.clone())
        }
        None => more(name),
    };
    let found = dotenv::parse(text, &outer);
    let refused = |(line, message): (usize, String)| {
        Error::description(message).at(Location::in_text(Place::new(file, line), text))
    };
    let found = found.map_err(refused)?;
    taken.extend(taken_by(&asked.into_inner(), file, text, service));
    Ok(found)
}

/// Where a file of variables takes those from elsewhere that it asked for.
fn taken_by(asked: &BTreeSet<String>, file: &Path, text: &str, service: Option<&str>) -> Vec<Interpolation> {
    let line = |name: &str| text.lines().position(|line| line.contains(name)).unwrap_or_default() + 1;
    let taken = asked.iter().map(|name| Interpolation {
        service: service.map(str::to_owned),
        field: "env_file".to_owned(),
        name: name.clone(),
        set: true,
        place: Place::new(file, line(name)),
    });
    taken.collect()
}

/// Puts what the environment files say under what `environment` says.
pub(super) fn read_env_files(
    service: &mut ComposeService,
    env: &Surroundings,
    taken: &mut Vec<Interpolation>,
) -> std::result::Result<(), ComposeFailure> {
    // The files' own variables (Compose 2.40): the host's and .env's, then what `environment` says, then
    // the files before.
    let said = service.settings.environment.clone();
    let mut from_files: BTreeMap<String, (String, &Place)> = BTreeMap::new();
    for file in &service.env_files {
        if file.path.exists() && !file.path.is_file() {
            let what = format!("`env_file` names {}, which is not a file", file.path.display());
            return Err(ComposeFault::new(&file.place, what).hint("name a file of lines NAME=value").into());
        }
        if !file.path.exists() {
            if !file.required || env.unprepared {
                continue;
            }
            return Err(ComposeFault::new(
                &file.place,
                format!("`env_file` names {}, which does not exist", file.path.display()),
            )
            .hint("create the file, or write `required: false`")
            .into());
        }
        let text = read_text(&file.path, MAX_BYTES).map_err(Error::from)?;
        let found = if file.format.as_deref() == Some("raw") {
            dotenv::parse_raw(&text)
        } else {
            let more = |name: &str| {
                said.get(name).cloned().flatten().or_else(|| from_files.get(name).map(|(value, _)| value.clone()))
            };
            variables(&file.path, &text, Some(&service.name), env, &more, taken)?
        };
        from_files.extend(found.into_iter().map(|(name, value)| (name, (value, &file.place))));
    }
    for (name, (value, place)) in from_files {
        if let Entry::Vacant(vacant) = service.settings.environment.entry(name) {
            service.places.insert(format!("environment.{}", vacant.key()), place.clone());
            vacant.insert(Some(value));
        }
    }
    Ok(())
}
