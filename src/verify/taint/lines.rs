//! Which line of the Dockerfile brings a value or a secret into an image.

use super::{Stands, Taint, secret_id};
use crate::dockerfile::{Copy, Instruction, Kind};
use crate::engine::Place;
use crate::subject::RoleSubject;

/// The instructions that a role's stage needs, its own first.
fn instructions(role: &RoleSubject) -> Vec<&Instruction> {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.closure(role.target.stage);
    stages.into_iter().rev().flat_map(|stage| &dockerfile.stages[stage].instructions).collect()
}

/// The line that brings a word to a place of the role's image.
pub(super) fn bringing(role: &RoleSubject, taint: &Taint, place: &Place, files: &[String]) -> usize {
    if taint.stands == Stands::BuildSecret {
        let takes = |kind: &Kind| matches!(kind, Kind::Run(run) if run.mounts.iter().filter_map(secret_id).any(|id| id == taint.name));
        let found = instructions(role).into_iter().find(|one| takes(&one.kind)).map(|one| one.line);
        return found.unwrap_or(role.target.line());
    }
    match place {
        Place::Layer { path, .. } => copying(role, path, &taint.name, files),
        Place::Config { .. } => setting_line(role, &taint.name),
    }
}

/// The line that holds a text, on the way to the role's stage.
pub(in crate::verify) fn value_line(role: &RoleSubject, value: &str) -> Option<usize> {
    let lines: Vec<&str> = role.target.dockerfile.text.lines().collect();
    let mut numbers = instructions(role).into_iter().flat_map(|one| one.line..=one.end_line);
    numbers.find(|line| lines.get(line - 1).is_some_and(|text| text.contains(value)))
}

/// The line that sets or takes a variable on the way to the role's stage, else the stage's own.
pub(in crate::verify) fn setting_line(role: &RoleSubject, name: &str) -> usize {
    let mentions = |kind: &Kind| match kind {
        Kind::Env(pairs) | Kind::Label(pairs) => pairs.iter().any(|(key, value)| key == name || value.contains(name)),
        Kind::Arg(args) => args.iter().any(|(key, _)| key == name),
        _ => false,
    };
    let found = instructions(role).into_iter().find(|one| mentions(&one.kind)).map(|one| one.line);
    found.unwrap_or(role.target.line())
}

/// The line that brings a file of the context, by its name, with its folder, or with all the others; else that of
/// the variable. `files` are those of the context that hold a word.
fn copying(role: &RoleSubject, path: &str, variable: &str, files: &[String]) -> usize {
    let copies: Vec<(usize, &str)> = instructions(role)
        .into_iter()
        .filter_map(|one| match &one.kind {
            Kind::Copy(copy) | Kind::Add(copy) if copy.from.is_none() => Some((one.line, copy)),
            _ => None,
        })
        .flat_map(|(line, copy): (usize, &Copy)| copy.sources.iter().map(move |source| (line, plain(source))))
        .collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_whole = |source: &str| matches!(source, "." | "*" | "");
    let by_name = copies.iter().find(|(_, source)| {
        let last = source.rsplit('/').next().unwrap_or(source);
        !is_whole(source)
            && (last == name || globset::Glob::new(last).is_ok_and(|glob| glob.compile_matcher().is_match(name)))
    });
    // A folder is copied by what is in it.
    let meant = files.iter().filter(|file| file.rsplit('/').next() == Some(name));
    let folders: Vec<&str> = meant.filter_map(|file| file.rsplit_once('/').map(|(folder, _)| folder)).collect();
    let by_folder = copies.iter().find(|(_, source)| {
        let inside = |folder: &&str| *folder == *source || folder.starts_with(&format!("{source}/"));
        !is_whole(source) && folders.iter().any(inside)
    });
    let whole = copies.iter().find(|(_, source)| is_whole(source));
    let setting = setting_line(role, variable);
    match (by_name.or(by_folder), whole) {
        (Some((line, _)), _) => *line,
        (None, Some((line, _))) if setting == role.target.line() => *line,
        _ => setting,
    }
}

fn plain(source: &str) -> &str {
    let source = source.trim_end_matches('/').trim_end_matches("/.");
    source.trim_start_matches("./")
}
