//! The images that a project does not build: where its files name them.

use std::collections::BTreeSet;

use super::{RoleSubject, Subject, Target};

/// The build argument that names another frontend (docs.docker.com, "Custom Dockerfile syntax").
const FRONTEND: &str = "BUILDKIT_SYNTAX";

/// An image that the project does not build, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExternalImage {
    /// As the user knows it.
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) image: String,
}

/// Every external image that a role's stage, or a service that the role depends on, is made of; in order of place.
pub(crate) fn outside(subject: &Subject) -> BTreeSet<ExternalImage> {
    let mut found = BTreeSet::new();
    for role in &subject.roles {
        for target in role.targets() {
            found.extend(of_target(subject, role, target));
        }
        found.extend(depended_on(subject, role));
    }
    found
}

/// The images that read the Dockerfiles: by the `syntax` directive, or by the build argument that stands for it.
pub(crate) fn frontends(subject: &Subject) -> BTreeSet<ExternalImage> {
    let targets = subject.roles.iter().flat_map(|role| {
        let service = subject.service(role);
        role.targets().map(move |target| (service, target))
    });
    let named = targets.filter_map(|(service, target)| {
        if let Some(image) = target.args.get(FRONTEND) {
            let place = service.at(&format!("build.args.{FRONTEND}"));
            return Some(ExternalImage { file: subject.shown(&place.file), line: place.line, image: image.clone() });
        }
        let (image, line) = target.dockerfile.syntax()?;
        Some(ExternalImage { file: target.file.clone(), line, image: image.to_owned() })
    });
    named.collect()
}

fn of_target(subject: &Subject, role: &RoleSubject, target: &Target) -> Vec<ExternalImage> {
    let service = subject.service(role);
    let contexts = service.build.as_ref().map(|build| &build.additional_contexts);
    let mut found = Vec::new();
    for outside in target.dockerfile.outside_images(target.stage) {
        // FROM alone knows variables.
        let from = outside.line == target.dockerfile.stages[outside.stage].line;
        let image = if from { target.named(&outside.raw) } else { outside.image };
        match contexts.and_then(|contexts| contexts.get(&image)) {
            None => found.push(ExternalImage { file: target.file.clone(), line: outside.line, image }),
            Some(context) => {
                if let Some(image) = context.strip_prefix("docker-image://") {
                    let line = service.at("build.additional_contexts").line;
                    found.push(ExternalImage { file: subject.compose_file(), line, image: image.to_owned() });
                }
            }
        }
    }
    found
}

/// The images of services that are no role's and that a role's service waits for.
fn depended_on(subject: &Subject, role: &RoleSubject) -> Vec<ExternalImage> {
    let named = std::iter::once(subject.service(role)).chain(subject.around([role]));
    let named = named.filter(|service| service.build.is_none());
    let external = named.filter_map(|service| {
        let place = service.at("image");
        Some(ExternalImage { file: subject.shown(&place.file), line: place.line, image: service.image.clone()? })
    });
    external.collect()
}
