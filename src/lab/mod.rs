//! What can be done with a subject on an engine: build it, start a role's container, edit, ask and stop it, build it again
//! under other circumstances, and look into what came out.
//!
//! Nothing here knows a contract or a verdict. What cannot be done is an [`Obstacle`]; what that means is up to who asked.

pub(crate) mod afoot;
pub(crate) mod at_work;
mod beneath;
pub(crate) mod blame;
pub(crate) mod bulk;
pub(crate) mod change;
pub(crate) mod checkout;
mod circumstances;
pub(crate) mod command;
pub(crate) mod dated;
pub(crate) mod ending;
pub(crate) mod fetched;
mod freeze;
pub(crate) mod halves;
pub(crate) mod hardened;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod identity;
pub(crate) mod images;
pub(crate) mod inject;
pub(crate) mod injected;
mod injection;
pub(crate) mod leavings;
pub(crate) mod lineage;
pub(crate) mod listeners;
pub(crate) mod live;
mod memo;
pub(crate) mod mount;
pub(crate) mod neighbours;
mod obstacle;
pub(crate) mod pace;
pub(crate) mod ports;
pub(crate) mod probe;
pub(crate) mod proc;
pub(crate) mod processes;
pub(crate) mod rebuild;
pub(crate) mod rights;
mod scene;
pub(crate) mod servers;
pub(crate) mod spec;
mod start;
pub(crate) mod suite;
mod summary;
pub(crate) mod taint;
pub(crate) mod tools;
pub(crate) mod tracer;
mod trees;
pub(crate) mod versioned;
pub(crate) mod way;
pub(crate) mod workcopy;
pub(crate) mod written;

pub(crate) use change::changes;
pub(crate) use freeze::{Frozen, freeze, freeze_some, is_at_hand};
pub(crate) use images::RoleImages;
pub(crate) use injection::Injection;
pub(crate) use obstacle::{Attempt, Obstacle, Reason, if_possible};
pub(crate) use scene::Scene;
pub(crate) use workcopy::WorkCopy;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, EngineRun, FileTree, ImageInfo};
use crate::error::Result;
use crate::stacks::Stack;
use crate::subject::{RoleSubject, Subject};
use bulk::Bulk;
use fetched::Fetched;
use memo::Memo;
use trees::Trees;

/// A subject on an engine: what everything here works with.
pub(crate) struct Lab {
    pub(crate) run: EngineRun,
    pub(crate) subject: Subject,
    /// What compose.yaml interpolates.
    env: BTreeMap<String, String>,
    images: RoleImages,
    /// What copies of the project do without.
    bulk: Arc<Bulk>,
    trees: Trees,
    memo: Memo,
    pub(crate) fetched: Fetched,
}

impl Lab {
    /// With the images that have been built so far.
    pub(crate) fn new(run: EngineRun, subject: Subject, images: RoleImages, env: BTreeMap<String, String>) -> Self {
        let (trees, memo, fetched) = (Trees::default(), Memo::default(), Fetched::default());
        Self { run, subject, env, images, bulk: Arc::default(), trees, memo, fetched }
    }

    /// The same, whose copies do without some of the project.
    pub(crate) fn without(mut self, bulk: Arc<Bulk>) -> Self {
        self.bulk = bulk;
        self
    }

    /// The same, with what was got for services that are no role's.
    pub(crate) fn with(mut self, fetched: Fetched) -> Self {
        self.fetched = fetched;
        self
    }

    /// A fresh copy of the project.
    pub(crate) fn copy(&self) -> Result<WorkCopy> {
        WorkCopy::of(&self.subject.folder, self.bulk.clone())
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.run.engine()
    }

    /// A role that is on.
    pub(crate) fn role(&self, name: &str) -> Attempt<&RoleSubject> {
        self.subject.role(name).ok_or_else(|| Obstacle::off(self.subject.why_off(name)))
    }

    /// What is known of the project's stack; `what` is what cannot be seen without it, as a clause.
    pub(crate) fn stack(&self, what: &str) -> Attempt<&Stack> {
        self.subject.project.stack.as_deref().ok_or_else(|| Obstacle::Undeclared {
            why: format!("[service] names no stack, so dockwright does not know {what}"),
            hint: "give [service] in dockwright.toml the `stack` that the service is written in".to_owned(),
        })
    }

    /// The role's own image.
    pub(crate) fn image(&self, role: &str) -> Attempt<&ImageInfo> {
        self.images.own(role).map_err(|why| self.off(role, why))
    }

    /// The image that the role's container runs; the same but for build.
    pub(crate) fn container_image(&self, role: &str) -> Attempt<&ImageInfo> {
        self.images.container(role).map_err(|why| self.off(role, why))
    }

    /// Why there is no image of a role: it is off, for a reason, or it did not build.
    fn off(&self, role: &str, why: String) -> Obstacle {
        match self.images.unreached() {
            _ if self.subject.role(role).is_none() => Obstacle::off(self.subject.why_off(role)),
            // That is nobody's fault who could be told of another contract.
            Some(words) => Reason::new(format!("{why}: {words}")).unseen(),
            None => Obstacle::off(why),
        }
    }

    /// Of the images that did not build, the one with the first failing instruction.
    pub(crate) fn failed(&self) -> Option<&images::FailedBuild> {
        self.images.failed.as_ref()
    }

    /// All files of an image with the hashes of their contents; read once.
    pub(crate) async fn tree(&self, image: &str) -> Result<Arc<FileTree>> {
        self.trees.of(&self.run, image, &self.images.all()).await
    }

    /// Which of an image's layers was the last to change a path.
    pub(crate) async fn last_change(&self, image: &ImageInfo, path: &str) -> Option<usize> {
        self.tree(&image.id).await.ok()?;
        self.trees.last_change(image, path).await
    }

    /// Whether an answer to the health path says that the service is well. Where a service of the user's own declares no such
    /// path, any answer does that is not an error of the server.
    pub(crate) fn is_well(&self, answer: &http::Answer) -> bool {
        let project = &self.subject.project;
        let undeclared = project.verify.health.is_none() && !project.is_starter();
        answer.ok() || undeclared && answer.status < 500
    }

    /// The platform of containers that name none.
    pub(crate) fn default_platform(&self) -> Option<String> {
        self.subject.compose.default_platform.clone()
    }

    /// How long a container may take to answer, on a [`pace::Watch`].
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
