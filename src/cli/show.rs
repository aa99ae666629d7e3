//! `dockwright show`: the files that the description renders to.

use serde_json::json;

use super::args::{Args, ShowArgs};
use crate::error::{Error, Result};
use crate::render::{self, File};
use crate::roles;
use crate::ui::{DIM, Format, Ui};

pub(super) fn run(ui: &Ui, args: &Args, options: &ShowArgs) -> Result<u8> {
    let project = super::project(args)?;
    let files = render::scaffold(&project);
    let shown: Vec<File> = match options.what.as_deref() {
        None => files,
        Some(what) if files.iter().any(|file| file.path == what) => {
            files.into_iter().filter(|file| file.path == what).collect()
        }
        Some(what) if roles::find(what).is_some() => render::role(&project, what),
        Some(what) => {
            let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            return Err(Error::usage(format!("`{what}` is neither a rendered file nor a role"))
                .hint(format!("the files are {}", names.join(", ")))
                .hint("the roles are dev, dev-tools, build, service, test, installation"));
        }
    };
    if ui.format == Format::Json {
        let files: Vec<_> = shown.iter().map(file_json).collect();
        ui.json(&json!({ "schema": 1, "files": files }));
    } else if let [one] = shown.as_slice() {
        ui.out(&String::from_utf8_lossy(&one.contents));
    } else {
        for file in &shown {
            ui.out(&format!("{DIM}==> {} <=={DIM:#}\n{}\n", file.path, String::from_utf8_lossy(&file.contents)));
        }
    }
    Ok(0)
}

fn file_json(file: &File) -> serde_json::Value {
    json!({
        "path": file.path,
        "executable": file.executable,
        "contents": String::from_utf8_lossy(&file.contents),
    })
}
