//! Roles of the user's own: found where dockwright.toml says, and what it leaves out by their names.
//!
//! A compose service plays one role in full: the first whose stage it builds. What else names it borrows its surroundings,
//! see `borrowed`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::borrowed::{alone, borrowed};
use super::context::context_of;
use super::mentioned::mentioned;
use super::role::{Dockerfiles, RoleSubject, build_secrets, build_settings, contexts, service_target, shown};
use super::target::Target;
use crate::compose::{Build, Compose, ComposeService};
use crate::dockerfile::Dockerfile;
use crate::error::{Error, Result};
use crate::project::{FILE, Placement, Project};
use crate::spec::BuildSettings;
use crate::text::nearest;

/// What comes of looking for a role.
pub(super) enum RoleSearch {
    At(Box<RoleSubject>),
    /// It is not there; why, as a clause.
    Off(String),
}

/// The roles found so far.
pub(super) struct PlacedRoles<'a> {
    folder: &'a Path,
    project: &'a Project,
    compose: &'a Compose,
    /// The services that a role plays in full.
    taken: BTreeSet<String>,
    /// The service that dev is.
    dev: Option<String>,
}

/// The Dockerfile of a role, and the folder that it is built in.
struct Built {
    dockerfile: PathBuf,
    context: PathBuf,
}

impl<'a> PlacedRoles<'a> {
    pub(super) fn new(folder: &'a Path, project: &'a Project, compose: &'a Compose) -> Self {
        Self { folder, project, compose, taken: BTreeSet::new(), dev: None }
    }

    /// Finds a role.
    ///
    /// # Errors
    /// dockwright.toml names what is not there.
    pub(super) fn find(&mut self, role: &'static str, files: &mut Dockerfiles) -> Result<RoleSearch> {
        let place = self.project.roles.place(role);
        let named = match &place.service {
            Some(key) => Some(self.service(role, key.as_str())?),
            None => self.compose.service_for_role(role),
        };
        if named.is_none() && !place.is_elsewhere() {
            let why = format!("{FILE} does not say where it is, and {} has no service {role}", self.compose_file());
            return match place.enabled {
                Some(true) => Err(Error::description(format!("the role {role} is turned on, and {why}"))
                    .in_file(FILE)
                    .hint(format!("say in [roles.{role}] which `service` or `stage` it is"))),
                _ => Ok(RoleSearch::Off(why)),
            };
        }
        let target = self.target(role, place, named, files)?;
        let beside = named.or_else(|| self.beside(&target));
        let is_whole = beside.is_some_and(|service| self.is_whole(role, service, &target, files));
        let derived = match beside {
            Some(_) if is_whole => None,
            Some(service) => Some(borrowed(service, &target, self.is_built(service, &target, files))),
            None => Some(alone(role, &target)),
        };
        let key = beside.map_or_else(|| role.to_owned(), |service| service.name.clone());
        if is_whole {
            self.taken.insert(key.clone());
        }
        if role == "dev" {
            self.dev = Some(key.clone());
        }
        let mut subject = RoleSubject {
            name: role.to_owned(),
            role,
            service: key,
            target,
            own: None,
            deployment: None,
            derived: derived.map(Arc::new),
            mentions: Vec::new(),
        };
        if role == "installation" {
            subject.deployment = self.project.deployments.first().cloned();
        }
        if role != "build" {
            let service = subject.derived.as_deref().or(beside).expect("it is derived, or a service of compose.yaml");
            subject.mentions = mentioned(self.compose, service, &subject.target);
        }
        Ok(RoleSearch::At(Box::new(subject)))
    }

    fn compose_file(&self) -> String {
        shown(self.folder, &self.compose.file)
    }

    fn service(&self, role: &str, key: &str) -> Result<&'a ComposeService> {
        self.compose.services.get(key).ok_or_else(|| {
            let names = self.compose.services.keys().map(String::as_str);
            let what = format!("[roles.{role}] names the service `{key}`, which {} does not have", self.compose_file());
            let error = Error::description(what).in_file(FILE);
            match nearest(key, names.clone()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("its services are {}", names.collect::<Vec<_>>().join(", "))),
            }
        })
    }

    /// The stage: dockwright.toml's, else the one that the service builds, else the last.
    fn target(
        &self,
        role: &str,
        place: &Placement,
        named: Option<&ComposeService>,
        files: &mut Dockerfiles,
    ) -> Result<Target> {
        let usual = named.filter(|service| service.build.is_some());
        let usual = usual.map(|service| service_target(self.folder, self.compose, files, service, role)).transpose()?;
        let said = self.built(place, usual.as_ref(), files)?;
        let Some(said) = said else {
            return usual.ok_or_else(|| {
                let service = named.map_or(role, |service| service.name.as_str());
                Error::description(format!(
                    "the service {service} has no `build`, so the role {role} has no Dockerfile"
                ))
                .in_file(FILE)
                .hint(format!("say in [roles.{role}] which `dockerfile` its image is built of"))
            });
        };
        let dockerfile = files.get(&said.dockerfile)?;
        let stage = match (&place.stage, &usual) {
            (Some(name), _) => stage(role, &dockerfile, name.as_str())?,
            (None, Some(usual)) if Arc::ptr_eq(&usual.dockerfile, &dockerfile) => usual.stage,
            _ => dockerfile.stages.len() - 1,
        };
        // What the build is given comes from the service that builds the same Dockerfile.
        let builder = named.into_iter().chain(self.builders(&said.dockerfile)).find(|one| one.build.is_some());
        let build = builder.and_then(|one| one.build.as_ref());
        let settings = match (builder, build) {
            (Some(service), Some(build)) => build_settings(self.compose, service, build)?,
            _ => BuildSettings::default(),
        };
        let contexts = match builder {
            Some(service) => contexts(self.folder, self.compose, files, service, 1)?,
            None => BTreeMap::new(),
        };
        let args = build.map_or_else(Vec::new, |build| {
            build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect()
        });
        let secrets = build.map(|build| build_secrets(self.compose, build)).unwrap_or_default();
        let file = shown(self.folder, &dockerfile.file);
        let args = args.into_iter().collect();
        Ok(Target { context: said.context, dockerfile, file, stage, args, secrets, settings, contexts })
    }

    /// The Dockerfile and its context that dockwright.toml says; none if it leaves both to the service.
    fn built(&self, place: &Placement, usual: Option<&Target>, files: &mut Dockerfiles) -> Result<Option<Built>> {
        let context = place.context.as_ref().map(|context| self.folder.join(context.as_str()));
        let context = context.map(|context| context.canonicalize().unwrap_or(context));
        let dockerfile = match (&place.dockerfile, usual) {
            (Some(own), _) => self.folder.join(own.as_str()),
            (None, Some(usual)) if context.is_none() => {
                let (dockerfile, context) = (usual.dockerfile.file.clone(), usual.context.clone());
                return Ok(Some(Built { dockerfile, context }).filter(|_| place.stage.is_some()));
            }
            (None, _) if place.stage.is_none() && context.is_none() => return Ok(None),
            (None, _) => context.as_deref().unwrap_or(self.folder).join("Dockerfile"),
        };
        if let Some(context) = context {
            return Ok(Some(Built { dockerfile, context }));
        }
        let beside = self.builders(&dockerfile).find_map(|service| service.build.as_ref());
        let context = match beside {
            Some(build) => PathBuf::from(&build.context),
            None => context_of(&*files.get(&dockerfile)?, &dockerfile, self.folder),
        };
        Ok(Some(Built { dockerfile, context }))
    }

    /// The services that build a Dockerfile.
    fn builders(&self, dockerfile: &Path) -> impl Iterator<Item = &'a ComposeService> {
        let path = dockerfile.to_owned();
        let builds = move |build: &Build| built_of(build).is_some_and(|own| same_file(&own, &path));
        self.compose.services.values().filter(move |service| service.build.as_ref().is_some_and(&builds))
    }

    /// The service in whose surroundings a stage is started that no service is said to be: the only one that builds it, else
    /// dev, else the only one that builds its Dockerfile.
    fn beside(&self, target: &Target) -> Option<&'a ComposeService> {
        let only = |services: Vec<&'a ComposeService>| if let [one] = services.as_slice() { Some(*one) } else { None };
        let all: Vec<&ComposeService> = self.builders(&target.dockerfile.file).collect();
        let name = target.stage_name();
        let builds = |service: &&&ComposeService| {
            let stage = service.build.as_ref().and_then(|build| build.target.as_deref());
            stage.is_some_and(|stage| stage.eq_ignore_ascii_case(&name))
        };
        let by_stage = only(all.iter().filter(builds).copied().collect());
        let dev = all.iter().find(|service| self.dev.as_ref() == Some(&service.name)).copied();
        by_stage.or(dev).or_else(|| only(all))
    }

    /// Whether a role is a service with all that compose.yaml says of it.
    fn is_whole(&self, role: &str, service: &ComposeService, target: &Target, files: &mut Dockerfiles) -> bool {
        if matches!(role, "dev" | "dev-tools") {
            return true;
        }
        !self.taken.contains(&service.name) && (service.build.is_none() || self.is_built(service, target, files))
    }

    /// Whether a stage is the one that a service builds.
    fn is_built(&self, service: &ComposeService, target: &Target, files: &mut Dockerfiles) -> bool {
        let usual = service_target(self.folder, self.compose, files, service, &service.name);
        usual.is_ok_and(|usual| Arc::ptr_eq(&usual.dockerfile, &target.dockerfile) && usual.stage == target.stage)
    }
}

/// The Dockerfile that a build names.
pub(super) fn built_of(build: &Build) -> Option<PathBuf> {
    let own = build.dockerfile_inline.is_none() && !build.context.contains("://");
    own.then(|| Path::new(&build.context).join(build.dockerfile.as_deref().unwrap_or("Dockerfile")))
}

fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// A stage by its name or number.
fn stage(role: &str, dockerfile: &Dockerfile, name: &str) -> Result<usize> {
    if let Some(found) = dockerfile.stage(name) {
        return Ok(found.index);
    }
    match name.parse::<usize>() {
        Ok(number) if number < dockerfile.stages.len() => Ok(number),
        Ok(_) => Err(Error::description(format!(
            "[roles.{role}] names the stage {name}, and the last is {}",
            dockerfile.stages.len() - 1
        ))
        .in_file(&dockerfile.file)),
        Err(_) => {
            let found = dockerfile.require_stage(name).map(|stage| stage.index);
            found.map_err(|error| error.hint(format!("[roles.{role}] of {FILE} names it")))
        }
    }
}
