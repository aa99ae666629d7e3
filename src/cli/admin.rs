//! completions, man: what is made from the arguments themselves.

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs};
use crate::error::{Error, Kind, Result};
use crate::ui::Ui;

pub(super) fn completions(ui: &Ui, options: &CompletionsArgs) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Args::command(), "dockwright", &mut script);
    ui.out(&String::from_utf8_lossy(&script));
    Ok(0)
}

pub(super) fn man(ui: &Ui) -> Result<u8> {
    let mut page = Vec::new();
    let failed = |error| Error::new(Kind::Io, "cannot make the manual page").because::<std::io::Error>(error);
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(failed)?;
    for command in Args::command().get_subcommands() {
        let name = format!("dockwright-{}", command.get_name());
        clap_mangen::Man::new(command.clone().name(name)).render(&mut page).map_err(failed)?;
    }
    ui.out(&String::from_utf8_lossy(&page));
    Ok(0)
}
