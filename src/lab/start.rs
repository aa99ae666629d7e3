//! Starting the containers that compose.yaml describes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::inject::fill_volume;
use super::obstacle::{Attempt, Obstacle, Reason};
use super::scene::Scene;
use super::spec::{Places, spec};
use super::workcopy::WorkCopy;
use crate::compose::{Condition, Service};
use crate::engine::{self, Container, ContainerSpec, HealthStatus};
use crate::error::Error;
use crate::spec::MountKind;
use crate::subject::RoleSubject;

/// The volume that the builder has filled, or why it could not; tried once.
struct Filled(Result<String, String>);

impl Lab {
    /// Fields of compose.yaml that a container of this service would want and that cannot be honoured.
    fn honoured(&self, service: &Service) -> Attempt<()> {
        let Some(first) = self.subject.compose.unsupported_of(&service.name).next() else { return Ok(()) };
        let why = format!("compose.yaml's `{}` cannot be honoured here: {}", first.field, first.why);
        Err(Reason::new(why).at(first.place.clone()).unseen())
    }

    /// Starts a role's container, after those that it depends on, on a fresh copy of the project.
    /// `edit` may change what is started; compose.yaml's word is the starting point.
    pub(crate) async fn start(&self, role: &RoleSubject, edit: impl FnOnce(&mut ContainerSpec)) -> Attempt<Scene> {
        let copy = Arc::new(WorkCopy::of(&self.subject.folder)?);
        self.start_on(role, copy, edit).await
    }

    /// As [`Lab::start`], on a copy that is already there.
    pub(crate) async fn start_on(
        &self,
        role: &RoleSubject,
        copy: Arc<WorkCopy>,
        edit: impl FnOnce(&mut ContainerSpec),
    ) -> Attempt<Scene> {
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
            let mut spec = spec(&self.subject.compose, other, &image, &places);
            spec.ports.clear();
            let container = self.launch(other, &spec).await?;
            let condition = service.depends_on.get(name).map_or(Condition::Started, |dependency| dependency.condition);
            self.wait_for_condition(name, &container, condition).await?;
            others.push((name.clone(), container));
        }
        self.honoured(service)?;
        let image = self.container_image(&role.name)?.id.clone();
        let mut spec = spec(&self.subject.compose, service, &image, &places);
        edit(&mut spec);
        let container = self.launch(service, &spec).await?;
        Ok(Scene { container, others, copy })
    }

    /// Creates a role's container on a copy of the project, without starting it or what it depends on.
    pub(crate) async fn create_on(&self, role: &RoleSubject, copy: &WorkCopy) -> Attempt<Container> {
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
        let mut spec = spec(&self.subject.compose, service, &image, &places);
        spec.ports.clear();
        match self.run.create(&spec).await {
            Ok(container) => Ok(container),
            Err(error) => Err(self.refused(service, "be created", error).await?),
        }
    }

    /// What the engine refuses of a user's container is a failure of theirs, unless the engine itself is gone.
    async fn refused(&self, service: &Service, what: &str, error: Error) -> Attempt<Obstacle> {
        self.engine().ping().await?;
        if engine::is_full(&error) {
            return Err(error.into());
        }
        let why = error.causes().join(": ");
        let why = format!("the container of {} cannot {what}: {}: {why}", service.name, error.message());
        Ok(Reason::new(why).at(service.place.clone()).refused())
    }

    async fn places(&self, copy: &WorkCopy) -> Attempt<Places<'_>> {
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
    async fn add_volumes(&self, service: &Service, started: &[String], places: &mut Places<'_>) -> Attempt<()> {
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
                let filled = self.fact(async { Ok::<_, Infallible>(Filled(fill_volume(self, key).await)) }).await;
                let Ok(filled) = filled;
                let off = |why| Obstacle::off(format!("the builder did not fill the volume {key}: {why}"));
                filled.0.clone().map_err(off)?
            } else {
                self.run.volume(key).await?.name
            };
            places.volumes.insert(key.clone(), name);
        }
        Ok(())
    }

    /// A file for each secret and config that has none here: what is in it is up to the deployment.
    fn secret_files(&self, copy: &WorkCopy) -> Attempt<BTreeMap<String, PathBuf>> {
        let compose = &self.subject.compose;
        let mut files = BTreeMap::new();
        for (key, definition) in compose.secrets.iter().chain(&compose.configs) {
            let content = match (&definition.file_path, &definition.content) {
                (Some(path), _) if path.is_file() => continue,
                (_, Some(content)) => content.clone(),
                _ => "made-for-verification".to_owned(),
            };
            files.insert(key.clone(), copy.beside(content.as_bytes())?);
        }
        Ok(files)
    }

    /// The services that one depends on, each after its own dependencies.
    fn dependencies(&self, service: &Service) -> Attempt<Vec<String>> {
        let mut order = Vec::new();
        self.visit(service, &mut order, &mut vec![service.name.clone()])?;
        Ok(order)
    }

    fn visit(&self, service: &Service, order: &mut Vec<String>, path: &mut Vec<String>) -> Attempt<()> {
        for (name, dependency) in &service.depends_on {
            if order.contains(name) || path.contains(name) {
                continue;
            }
            let Some(other) = self.subject.compose.services.get(name) else {
                if dependency.required {
                    let why = format!("{} depends on {name}, which is not there", service.name);
                    return Err(Reason::new(why).at(service.at("depends_on").clone()).refused());
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
    fn image_of_service(&self, service: &Service) -> Attempt<String> {
        if let Some(role) = self.subject.roles.iter().find(|role| role.service == service.name) {
            return Ok(self.container_image(&role.name)?.id.clone());
        }
        match &service.image {
            Some(image) => Ok(image.clone()),
            None => Err(Reason::new(format!("the service {} is no role's and names no image", service.name)).unseen()),
        }
    }

    /// Creates and starts; what the engine refuses of a user's container is a failure of theirs, not the engine's.
    async fn launch(&self, service: &Service, spec: &ContainerSpec) -> Attempt<Container> {
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

    async fn wait_for_condition(&self, name: &str, container: &Container, condition: Condition) -> Attempt<()> {
        let deadline = tokio::time::Instant::now() + self.patience();
        loop {
            let state = container.inspect().await?;
            let healthy = state.health.as_ref().is_some_and(|health| health.status == HealthStatus::Healthy);
            match condition {
                Condition::Started => return Ok(()),
                Condition::Healthy if healthy => return Ok(()),
                Condition::Completed if !state.running && state.exit_code == 0 => return Ok(()),
                _ if !state.running || tokio::time::Instant::now() > deadline => {
                    let log = container.logs(Some(20)).await.unwrap_or_default();
                    let why = format!("{name}, which it depends on, did not get {condition:?}");
                    return Err(Reason::new(why).log(log).unseen());
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
}
