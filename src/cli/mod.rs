//! The command line: arguments here, one file per command beside.

mod admin;
mod args;
mod build;
mod engine;
mod explain;
mod new;
mod passes;
mod reports;
mod scope;
mod show;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::error::{Error, Kind, Result};
use crate::project::Project;
use crate::ui::{Format, Ui};

pub use args::{Args, Command};

/// Runs the command line and returns the exit code: 0 ok, 1 a contract failed, 2 usage or
/// description, 3 engine, 4 inconclusive under `--strict`, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // clap's own: help and version go to stdout with 0, mistakes to stderr with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Kind::Usage.exit_code()));
        }
    };
    let ui = Ui { format: if args.json() { Format::Json } else { Format::Human } };
    match dispatch(&ui, &args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn dispatch(ui: &Ui, args: &Args) -> Result<u8> {
    let everywhere = matches!(args.format, args::FormatArg::Human | args::FormatArg::Json);
    if !everywhere && !matches!(args.command, Command::Verify(_)) {
        return Err(Error::usage("only `dockwright verify` has this format").hint("use `--format json`"));
    }
    match &args.command {
        Command::New(options) => new::run(ui, options),
        Command::Show(options) => show::run(ui, args, options),
        Command::Verify(options) => Ok(verify::run(ui, args, options)),
        Command::Build(options) => build::run(ui, args, options),
        Command::Doctor => engine::doctor(ui),
        Command::Clean(options) => engine::clean(ui, options),
        Command::Explain(options) => explain::run(ui, options),
        Command::Completions(options) => {
            admin::completions(ui, options);
            Ok(0)
        }
        Command::Man => admin::man(ui),
    }
}

/// The description of the project that the command is about.
fn project(args: &Args) -> Result<Project> {
    Project::read(&args.project, crate::stacks::embedded())
}

/// The date and time. Nothing else reads the calendar.
fn now() -> time::UtcDateTime {
    time::UtcDateTime::now().replace_nanosecond(0).unwrap_or(time::UtcDateTime::UNIX_EPOCH)
}

/// The process environment, as far as it is text: what compose.yaml interpolates.
fn environment() -> std::collections::BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}
