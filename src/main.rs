//! The `dockwright` command: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    dockwright::cli::run(std::env::args_os())
}
