//! dev: production's runtime on the mounted source.

use askama::Template;

use super::escape as filters;
use super::{Role, Stage, View};

pub(super) const ROLE: Role = Role {
    name: "dev",
    summary: "Production's runtime and dependencies on the mounted source, reloaded on change.",
    about: "Simulates production: the service's base image and production dependencies, no development tool. \
            The code comes by a bind mount and is reloaded when it changes; what the container writes there \
            belongs to whoever owns the folder. A compiled stack's dev has no compiler: it runs the binary that \
            the builder beside it puts into a shared volume, and restarts it when that changes.",
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
