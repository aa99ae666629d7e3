//! completions, man: what is made from the arguments themselves.

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::ui::Ui;

pub(super) fn completions(ui: &Ui, options: &CompletionsArgs) {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Args::command(), "dockwright", &mut script);
    ui.out(&String::from_utf8_lossy(&script));
}

pub(super) fn man(ui: &Ui) -> Result<u8> {
    let mut page = Vec::new();
    let failed = |error: std::io::Error| Error::new(ErrorKind::Io, "cannot make the manual page").because(error);
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(failed)?;
    let mut args = Args::command();
    // Names the subcommands in full: dockwright-verify and so on.
    args.build();
    for command in args.get_subcommands() {
        clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    }
    ui.out(&String::from_utf8_lossy(&page));
    Ok(0)
}
