//! What a container is started with whose stage no compose service runs: what the image says, in the surroundings of a
//! service that builds of the same Dockerfile.
//!
//! A production stage beside a dev service is the usual case: compose.yaml says which database it talks to and by which
//! variables, but its command and its mounts are dev's.

use std::collections::{BTreeMap, BTreeSet};

use super::target::Target;
use crate::compose::{ComposeMount, ComposeService};
use crate::dockerfile::InstructionKind;
use crate::spec::{MountKind, Settings};
use crate::stacks::role_words;
use crate::text::Place;

/// A service's environment, dependencies, networks, ports, secrets and named volumes, without what says how the other image
/// is started. `is_built`: it is the same image, and only mounted and started otherwise.
pub(super) fn borrowed(service: &ComposeService, target: &Target, is_built: bool) -> ComposeService {
    let set = variables(target);
    let is_for_dev =
        |name: &str, value: Option<&str>| !is_built && role_words().is_for_dev(name, value.unwrap_or_default());
    let mut environment = service.settings.environment.clone();
    // What the image says of itself is not for another image's container to change.
    environment.retain(|name, value| !set.contains(name.as_str()) && !is_for_dev(name, value.as_deref()));
    let places = service.places.iter().filter(|(field, _)| !is_of_start(field));
    let exposes = target.instructions().any(|one| matches!(one.kind, InstructionKind::Expose(_)));
    ComposeService {
        settings: Settings {
            entrypoint: None,
            command: None,
            user: None,
            working_dir: None,
            healthcheck: service.settings.healthcheck.clone().filter(|_| is_built),
            tmpfs: service.settings.tmpfs.clone(),
            environment,
            ..service.settings.clone()
        },
        places: places.map(|(field, place)| (field.clone(), place.clone())).collect(),
        volumes: service.volumes.iter().filter(|mount| is_data(mount, &service.volumes)).cloned().collect(),
        // A stage that says on which port it listens may listen on another one than dev.
        ports: if exposes && !is_built { Vec::new() } else { service.ports.clone() },
        ..service.clone()
    }
}

/// A service that compose.yaml says nothing of: the image alone.
pub(super) fn alone(role: &str, target: &Target) -> ComposeService {
    ComposeService {
        name: role.to_owned(),
        place: Place::new(target.dockerfile.file.as_path(), target.line()),
        places: BTreeMap::new(),
        image: None,
        build: None,
        profiles: Vec::new(),
        settings: Settings::default(),
        environment_from_host: Vec::new(),
        env_files: Vec::new(),
        volumes: Vec::new(),
        networks: BTreeMap::new(),
        ports: Vec::new(),
        expose: Vec::new(),
        links: Vec::new(),
        depends_on: BTreeMap::new(),
        secrets: Vec::new(),
        configs: Vec::new(),
        container_name: None,
        pull_policy: None,
        scale: None,
        said: Vec::new(),
    }
}

/// Whether a field of compose.yaml says how the container is started, or what of the project it sees.
fn is_of_start(field: &str) -> bool {
    ["entrypoint", "command", "user", "working_dir", "volumes"].contains(&field)
}

/// Whether a mount is a named volume, and not one inside of what the project is mounted over.
fn is_data(mount: &ComposeMount, all: &[ComposeMount]) -> bool {
    let is_named = matches!(mount.kind, MountKind::Volume { .. }) && mount.source.is_some();
    let covers = |other: &&ComposeMount| {
        other.as_bind().is_some() && std::path::Path::new(&mount.target).starts_with(&other.target)
    };
    is_named && !all.iter().any(|other| covers(&other))
}

/// The variables that a stage sets, itself or through those that it is FROM.
fn variables(target: &Target) -> BTreeSet<String> {
    let names = target.instructions().filter_map(|one| match &one.kind {
        InstructionKind::Env(pairs) => Some(pairs.iter().map(|(name, _)| name.clone())),
        _ => None,
    });
    names.flatten().collect()
}
