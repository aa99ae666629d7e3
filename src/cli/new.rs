//! `dockwright new`: a service in a new folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Args, CodeArg, LayoutArg, NewArgs};
use crate::error::{Error, Result};
use crate::project::{
    Code, Description, DevTool, ExecCommand, FILE, Layout, PortNumber, Project, ProjectPath, Reload, ServiceName,
    ToolName, UrlPath,
};
use crate::render;
use crate::stacks::{self, Choice};
use crate::ui::{BOLD, Format, Ui};
use crate::write;

/// The name that stands for the folder that somebody is in.
const HERE: &str = ".";

pub(super) fn run(ui: &Ui, args: &Args, options: &NewArgs) -> Result<u8> {
    let (here, into) = (Path::new(HERE), &options.into);
    let into = match (args.project == here, into == here) {
        (true, _) => into.clone(),
        (_, true) => args.project.clone(),
        _ => args.project.join(into),
    };
    let (name, target) = named(ui, options, &into)?;
    let starters: Vec<&str> = stacks::starters().collect();
    let stack = match &options.stack {
        Some(stack) => stack.clone(),
        None => asked(ui, &format!("Which stack is it written in ({})?", starters.join(", ")), "--stack STACK")?,
    };
    write(ui, options, &describe(options, &name, &stack)?, &target)
}

/// A new service of a stack in a folder that is empty, or has only a repository of git.
pub(super) fn in_folder(ui: &Ui, folder: &Path, stack: &str, dry_run: bool) -> Result<u8> {
    let options = NewArgs {
        name: Some(HERE.to_owned()),
        stack: Some(stack.to_owned()),
        manager: None,
        layout: LayoutArg::Single,
        code: CodeArg::Image,
        port: None,
        no_dev_tools: false,
        into: folder.to_owned(),
        dry_run,
    };
    write(ui, &options, &describe(&options, &name_of(folder)?, stack)?, folder)
}

fn write(ui: &Ui, options: &NewArgs, project: &Project, target: &Path) -> Result<u8> {
    let here = is_here(options);
    let files = render::new_service(project);
    match (options.dry_run, here) {
        (true, true) => write::check_empty(target)?,
        (true, false) => write::check_new_tree(target)?,
        (false, true) => {
            write::check_empty(target)?;
            write::add_files(target, &files)?;
        }
        (false, false) => write::new_tree(target, &files)?,
    }
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    if ui.format == Format::Json {
        ui.json(&json!({ "schema": 1, "folder": target, "written": !options.dry_run, "files": paths }));
        return Ok(0);
    }
    for path in &paths {
        let file = if here { PathBuf::from(path) } else { target.join(path) };
        ui.out(&format!("{}\n", file.display()));
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

/// Whether the folder itself is meant.
fn is_here(options: &NewArgs) -> bool {
    options.name.as_deref().is_some_and(|name| name == HERE || name == "./")
}

/// The service's name, and its folder.
fn named(ui: &Ui, options: &NewArgs, into: &Path) -> Result<(String, PathBuf)> {
    if is_here(options) {
        return Ok((name_of(into)?, into.to_owned()));
    }
    let name = match &options.name {
        Some(name) => name.clone(),
        None => asked(ui, "What is the service called?", "NAME")?,
    };
    let target = into.join(&name);
    Ok((name, target))
}

/// The name of a service that is in a folder.
fn name_of(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize().map_err(|error| Error::io("cannot find", folder, error))?;
    let name = ServiceName::plain(&folder.file_name().unwrap_or_default().to_string_lossy(), usize::MAX);
    if name.is_empty() {
        return Err(Error::usage(format!("{} has no name that a service could have", folder.display()))
            .hint("name it: `dockwright new NAME --stack STACK`"));
    }
    Ok(name)
}

/// What somebody answers; where nobody can be asked, the argument is missing.
fn asked(ui: &Ui, question: &str, argument: &str) -> Result<String> {
    let missing = || {
        Error::usage(format!("`dockwright new` needs {argument}")).hint(format!(
            "name both, as in `dockwright new orders --stack {}`",
            stacks::starters().next().unwrap_or_default()
        ))
    };
    if !ui.can_ask() {
        return Err(missing());
    }
    Some(ui.asks(question)).filter(|answer| !answer.is_empty()).ok_or_else(missing)
}

/// The new service: the stack's defaults, what the starter tells verification, and what the arguments say.
fn describe(options: &NewArgs, name: &str, stack: &str) -> Result<Project> {
    let stacks = stacks::embedded();
    let known = stacks.options(stack).map_err(|error| Error::usage(error.message().to_owned()))?;
    let reserved: Vec<&str> = known.reserved.iter().map(String::as_str).collect();
    let name = ServiceName::parse(name, &reserved)?;
    let manager = options.manager.as_deref();
    if let Some(manager) = manager.filter(|manager| !known.managers.iter().any(|known| known == manager)) {
        return Err(Error::usage(format!("the stack {stack} has no package manager `{manager}`"))
            .hint(format!("it has {}", known.managers.join(", "))));
    }
    let choice = Choice { stack, manager, name: name.as_str(), ..Choice::default() };
    let resolved = stacks.resolve(&choice)?;

    let mut new = Description::starter(name, stack);
    new.service.manager.clone_from(&options.manager);
    new.service.port = options.port.map(|port| PortNumber::new(port.into())).transpose()?;
    new.service.layout = if options.layout == LayoutArg::PerRole { Layout::PerRole } else { Layout::Single };
    new.roles.service.code = if options.code == CodeArg::Mounted { Code::Mounted } else { Code::Image };
    new.roles.dev_tools.enabled = !options.no_dev_tools;
    if !options.no_dev_tools {
        new.roles.dev_tools.tools = tools(&resolved.dev_tools.tools)?;
        new.roles.dev_tools.work = tools(&resolved.dev_tools.work)?;
    }
    let probe = &resolved.verify.reload;
    new.verify.health = Some(UrlPath::parse(&resolved.verify.health)?);
    new.verify.slow = Some(UrlPath::parse(&resolved.verify.slow)?);
    let (path, file) = (UrlPath::parse(&probe.path)?, ProjectPath::parse(&probe.file)?);
    new.verify.reload = Some(Reload { path, file, text: probe.text.clone() });
    // Read back, as every command after this one reads it.
    Project::parse(&new.to_toml(), Path::new(FILE), stacks)
}

fn tools(commands: &BTreeMap<String, Vec<String>>) -> Result<Vec<DevTool>> {
    let tool = |(name, command): (&String, &Vec<String>)| {
        Ok(DevTool { name: ToolName::parse(name)?, command: ExecCommand::parse(command.clone())? })
    };
    commands.iter().map(tool).collect()
}
