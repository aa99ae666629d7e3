//! What is there: compose.yaml, the Dockerfiles that it builds or that lie about, and how a service is built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::compose::{self, Compose, ComposeService};
use crate::dockerfile::{self, Dockerfile, InstructionKind};
use crate::error::{Error, Result};
use crate::stacks::ecosystem;
use crate::text;

/// A repository's container files.
pub(super) struct AdoptedRepository {
    pub(super) folder: PathBuf,
    pub(super) compose: Option<Compose>,
    /// By path.
    pub(super) dockerfiles: BTreeMap<PathBuf, Dockerfile>,
    /// Why a Dockerfile that compose.yaml names cannot be read.
    pub(super) unread: Vec<String>,
}

/// A Dockerfile, the folder that it is built in, and the stage that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BuildPlace {
    pub(super) dockerfile: PathBuf,
    pub(super) context: PathBuf,
    pub(super) stage: usize,
}

impl AdoptedRepository {
    /// Reads a folder.
    ///
    /// # Errors
    /// A compose file that Compose would not take, or no Dockerfile at all.
    pub(super) fn read(folder: &Path, env: &BTreeMap<String, String>) -> Result<Self> {
        let named = env.get("COMPOSE_FILE").is_some_and(|list| !list.is_empty());
        let has_compose = named || compose::FILE_NAMES.iter().any(|name| folder.join(name).exists());
        let compose = has_compose.then(|| compose::read_unprepared(folder, env)).transpose()?;
        let mut found = Self { folder: folder.to_owned(), compose, dockerfiles: BTreeMap::new(), unread: Vec::new() };
        let services = found.compose.iter().flat_map(|compose| compose.services.values());
        let mut paths: Vec<PathBuf> = services.filter_map(dockerfile_of).collect();
        text::each_text(folder, &|name| ecosystem().folders.is_no_source(name), &mut |path, _| {
            if is_dockerfile(path) {
                paths.push(path.to_owned());
            }
            true
        });
        for path in paths {
            if found.dockerfiles.contains_key(&path) {
                continue;
            }
            match dockerfile::read(&path) {
                Ok(read) => drop(found.dockerfiles.insert(path, read)),
                Err(error) => found.unread.push(error.one_line()),
            }
        }
        if found.dockerfiles.is_empty() {
            let error = Error::usage(format!("{} has no Dockerfile to adopt", folder.display()));
            let error = found.unread.iter().fold(error, |error, why| error.hint(why.clone()));
            return Err(error.hint("`dockwright new NAME --stack STACK` creates a service with all its roles"));
        }
        Ok(found)
    }

    /// The files of environment that services are given, and that are not there yet.
    pub(super) fn missing_files(&self) -> BTreeSet<String> {
        let all = self.services().flat_map(|service| &service.env_files);
        let missing = all.filter(|file| file.required && !file.path.exists());
        missing
            .map(|file| {
                let (place, name) = (self.shown(&file.place.file), self.shown(&file.path));
                format!(
                    "{place}:{}: `env_file` names {name}, which does not exist: create it before `dockwright verify`",
                    file.place.line
                )
            })
            .collect()
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &ComposeService> {
        self.compose.iter().flat_map(|compose| compose.services.values())
    }

    /// What a service builds; none if it builds nothing that is here.
    pub(super) fn built(&self, service: &ComposeService) -> Option<BuildPlace> {
        let dockerfile = dockerfile_of(service)?;
        let build = service.build.as_ref()?;
        let read = self.dockerfiles.get(&dockerfile)?;
        let stage = match &build.target {
            Some(target) => read.stage(target)?.index,
            None => read.stages.len() - 1,
        };
        Some(BuildPlace { dockerfile, context: PathBuf::from(&build.context), stage })
    }

    /// A path as the user knows it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }
}

fn dockerfile_of(service: &ComposeService) -> Option<PathBuf> {
    let build = service.build.as_ref()?;
    let own = build.dockerfile_inline.is_none() && !build.context.contains("://");
    own.then(|| Path::new(&build.context).join(build.dockerfile.as_deref().unwrap_or("Dockerfile")))
}

/// By its name, as editors know it.
fn is_dockerfile(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "Dockerfile"
        || name.starts_with("Dockerfile.") && !name.ends_with(".dockerignore")
        || name.ends_with(".Dockerfile")
}

/// What a stage is called: its name, else its number.
pub(super) fn stage_name(dockerfile: &Dockerfile, stage: usize) -> String {
    dockerfile.stages[stage].name.clone().unwrap_or_else(|| stage.to_string())
}

/// The working directory of a stage, as far as the Dockerfile says.
pub(super) fn workdir(dockerfile: &Dockerfile, stage: usize) -> String {
    let chain = dockerfile.ancestry(stage);
    let all = chain.iter().rev().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let folders =
        all.filter_map(|one| if let InstructionKind::Workdir(folder) = &one.kind { Some(folder) } else { None });
    folders.fold("/".to_owned(), |folder, next| text::join(&folder, next))
}
