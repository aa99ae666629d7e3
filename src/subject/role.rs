//! From a role to its service of compose.yaml and the stage that the service is built from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::target::Target;
use crate::compose::{self, Compose, Service};
use crate::dockerfile::{self, Dockerfile};
use crate::error::{Error, Result};
use crate::project::Deployment;
use crate::text;

/// One role: its service of compose.yaml and the stage that its image is made of.
#[derive(Debug, Clone)]
pub(crate) struct RoleSubject {
    /// The role's name; an installation's is its stage's.
    pub(crate) name: String,
    /// The role of the six that it is.
    pub(crate) role: &'static str,
    /// The service in compose.yaml.
    pub(crate) service: String,
    /// The image that its container runs.
    pub(crate) target: Target,
    /// The stage that the role's own image is made of, where the container runs another one (the builder
    /// has no source, the build stage has).
    pub(crate) own: Option<Target>,
    /// An installation's deployment.
    pub(crate) deployment: Option<Deployment>,
}

/// A path as the user knows it: relative to the project where it is in it.
pub(super) fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Each Dockerfile is read once.
#[derive(Default)]
pub(super) struct Dockerfiles(BTreeMap<PathBuf, Arc<Dockerfile>>);

impl Dockerfiles {
    fn get(&mut self, path: &Path) -> Result<Arc<Dockerfile>> {
        if let Some(known) = self.0.get(path) {
            return Ok(known.clone());
        }
        let read = Arc::new(dockerfile::read(path)?);
        self.0.insert(path.to_owned(), read.clone());
        Ok(read)
    }
}

/// The role of a name, of its own service and stage.
pub(super) fn role_subject(
    folder: &Path,
    compose: &Compose,
    files: &mut Dockerfiles,
    role: &'static str,
    name: &str,
) -> Result<RoleSubject> {
    let service = compose.service_for_role(name).ok_or_else(|| {
        let names: Vec<&str> = compose.services.keys().map(String::as_str).collect();
        Error::description(format!("no service for the role {name}"))
            .in_file(shown(folder, &compose.file))
            .hint(format!("its services are {}", names.join(", ")))
            .hint(format!("`dockwright show {name}` prints what dockwright would write for it"))
    })?;
    let target = service_target(folder, compose, files, service, name)?;
    // The stage of the role's own name is the role's image, if the container does not run it.
    let own = target.dockerfile.stage(name).filter(|stage| stage.index != target.stage && role == "build");
    let own = own.map(|stage| Target { stage: stage.index, ..target.clone() });
    let missing_build = role == "build" && own.is_none() && target.dockerfile.stage(name).is_none();
    if missing_build && target.dockerfile.stages[target.stage].name.is_none() {
        target.dockerfile.require_stage(name)?;
    }
    Ok(RoleSubject { name: name.to_owned(), role, service: service.name.clone(), target, own, deployment: None })
}

/// The stage that a service's `build` names.
fn service_target(
    folder: &Path,
    compose: &Compose,
    files: &mut Dockerfiles,
    service: &Service,
    role: &str,
) -> Result<Target> {
    let place = || service.at("build").clone();
    let Some(build) = &service.build else {
        return Err(Error::description(format!("the service {} has no `build`", service.name))
            .at(place())
            .hint(format!("write `build: {{ context: ., target: {role} }}`, so that the role's stage can be built")));
    };
    if build.context.contains("://") {
        return Err(Error::description(format!("the build context {} is not a folder", build.context))
            .at(place())
            .hint("dockwright verifies what is on disk: name a folder"));
    }
    let context = PathBuf::from(&build.context);
    let dockerfile = if let Some(text) = &build.dockerfile_inline {
        Arc::new(dockerfile::parse(text, &build.place.file)?)
    } else {
        files.get(&context.join(build.dockerfile.as_deref().unwrap_or("Dockerfile")))?
    };
    let stage = match &build.target {
        Some(target) => dockerfile.require_stage(target)?.index,
        None => dockerfile.stages.len() - 1,
    };
    let args = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    let file = shown(folder, &dockerfile.file);
    Ok(Target { context, dockerfile, file, stage, args, secrets: build_secrets(compose, build) })
}

/// The secrets that compose.yaml gives to a build: the file, if it is here; else something in its place, for what is in
/// it is nobody's business here.
fn build_secrets(compose: &Compose, build: &compose::Build) -> BTreeMap<String, Vec<u8>> {
    let content = |source: &str| {
        let file = compose.secrets.get(source).and_then(|definition| definition.file_path.as_ref());
        file.and_then(|path| text::read(path, text::SMALL).ok()).unwrap_or_else(|| b"made-for-verification".to_vec())
    };
    let ids = |one: &compose::FileRef| {
        let id = one.target.as_deref().and_then(|target| target.rsplit('/').next()).map(ToOwned::to_owned);
        [Some(one.source.clone()), id].into_iter().flatten().collect::<Vec<_>>()
    };
    build.secrets.iter().flat_map(|one| ids(one).into_iter().map(|id| (id, content(&one.source)))).collect()
}
