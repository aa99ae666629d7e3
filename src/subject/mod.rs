//! The project as it is on disk: which service of compose.yaml and which stage of a Dockerfile play which role.
//!
//! A role that dockwright makes has its own name everywhere. One of the user's own is where dockwright.toml says; see
//! `placed`.

mod around;
mod borrowed;
mod context;
pub(crate) mod external;
mod mentioned;
mod placed;
mod role;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::compose::{self, Compose, ComposeService};
use crate::error::{Error, Result};
use crate::project::{Deployment, FILE, Project};
use crate::roles;
pub(crate) use context::context_of;
use placed::{PlacedRoles, RoleSearch};
use role::{Dockerfiles, role_subject, shown};

pub(crate) use role::RoleSubject;
pub(crate) use target::{NamedContext, Target};

/// The project as it is on disk.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) folder: PathBuf,
    pub(crate) project: Project,
    pub(crate) compose: Compose,
    pub(crate) roles: Vec<RoleSubject>,
    /// The services that no role is, that some role needs, and that compose.yaml builds: what of.
    pub(crate) neighbours: BTreeMap<String, Target>,
    /// Why roles are off, by role.
    off: BTreeMap<&'static str, String>,
}

impl Subject {
    /// Reads dockwright.toml, compose.yaml and the Dockerfiles. `env` is what compose.yaml interpolates.
    ///
    /// # Errors
    /// A file cannot be read, or a role that is on has no service or stage: all that is wrong with the roles at once.
    pub(crate) fn read(folder: &Path, project: Project, env: &BTreeMap<String, String>) -> Result<Self> {
        Self::with(folder, project, env, compose::read(folder, env))
    }

    /// As [`Subject::read`], in a clone that nobody has prepared: see [`compose::read_unprepared`].
    ///
    /// # Errors
    /// As [`Subject::read`].
    pub(crate) fn read_unprepared(folder: &Path, project: Project, env: &BTreeMap<String, String>) -> Result<Self> {
        Self::with(folder, project, env, compose::read_unprepared(folder, env))
    }

    fn with(folder: &Path, project: Project, env: &BTreeMap<String, String>, compose: Result<Compose>) -> Result<Self> {
        let compose = match compose {
            Err(_) if project.is_adopted() && around::has_no_compose(folder, env) => around::no_compose(folder),
            other => other?,
        };
        let mut files = Dockerfiles::new(project.is_adopted());
        let (mut found, mut flaws, mut off) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut placed = PlacedRoles::new(folder, &project, &compose);
        for role in roles::ALL.iter().map(|role| role.name) {
            if !roles::enabled(role, &project) {
                off.insert(role, format!("the role {role} is off: {FILE} turns it off"));
                continue;
            }
            let made = if project.is_adopted() {
                match placed.find(role, &mut files) {
                    Ok(RoleSearch::At(subject)) => Ok(vec![*subject]),
                    Ok(RoleSearch::Off(why)) => {
                        off.insert(role, format!("the role {role} is off: {why}"));
                        continue;
                    }
                    Err(error) => Err(error),
                }
            } else {
                made_by_dockwright(folder, &project, &compose, &mut files, role)
            };
            match made {
                Ok(subjects) => found.extend(subjects),
                Err(error) => flaws.push(error),
            }
        }
        if found.is_empty() && flaws.is_empty() {
            flaws.push(nothing(&off));
        }
        let neighbours = around::neighbours(folder, &compose, &found, &mut files, &mut flaws);
        match all_at_once(flaws) {
            Some(error) => Err(error),
            None => Ok(Self { folder: folder.to_owned(), project, compose, roles: found, neighbours, off }),
        }
    }

    pub(crate) fn role(&self, name: &str) -> Option<&RoleSubject> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// Why a role is off.
    pub(crate) fn why_off(&self, role: &str) -> String {
        self.off.get(role).cloned().unwrap_or_else(|| format!("the role {role} is off"))
    }

    /// What compose.yaml says of a role's container; of one that no service is, what is derived for it.
    pub(crate) fn service<'a>(&'a self, role: &'a RoleSubject) -> &'a ComposeService {
        role.derived.as_deref().unwrap_or_else(|| &self.compose.services[&role.service])
    }

    pub(crate) fn installations(&self) -> impl Iterator<Item = &RoleSubject> {
        self.roles.iter().filter(|role| role.role == "installation")
    }

    /// The services that roles need, directly or through others; some may be roles themselves.
    pub(crate) fn around<'a>(&'a self, roles: impl IntoIterator<Item = &'a RoleSubject>) -> Vec<&'a ComposeService> {
        around::around(&self.compose, roles)
    }

    /// A path as the user knows it: relative to the project where it is in it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        shown(&self.folder, path)
    }

    pub(crate) fn compose_file(&self) -> String {
        self.shown(&self.compose.file)
    }
}

/// A role that dockwright makes: its service and its stage have its name. Installations have their deployments'.
fn made_by_dockwright(
    folder: &Path,
    project: &Project,
    compose: &Compose,
    files: &mut Dockerfiles,
    role: &'static str,
) -> Result<Vec<RoleSubject>> {
    if role != "installation" {
        return Ok(vec![role_subject(folder, compose, files, role, role)?]);
    }
    let installation = |deployment: &Deployment| {
        // The first is `installation` where dockwright has written it; others may call each by its deployment.
        let usual = project.stage(deployment);
        let own = format!("installation-{}", deployment.name);
        let is_own = compose.service_for_role(&usual).is_none() && compose.service_for_role(&own).is_some();
        let name = if is_own { own } else { usual };
        let subject = role_subject(folder, compose, files, role, &name)?;
        Ok(RoleSubject { deployment: Some(deployment.clone()), ..subject })
    };
    project.deployments.iter().map(installation).collect()
}

fn nothing(off: &BTreeMap<&'static str, String>) -> Error {
    let error = Error::description("no role is there to verify").in_file(FILE);
    let error = off.values().fold(error, |error, why| error.hint(why.clone()));
    error.hint("`dockwright init --adopt --dry-run` proposes which stage and which service play which role")
}

/// The first of several errors, whose last hints name the others; each is said once.
fn all_at_once(flaws: Vec<Error>) -> Option<Error> {
    let mut flaws = flaws.into_iter();
    let first = flaws.next()?;
    let mut said = BTreeSet::from([first.to_string()]);
    let others = flaws.map(|other| other.to_string()).filter(|other| said.insert(other.clone()));
    Some(others.collect::<Vec<_>>().into_iter().fold(first, |first, other| first.hint(format!("also: {other}"))))
}
