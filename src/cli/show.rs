//! `dockwright show`: the files that the description renders to.

use serde_json::json;

use super::args::{Args, ShowArgs};
use crate::error::{Error, Result};
use crate::render::{self, File};
use crate::roles;
use crate::stacks::{Origin, Table};
use crate::ui::{DIM, Format, Ui};

pub(super) fn run(ui: &Ui, args: &Args, options: &ShowArgs) -> Result<u8> {
    let project = super::project(args)?;
    let Some(stack) = &project.stack else {
        return Err(Error::usage(
            "there is nothing to show: the description names no stack, so the files are your own",
        )
        .hint("`dockwright verify` proves the roles that it names"));
    };
    if options.origin {
        return origins(ui, &stack.origins, options.what.as_deref());
    }
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

/// The values that the files are made from, each with the layers that say it.
fn origins(ui: &Ui, origins: &Table, role: Option<&str>) -> Result<u8> {
    if let Some(role) = role.filter(|role| roles::find(role).is_none()) {
        return Err(Error::usage(format!("`{role}` is not a role")).hint("`--origin` takes a role, or nothing"));
    }
    let of_role = |path: &str| role.is_none_or(|role| path.split('.').next() == Some(role));
    let values = origins.leaves().into_iter().filter(|(path, ..)| of_role(path));
    if ui.format == Format::Json {
        let origin = |one: &Origin| json!({ "layer": one.layer.to_string(), "file": *one.file, "line": one.line });
        let value = |(path, value, origins): (String, String, Vec<Origin>)| json!({ "path": path, "value": value, "origins": origins.iter().map(origin).collect::<Vec<_>>() });
        ui.json(&json!({ "schema": 1, "values": values.map(value).collect::<Vec<_>>() }));
        return Ok(0);
    }
    for (path, value, origins) in values {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        ui.out(&format!("{path} = {value}  {DIM}# {}{DIM:#}\n", origins.join(", ")));
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
