//! Starting the containers that compose.yaml describes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use super::inject::fill_volume;
use super::obstacle::{Attempt, Obstacle, Reason};
use super::scene::{Around, Scene};
use super::spec::{Places, spec, trusted};
use super::workcopy::WorkCopy;
use super::{Lab, neighbours};
use crate::compose::ComposeService;
use crate::engine::{Container, ContainerSpec, NetworkAttachment, NetworkSpec};
use crate::error::{Error, ErrorKind};
use crate::spec::MountKind;
use crate::subject::RoleSubject;
use crate::text::Place;

/// The volume that the builder has filled, or why it could not; tried once.
struct Filled(Result<String, String>);

impl Lab {
    /// Fields of compose.yaml that a container of this service would want and that cannot be honoured.
    fn honoured(&self, service: &ComposeService) -> Attempt<()> {
        trusted(&self.subject.compose, service)?;
        let Some(first) = self.subject.compose.unsupported_of(&service.name).next() else { return Ok(()) };
        let why = format!("compose.yaml's `{}` cannot be honoured here: {}", first.field, first.why);
        Err(Reason::new(why).at(first.place.clone()).unseen())
    }

    /// Starts a role's container, after those that it depends on, on a fresh copy of the project.
    /// `edit` may change what is started; compose.yaml's word is the starting point.
    pub(crate) async fn start(&self, role: &RoleSubject, edit: impl FnOnce(&mut ContainerSpec)) -> Attempt<Scene> {
        let copy = Arc::new(self.copy()?);
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
        let order = self.dependencies(role, service)?;
        let mut places = self.places(&copy)?;
        let mut around = Around::default();
        match Box::pin(self.start_in(role, &order, &mut places, &mut around, edit)).await {
            Ok(container) => Ok(Scene { container, around, copy }),
            Err(obstacle) => {
                around.remove().await;
                Err(obstacle)
            }
        }
    }

    async fn start_in(
        &self,
        role: &RoleSubject,
        order: &[String],
        places: &mut Places<'_>,
        around: &mut Around,
        edit: impl FnOnce(&mut ContainerSpec),
    ) -> Attempt<Container> {
        let service = self.subject.service(role);
        for one in order.iter().map(|name| &self.subject.compose.services[name]).chain([service]) {
            self.add_volumes(one, order, places).await?;
            self.add_networks(one, places, around).await?;
        }
        for name in order {
            let other = &self.subject.compose.services[name];
            self.honoured(other)?;
            let image = neighbours::image(self, other).await?;
            let mut spec = spec(&self.subject.compose, other, &image, places);
            spec.ports.clear();
            // What another container does is not to be seen but to be had.
            spec.settings.restart.clone_from(&other.settings.restart);
            self.wait_for(other, None, &around.others).await?;
            let container = self.launch(other, &spec).await?;
            places.containers.insert(name.clone(), container.name().to_owned());
            around.others.push((name.clone(), container));
        }
        self.wait_for(service, Some(role), &around.others).await?;
        self.honoured(service)?;
        let image = self.container_image(&role.name)?.id.clone();
        let mut spec = spec(&self.subject.compose, service, &image, places);
        edit(&mut spec);
        if service.ports.is_empty() && !spec.ports.is_empty() && self.is_shut_in(service) {
            // It is asked from outside, where in a deployment something on its network asks it.
            let way_in = self.run.network(&NetworkSpec { name: "way-in".into(), ..NetworkSpec::default() }).await?;
            spec.networks.push(NetworkAttachment { network: way_in.name.clone(), ..NetworkAttachment::default() });
            around.networks.push(way_in);
        }
        if let Some(mode) = service.settings.network_mode.as_deref().filter(|mode| mode.starts_with("service:"))
            && service.ports.is_empty()
            && !spec.ports.is_empty()
        {
            let why = format!(
                "{} shares the network of another container ({mode}), so no port of its own can be published",
                service.name
            );
            return Err(Reason::new(why).at(service.at("network_mode").clone()).unseen());
        }
        self.launch(service, &spec).await
    }

    /// Whether a service is in networks that publish no ports only.
    pub(crate) fn is_shut_in(&self, service: &ComposeService) -> bool {
        let networks = &self.subject.compose.networks;
        !service.networks.is_empty()
            && service.networks.keys().all(|key| networks.get(key).is_some_and(|network| network.internal))
    }

    /// Creates a role's container on a copy of the project, without starting it or what it depends on.
    pub(crate) async fn create_on(&self, role: &RoleSubject, copy: &WorkCopy) -> Attempt<Container> {
        let service = self.subject.service(role);
        self.honoured(service)?;
        let mut places = self.places(copy)?;
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
            Err(error) => Err(self.refused_container(service, "be created", error).await?),
        }
    }

    async fn refused_container(&self, service: &ComposeService, what: &str, error: Error) -> Attempt<Obstacle> {
        self.refused(&format!("the container of {} cannot {what}", service.name), &service.place, error).await
    }

    /// What the engine refuses of what a user's file asks for is a failure of theirs, unless the engine itself is gone.
    async fn refused(&self, what: &str, place: &Place, error: Error) -> Attempt<Obstacle> {
        self.engine().ping().await?;
        if error.kind() == ErrorKind::EngineFull {
            return Err(error.into());
        }
        let causes = error.causes();
        let said: Vec<&str> = [what, error.message()].into_iter().chain(causes.iter().map(String::as_str)).collect();
        let why = said.join(": ");
        Ok(Reason::new(why).at(place.clone()).refused())
    }

    fn places(&self, copy: &WorkCopy) -> Attempt<Places<'_>> {
        Ok(Places {
            copy: copy.path(),
            files: self.secret_files(copy)?,
            bulk: copy.bulk(),
            proxies: self.engine().proxies(),
            platform: self.default_platform(),
            ..Places::of(&self.subject.folder)
        })
    }

    /// Fresh networks for those that a service joins; compose.yaml says of each what it is.
    async fn add_networks(
        &self,
        service: &ComposeService,
        places: &mut Places<'_>,
        around: &mut Around,
    ) -> Attempt<()> {
        let alone = "default".to_owned();
        let said = service.networks.keys();
        let nothing_said = service.networks.is_empty() && service.settings.network_mode.is_none();
        for key in said.chain(nothing_said.then_some(&alone)) {
            if places.networks.contains_key(key) {
                continue;
            }
            let network = self.subject.compose.networks.get(key);
            // Of an external one nothing is known here; a bridge's name is the host's, and other checks want it, too.
            let options = network.map(|network| network.driver_opts.clone()).unwrap_or_default();
            let wanted = NetworkSpec {
                name: key.clone(),
                internal: network.is_some_and(|network| network.internal),
                ipv6: network.and_then(|network| network.enable_ipv6),
                options: options.into_iter().filter(|(name, _)| name != "com.docker.network.bridge.name").collect(),
            };
            let made = match self.run.network(&wanted).await {
                Ok(made) => made,
                Err(error) => {
                    let place = network.map_or(&service.place, |network| &network.place);
                    return Err(self.refused(&format!("the network {key} cannot be created"), place, error).await?);
                }
            };
            places.networks.insert(key.clone(), made.name.clone());
            around.networks.push(made);
        }
        Ok(())
    }

    /// Fresh volumes for a service's named ones; the builder's output where the builder is not started itself.
    async fn add_volumes(&self, service: &ComposeService, started: &[String], places: &mut Places<'_>) -> Attempt<()> {
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

    /// The services that one depends on, each after its own dependencies; then those that it only names as hosts.
    fn dependencies(&self, role: &RoleSubject, service: &ComposeService) -> Attempt<Vec<String>> {
        let mut order = Vec::new();
        let mut path = vec![service.name.clone()];
        self.visit(service, &mut order, &mut path)?;
        for name in &role.mentions {
            let other = &self.subject.compose.services[name];
            if !order.contains(name) && !path.contains(name) {
                path.push(name.clone());
                self.visit(other, &mut order, &mut path)?;
                order.push(name.clone());
            }
        }
        Ok(order)
    }

    /// Waits until what a service needs has got as far as it has to be.
    async fn wait_for(
        &self,
        service: &ComposeService,
        role: Option<&RoleSubject>,
        started: &[(String, Container)],
    ) -> Attempt<()> {
        for (name, condition) in neighbours::waits_for(self, service, role) {
            if let Some((_, container)) = started.iter().find(|(other, _)| *other == name) {
                neighbours::wait(self, &name, container, condition).await?;
            }
        }
        Ok(())
    }

    fn visit(&self, service: &ComposeService, order: &mut Vec<String>, path: &mut Vec<String>) -> Attempt<()> {
        for (name, dependency) in &service.depends_on {
            if order.contains(name) || path.contains(name) {
                continue;
            }
            let Some(other) = self.subject.compose.services.get(name) else {
                if dependency.required {
                    let why = format!("{} depends on {name}, which does not exist", service.name);
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

    /// Creates and starts; what the engine refuses of a user's container is a failure of theirs, not the engine's.
    async fn launch(&self, service: &ComposeService, spec: &ContainerSpec) -> Attempt<Container> {
        let started = async {
            let container = self.run.create(spec).await?;
            container.start().await?;
            Ok(container)
        };
        match started.await {
            Ok(container) => Ok(container),
            Err(error) => Err(self.refused_container(service, "start", error).await?),
        }
    }
}
