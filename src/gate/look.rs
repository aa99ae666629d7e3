//! The look itself: through all files, services and builds, without an engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::found::Look;
use super::{Ask, build, service};
use crate::compose::{self, Compose, Interpolation};
use crate::dockerfile::Dockerfile;
use crate::text::{Bounds, Place};

/// How many files may include one another in a row.
const MAX_INCLUDED: usize = 16;

/// All that a project asks for, in the order of files and lines.
pub(super) fn all(
    bounds: &Bounds,
    compose: &Compose,
    dockerfiles: &[&Dockerfile],
    own_files: &[PathBuf],
    host: &BTreeMap<String, String>,
) -> Vec<Ask> {
    let socket = host.get("DOCKER_HOST").and_then(|host| host.strip_prefix("unix://"));
    let mut look = Look { bounds, host, socket, found: Vec::new() };
    for file in own_files {
        look.file(None, "the file", file, &Place::new(file.as_path(), 1));
    }
    project(&mut look, compose);
    included(&mut look, compose, &mut BTreeSet::new(), 0);
    let mut seen = BTreeSet::new();
    for dockerfile in dockerfiles.iter().filter(|one| seen.insert(&one.file)) {
        build::commands(&mut look, dockerfile);
    }
    let mut found = look.found;
    found.sort_by(|a, b| (&a.place, a.trust, &a.what).cmp(&(&b.place, b.trust, &b.what)));
    found.dedup();
    found
}

fn project(look: &mut Look<'_>, compose: &Compose) {
    for file in &compose.files {
        let named = Place::new(compose.file.as_path(), 1);
        look.file(None, "the compose file", file, &named);
    }
    for service in compose.services.values() {
        service::asks(look, compose, service);
        if let Some(build) = &service.build {
            build::asks(look, service, build);
        }
    }
    for (definitions, what) in [(&compose.secrets, "the secret"), (&compose.configs, "the config")] {
        for definition in definitions.values() {
            let Some(path) = &definition.file_path else { continue };
            let users = compose.services.values().filter(|service| {
                let build = service.build.iter().flat_map(|build| &build.secrets);
                let refs = service.secrets.iter().chain(&service.configs).chain(build);
                refs.into_iter().any(|one| one.source == definition.key)
            });
            let mut users: Vec<Option<&str>> = users.map(|service| Some(service.name.as_str())).collect();
            // Asked for by nobody, it is named all the same.
            if users.is_empty() {
                users.push(None);
            }
            for user in users {
                look.file(user, what, path, &definition.place);
            }
        }
    }
    for one in compose.interpolated.iter().chain(&compose.in_env_files) {
        look.variable(one.service.as_deref(), &one.name, &one.place);
    }
    for service in compose.services.values() {
        for name in &service.environment_from_host {
            let field = format!("environment.{name}");
            look.variable(Some(&service.name), name, service.at(&field));
        }
        for name in service.build.iter().flat_map(|build| &build.args_from_host) {
            look.variable(Some(&service.name), name, service.at(&format!("build.args.{name}")));
        }
    }
}

/// What is included is not started, but asked for. What cannot be read asks for nothing.
fn included(look: &mut Look<'_>, compose: &Compose, seen: &mut BTreeSet<PathBuf>, depth: usize) {
    for file in &compose.included {
        look.file(None, "the included file", &file.value, &file.place);
        if depth == MAX_INCLUDED || !seen.insert(file.value.clone()) {
            continue;
        }
        if let Ok(found) = compose::read_included(&file.value, look.host) {
            project(look, &found);
            included(look, &found, seen, depth + 1);
        }
    }
}

/// The names of variables that a project takes from an environment.
pub(super) fn taken(compose: &Compose) -> BTreeSet<&str> {
    let interpolated =
        compose.interpolated.iter().chain(&compose.in_env_files).map(|one: &Interpolation| one.name.as_str());
    let services = compose.services.values();
    let declared = services.flat_map(|one| {
        let args = one.build.iter().flat_map(|build| &build.args_from_host);
        one.environment_from_host.iter().chain(args).map(String::as_str)
    });
    interpolated.chain(declared).collect()
}
