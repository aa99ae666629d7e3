//! Creating containers, and images of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bollard::models;
use bollard::query_parameters::{CommitContainerOptions, CreateContainerOptions};

use super::connect::Engine;
use super::container::Container;
use super::failure::{failed, is_missing};
use super::image::ImageConfig;
use super::info::Product;
use super::request;
use super::run::EngineRun;
use crate::error::{Error, Result};
use crate::spec::{ContainerSpec, MountKind, Settings};
use crate::text::ImageName;

/// A container that ran to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code.
    pub exit_code: i64,
    /// What it printed, both streams as they came.
    pub output: Vec<String>,
}

/// An image made of a container.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// What the image is for; becomes part of its tag.
    pub name: String,
    /// The config of the image. What it leaves empty is taken over from the container's, and so are the
    /// container's variables, labels, ports and volumes that it does not name: the engine knows no removal.
    /// Only an empty entrypoint or command stays empty.
    pub config: ImageConfig,
    /// The history's word on it.
    pub comment: String,
}

impl EngineRun {
    /// Creates a container, and joins it to its networks, without starting it.
    ///
    /// # Errors
    /// When the engine refuses, as for a missing image or bind source, or when a volume is neither
    /// this run's nor there already (it would be created without a label).
    pub async fn create(&self, spec: &ContainerSpec) -> Result<Container> {
        self.create_as(self.name(&spec.name), spec, self.labels().clone()).await
    }

    /// Creates a container of an image that is only read, or written and committed, but never started. Its
    /// config is the image's but for the entrypoint.
    ///
    /// # Errors
    /// When the image is not there, or the engine refuses.
    pub async fn create_idle(&self, image: &str) -> Result<Container> {
        // The engine refuses a container without a command, but never looks for it before the start.
        let spec = ContainerSpec {
            name: "idle".into(),
            image: image.into(),
            settings: Settings {
                entrypoint: Some(vec!["/dockwright-never-started".into()]),
                network_mode: Some("none".into()),
                ..Settings::default()
            },
            ..ContainerSpec::default()
        };
        // An image made of it would take labels over: it is known by its name, as images are by their tags.
        self.create_as(self.scoped_name(), &spec, BTreeMap::new()).await
    }

    /// Creates and starts a container, waits for its end, and removes it.
    ///
    /// # Errors
    /// When the engine refuses, or the time is up.
    pub async fn run_to_end(&self, spec: &ContainerSpec, within: Duration) -> Result<Finished> {
        let container = self.create(spec).await?;
        container.start().await?;
        let ended = tokio::time::timeout(within, container.wait()).await;
        let exit_code = if let Ok(code) = ended {
            code?
        } else {
            let output = container.logs(Some(20)).await.unwrap_or_default();
            container.remove().await?;
            let error = Error::engine(format!("{} did not finish within {} s", spec.name, within.as_secs()));
            return Err(if output.is_empty() {
                error
            } else {
                error.hint(format!("its last words: {}", output.join("\n")))
            });
        };
        let output = container.logs(None).await?;
        container.remove().await?;
        Ok(Finished { exit_code, output })
    }

    /// Makes an image of a stopped or never started container; returns its id. It is gone with the run
    /// unless [`Engine::tag`] names it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn commit(&self, container: &Container, commit: Commit) -> Result<String> {
        let (engine, id) = (self.engine().clone(), container.id().to_owned());
        let reference = self.reference(&commit.name);
        self.shielded(async move {
            let name = ImageName::of(&reference);
            let options = CommitContainerOptions {
                container: Some(id),
                repo: Some(name.name.into()),
                tag: Some(name.tag.unwrap_or("latest").into()),
                comment: Some(commit.comment),
                ..Default::default()
            };
            let made = engine.docker().commit_container(options, commit.config.into_engine()).await;
            let made = made.map_err(|error| failed(format!("cannot commit {}", commit.name), error))?;
            Ok(made.id)
        })
        .await
    }

    async fn create_as(
        &self,
        name: String,
        spec: &ContainerSpec,
        labels: BTreeMap<String, String>,
    ) -> Result<Container> {
        let (engine, spec) = (self.engine().clone(), spec.clone());
        self.shielded(async move {
            check_volumes(&engine, &spec).await?;
            check_binds(&engine, &spec)?;
            let what = || format!("cannot create container {}", if spec.name.is_empty() { &name } else { &spec.name });
            let options = CreateContainerOptions {
                name: Some(name.clone()),
                platform: spec.settings.platform.clone().unwrap_or_default(),
            };
            let body = request::request(&spec, &labels);
            let made =
                engine.docker().create_container(Some(options), body).await.map_err(|error| failed(what(), error))?;
            for attachment in spec.networks.iter().skip(1) {
                let request = models::NetworkConnectRequest {
                    container: made.id.clone(),
                    endpoint_config: Some(request::endpoint(attachment)),
                };
                let joined = engine.docker().connect_network(&attachment.network, request).await;
                joined.map_err(|error| failed(format!("{}: network {}", what(), attachment.network), error))?;
            }
            Ok(Container::new(engine.clone(), made.id, name.clone()))
        })
        .await
    }
}

/// A named volume that does not exist would be created by the engine, without a label.
async fn check_volumes(engine: &Engine, spec: &ContainerSpec) -> Result<()> {
    for mount in &spec.mounts {
        let (MountKind::Volume { .. }, Some(name)) = (&mount.kind, &mount.source) else { continue };
        if let Err(error) = engine.docker().inspect_volume(name).await {
            let what = format!("cannot mount volume {name} at {}", mount.target);
            return Err(if is_missing(&error) {
                Error::engine(format!("{what}: it does not exist"))
            } else {
                failed(what, error)
            });
        }
    }
    Ok(())
}

/// Podman makes a mistyped folder on the host, where Docker refuses.
fn check_binds(engine: &Engine, spec: &ContainerSpec) -> Result<()> {
    if engine.info().product != Product::Podman || !engine.info().local {
        return Ok(());
    }
    let missing = spec.mounts.iter().find_map(|mount| match (&mount.kind, &mount.source) {
        (MountKind::Bind(bind), Some(source)) if !bind.create_host_path && !Path::new(source).exists() => {
            Some((source, &mount.target))
        }
        _ => None,
    });
    match missing {
        Some((source, target)) => Err(Error::engine(format!("cannot mount {source} at {target}: it does not exist"))),
        None => Ok(()),
    }
}
