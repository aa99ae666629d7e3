//! `dockwright new`: a service in a new folder.

use serde_json::json;

use super::args::{CodeArg, LayoutArg, NewArgs};
use crate::error::{Error, Result};
use crate::project::{
    Code, Command, Layout, Port, Project, ProjectPath, Reload, ServiceName, Tool, ToolName, UrlPath, known_stacks,
};
use crate::render;
use crate::stacks;
use crate::ui::{BOLD, Format, Ui};
use crate::write;

pub(super) fn run(ui: &Ui, options: &NewArgs) -> Result<u8> {
    let project = describe(options)?;
    let target = options.into.join(&options.name);
    let files = render::new_service(&project);
    if options.dry_run {
        write::check_new_tree(&target)?;
    } else {
        write::new_tree(&target, &files)?;
    }
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    if ui.format == Format::Json {
        ui.json(&json!({ "schema": 1, "folder": target, "written": !options.dry_run, "files": paths }));
        return Ok(0);
    }
    for path in &paths {
        ui.out(&format!("{}\n", target.join(path).display()));
    }
    let shown = target.display();
    ui.say(&if options.dry_run {
        format!("Would write {} files into {shown}.\n", paths.len())
    } else {
        format!(
            "Wrote {} files into {shown}. Next:\n  {BOLD}cd {shown}{BOLD:#}\n  {BOLD}docker compose up{BOLD:#}  \
             (dev, which reloads on every change)\n  {BOLD}dockwright verify{BOLD:#}  (does every role keep its promises?)\n",
            paths.len()
        )
    });
    Ok(0)
}

/// The description of the new service: the stack's defaults, what verification must know of the starter, and
/// what the arguments say.
fn describe(options: &NewArgs) -> Result<Project> {
    let facts = known_stacks().iter().find(|facts| facts.name == options.stack);
    let stack = stacks::find(&options.stack);
    let (Some(facts), Some(stack)) = (facts, stack) else {
        return Err(Error::usage(format!("there is no stack `{}`", options.stack))
            .hint(format!("the stacks are {}", stacks::NAMES.join(", "))));
    };
    let name = ServiceName::parse(&options.name, facts.reserved)?;
    let mut project = Project::starter(name.clone(), &options.stack);
    if let Some(manager) = &options.manager {
        if !facts.managers.contains(&manager.as_str()) {
            return Err(Error::usage(format!("the stack {} has no package manager `{manager}`", options.stack))
                .hint(format!("it has {}", facts.managers.join(", "))));
        }
        project.service.manager = Some(manager.clone());
    }
    project.service.port = options.port.map(|port| Port::new(port.into())).transpose()?;
    project.service.layout = if options.layout == LayoutArg::PerRole { Layout::PerRole } else { Layout::Single };
    project.roles.service.code = if options.code == CodeArg::Mounted { Code::Mounted } else { Code::Image };
    project.roles.dev_tools.enabled = !options.no_dev_tools;
    if !options.no_dev_tools {
        for (tool, shows) in &stack.dev_tools.tools {
            let (name, shows) = (ToolName::parse(tool)?, Command::parse(shows.clone())?);
            project.roles.dev_tools.tools.push(Tool { name, shows });
        }
    }
    let probe = &stack.verify.reload;
    let file = probe.file.replace("@module@", &name.as_str().replace('-', "_")).replace("@name@", name.as_str());
    project.verify.health = Some(UrlPath::parse(&stack.verify.health)?);
    project.verify.slow = Some(UrlPath::parse(&stack.verify.slow)?);
    project.verify.reload =
        Some(Reload { path: UrlPath::parse(&probe.path)?, file: ProjectPath::parse(&file)?, text: probe.text.clone() });
    Ok(project)
}
