//! What is around the roles: no compose.yaml at all, and services that roles need and that are none themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::role::{Dockerfiles, RoleSubject, service_target};
use super::target::Target;
use crate::compose::{Compose, ComposeService, FILE_NAMES};
use crate::error::Error;

/// Whether a folder has no compose.yaml, and nothing names one elsewhere.
pub(super) fn has_no_compose(folder: &Path, env: &BTreeMap<String, String>) -> bool {
    let named = env.get("COMPOSE_FILE").is_some_and(|list| !list.is_empty());
    !named && !folder.join(".env").exists() && FILE_NAMES.iter().all(|name| !folder.join(name).exists())
}

/// A project of no services.
pub(super) fn no_compose(folder: &Path) -> Compose {
    Compose {
        file: folder.join(FILE_NAMES[0]),
        files: Vec::new(),
        name: String::new(),
        services: BTreeMap::new(),
        volumes: BTreeMap::new(),
        networks: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        fixed_name: None,
        interpolated: Vec::new(),
        in_env_files: Vec::new(),
        included: Vec::new(),
        unsupported: Vec::new(),
        default_platform: None,
        ssh_agent: None,
        profiles: None,
    }
}

/// The services that roles need, that are no role's, and that compose.yaml builds, each with what it builds.
pub(super) fn neighbours(
    folder: &Path,
    compose: &Compose,
    roles: &[RoleSubject],
    files: &mut Dockerfiles,
    flaws: &mut Vec<Error>,
) -> BTreeMap<String, Target> {
    let mut found = BTreeMap::new();
    for service in around(compose, roles) {
        let name = &service.name;
        if service.build.is_none() || roles.iter().any(|role| role.is_service(name)) {
            continue;
        }
        match service_target(folder, compose, files, service, name) {
            Ok(target) => drop(found.insert(name.clone(), target)),
            Err(error) => flaws.push(error),
        }
    }
    found
}

/// The services that roles need, directly or through others; some may be roles themselves.
pub(super) fn around<'a>(
    compose: &'a Compose,
    roles: impl IntoIterator<Item = &'a RoleSubject>,
) -> Vec<&'a ComposeService> {
    let mut open: Vec<&String> = Vec::new();
    for role in roles {
        let own = role.derived.as_deref().or_else(|| compose.services.get(&role.service));
        open.extend(own.iter().flat_map(|service| service.depends_on.keys()));
        open.extend(&role.mentions);
    }
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    while let Some(name) = open.pop() {
        let Some(service) = compose.services.get(name).filter(|_| seen.insert(name)) else { continue };
        open.extend(service.depends_on.keys());
        found.push(service);
    }
    found
}
