//! Programs and packages: what installs or runs them, on the way to a role's stage.

use regex::Regex;

use super::settings::command;
use crate::dockerfile::{Instruction, InstructionKind};
use crate::engine::FileTree;
use crate::lab::leavings::calls;
use crate::lab::tools;
use crate::stacks::{PackageManager, ecosystem};
use crate::subject::{RoleSubject, Subject, Target};
use crate::text::Place;

/// The line of the FROM whose image brings a path.
pub(crate) fn base(target: &Target, base: &FileTree, path: &str) -> Option<usize> {
    let first = *target.dockerfile.ancestry(target.stage).last()?;
    base.files.contains_key(path).then(|| target.dockerfile.stages[first].line)
}

/// The last RUN on the way to a stage, by what it has to be.
fn last_run(target: &Target, is: impl Fn(&str) -> bool) -> Option<&Instruction> {
    let stages = target.dockerfile.ancestry(target.stage);
    let mut all = stages.into_iter().flat_map(|stage| target.dockerfile.stages[stage].instructions.iter().rev());
    all.find(|one| matches!(one.kind, InstructionKind::Run(_)) && is(&one.text))
}

/// The last RUN whose text has one of some words.
pub(crate) fn running(target: &Target, words: &[String]) -> Option<usize> {
    last_run(target, |text| words.iter().any(|word| text.contains(word.as_str()))).map(|one| one.line)
}

/// The last RUN that calls a package manager of those meant.
pub(crate) fn calling(target: &Target, meant: impl Fn(&PackageManager) -> bool) -> Option<usize> {
    let managers = ecosystem().managers.values().filter(|one| meant(one));
    let programs: Vec<String> = managers.flat_map(|one| one.programs.clone()).collect();
    last_run(target, |text| calls(text, &programs)).map(|one| one.line)
}

/// The last RUN that names the tool which a path is, else one that installs what brings tools.
pub(crate) fn installing_tool(target: &Target, path: &str) -> Option<usize> {
    let words = tools::named(path).map_or_else(Vec::new, |tool| tool.words());
    let words: Vec<String> = words.iter().map(|word| format!(" {word}")).collect();
    running(target, &words).or_else(|| ecosystem().managers.values().find_map(|one| running(target, &one.installs)))
}

/// The last line on the way to a stage that calls a package manager.
pub(crate) fn installing(target: &Target) -> Option<usize> {
    let runs = target.instructions().filter(|one| matches!(one.kind, InstructionKind::Run(_)));
    let lines: Vec<&str> = target.dockerfile.text.lines().collect();
    let installs = |line: &usize| {
        lines.get(line - 1).is_some_and(|text| ecosystem().managers.values().any(|one| calls(text, &one.programs)))
    };
    runs.flat_map(|one| (one.line..=one.end_line).rev()).find(installs)
}

/// The line of the last RUN that a pattern fits, else the stage's own.
pub(crate) fn installing_by(target: &Target, command: &Regex) -> usize {
    let chain = target.dockerfile.chain(target.stage);
    let mut runs = chain.iter().rev().map(|(_, one)| one).filter(|one| matches!(one.kind, InstructionKind::Run(_)));
    let Some(run) = runs.find(|one| command.is_match(&one.text)) else { return target.line() };
    let lines: Vec<&str> = target.dockerfile.text.lines().collect();
    // A cache is often named after the tool.
    let names = |text: &&str| !text.contains("--mount=") && command.is_match(text);
    let named = |line: &usize| lines.get(line - 1).is_some_and(names);
    (run.line..=run.end_line).find(named).unwrap_or(run.line)
}

/// What makes a program of one stage another than that of the other: the last line that names it in what only the first has,
/// where both start from one image; else the FROM of its first stage.
pub(crate) fn unlike(target: &Target, other: &Target, name: &str) -> Place {
    let dockerfile = &target.dockerfile;
    let chain = dockerfile.ancestry(target.stage);
    let first = *chain.last().expect("a stage is its own ancestor");
    if target.base_image() != other.base_image() {
        return target.place(dockerfile.stages[first].line);
    }
    let shared = other.dockerfile.ancestry(other.stage);
    let own = chain.iter().filter(|stage| !shared.contains(*stage));
    let own = own.flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let named = own.flat_map(|one| one.line..=one.end_line).filter(|line| {
        !name.is_empty() && lines.get(line - 1).is_some_and(|text| !text.starts_with("CMD") && text.contains(name))
    });
    target.place(named.max().unwrap_or(target.line()))
}

/// Where a capability comes from: a file that has it, the user that compose.yaml sets, or what starts the process.
pub(crate) fn capability(subject: &Subject, role: &RoleSubject, uid: u32) -> Place {
    if let Some(line) = role.target.line_with(&["setcap"]) {
        return role.target.place(line);
    }
    let service = subject.service(role);
    if let Some(user) = service.settings.user.as_ref().filter(|_| uid == 0) {
        return service.at(if user.is_empty() { "cap_add" } else { "user" }).clone();
    }
    if service.settings.entrypoint.is_none() && service.settings.command.is_none() {
        let mut instructions = role.target.instructions();
        if let Some(one) = instructions.find(|one| matches!(one.kind, InstructionKind::Entrypoint(_))) {
            return role.target.place(one.line);
        }
    }
    command(subject, role)
}
