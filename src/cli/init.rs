//! `dockwright init`: roles for the repository that is there, by what it says of its service.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::args::{Args, InitArgs};
use super::{adopt, new};
use crate::describe;
use crate::detect::{self, Claim, Detection, LISTS, Told};
use crate::error::{Error, Result};
use crate::project::{COMPOSE_BESIDE, FILE, Project};
use crate::render::{self, File};
use crate::roles;
use crate::stacks;
use crate::ui::{BOLD, DIM, Format, Ui};
use crate::write;

/// What git does with line ends: a repository that says it for itself is left to do so.
const ATTRIBUTES: &str = ".gitattributes";

/// What would be written.
struct Plan {
    project: Project,
    files: Vec<File>,
    notes: Vec<String>,
}

pub(super) fn run(ui: &Ui, args: &Args, options: &InitArgs) -> Result<u8> {
    let root = options.repository.as_deref().unwrap_or(&args.project);
    if options.adopt {
        return adopt::run(ui, root, options);
    }
    let mut told = Told {
        stack: options.stack.clone(),
        path: options.path.as_deref().map(folder).transpose()?,
        ..Told::default()
    };
    options.set.iter().try_for_each(|text| told.set(text))?;
    if write::check_empty(root).is_ok() {
        return in_empty_folder(ui, root, options);
    }
    let found = detect::detect(root, &told)?;
    let planned = plan(root, &found);
    if options.dry_run {
        let mut notes = found.notes.clone();
        match &planned {
            Ok(plan) => notes.extend(plan.notes.iter().cloned()),
            Err(error) => {
                notes.push(format!("no roles: {error}"));
                notes.extend(error.hints().iter().cloned());
            }
        }
        show(ui, &found, planned.as_ref().ok(), &notes, false);
        return Ok(0);
    }
    let plan = planned?;
    write::add_files(root, &plan.files)?;
    let notes: Vec<String> = found.notes.iter().chain(&plan.notes).cloned().collect();
    show(ui, &found, Some(&plan), &notes, true);
    Ok(0)
}

/// In an empty folder there is nothing to find: a new service, if its stack is named.
fn in_empty_folder(ui: &Ui, root: &Path, options: &InitArgs) -> Result<u8> {
    match &options.stack {
        Some(stack) if stacks::starters().any(|known| known == stack) => {
            new::in_folder(ui, root, stack, options.dry_run)
        }
        _ => Err(Error::usage(format!("{} is empty, so there is no service to find in it", root.display()))
            .hint("`dockwright new . --stack STACK` writes a new service with its roles")
            .hint(format!("the stacks are {}", stacks::starters().collect::<Vec<_>>().join(", ")))),
    }
}

/// What would be written into a repository.
fn plan(root: &Path, found: &Detection) -> Result<Plan> {
    if root.join(FILE).symlink_metadata().is_ok() {
        return Err(Error::usage(format!("{} is there already", root.join(FILE).display()))
            .hint("`dockwright show` prints the files that it renders to"));
    }
    let project = describe::describe(root, found, stacks::embedded())?;
    let mut files = render::scaffold(&project);
    files.push(File::text(FILE, project.to_toml()));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut notes = Vec::new();
    if root.join(ATTRIBUTES).symlink_metadata().is_ok() {
        files.retain(|file| file.path != ATTRIBUTES);
    }
    if project.is_beside() {
        let folder = project.repository.as_ref().and_then(|own| own.folder.as_ref()).map_or("", AsRef::as_ref);
        let kept = describe::in_the_way(root, folder).join(", ");
        notes.push(format!("kept as they are: {kept}; `dockwright init --adopt` would describe them instead"));
    }
    let release = found.values("release");
    if !release.is_empty() {
        notes.push(format!("before a release serves, run: {}", release.join("; ")));
    }
    write::check_free(root, &files)?;
    Ok(Plan { project, files, notes })
}

fn show(ui: &Ui, found: &Detection, plan: Option<&Plan>, notes: &[String], written: bool) {
    if ui.format == Format::Json {
        ui.json(&document(found, plan, notes, written));
        return;
    }
    for (field, claims) in &found.fields {
        let most = if LISTS.contains(field) { claims.len() } else { 1 };
        for claim in &claims[..most] {
            ui.out(&format!("{field} = {}  {DIM}# {}{DIM:#}\n", claim.value, place(claim)));
        }
    }
    for note in notes {
        ui.note(note);
    }
    let Some(plan) = plan else { return };
    if !written {
        for file in &plan.files {
            ui.out(&format!("\n{BOLD}# {}{BOLD:#}\n{}", file.path, String::from_utf8_lossy(&file.contents)));
        }
        ui.say(&format!("Would write {} files.\n", plan.files.len()));
        return;
    }
    let compose = if plan.project.is_beside() {
        format!("docker compose -f {COMPOSE_BESIDE} up")
    } else {
        "docker compose up".to_owned()
    };
    for file in &plan.files {
        ui.out(&format!("{}\n", file.path));
    }
    ui.say(&format!(
        "Wrote {} files. Next:\n  {BOLD}dockwright verify{BOLD:#}  (does every role keep its promises?)\n  \
         {BOLD}{compose}{BOLD:#}  (dev, which reloads on every change)\n",
        plan.files.len()
    ));
}

fn document(found: &Detection, plan: Option<&Plan>, notes: &[String], written: bool) -> Value {
    let evidence: Vec<&Claim> = found.evidence().collect();
    let roles: Map<String, Value> = plan.map(|plan| roles_of(&plan.project)).unwrap_or_default();
    let files = plan.iter().flat_map(|plan| &plan.files);
    let files: Vec<Value> =
        files.map(|file| json!({ "path": file.path, "contents": String::from_utf8_lossy(&file.contents) })).collect();
    json!({
        "schema": 1, "written": written, "detected": found.detected(), "roles": roles, "evidence": evidence,
        "files": files, "notes": notes,
    })
}

/// Which stage and which compose service is which role.
fn roles_of(project: &Project) -> Map<String, Value> {
    let one = |role: &&roles::Role| {
        let stage = match role.name {
            "installation" => project.stage(&project.deployments[0]),
            name => name.to_owned(),
        };
        let value = json!({
            "stage": stage, "compose-service": stage, "dockerfile": render::dockerfile(project),
        });
        (role.name.to_owned(), value)
    };
    roles::ALL.iter().filter(|role| roles::enabled(role.name, project)).map(one).collect()
}

fn place(claim: &Claim) -> String {
    if claim.file.is_empty() {
        return claim.rule.clone();
    }
    format!("{}:{}, {}", claim.file, claim.line, claim.rule)
}

/// A folder of the repository with slashes; the root is empty.
fn folder(path: &std::path::Path) -> Result<String> {
    let text = path.to_str().unwrap_or_default().replace('\\', "/");
    let clean = crate::text::clean(&text);
    if clean.starts_with('/') || clean.starts_with("..") {
        return Err(Error::usage(format!("{} is not below the repository", path.display()))
            .hint("name a folder relative to it"));
    }
    Ok(if clean == "." { String::new() } else { clean })
}
