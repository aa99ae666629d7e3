//! service: what ships.

use askama::Template;

use super::escape as filters;
use super::{RenderedStage, Role, View};

pub(super) const ROLE: Role = Role {
    name: "service",
    summary: "What goes to production, without the deployment's environment.",
    about: "The production runtime with the built code. It runs as a user other than root on a read-only root, and \
            contains no build dependency and no deployment's value. It answers on the port that PORT names, finishes \
            open requests and exits with 0 on its stop signal, and reports its health by a healthcheck.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "service.Dockerfile")]
struct ServiceStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "service.compose.yaml")]
struct ServiceService<'a> {
    v: &'a View<'a>,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    let needs: &[&str] = if v.facts.code_mounted { &["runtime"] } else { &["runtime", "build"] };
    vec![RenderedStage::new("service", needs, &super::text(&ServiceStage { v }))]
}

fn services(v: &View<'_>) -> Vec<String> {
    vec![super::text(&ServiceService { v })]
}
