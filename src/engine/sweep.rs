//! Finding and removing what runs made. Only what carries a run's label or tag is ever touched.

use std::collections::HashMap;

use bollard::query_parameters::{
    ListContainersOptions, ListImagesOptions, ListNetworksOptions, ListVolumesOptions, RemoveContainerOptions,
    RemoveImageOptions, RemoveVolumeOptions,
};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;

use super::connect::Engine;
use super::failure::{failed, is_missing, status};
use super::names::{OWNER, REPOSITORY, RUN};
use super::owner::Owner;
use crate::error::Result;

/// What a leftover is, in the order of removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeftoverKind {
    /// A container.
    Container,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// An image's tag; the image itself goes with its last tag.
    Image,
}

/// Something that a run made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// The name to remove it by.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The id of its run.
    pub run: String,
    /// Whether the process that made it is certainly gone.
    pub dead: bool,
}

/// What a sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// All that is gone.
    pub removed: Vec<Leftover>,
    /// What could not be removed, and why.
    pub failed: Vec<(Leftover, String)>,
}

impl Engine {
    /// All that dead runs of this host left; with `all`, also what live runs and other hosts' made.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn leftovers(&self, all: bool) -> Result<Vec<Leftover>> {
        let mut found = list(self).await?;
        found.retain(|leftover| all || leftover.dead);
        Ok(found)
    }

    /// Removes what dead runs of this host left.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn sweep(&self) -> Result<Swept> {
        let leftovers = self.leftovers(false).await?;
        Ok(self.remove(leftovers).await)
    }

    /// Removes leftovers, as [`Engine::leftovers`] listed them; what is gone already counts as removed.
    pub async fn remove(&self, mut leftovers: Vec<Leftover>) -> Swept {
        leftovers.sort();
        let mut swept = Swept::default();
        // Networks and volumes are free only when their containers are gone.
        for kind in leftovers.chunk_by(|a, b| a.kind == b.kind) {
            let results = stream::iter(kind.iter().cloned())
                .map(|leftover| async move { (remove(self, &leftover).await, leftover) })
                .buffer_unordered(8)
                .collect::<Vec<_>>()
                .await;
            for (result, leftover) in results {
                match result {
                    Ok(()) => swept.removed.push(leftover),
                    Err(error) => swept.failed.push((leftover, error.to_string())),
                }
            }
        }
        swept.removed.sort();
        swept
    }
}

/// Removes all that one run made.
pub(super) async fn remove_run(engine: &Engine, run: &str) -> Result<Swept> {
    let mut found = list(engine).await?;
    found.retain(|leftover| leftover.run == run);
    Ok(engine.remove(found).await)
}

async fn remove(engine: &Engine, leftover: &Leftover) -> Result<()> {
    let docker = engine.docker();
    let id = leftover.id.as_str();
    let result = match leftover.kind {
        LeftoverKind::Container => {
            docker.remove_container(id, Some(RemoveContainerOptions { v: true, force: true, link: false })).await
        }
        LeftoverKind::Network => docker.remove_network(id).await,
        LeftoverKind::Volume => docker.remove_volume(id, Some(RemoveVolumeOptions { force: true })).await,
        LeftoverKind::Image => remove_image(engine, id).await,
    };
    match result {
        Err(error) if !is_missing(&error) && !already_going(&error) => {
            Err(failed(format!("cannot remove {}", leftover.name), error))
        }
        _ => Ok(()),
    }
}

/// Another caller, or the container's own end, is removing it.
fn already_going(error: &bollard::errors::Error) -> bool {
    status(error) == Some(409) && error.to_string().contains("already in progress")
}

async fn remove_image(engine: &Engine, reference: &str) -> Result<(), bollard::errors::Error> {
    // Without BuildKit the images between are the build cache, which stays.
    let noprune = !engine.info().buildkit;
    let remove = async |force| {
        let options = RemoveImageOptions { force, noprune, platforms: None };
        engine.docker().remove_image(reference, Some(options), None).await.map(drop)
    };
    match remove(false).await {
        // A container that is not the run's uses it: the tag still goes.
        Err(error) if status(&error) == Some(409) => remove(true).await,
        // Old engines stumble when two tags of one image go at once.
        Err(error) if !is_missing(&error) => remove(false).await,
        result => result,
    }
}

async fn list(engine: &Engine) -> Result<Vec<Leftover>> {
    let (docker, what) = (engine.docker(), "cannot list what runs have made");
    let filters: HashMap<String, Vec<String>> = [("label".into(), vec![RUN.into()])].into();
    let by_name: HashMap<String, Vec<String>> = [("name".into(), vec![REPOSITORY.into()])].into();
    let named = ListContainersOptions { all: true, filters: Some(by_name), ..Default::default() };
    let containers = ListContainersOptions { all: true, filters: Some(filters.clone()), ..Default::default() };
    let networks = ListNetworksOptions { filters: Some(filters.clone()) };
    let volumes = ListVolumesOptions { filters: Some(filters) };
    let (containers, named, networks, volumes, images) = futures_util::try_join!(
        docker.list_containers(Some(containers)),
        docker.list_containers(Some(named)),
        docker.list_networks(Some(networks)),
        docker.list_volumes(Some(volumes)),
        docker.list_images(None::<ListImagesOptions>),
    )
    .map_err(|error| failed(what, error))?;

    let mut found = Vec::new();
    for container in containers.into_iter().chain(named) {
        let id = container.id.unwrap_or_default();
        let name = container.names.and_then(|names| names.into_iter().next()).unwrap_or_else(|| id.clone());
        let name = name.trim_start_matches('/').to_owned();
        let by_label =
            labelled(LeftoverKind::Container, id.clone(), name.clone(), &container.labels.unwrap_or_default());
        found.extend(by_label.or_else(|| scoped(LeftoverKind::Container, id, &name, name.split_once('.')?.0)));
    }
    for network in networks {
        let id = network.id.unwrap_or_default();
        let name = network.name.unwrap_or_else(|| id.clone());
        found.extend(labelled(LeftoverKind::Network, id, name, &network.labels.unwrap_or_default()));
    }
    for volume in volumes.volumes.unwrap_or_default() {
        found.extend(labelled(LeftoverKind::Volume, volume.name.clone(), volume.name, &volume.labels));
    }
    found.extend(images.into_iter().flat_map(|image| image.repo_tags).filter_map(|tag| tagged(&tag)));
    found.sort();
    Ok(found)
}

fn labelled(kind: LeftoverKind, id: String, name: String, labels: &HashMap<String, String>) -> Option<Leftover> {
    let run = labels.get(RUN)?.clone();
    let dead = labels.get(OWNER).and_then(|owner| owner.parse::<Owner>().ok()).is_some_and(|owner| owner.is_dead());
    Some(Leftover { kind, id, name, run, dead })
}

/// An image's tag; Podman puts a registry before it.
fn tagged(tag: &str) -> Option<Leftover> {
    let repository = tag.strip_prefix("localhost/").or_else(|| tag.strip_prefix("docker.io/")).unwrap_or(tag);
    scoped(LeftoverKind::Image, tag.to_owned(), tag, repository.split_once('/')?.0)
}

/// What is known by its name: `dockwright-run-<owner>-<run>`.
fn scoped(kind: LeftoverKind, id: String, name: &str, scope: &str) -> Option<Leftover> {
    let scope = scope.strip_prefix(REPOSITORY)?;
    // The owner has three dashes; the rest is the run.
    let (end, _) = scope.match_indices('-').nth(3)?;
    let owner: Owner = scope[..end].parse().ok()?;
    Some(Leftover { kind, id, name: name.to_owned(), run: scope[end + 1..].to_owned(), dead: owner.is_dead() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_tags_are_known_and_no_others() {
        let this = Owner::this();
        let ours = tagged(&format!("dockwright-run-{this}-verify-0a1b2c/dev:3")).unwrap();
        assert_eq!((ours.run.as_str(), ours.dead), ("verify-0a1b2c", false));
        let dead = Owner { boot: "before".into(), ..this.clone() };
        assert!(tagged(&format!("localhost/dockwright-run-{dead}-verify-0a1b2c/dev:3")).unwrap().dead);
        for foreign in ["dockwright-run-x/dev:1", "dockwright/dev:1", "python:3.13", "dockwright-run-a-b-c-d-e/x:1"] {
            assert_eq!(tagged(foreign), None, "{foreign}");
        }
    }
}
