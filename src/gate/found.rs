//! What has been found, and what decides whether it is worth a question.

use std::collections::BTreeMap;
use std::path::Path;

use super::variables::is_harmless;
use super::{Ask, Trust};
use crate::stacks::ecosystem;
use crate::text::{Bounds, Place};

/// What is looked at, and what has been found.
pub(super) struct Look<'a> {
    pub(super) bounds: &'a Bounds,
    pub(super) host: &'a BTreeMap<String, String>,
    /// The engine's socket, if `DOCKER_HOST` names one.
    pub(super) socket: Option<&'a str>,
    pub(super) found: Vec<Ask>,
}

impl Look<'_> {
    pub(super) fn add(&mut self, ask: Ask) {
        self.found.push(ask);
    }

    /// A file that is read, if it is outside.
    pub(super) fn file(&mut self, service: Option<&str>, what: &str, path: &Path, place: &Place) {
        if self.bounds.hold(path) {
            return;
        }
        let shown = path.display().to_string();
        let what = format!("{what} {shown}, which is outside of the project");
        let by = service.unwrap_or("compose.yaml");
        let ask = Ask::of(Trust::HostFiles, by, what, place);
        self.add(Ask { path: Some(shown), service: service.map(str::to_owned), ..ask });
    }

    /// Whether a path is in a cache of the user's, which is as good empty: nothing of it is mounted.
    pub(super) fn is_cache(&self, path: &Path) -> bool {
        self.host.get("HOME").is_some_and(|home| is_cache(Path::new(home), path))
    }

    /// A variable of the environment, if it has a value that may be a secret.
    pub(super) fn variable(&mut self, service: Option<&str>, name: &str, place: &Place) {
        let Some(value) = self.host.get(name).filter(|value| !value.is_empty()) else { return };
        if !is_harmless(name, value) {
            let what = format!("the variable {name} of this environment");
            let ask = Ask::of(Trust::HostVariables, service.unwrap_or("compose.yaml"), what, place);
            self.add(Ask { path: Some(name.to_owned()), ..ask });
        }
    }
}

/// Whether a path is in a cache in somebody's home: the user's own one, or a package manager's.
pub(super) fn is_cache(home: &Path, path: &Path) -> bool {
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let Ok(below) = path.strip_prefix(&home) else { return false };
    let below = format!("/{}/", below.display());
    let managers = ecosystem().managers.values().flat_map(|manager| &manager.caches);
    below.starts_with("/.cache/") || managers.into_iter().any(|cache| below.starts_with(cache.as_str()))
}
