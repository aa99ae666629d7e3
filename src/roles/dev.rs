//! dev: production's runtime on the mounted source.

use askama::Template;

use super::escape as filters;
use super::view::helpers;
use super::{RenderedStage, Role, View};
use crate::stacks::StageStep;

pub(super) const ROLE: Role = Role {
    name: "dev",
    summary: "The production runtime and its dependencies on the mounted source, reloaded on change.",
    about: "Simulates production: the service's base image and production dependencies, and no development tool. \
            The code comes from a bind mount and is reloaded when it changes. What the container writes there \
            belongs to the owner of the folder. In a compiled stack, dev has no compiler: it runs the binary that \
            the builder beside it puts into a shared volume, and restarts it when the binary changes.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "helper.Dockerfile")]
struct HelperStage<'a> {
    v: &'a View<'a>,
    name: &'a str,
    step: &'a StageStep,
}

#[derive(Template)]
#[template(path = "runtime.Dockerfile")]
struct RuntimeStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "dev.Dockerfile")]
struct DevStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "dev.compose.yaml")]
struct DevService<'a> {
    v: &'a View<'a>,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    let helper = |(name, step): &(&String, &StageStep)| {
        RenderedStage::new(name, &[], &super::text(&HelperStage { v, name, step }))
    };
    let mut stages: Vec<RenderedStage> = v.helpers.iter().map(helper).collect();
    let runtime = RenderedStage::new("runtime", &[], &super::text(&RuntimeStage { v }));
    stages.push(runtime.and(helpers(&v.dependencies.production)));
    stages.push(RenderedStage::new("dev", &["runtime"], &super::text(&DevStage { v })));
    stages
}

fn services(v: &View<'_>) -> Vec<String> {
    vec![super::text(&DevService { v })]
}
