//! dev: production's runtime on the mounted source.

use askama::Template;

use super::escape as filters;
use super::{Role, Stage, View};

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
#[template(path = "runtime.Dockerfile")]
struct RuntimeStage<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "dev.Dockerfile")]
struct DevStage<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "dev.compose.yaml")]
struct DevService<'a> {
    v: &'a View,
}

fn stages(v: &View) -> Vec<Stage> {
    vec![
        Stage::new("runtime", &[], &super::text(&RuntimeStage { v })),
        Stage::new("dev", &["runtime"], &super::text(&DevStage { v })),
    ]
}

fn services(v: &View) -> Vec<String> {
    vec![super::text(&DevService { v })]
}
