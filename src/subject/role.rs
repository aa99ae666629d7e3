//! From a role to its service of compose.yaml and the stage that the service is built from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::target::{NamedContext, Target};
use crate::compose::{self, Compose, ComposeService};
use crate::dockerfile::{self, Dockerfile};
use crate::error::{Error, Result};
use crate::project::Deployment;
use crate::spec::BuildSettings;
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
    /// What its container is started with, where it is not all that its service of compose.yaml says.
    pub(crate) derived: Option<Arc<ComposeService>>,
    /// Services that it reaches by their names and does not say that it depends on.
    pub(crate) mentions: Vec<String>,
}

impl RoleSubject {
    /// The stages that it is built from: its container's, and its own where that is another one.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.target).chain(&self.own)
    }

    /// Whether its container is the compose service, with all that is said of that.
    pub(crate) fn is_service(&self, name: &str) -> bool {
        self.derived.is_none() && self.service == name
    }
}

/// A path as the user knows it: relative to the project where it is in it.
pub(super) fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Each Dockerfile is read once.
pub(super) struct Dockerfiles {
    read: BTreeMap<PathBuf, Arc<Dockerfile>>,
    /// Stages without a name get one, so that each can be built. In a Dockerfile of dockwright's each has its role's.
    names_stages: bool,
}

impl Dockerfiles {
    pub(super) fn new(names_stages: bool) -> Self {
        Self { read: BTreeMap::new(), names_stages }
    }

    pub(super) fn get(&mut self, path: &Path) -> Result<Arc<Dockerfile>> {
        if let Some(known) = self.read.get(path) {
            return Ok(known.clone());
        }
        let read = dockerfile::read(path)?;
        let read = Arc::new(if self.names_stages { read.with_named_stages() } else { read });
        self.read.insert(path.to_owned(), read.clone());
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
    Ok(RoleSubject {
        name: name.to_owned(),
        role,
        service: service.name.clone(),
        target,
        own,
        deployment: None,
        derived: None,
        mentions: Vec::new(),
    })
}

/// The stage that a service's `build` names.
pub(super) fn service_target(
    folder: &Path,
    compose: &Compose,
    files: &mut Dockerfiles,
    service: &ComposeService,
    role: &str,
) -> Result<Target> {
    service_target_at(folder, compose, files, service, role, DEEPEST)
}

fn service_target_at(
    folder: &Path,
    compose: &Compose,
    files: &mut Dockerfiles,
    service: &ComposeService,
    role: &str,
    depth: usize,
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
        let path = context.join(build.dockerfile.as_deref().unwrap_or("Dockerfile"));
        if !path.exists() {
            let missing = if context.is_dir() { &path } else { &context };
            let field = if context.is_dir() { "build.dockerfile" } else { "build.context" };
            let what =
                format!("{} does not exist, and the service {} is built from it", shown(folder, missing), service.name);
            return Err(Error::description(what).at(service.at(field).clone()));
        }
        files.get(&path)?
    };
    let stage = match &build.target {
        Some(target) => {
            let named = dockerfile.require_stage(target);
            named.map_err(|error| error.at(service.at("build.target").clone()))?.index
        }
        None => dockerfile.stages.len() - 1,
    };
    let args = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    let file = shown(folder, &dockerfile.file);
    let contexts = contexts(folder, compose, files, service, depth)?;
    let (secrets, settings) = (build_secrets(compose, build), build_settings(compose, service, build)?);
    Ok(Target { context, dockerfile, file, stage, args, secrets, settings, contexts })
}

/// How many services may be built from one another in a row.
const DEEPEST: usize = 8;

/// What names stand for in a service's build.
pub(super) fn contexts(
    folder: &Path,
    compose: &Compose,
    files: &mut Dockerfiles,
    service: &ComposeService,
    depth: usize,
) -> Result<BTreeMap<String, NamedContext>> {
    let all = service.build.iter().flat_map(|build| &build.additional_contexts);
    let one = |(name, value): (&String, &String)| {
        let place = service.at(&format!("build.additional_contexts.{name}")).clone();
        let refused = |why: String| Err(Error::description(why).at(place.clone()));
        if let Some(image) = value.strip_prefix("docker-image://") {
            return Ok((name.clone(), NamedContext::Image(image.to_owned())));
        }
        if let Some(other) = value.strip_prefix("service:") {
            let Some(found) = compose.services.get(other) else {
                return refused(format!("the build takes {name} from the service {other}, which does not exist"));
            };
            if depth == 0 {
                return refused(format!("more than {DEEPEST} services are built from one another"));
            }
            let target = service_target_at(folder, compose, files, found, other, depth - 1)?;
            return Ok((name.clone(), NamedContext::Service(Box::new(target))));
        }
        let path = PathBuf::from(value);
        if value.contains("://") || value.starts_with("git@") || !path.is_absolute() {
            return refused(format!("the build takes {name} from {value}, which dockwright does not fetch"));
        }
        if !path.is_dir() {
            return refused(format!("the build takes {name} from {}, which is not a folder", shown(folder, &path)));
        }
        Ok((name.clone(), NamedContext::Folder(path)))
    };
    all.map(one).collect()
}

/// What compose.yaml says of a build besides. A service is built for the platform that it runs on.
pub(super) fn build_settings(
    compose: &Compose,
    service: &ComposeService,
    build: &compose::Build,
) -> Result<BuildSettings> {
    let only = build.platforms.first().filter(|_| build.platforms.len() == 1);
    let platform = service.settings.platform.as_ref().or(compose.default_platform.as_ref()).or(only).cloned();
    let mut ssh = BTreeMap::new();
    for one in &build.ssh {
        let (id, socket) = one.split_once('=').map_or((one.as_str(), None), |(id, path)| (id, Some(path.to_owned())));
        // Without a socket of its own it is the user's agent, which the environment names; none is told by the build.
        if let Some(socket) = socket.or_else(|| compose.ssh_agent.clone()).filter(|path| !path.is_empty()) {
            let socket = PathBuf::from(socket);
            if socket.is_file() {
                let why = format!(
                    "the build is given the SSH key {}, and dockwright passes on agents only",
                    socket.display()
                );
                let error = Error::description(why).at(service.at("build.ssh").clone());
                return Err(error.hint("add the key to an agent (`ssh-add`), and write `ssh: [default]`"));
            }
            ssh.insert(id.to_owned(), socket);
        }
    }
    Ok(BuildSettings {
        platform,
        network: build.network.clone().filter(|network| network != "default"),
        extra_hosts: build.extra_hosts.clone(),
        shm_size: build.shm_size,
        ulimits: build.ulimits.clone(),
        labels: build.labels.clone(),
        pull: build.pull,
        ssh,
    })
}

/// The secrets that compose.yaml gives to a build: the file, if it is here; else something in its place, for what is in
/// it is nobody's business here.
pub(super) fn build_secrets(compose: &Compose, build: &compose::Build) -> BTreeMap<String, Vec<u8>> {
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
