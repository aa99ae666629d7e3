//! dev-tools: for those who develop inside a container.

use askama::Template;

use super::escape as filters;
use super::{Role, Stage, View};

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
    v: &'a View,
}

#[derive(Template)]
#[template(path = "dev-tools.compose.yaml")]
struct DevToolsService<'a> {
    v: &'a View,
}

fn stages(v: &View) -> Vec<Stage> {
    if !v.dev_tools_enabled {
        return Vec::new();
    }
    let base = if v.compiled { "builder" } else { "dev" };
    vec![Stage::new("dev-tools", &[base], &super::text(&DevToolsStage { v }))]
}

fn services(v: &View) -> Vec<String> {
    if !v.dev_tools_enabled {
        return Vec::new();
    }
    vec![super::text(&DevToolsService { v })]
}
