//! `dockwright init --adopt`: a description of the Dockerfile and compose.yaml that are there. Writes dockwright.toml, and
//! nothing else.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::InitArgs;
use crate::adopt::{self, Adoption, Evidence};
use crate::error::{Error, Result};
use crate::lab::workcopy;
use crate::project::{FILE, Project};
use crate::roles;
use crate::stacks;
use crate::subject::Subject;
use crate::ui::{BOLD, DIM, Format, Ui};
use crate::write;

pub(super) fn run(ui: &Ui, folder: &Path, options: &InitArgs) -> Result<u8> {
    let folder = folder.canonicalize().map_err(|error| Error::io("cannot find", folder, error))?;
    let target = folder.join(FILE);
    if target.symlink_metadata().is_ok() && !options.dry_run {
        return Err(Error::usage(format!("{} is there already", target.display()))
            .hint("`dockwright init --adopt --dry-run` prints what it would write"));
    }
    let env = workcopy::with_owner(super::environment(&folder));
    let adoption = adopt::propose(&folder, &env, options.service.as_deref(), stacks::embedded())?;
    let text = adoption.description.to_toml();
    // Read back, and against the files, as `verify` does: what it would refuse is said at once, but for files that a clone has
    // yet to get.
    let project = Project::parse(&text, Path::new(FILE), stacks::embedded())?;
    let subject = Subject::read_unprepared(&folder, project, &env)?;
    if !options.dry_run {
        write::new_file(&target, text.as_bytes())?;
    }
    match ui.format {
        Format::Json => ui.json(&document(&adoption, &subject, &text, !options.dry_run)),
        Format::Human => {
            if options.dry_run {
                ui.out(&text);
            }
            ui.say(&told(&adoption, options.dry_run));
        }
    }
    Ok(0)
}

fn told(adoption: &Adoption, dry_run: bool) -> String {
    let mut told = String::new();
    for Evidence { field, value, file, line, rule } in &adoption.evidence {
        let place = match (file, line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        let _ = writeln!(told, "{field} = {value}  {DIM}# {place}{rule}{DIM:#}");
    }
    for gap in &adoption.gaps {
        let _ = writeln!(told, "open: {gap}");
    }
    let _ = if dry_run {
        writeln!(told, "Would write {FILE}, and nothing else.")
    } else {
        writeln!(told, "Wrote {FILE}, and nothing else. Next:\n  {BOLD}dockwright verify{BOLD:#}")
    };
    told
}

fn document(adoption: &Adoption, subject: &Subject, text: &str, written: bool) -> serde_json::Value {
    let Adoption { description, evidence, gaps } = adoption;
    let role = |name: &str| match subject.role(name) {
        Some(role) => json!({
            "stage": role.target.stage_name(),
            "dockerfile": role.target.file,
            "context": subject.shown(&role.target.context),
            "compose-service": subject.compose.services.contains_key(&role.service).then_some(&role.service),
        }),
        None => json!({ "off": subject.why_off(name) }),
    };
    let roles: serde_json::Map<String, serde_json::Value> =
        roles::ALL.iter().map(|one| (one.name.to_owned(), role(one.name))).collect();
    let item = |one: &Evidence| json!({ "field": one.field, "value": one.value, "file": one.file, "line": one.line, "rule": one.rule });
    json!({
        "schema": 1,
        "written": written,
        "detected": {
            "name": description.service.name.as_str(),
            "stack": description.service.stack,
            "port": description.service.port.map(crate::project::PortNumber::get),
            "port-env": description.port_env(),
            "health": description.verify.health.as_ref().map(AsRef::<str>::as_ref),
        },
        "roles": roles,
        "evidence": evidence.iter().map(item).collect::<Vec<_>>(),
        "gaps": gaps,
        "files": [{ "path": FILE, "contents": text }],
    })
}
