//! installation: one deployment's immutable release.

use askama::Template;

use super::escape as filters;
use super::view::DeploymentView;
use super::{RenderedStage, Role, View};

pub(super) const ROLE: Role = Role {
    name: "installation",
    summary: "service plus one deployment's environment: an immutable release.",
    about: "The service image and one deployment's configuration, and nothing else: FROM service and ENV lines, one \
            stage per deployment. The first deployment's stage is `installation`, the others are \
            `installation-NAME`. Secrets are references to files that the deployment mounts, never values.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "installation.Dockerfile")]
struct InstallationStage<'a> {
    v: &'a View<'a>,
    d: &'a DeploymentView,
}

#[derive(Template)]
#[template(path = "installation.compose.yaml")]
struct InstallationService<'a> {
    v: &'a View<'a>,
    d: &'a DeploymentView,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    let stage =
        |d: &DeploymentView| RenderedStage::new(&d.stage, &["service"], &super::text(&InstallationStage { v, d }));
    v.deployments.iter().map(stage).collect()
}

fn services(v: &View<'_>) -> Vec<String> {
    v.deployments.iter().map(|d| super::text(&InstallationService { v, d })).collect()
}
