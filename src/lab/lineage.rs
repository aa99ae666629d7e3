//! What images are made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Lab;
use super::images::build_in;
use super::obstacle::{Attempt, Reason};
use crate::dockerfile;
use crate::engine::{BuildContext, FileTree, ImageInfo};
use crate::subject::{RoleSubject, Target};

/// The files of the outside image that a role's stage starts from; none for scratch.
pub(crate) async fn base_tree(lab: &Lab, role: &RoleSubject) -> Attempt<Option<Arc<FileTree>>> {
    Ok(match base_of(lab, role).await? {
        Some(base) => Some(lab.tree(&base.id).await?),
        None => None,
    })
}

/// The outside image that a role's stage starts from; none for scratch.
pub(crate) async fn base_of(lab: &Lab, role: &RoleSubject) -> Attempt<Option<ImageInfo>> {
    base_of_target(lab, &role.target).await
}

/// The outside image that a stage starts from; none for scratch.
pub(crate) async fn base_of_target(lab: &Lab, target: &Target) -> Attempt<Option<ImageInfo>> {
    let Some(base) = target.base_image() else { return Ok(None) };
    if lab.engine().image_exists(&base).await? {
        return Ok(Some(lab.engine().image(&base).await?));
    }
    // The engine's builder may have it without the engine having it by name.
    let text = format!("FROM {base}\n");
    let target =
        Target { stage: 0, dockerfile: Arc::new(dockerfile::parse(&text, "Dockerfile".as_ref())?), ..target.clone() };
    match build_in(&lab.run, &BuildContext::empty(), &target, text, target.args.clone(), "base").await? {
        Ok(image) => Ok(Some(image)),
        Err(why) => Err(Reason::new(format!("what the base image {base} brings cannot be seen: {why}")).unseen()),
    }
}

/// How the service is made from what only the build has, and the line that says so: from a stage of the build that dev
/// is not made from, or from the build's outside image.
pub(crate) fn made_from_build(lab: &Lab) -> Option<(String, usize)> {
    let service = lab.subject.role("service")?;
    let build = lab.subject.role("build")?;
    let build = build.own.as_ref().unwrap_or(&build.target);
    let dev = &lab.subject.role("dev")?.target;
    let names = |target: &Target| -> BTreeSet<String> {
        let chain = target.dockerfile.ancestry(target.stage);
        chain
            .iter()
            .filter_map(|stage| target.dockerfile.stages[*stage].name.as_ref())
            .map(|name| name.to_lowercase())
            .collect()
    };
    let (of_build, of_dev) = (names(build), names(dev));
    let dockerfile = &service.target.dockerfile;
    let chain = dockerfile.ancestry(service.target.stage);
    let of_others = chain.windows(2).find_map(|pair| {
        let name = dockerfile.stages[pair[1]].name.as_ref()?;
        let lower = name.to_lowercase();
        let only = of_build.contains(&lower) && !of_dev.contains(&lower);
        only.then(|| (format!("the stage {name}"), dockerfile.stages[pair[0]].line))
    });
    of_others.or_else(|| {
        let first = *chain.last()?;
        let image = service.target.base_image()?;
        let only = build.base_image().as_ref() == Some(&image) && dev.base_image().as_ref() != Some(&image);
        only.then(|| (format!("the build's image {image}"), dockerfile.stages[first].line))
    })
}

/// Whether an installation's image is the service's and more.
pub(crate) fn is_of_service(lab: &Lab, role: &RoleSubject, image: &ImageInfo, service: &ImageInfo) -> Attempt<bool> {
    Ok(image.layers.starts_with(&service.layers) && !role.target.is_beside(&lab.role("service")?.target))
}
