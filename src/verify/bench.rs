//! What the checks work with: the engine, the files on disk, the built images, and containers started
//! as compose.yaml says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::artefact::{Again, Made};
use super::checks::{self, AtWork, Injected};
use super::http::{self, Answer, NoAnswer};
use super::outcome::{Verdict, fail, inconclusive, skipped};
use super::start::{self, Places};
use super::trees::Trees;
use super::workcopy::WorkCopy;
use crate::compose::{Condition, MountKind, Service};
use crate::engine::{self, Container, ContainerSpec, Engine, FileTree, ImageInfo, Run};
use crate::error::Error;
use crate::subject::{RoleSubject, Subject};

/// Why a check ended early: with a verdict of its own, or because the engine failed.
#[derive(Debug)]
pub(super) enum Stop {
    Verdict(Box<Verdict>),
    Engine(Error),
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Stop::Verdict(Box::new(verdict))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Engine(error)
    }
}

/// What a check returns.
pub(super) type Checked<T = Verdict> = Result<T, Stop>;

/// The image of a stage, or why there is none.
pub(super) type Image = Result<ImageInfo, String>;

/// Shared by all checks of a run.
pub(super) struct Bench {
    pub(super) run: Run,
    pub(super) subject: Subject,
    /// The image that the role's container runs, by role.
    pub(super) containers: BTreeMap<String, Image>,
    /// The role's own image, by role; the same but for build.
    pub(super) own: BTreeMap<String, Image>,
    pub(super) trees: Trees,
    pub(super) artefact: OnceCell<Result<String, String>>,
    /// dev while it serves, for the checks that share it.
    pub(super) at_work: OnceCell<AtWork>,
    pub(super) seen: checks::Seen,
    /// What the build makes, and what it makes again: see [`super::artefact`].
    pub(super) made: OnceCell<Made>,
    pub(super) elsewhere: OnceCell<Again>,
    pub(super) later: OnceCell<Again>,
    pub(super) on_another_host: OnceCell<Again>,
    /// What the builder on the mounted source makes of the service.
    pub(super) injected: OnceCell<Injected>,
    /// How the suite ended as it is; the log, if it did not in time.
    pub(super) suite: OnceCell<Result<Suite, Vec<String>>>,
}

/// How a suite ended.
pub(super) struct Suite {
    /// The container's exit code.
    pub(super) code: i64,
    /// The end of what it printed.
    pub(super) log: Vec<String>,
}

/// Containers started together: a role's and those that it depends on.
pub(super) struct Scene {
    pub(super) container: Container,
    /// The containers that it depends on, in the order of their start.
    pub(super) others: Vec<(String, Container)>,
    pub(super) copy: Arc<WorkCopy>,
}

impl Bench {
    pub(super) fn engine(&self) -> &Engine {
        self.run.engine()
    }

    /// A role that is on, or the verdict that it is off.
    pub(super) fn role(&self, name: &str) -> Checked<&RoleSubject> {
        self.subject.role(name).ok_or_else(|| skipped(format!("the role {name} is off")).into())
    }

    /// The role's own image, or the verdict that there is none.
    pub(super) fn image(&self, role: &str) -> Checked<&ImageInfo> {
        found(&self.own, role)
    }

    /// The image that the role's container runs, likewise.
    pub(super) fn container_image(&self, role: &str) -> Checked<&ImageInfo> {
        found(&self.containers, role)
    }

    /// All files of an image with the hashes of their contents; read once.
    pub(super) async fn tree(&self, image: &str) -> Checked<Arc<FileTree>> {
        let others: Vec<&ImageInfo> = self.own.values().chain(self.containers.values()).flatten().collect();
        self.trees.of(&self.run, image, &others).await
    }

    /// How long a container may take to answer.
    pub(super) fn patience(&self) -> Duration {
        self.subject.project.verify.timeout()
    }

    /// Fields of compose.yaml that a container of this service would want and that cannot be honoured.
    fn honoured(&self, service: &Service) -> Checked<()> {
        let Some(first) = self.subject.compose.unsupported_of(&service.name).next() else { return Ok(()) };
        let file = self.subject.shown(&first.place.file);
        let why = format!("compose.yaml's `{}` cannot be honoured here: {}", first.field, first.why);
        Err(inconclusive(why).at(file, first.place.line).into())
    }

    /// Starts a role's container, after those that it depends on, on a fresh copy of the project.
    /// `edit` may change what is started; compose.yaml's word is the starting point.
    pub(super) async fn start(&self, role: &RoleSubject, edit: impl FnOnce(&mut ContainerSpec)) -> Checked<Scene> {
        let copy = Arc::new(WorkCopy::of(&self.subject.folder)?);
        self.start_on(role, copy, edit).await
    }

    /// As [`Bench::start`], on a copy that is already there.
    pub(super) async fn start_on(
        &self,
        role: &RoleSubject,
        copy: Arc<WorkCopy>,
        edit: impl FnOnce(&mut ContainerSpec),
    ) -> Checked<Scene> {
        let service = self.subject.service(role);
        let order = self.dependencies(service)?;
        let mut places = self.places(&copy).await?;
        for name in order.iter().chain([&service.name]) {
            self.add_volumes(&self.subject.compose.services[name], &order, &mut places).await?;
        }
        let mut others = Vec::new();
        for name in &order {
            let other = &self.subject.compose.services[name];
            self.honoured(other)?;
            let image = self.image_of_service(other)?;
            let mut spec = start::spec(&self.subject.compose, other, &image, &places);
            spec.ports.clear();
            let container = self.launch(other, &spec).await?;
            let condition = service.depends_on.get(name).map_or(Condition::Started, |dependency| dependency.condition);
            self.wait_for_condition(name, &container, condition).await?;
            others.push((name.clone(), container));
        }
        self.honoured(service)?;
        let image = self.container_image(&role.name)?.id.clone();
        let mut spec = start::spec(&self.subject.compose, service, &image, &places);
        edit(&mut spec);
        let container = self.launch(service, &spec).await?;
        Ok(Scene { container, others, copy })
    }

    /// Creates a role's container on a copy of the project, without starting it or what it depends on.
    pub(super) async fn create_on(&self, role: &RoleSubject, copy: &WorkCopy) -> Checked<Container> {
        let service = self.subject.service(role);
        self.honoured(service)?;
        let mut places = self.places(copy).await?;
        for mount in &service.volumes {
            if let (MountKind::Volume { .. }, Some(key)) = (&mount.kind, &mount.source)
                && !places.volumes.contains_key(key)
            {
                places.volumes.insert(key.clone(), self.run.volume(key).await?.name);
            }
        }
        let image = self.container_image(&role.name)?.id.clone();
        let mut spec = start::spec(&self.subject.compose, service, &image, &places);
        spec.ports.clear();
        match self.run.create(&spec).await {
            Ok(container) => Ok(container),
            Err(error) => Err(self.refused(service, "be created", error).await?),
        }
    }

    /// What the engine refuses of a user's container is a failure of theirs, unless the engine itself is gone.
    async fn refused(&self, service: &Service, what: &str, error: Error) -> Checked<Stop> {
        self.engine().ping().await?;
        if engine::is_full(&error) {
            return Err(error.into());
        }
        let why = error.causes().join(": ");
        Ok(fail(format!("the container of {} cannot {what}: {}: {why}", service.name, error.message()))
            .at(self.subject.compose_file(), service.place.line)
            .into())
    }

    async fn places(&self, copy: &WorkCopy) -> Checked<Places<'_>> {
        let network = self.run.network("net", false).await?;
        Ok(Places {
            project: &self.subject.folder,
            copy: copy.path(),
            volumes: BTreeMap::new(),
            network: Some(network.name),
            files: self.secret_files(copy)?,
        })
    }

    /// Fresh volumes for a service's named ones; the builder's output where the builder is not started itself.
    async fn add_volumes(&self, service: &Service, started: &[String], places: &mut Places<'_>) -> Checked<()> {
        for mount in &service.volumes {
            let (MountKind::Volume { .. }, Some(key)) = (&mount.kind, &mount.source) else { continue };
            if places.volumes.contains_key(key) {
                continue;
            }
            let made_by_builder = self.subject.role("build").is_some_and(|build| {
                let builder = self.subject.service(build);
                builder.name != service.name
                    && !started.contains(&builder.name)
                    && builder.volumes.iter().any(|mount| mount.source.as_ref() == Some(key))
            });
            let name = if made_by_builder {
                let filled = self.artefact.get_or_init(|| super::inject::fill_volume(self, key)).await;
                filled.clone().map_err(|why| skipped(format!("the builder did not fill the volume {key}: {why}")))?
            } else {
                self.run.volume(key).await?.name
            };
            places.volumes.insert(key.clone(), name);
        }
        Ok(())
    }

    /// A file for each secret and config that has none here: what is in it is up to the deployment.
    fn secret_files(&self, copy: &WorkCopy) -> Checked<BTreeMap<String, PathBuf>> {
        let compose = &self.subject.compose;
        let mut files = BTreeMap::new();
        for (key, definition) in compose.secrets.iter().chain(&compose.configs) {
            let content = match (&definition.file_path, &definition.content) {
                (Some(path), _) if path.is_file() => continue,
                (_, Some(content)) => content.clone(),
                _ => "made-for-verification".to_owned(),
            };
            files.insert(key.clone(), copy.beside(key, content.as_bytes())?);
        }
        Ok(files)
    }

    /// The services that one depends on, each after its own dependencies.
    fn dependencies(&self, service: &Service) -> Checked<Vec<String>> {
        let mut order = Vec::new();
        self.visit(service, &mut order, &mut vec![service.name.clone()])?;
        Ok(order)
    }

    fn visit(&self, service: &Service, order: &mut Vec<String>, path: &mut Vec<String>) -> Checked<()> {
        for (name, dependency) in &service.depends_on {
            if order.contains(name) || path.contains(name) {
                continue;
            }
            let Some(other) = self.subject.compose.services.get(name) else {
                if dependency.required {
                    let file = self.subject.compose_file();
                    return Err(fail(format!("{} depends on {name}, which is not there", service.name))
                        .at(file, service.at("depends_on").line)
                        .into());
                }
                continue;
            };
            path.push(name.clone());
            self.visit(other, order, path)?;
            order.push(name.clone());
        }
        Ok(())
    }

    /// The image of a service that is a role's, or that names one.
    fn image_of_service(&self, service: &Service) -> Checked<String> {
        if let Some(role) = self.subject.roles.iter().find(|role| role.service == service.name) {
            return Ok(self.container_image(&role.name)?.id.clone());
        }
        match &service.image {
            Some(image) => Ok(image.clone()),
            None => Err(inconclusive(format!("the service {} is no role's and names no image", service.name)).into()),
        }
    }

    /// Creates and starts; what the engine refuses of a user's container is a failure of theirs, not the engine's.
    pub(super) async fn launch(&self, service: &Service, spec: &ContainerSpec) -> Checked<Container> {
        let started = async {
            let container = self.run.create(spec).await?;
            container.start().await?;
            Ok(container)
        };
        match started.await {
            Ok(container) => Ok(container),
            Err(error) => Err(self.refused(service, "start", error).await?),
        }
    }

    async fn wait_for_condition(&self, name: &str, container: &Container, condition: Condition) -> Checked<()> {
        let deadline = tokio::time::Instant::now() + self.patience();
        loop {
            let state = container.inspect().await?;
            let healthy =
                state.health.as_ref().is_some_and(|health| health.status == crate::engine::HealthStatus::Healthy);
            match condition {
                Condition::Started => return Ok(()),
                Condition::Healthy if healthy => return Ok(()),
                Condition::Completed if !state.running && state.exit_code == 0 => return Ok(()),
                _ if !state.running || tokio::time::Instant::now() > deadline => {
                    let log = container.logs(Some(20)).await.unwrap_or_default();
                    return Err(inconclusive(format!("{name}, which it depends on, did not get {condition:?}"))
                        .log(log)
                        .into());
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
}

fn found<'a>(images: &'a BTreeMap<String, Image>, role: &str) -> Checked<&'a ImageInfo> {
    match images.get(role) {
        Some(Ok(image)) => Ok(image),
        Some(Err(why)) => Err(skipped(why.clone()).into()),
        None => Err(skipped(format!("the role {role} is off")).into()),
    }
}

impl Scene {
    /// The host's port for a port of the container, or what there is to say if it is not running.
    pub(super) async fn host_port(&self, port: u16) -> Checked<u16> {
        let state = self.container.inspect().await?;
        match state.host_port(port) {
            Some(host) => Ok(host),
            None if state.running => Err(inconclusive(format!("port {port} could not be published")).into()),
            None => Err(fail(format!("the container ended with exit code {}", state.exit_code))
                .log(self.log().await)
                .into()),
        }
    }

    /// Asks until an answer satisfies `wanted`, no longer than `within` and no longer than the container runs; the
    /// error is the last thing seen.
    pub(super) async fn answer(
        &self,
        port: u16,
        path: &str,
        within: Duration,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Result<(Answer, Duration), NoAnswer> {
        let ended = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                match self.container.inspect().await {
                    Ok(state) if !state.running => return state.exit_code,
                    _ => {}
                }
            }
        };
        tokio::select! {
            answer = http::wait_for(port, path, within, wanted) => {
                answer.map_err(|last| format!("after {} s still {last}", within.as_secs()))
            }
            code = ended => Err(format!("the container ended with exit code {code}")),
        }
    }

    /// The end of the container's log.
    pub(super) async fn log(&self) -> Vec<String> {
        self.container.logs(Some(30)).await.unwrap_or_default()
    }

    /// Removes the containers; what is left is removed with the run.
    pub(super) async fn end(self) {
        for container in [&self.container].into_iter().chain(self.others.iter().map(|(_, container)| container)) {
            let _ = container.remove().await;
        }
    }
}
