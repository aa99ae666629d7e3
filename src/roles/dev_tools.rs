//! dev-tools: for those who develop inside a container.

use askama::Template;

use super::escape as filters;
use super::{RenderedStage, Role, View};

pub(super) const ROLE: Role = Role {
    name: "dev-tools",
    summary: "Optional: linters, formatters, debuggers and editor servers on the source that dev mounts.",
    about: "For people who develop inside containers: the declared tools, and a home folder that editors can install \
            their servers into. It mounts the same source at the same place as dev, publishes no port and has a \
            profile of its own. If you edit on the host, turn it off: `[roles.dev-tools] enabled = false`.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "dev-tools.Dockerfile")]
struct DevToolsStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "dev-tools.compose.yaml")]
struct DevToolsService<'a> {
    v: &'a View<'a>,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    if !v.facts.dev_tools {
        return Vec::new();
    }
    let base = if v.facts.own_toolchain { "builder" } else { "dev" };
    vec![RenderedStage::new("dev-tools", &[base], &super::text(&DevToolsStage { v }))]
}

fn services(v: &View<'_>) -> Vec<String> {
    if !v.facts.dev_tools {
        return Vec::new();
    }
    vec![super::text(&DevToolsService { v })]
}
