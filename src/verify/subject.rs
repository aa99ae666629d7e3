//! What is verified: the files that the user has on disk, and which of them makes which role.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::compose::{self, Compose, Service};
use crate::dockerfile::{self, Base, Dockerfile, Instruction, expand};
use crate::error::{Error, Result};
use crate::project::{Deployment, Project};
use crate::roles;

/// The project as it is on disk.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) folder: PathBuf,
    pub(super) project: Project,
    pub(super) compose: Compose,
    pub(super) roles: Vec<RoleSubject>,
}

/// One role: its service of compose.yaml and the stage that its image is made of.
#[derive(Debug, Clone)]
pub(super) struct RoleSubject {
    /// The role's name; an installation's is its stage's.
    pub(super) name: String,
    /// The role of the six that it is.
    pub(super) role: &'static str,
    /// The service in compose.yaml.
    pub(super) service: String,
    /// The image that its container runs.
    pub(super) target: Target,
    /// The stage that the role's own image is made of, where the container runs another one (the builder
    /// has no source, the build stage has).
    pub(super) own: Option<Target>,
    /// An installation's deployment.
    pub(super) deployment: Option<Deployment>,
}

/// A stage to build.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) context: PathBuf,
    pub(super) dockerfile: std::sync::Arc<Dockerfile>,
    /// The Dockerfile as the user knows it, relative to the project.
    pub(super) file: String,
    /// The stage's index in the Dockerfile.
    pub(super) stage: usize,
    /// Build arguments.
    pub(super) args: BTreeMap<String, String>,
    /// Build secrets, by id.
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
}

impl Target {
    pub(super) fn stage_name(&self) -> String {
        let stage = &self.dockerfile.stages[self.stage];
        stage.name.clone().unwrap_or_else(|| self.stage.to_string())
    }

    pub(super) fn line(&self) -> usize {
        self.dockerfile.stages[self.stage].line
    }

    /// The outside image that the stage starts from, itself or through those that it is FROM; none for scratch.
    pub(super) fn base_image(&self) -> Option<String> {
        let first = *self.dockerfile.ancestry(self.stage).last().expect("a stage is its own ancestor");
        let stage = &self.dockerfile.stages[first];
        matches!(stage.base, Base::Image(_)).then(|| self.named(&stage.raw_base))
    }

    /// A FROM's word with the arguments before the first FROM put in: the build's own values, else their defaults.
    pub(super) fn named(&self, raw: &str) -> String {
        let dockerfile = &self.dockerfile;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (name, default, _) in &dockerfile.global_args {
            let default = || Some(expand(default.as_ref()?, dockerfile.escape, &|name| known.get(name).cloned()));
            if let Some(value) = self.args.get(name).cloned().or_else(default) {
                known.insert(name.clone(), value);
            }
        }
        expand(raw, dockerfile.escape, &|name| known.get(name).cloned())
    }

    /// The instructions on the way to the stage, those of its own and of the stages that it is FROM, from the last to
    /// the first.
    pub(super) fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        let chain = self.dockerfile.ancestry(self.stage);
        chain.into_iter().flat_map(|stage| self.dockerfile.stages[stage].instructions.iter().rev())
    }

    /// The last line, on the way to the stage, that holds one of these as a word.
    pub(super) fn line_with(&self, words: &[&str]) -> Option<usize> {
        let lines: Vec<&str> = self.dockerfile.text.lines().collect();
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let holds = |line: usize| {
            let text = lines.get(line - 1).copied().unwrap_or_default();
            words.iter().any(|word| {
                text.match_indices(word)
                    .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
            })
        };
        self.instructions().find_map(|one| (one.line..=one.end_line).rev().find(|line| holds(*line)))
    }

    /// Whether the stage is made anew beside another one instead of from it: both start from the same outside image,
    /// and the other is none of its ancestors. Equal layers say nothing then: the builder's cache gives them the same.
    pub(super) fn is_beside(&self, other: &Target) -> bool {
        let base = |target: &Target| {
            let chain = target.dockerfile.ancestry(target.stage);
            chain.last().map(|first| target.dockerfile.stages[*first].base.clone())
        };
        let name = other.stage_name();
        let chain = self.dockerfile.ancestry(self.stage);
        let names = chain.iter().filter_map(|stage| self.dockerfile.stages[*stage].name.as_ref());
        let from_it = if std::sync::Arc::ptr_eq(&self.dockerfile, &other.dockerfile) {
            chain.contains(&other.stage)
        } else {
            names.into_iter().any(|own| own.eq_ignore_ascii_case(&name))
        };
        !from_it && base(self) == base(other)
    }
}

impl Subject {
    /// Reads dockwright.toml, compose.yaml and the Dockerfiles. `env` is what compose.yaml interpolates.
    pub(super) fn read(folder: &Path, project: Project, env: &BTreeMap<String, String>) -> Result<Self> {
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

    pub(super) fn role(&self, name: &str) -> Option<&RoleSubject> {
        self.roles.iter().find(|role| role.name == name)
    }

    pub(super) fn service(&self, role: &RoleSubject) -> &Service {
        &self.compose.services[&role.service]
    }

    pub(super) fn installations(&self) -> impl Iterator<Item = &RoleSubject> {
        self.roles.iter().filter(|role| role.role == "installation")
    }

    /// A path as the user knows it: relative to the project where it is in it.
    pub(super) fn shown(&self, path: &Path) -> String {
        shown(&self.folder, path)
    }

    pub(super) fn compose_file(&self) -> String {
        self.shown(&self.compose.file)
    }
}

fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

#[derive(Default)]
struct Dockerfiles(BTreeMap<PathBuf, std::sync::Arc<Dockerfile>>);

impl Dockerfiles {
    fn get(&mut self, path: &Path) -> Result<std::sync::Arc<Dockerfile>> {
        if let Some(known) = self.0.get(path) {
            return Ok(known.clone());
        }
        let read = std::sync::Arc::new(dockerfile::read(path)?);
        self.0.insert(path.to_owned(), read.clone());
        Ok(read)
    }
}

fn role_subject(
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
        std::sync::Arc::new(dockerfile::parse(text, &build.place.file)?)
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
        file.and_then(|path| std::fs::read(path).ok()).unwrap_or_else(|| b"made-for-verification".to_vec())
    };
    let ids = |one: &compose::FileRef| {
        let id = one.target.as_deref().and_then(|target| target.rsplit('/').next()).map(ToOwned::to_owned);
        [Some(one.source.clone()), id].into_iter().flatten().collect::<Vec<_>>()
    };
    build.secrets.iter().flat_map(|one| ids(one).into_iter().map(|id| (id, content(&one.source)))).collect()
}
