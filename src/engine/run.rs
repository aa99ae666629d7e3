//! The scope of one run: what is made through it is labelled as its own and gone after it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bollard::models;
use bollard::query_parameters::{RemoveImageOptions, TagImageOptions};
use tokio_util::task::TaskTracker;

use super::connect::Engine;
use super::failure::{failed, is_missing};
use super::names::{OWNER, REPOSITORY, RUN, nonce, slug};
use super::owner::Owner;
use super::session::Sessions;
use super::sweep::{self, Swept};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::NetworkSpec;
use crate::text::ImageName;

/// At most so long is waited for calls in flight, and then for the removal.
const SETTLE: Duration = Duration::from_secs(15);
const REMOVE: Duration = Duration::from_mins(2);

/// At most so long is a subnet waited for, and so often looked for.
const SUBNET: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_millis(500);

/// One run's scope on an engine; cheap to clone. Call [`EngineRun::finish`] at its end: dropping the last clone
/// only tries.
#[derive(Clone)]
pub struct EngineRun {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    id: String,
    labels: BTreeMap<String, String>,
    count: AtomicU32,
    /// Creations in flight: they are not cancelled with their caller, for the engine would not be.
    creations: TaskTracker,
    sessions: Sessions,
    closed: AtomicBool,
    finished: AtomicBool,
}

impl fmt::Debug for EngineRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

/// A network of a run.
#[derive(Debug, Clone)]
pub struct Network {
    engine: Engine,
    /// Its full name, for [`NetworkAttachment`](super::NetworkAttachment).
    pub name: String,
    /// The engine's id.
    pub id: String,
}

impl Network {
    /// Removes it; what is already gone is no error.
    ///
    /// # Errors
    /// When the engine refuses, as while a container is in it.
    pub async fn remove(&self) -> Result<()> {
        match self.engine.docker().remove_network(&self.id).await {
            Err(error) if !is_missing(&error) => Err(failed(format!("cannot remove network {}", self.name), error)),
            _ => Ok(()),
        }
    }
}

/// A volume of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its full name, for [`MountSpec`](super::MountSpec).
    pub name: String,
}

impl Engine {
    /// Opens a run; `purpose` (lower-case letters) leads its id, as in `verify-1f0c9a`.
    #[must_use]
    pub fn run(&self, purpose: &str) -> EngineRun {
        let id = format!("{}-{}", slug(purpose), nonce());
        let labels = [(RUN.to_owned(), id.clone()), (OWNER.to_owned(), Owner::this().to_string())].into();
        EngineRun {
            inner: Arc::new(Inner {
                engine: self.clone(),
                id,
                labels,
                count: AtomicU32::new(0),
                creations: TaskTracker::new(),
                sessions: Sessions::default(),
                closed: AtomicBool::new(false),
                finished: AtomicBool::new(false),
            }),
        }
    }

    /// Gives an image a name that outlives the run, as `orders:1.2`.
    ///
    /// # Errors
    /// When the engine refuses, or `reference` is no image name.
    pub async fn tag(&self, image: &str, reference: &str) -> Result<()> {
        let name = ImageName::of(reference);
        let options = TagImageOptions { repo: Some(name.name.into()), tag: Some(name.tag.unwrap_or("latest").into()) };
        let tagged = self.docker().tag_image(image, Some(options)).await;
        tagged.map_err(|error| failed(format!("cannot tag {image} as {reference}"), error))
    }

    /// Takes a name away from an image; without another name, and no container using it, the image goes, too.
    ///
    /// # Errors
    /// When the engine refuses, as for a name that is not there.
    pub async fn untag(&self, reference: &str) -> Result<()> {
        let untagged = self.docker().remove_image(reference, None::<RemoveImageOptions>, None).await;
        untagged.map(drop).map_err(|error| failed(format!("cannot untag {reference}"), error))
    }
}

impl EngineRun {
    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The engine it runs on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// A name of this run's own for something on the engine.
    pub(super) fn name(&self, name: &str) -> String {
        let count = self.inner.count.fetch_add(1, Ordering::Relaxed) + 1;
        let name = slug(name);
        let dash = if name.is_empty() { "" } else { "-" };
        format!("dockwright-{}-{count}{dash}{name}", self.inner.id)
    }

    pub(super) fn labels(&self) -> &BTreeMap<String, String> {
        &self.inner.labels
    }

    /// A name by which something without labels is known to be this run's.
    pub(super) fn scoped_name(&self) -> String {
        let count = self.inner.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{REPOSITORY}{}-{}.{count}", Owner::this(), self.inner.id)
    }

    /// A fresh image reference of this run's own.
    pub(super) fn reference(&self, name: &str) -> String {
        let count = self.inner.count.fetch_add(1, Ordering::Relaxed) + 1;
        let name = slug(name);
        let name = if name.is_empty() { "image" } else { &name };
        format!("{}{name}:{count}", self.repository())
    }

    fn repository(&self) -> String {
        format!("{REPOSITORY}{}-{}/", Owner::this(), self.inner.id)
    }

    /// Whether an image's name is this run's, and stays as long as it. An image of the same content has names of other
    /// runs, too.
    #[must_use]
    pub fn named(&self, reference: &str) -> bool {
        reference.strip_prefix("localhost/").unwrap_or(reference).starts_with(&self.repository())
    }

    /// Runs a creation to its end even if the caller goes away, so that [`EngineRun::finish`] finds what it made.
    pub(super) async fn shielded<T: Send + 'static>(
        &self,
        creation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.open()?;
        let task = self.inner.creations.spawn(creation);
        task.await.map_err(|error| Error::engine("a call to the engine was interrupted").because(error))?
    }

    /// Refuses when the run is over.
    pub(super) fn open(&self) -> Result<()> {
        if self.inner.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Interrupted, format!("the run {} is over", self.inner.id)));
        }
        Ok(())
    }

    /// Creates a network. By default an engine has subnets for about thirty; while all are in use, this waits up to a
    /// minute for one that becomes free.
    ///
    /// # Errors
    /// When the engine refuses; [`ErrorKind::EngineFull`] when no subnet became free.
    pub async fn network(&self, spec: &NetworkSpec) -> Result<Network> {
        let until = tokio::time::Instant::now() + SUBNET;
        loop {
            // Each try is shielded by itself: a run that ends waits for what is being created, but not for a subnet.
            match self.network_now(spec).await {
                Err(error) if error.kind() == ErrorKind::EngineFull && tokio::time::Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                made => return made,
            }
        }
    }

    async fn network_now(&self, spec: &NetworkSpec) -> Result<Network> {
        let (engine, labels) = (self.inner.engine.clone(), self.inner.labels.clone());
        let name = self.name(&spec.name);
        let request = models::NetworkCreateRequest {
            name: name.clone(),
            internal: Some(spec.internal),
            enable_ipv6: spec.ipv6,
            options: Some(spec.options.clone().into_iter().collect()),
            labels: Some(labels.into_iter().collect()),
            ..Default::default()
        };
        self.shielded(async move {
            let made = engine.docker().create_network(request).await;
            let made = made.map_err(|error| failed(format!("cannot create network {name}"), error))?;
            Ok(Network { engine, id: made.id, name })
        })
        .await
    }

    /// Creates a volume.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn volume(&self, name: &str) -> Result<Volume> {
        let (engine, labels) = (self.inner.engine.clone(), self.inner.labels.clone());
        let name = self.name(name);
        self.shielded(async move {
            let request = models::VolumeCreateRequest {
                name: Some(name.clone()),
                labels: Some(labels.into_iter().collect()),
                ..Default::default()
            };
            let made = engine.docker().create_volume(request).await;
            made.map_err(|error| failed(format!("cannot create volume {name}"), error))?;
            Ok(Volume { name })
        })
        .await
    }

    /// Removes all that the run made, images' tags included, but not the build cache. Can be called again;
    /// nothing can be made through the run afterwards. What could not be removed is in the answer and is left
    /// to the next sweep.
    ///
    /// # Errors
    /// When the engine does not answer, or takes longer than two minutes.
    pub async fn finish(&self) -> Result<Swept> {
        self.inner.closed.store(true, Ordering::Release);
        self.inner.creations.close();
        self.inner.sessions.close().await;
        // A creation that hangs is found by the next sweep.
        let _ = tokio::time::timeout(SETTLE, self.inner.creations.wait()).await;
        let removal = tokio::time::timeout(REMOVE, sweep::remove_run(&self.inner.engine, &self.inner.id)).await;
        let swept = removal.unwrap_or_else(|_| {
            Err(Error::engine(format!("removing what run {} made took too long", self.inner.id))
                .hint("`dockwright clean` removes the rest"))
        })?;
        self.inner.finished.store(swept.failed.is_empty(), Ordering::Release);
        Ok(swept)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.finished.get_mut() {
            return;
        }
        // Best effort; whatever remains is swept once this process is gone.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (engine, id, creations) = (self.engine.clone(), self.id.clone(), self.creations.clone());
            runtime.spawn(async move {
                creations.close();
                let _ = tokio::time::timeout(SETTLE, creations.wait()).await;
                let _ = sweep::remove_run(&engine, &id).await;
            });
        }
    }
}
