//! The service image that takes in what the mounted builder makes, beside the usual one.

use std::sync::Arc;

use super::Lab;
use super::change::{Change, changes};
use super::inject;
use super::injection::Injection;
use super::obstacle::{Attempt, Obstacle};
use crate::project::Code;

/// How the service image that takes in the mounted builder's output differs from the usual one.
pub(crate) struct Injected {
    pub(crate) changes: Vec<Change>,
    /// Whether the image's configuration is another.
    pub(crate) config: bool,
    /// How many files were compared.
    pub(crate) files: usize,
}

impl Injected {
    pub(crate) fn is_same(&self) -> bool {
        self.changes.is_empty() && !self.config
    }
}

/// Builds on a mounted copy of the source, injects the output, and compares.
pub(crate) async fn injected(lab: &Lab) -> Attempt<Arc<Injected>> {
    lab.fact(find(lab)).await
}

async fn find(lab: &Lab) -> Attempt<Injected> {
    lab.role("service")?;
    let build = lab.role("build")?;
    if lab.subject.project.roles.service.code == Code::Mounted {
        return Err(Obstacle::off("the service's code is mounted, so nothing is injected into its image"));
    }
    let image = lab.image("service")?;
    lab.image("build")?;
    let Some(injection) = Injection::of(&lab.subject) else {
        let stage = build.own.as_ref().unwrap_or(&build.target).stage_name();
        return Err(Obstacle::off(format!("the service stage copies nothing from the stage {stage}")));
    };
    let places = injection.destinations(&image.config.working_dir);
    let (injected, base) = inject::on_a_copy(lab, &injection).await?;
    let (expected, found) = (lab.tree(&image.id).await?, lab.tree(&injected.id).await?);
    let mut changes = changes(&expected, &found);
    if !changes.is_empty() {
        // An engine that has built the same instruction twice may have used the other result for the base: what
        // stands there beside the output is not the mount's doing.
        let base = lab.tree(&base.id).await?;
        let is_base = |path: &str| {
            let beside = !places.iter().any(|place| found.under(place).any(|(inside, _)| inside == path));
            let entry = found.files.get(path);
            beside && expected.files.contains_key(path) && entry.is_some() && entry == base.files.get(path)
        };
        changes.retain(|change| !is_base(&change.path));
    }
    Ok(Injected { changes, config: injected.config != image.config, files: expected.files.len() })
}
