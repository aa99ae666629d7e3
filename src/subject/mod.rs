//! The project as it is on disk: which service of compose.yaml and which stage of a Dockerfile play which role.

mod role;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::compose::{self, Compose, Service};
use crate::error::Result;
use crate::project::Project;
use crate::roles;
use role::{Dockerfiles, role_subject, shown};

pub(crate) use role::RoleSubject;
pub(crate) use target::Target;

/// The project as it is on disk.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) folder: PathBuf,
    pub(crate) project: Project,
    pub(crate) compose: Compose,
    pub(crate) roles: Vec<RoleSubject>,
}

impl Subject {
    /// Reads dockwright.toml, compose.yaml and the Dockerfiles. `env` is what compose.yaml interpolates.
    pub(crate) fn read(folder: &Path, project: Project, env: &BTreeMap<String, String>) -> Result<Self> {
        let compose = compose::read(folder, env)?;
        let mut files = Dockerfiles::default();
        let mut found = Vec::new();
        for role in roles::ALL.iter().filter(|role| roles::enabled(role.name, &project)) {
            if role.name == "installation" {
                for deployment in &project.deployments {
                    // The first is `installation` where dockwright has written it; others may call each by its deployment.
                    let usual = project.stage(deployment);
                    let own = format!("installation-{}", deployment.name);
                    let is_own = compose.service_for_role(&usual).is_none() && compose.service_for_role(&own).is_some();
                    let name = if is_own { own } else { usual };
                    let subject = role_subject(folder, &compose, &mut files, role.name, &name)?;
                    found.push(RoleSubject { deployment: Some(deployment.clone()), ..subject });
                }
            } else {
                found.push(role_subject(folder, &compose, &mut files, role.name, role.name)?);
            }
        }
        Ok(Self { folder: folder.to_owned(), project, compose, roles: found })
    }

    pub(crate) fn role(&self, name: &str) -> Option<&RoleSubject> {
        self.roles.iter().find(|role| role.name == name)
    }

    pub(crate) fn service(&self, role: &RoleSubject) -> &Service {
        &self.compose.services[&role.service]
    }

    pub(crate) fn installations(&self) -> impl Iterator<Item = &RoleSubject> {
        self.roles.iter().filter(|role| role.role == "installation")
    }

    /// A path as the user knows it: relative to the project where it is in it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        shown(&self.folder, path)
    }

    pub(crate) fn compose_file(&self) -> String {
        self.shown(&self.compose.file)
    }
}
