//! `dockwright new`: a service in a new folder.

use serde_json::json;

use super::args::{LayoutArg, NewArgs};
use crate::error::Result;
use crate::project::{Layout, NewService, Project};
use crate::render;
use crate::ui::{BOLD, Format, Ui};
use crate::write;

pub(super) fn run(ui: &Ui, options: &NewArgs) -> Result<u8> {
    let project = Project::starter(&NewService {
        name: &options.name,
        stack: &options.stack,
        manager: options.manager.as_deref(),
        port: options.port,
        layout: if options.layout == LayoutArg::PerRole { Layout::PerRole } else { Layout::Single },
        dev_tools: !options.no_dev_tools,
    })?;
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
             (dev, reloading on every change)\n  {BOLD}dockwright verify{BOLD:#}  (does every role keep its promises?)\n",
            paths.len()
        )
    });
    Ok(0)
}
