//! What can be done with a subject on an engine: build it, start a role's container, edit, ask and stop it, build it again
//! under other circumstances, and look into what came out.
//!
//! Nothing here knows a contract or a verdict. What cannot be done is an [`Obstacle`]; what that means is up to who asked.

pub(crate) mod at_work;
mod beneath;
pub(crate) mod blame;
mod change;
mod circumstances;
pub(crate) mod ending;
mod freeze;
pub(crate) mod hardened;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod images;
pub(crate) mod inject;
pub(crate) mod injected;
mod injection;
pub(crate) mod lineage;
pub(crate) mod listeners;
pub(crate) mod live;
mod memo;
pub(crate) mod mount;
mod obstacle;
pub(crate) mod ports;
pub(crate) mod processes;
pub(crate) mod rebuild;
pub(crate) mod rights;
mod scene;
pub(crate) mod servers;
pub(crate) mod spec;
mod start;
pub(crate) mod suite;
pub(crate) mod taint;
pub(crate) mod tracer;
mod trees;
pub(crate) mod workcopy;

pub(crate) use change::changes;
pub(crate) use freeze::{Frozen, freeze, is_at_hand};
pub(crate) use images::Images;
pub(crate) use injection::Injection;
pub(crate) use obstacle::{Attempt, Obstacle, Reason};
pub(crate) use scene::Scene;
pub(crate) use workcopy::WorkCopy;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, FileTree, ImageInfo, Run};
use crate::error::Result;
use crate::subject::{RoleSubject, Subject};
use memo::Memo;
use trees::Trees;

/// A subject on an engine: what everything here works with.
pub(crate) struct Lab {
    pub(crate) run: Run,
    pub(crate) subject: Subject,
    images: Images,
    trees: Trees,
    memo: Memo,
}

impl Lab {
    /// With the images that have been built so far.
    pub(crate) fn new(run: Run, subject: Subject, images: Images) -> Self {
        Self { run, subject, images, trees: Trees::default(), memo: Memo::default() }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.run.engine()
    }

    /// A role that is on.
    pub(crate) fn role(&self, name: &str) -> Attempt<&RoleSubject> {
        self.subject.role(name).ok_or_else(|| Obstacle::off(format!("the role {name} is off")))
    }

    /// The role's own image.
    pub(crate) fn image(&self, role: &str) -> Attempt<&ImageInfo> {
        self.images.own(role).map_err(Obstacle::Off)
    }

    /// The image that the role's container runs; the same but for build.
    pub(crate) fn container_image(&self, role: &str) -> Attempt<&ImageInfo> {
        self.images.container(role).map_err(Obstacle::Off)
    }

    /// All files of an image with the hashes of their contents; read once.
    pub(crate) async fn tree(&self, image: &str) -> Result<Arc<FileTree>> {
        self.trees.of(&self.run, image, &self.images.all()).await
    }

    /// How long a container may take to answer.
    pub(crate) fn patience(&self) -> Duration {
        self.subject.project.verify.timeout()
    }

    /// A fact that several questions share, by its type; `find` finds it out if nobody has yet.
    pub(crate) fn fact<T, E>(&self, find: impl Future<Output = Result<T, E>>) -> impl Future<Output = Result<Arc<T>, E>>
    where
        T: Send + Sync + 'static,
    {
        self.memo.get(find)
    }

    /// A fact that has been found out.
    pub(crate) fn known<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.memo.known()
    }
}
