//! `dockwright new`: a service in a new folder.

use std::path::Path;

use serde_json::json;

use super::args::{CodeArg, LayoutArg, NewArgs};
use crate::error::{Error, Result};
use crate::project::{
    Code, Command, Description, FILE, Layout, Port, Project, ProjectPath, Reload, ServiceName, Tool, ToolName, UrlPath,
};
use crate::render;
use crate::stacks::{self, Choice};
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

/// The new service: the stack's defaults, what the starter tells verification, and what the arguments say.
fn describe(options: &NewArgs) -> Result<Project> {
    let stacks = stacks::embedded();
    let known = stacks.options(&options.stack).map_err(|error| Error::usage(error.message().to_owned()))?;
    let reserved: Vec<&str> = known.reserved.iter().map(String::as_str).collect();
    let name = ServiceName::parse(&options.name, &reserved)?;
    let manager = options.manager.as_deref();
    if let Some(manager) = manager.filter(|manager| !known.managers.iter().any(|known| known == manager)) {
        return Err(Error::usage(format!("the stack {} has no package manager `{manager}`", options.stack))
            .hint(format!("it has {}", known.managers.join(", "))));
    }
    let choice = Choice { stack: &options.stack, manager, name: name.as_str(), ..Choice::default() };
    let stack = stacks.resolve(&choice)?;

    let mut new = Description::starter(name, &options.stack);
    new.service.manager.clone_from(&options.manager);
    new.service.port = options.port.map(|port| Port::new(port.into())).transpose()?;
    new.service.layout = if options.layout == LayoutArg::PerRole { Layout::PerRole } else { Layout::Single };
    new.roles.service.code = if options.code == CodeArg::Mounted { Code::Mounted } else { Code::Image };
    new.roles.dev_tools.enabled = !options.no_dev_tools;
    if !options.no_dev_tools {
        for (tool, shows) in &stack.dev_tools.tools {
            let (name, shows) = (ToolName::parse(tool)?, Command::parse(shows.clone())?);
            new.roles.dev_tools.tools.push(Tool { name, shows });
        }
    }
    let probe = &stack.verify.reload;
    new.verify.health = Some(UrlPath::parse(&stack.verify.health)?);
    new.verify.slow = Some(UrlPath::parse(&stack.verify.slow)?);
    let (path, file) = (UrlPath::parse(&probe.path)?, ProjectPath::parse(&probe.file)?);
    new.verify.reload = Some(Reload { path, file, text: probe.text.clone() });
    // Read back, as every command after this one reads it.
    Project::parse(&new.to_toml(), Path::new(FILE), stacks)
}
