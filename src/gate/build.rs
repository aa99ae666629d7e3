//! What builds ask of the host.

use std::path::Path;

use super::found::Look;
use super::{Ask, Trust};
use crate::compose::{Build, ComposeService};
use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::text::Place;

/// Adds what a service's `build` asks for.
pub(super) fn asks(look: &mut Look<'_>, service: &ComposeService, build: &Build) {
    let name = &service.name;
    let named = build.additional_contexts.iter().map(|(key, path)| (path, format!("build.additional_contexts.{key}")));
    for (path, field) in std::iter::once((&build.context, "build.context".to_owned())).chain(named) {
        let is_path = path.starts_with('/');
        if is_path && !look.bounds.hold(Path::new(path)) {
            let what = format!("the build context {path}, which is outside of the project");
            look.add(Ask { path: Some(path.clone()), ..Ask::of(Trust::BuildContexts, name, what, service.at(&field)) });
        }
    }
    if let Some(file) = &build.dockerfile
        && build.context.starts_with('/')
    {
        let path = Path::new(&build.context).join(file);
        look.file(Some(name), "the Dockerfile", &path, service.at("build.dockerfile"));
    }
    let mut ask = |what: String, field: &str| {
        look.add(Ask::of(Trust::BuildAccess, name, what, service.at(field)));
    };
    if !build.ssh.is_empty() {
        ask("`ssh`, the keys of the user's agent, in the build".into(), "build.ssh");
    }
    if let Some(network) = build.network.as_ref().filter(|one| *one == "host" || one.starts_with("container:")) {
        ask(format!("`network: {network}` in the build"), "build.network");
    }
    for option in build.cache_to.iter().chain(&build.cache_from).filter(|option| option.contains("type=local")) {
        let path =
            option.split(',').find_map(|part| part.split_once('=').filter(|(key, _)| ["src", "dest"].contains(key)));
        let Some((_, path)) = path else { continue };
        let path = Path::new(&build.context).join(path);
        look.file(Some(name), "the build's cache", &path, service.at("build.cache_to"));
    }
}

/// Adds what the commands of a Dockerfile ask for.
pub(super) fn commands(look: &mut Look<'_>, dockerfile: &Dockerfile) {
    for instruction in dockerfile.stages.iter().flat_map(|stage| &stage.instructions) {
        let InstructionKind::Run(run) = &instruction.kind else { continue };
        let asked = [("network", &run.network, "host"), ("security", &run.security, "insecure")];
        for (flag, value, strong) in asked {
            if value.as_deref() == Some(strong) {
                let place = Place::new(dockerfile.file.as_path(), instruction.line);
                let what = format!("`RUN --{flag}={strong}`");
                look.add(Ask { service: None, ..Ask::of(Trust::BuildAccess, "the Dockerfile", what, &place) });
            }
        }
    }
}
