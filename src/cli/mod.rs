//! The command line: arguments here, one file per command beside.

mod admin;
mod adopt;
mod args;
mod build;
mod engine;
mod explain;
mod init;
mod new;
mod passes;
mod pin;
mod reports;
mod scope;
mod show;
mod trust;
mod verify;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::error::{Error, ErrorKind, Result};
use crate::project::Project;
use crate::text::Bounds;
use crate::ui::{Format, Ui};
use crate::verify::{Redactor, named_below};

pub use args::{Args, CliCommand};

/// Runs the command line and returns the exit code: 0 ok, 1 a contract failed, 2 usage or
/// description, 3 engine, 4 inconclusive under `--strict`, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // clap's own: help and version go to stdout with 0, mistakes to stderr with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(ErrorKind::Usage.exit_code()));
        }
    };
    let ui = Ui { format: if args.json() { Format::Json } else { Format::Human } };
    match dispatch(&ui, &args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let error = told(&args, error);
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn dispatch(ui: &Ui, args: &Args) -> Result<u8> {
    let everywhere = matches!(args.format, args::FormatArg::Human | args::FormatArg::Json);
    if !everywhere && !matches!(args.command, CliCommand::Verify(_)) {
        return Err(Error::usage("only `dockwright verify` has this format").hint("use `--format json`"));
    }
    match &args.command {
        CliCommand::New(options) => new::run(ui, args, options),
        CliCommand::Init(options) => init::run(ui, args, options),
        CliCommand::Show(options) => show::run(ui, args, options),
        CliCommand::Verify(options) => Ok(verify::run(ui, args, options)),
        CliCommand::Build(options) => build::run(ui, args, options),
        CliCommand::Doctor => engine::doctor(ui),
        CliCommand::Clean(options) => engine::clean(ui, options),
        CliCommand::Explain(options) => explain::run(ui, options),
        CliCommand::Pin(options) => pin::run(ui, args, options),
        CliCommand::Completions(options) => {
            admin::completions(ui, options);
            Ok(0)
        }
        CliCommand::Man => admin::man(ui),
    }
}

/// The description of the project that the command is about.
fn project(args: &Args) -> Result<Project> {
    Project::read(&args.project, crate::stacks::embedded())
}

/// An error as it may be told: without values of this environment, and without what stands in files of the host that the
/// project only points to.
fn told(args: &Args, error: Error) -> Error {
    let home = std::env::home_dir();
    let bounds = Bounds::of(&args.project, home.as_deref());
    let is_outside = error.location().is_some_and(|at| at.line.is_some() && !bounds.hold(&args.project.join(&at.file)));
    let is_users = error.location().is_some_and(|at| trust::is_configuration(&at.file));
    let error = if is_outside && !is_users { error.unquoted() } else { error };
    if error.kind() != ErrorKind::Description {
        return error;
    }
    // What a file outside of the project takes is not looked for.
    let env = environment(&args.project);
    let taken = if is_outside { env } else { named_below(&args.project, env) };
    let redactor = Redactor::of_environment(&taken);
    error.with_texts(&|text| redactor.text(text))
}

/// Whether this runs for a repository and not for a person.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// The date and time. Nothing else reads the calendar.
fn now() -> time::UtcDateTime {
    time::UtcDateTime::now().replace_nanosecond(0).unwrap_or(time::UtcDateTime::UNIX_EPOCH)
}

/// The process environment, as far as it is text: what compose.yaml interpolates. `PWD` is the project's folder, as it is for
/// who starts Compose there.
fn environment(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let mut env: std::collections::BTreeMap<String, String> = std::env::vars_os().filter_map(text).collect();
    if let Some(here) = env.get_mut("PWD")
        && folder != Path::new(".")
        && let Ok(folder) = folder.canonicalize()
        && let Some(folder) = folder.to_str()
    {
        folder.clone_into(here);
    }
    env
}
