//! build: makes the artefact.

use askama::Template;

use super::escape as filters;
use super::view::helpers;
use super::{RenderedStage, Role, View};

pub(super) const ROLE: Role = Role {
    name: "build",
    summary: "dev plus build dependencies; builds the code that the service ships into /out.",
    about: "dev's production dependencies and base release, plus build dependencies. The source is copied in while \
            the image is built, or mounted into a running builder. Either way the artefact is in /out, and the \
            service container gets it from there. build knows no deployment's environment.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "builder.Dockerfile")]
struct BuilderStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "build.Dockerfile")]
struct BuildStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "build.compose.yaml")]
struct BuildService<'a> {
    v: &'a View<'a>,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    let base: &[&str] = if v.facts.own_toolchain { &[] } else { &["dev"] };
    let builder = RenderedStage::new("builder", base, &super::text(&BuilderStage { v }));
    vec![
        builder.and(helpers(&v.dependencies.build)),
        RenderedStage::new("build", &["builder"], &super::text(&BuildStage { v })),
    ]
}

fn services(v: &View<'_>) -> Vec<String> {
    vec![super::text(&BuildService { v })]
}
