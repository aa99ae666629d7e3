//! A Dockerfile as evidence: what its final stage starts, listens on and is made from.
//!
//! Keys: `from` (the image under the final stage), `images/*` (those of all stages), `start` (ENTRYPOINT and CMD), `commands/*` (CMD),
//! `expose/*`, `env/NAME`, `run/*` (of all stages), `health`, `target`, `copies/*` (sources of the final stage).

use std::path::Path;

use crate::dockerfile::{CommandForm, DockerfileStage, InstructionKind, StageBase, expand, parse};

use super::super::datum::Datum;

/// Reads a Dockerfile; `passed_over` says by a stage's name that it is not for production.
pub(in super::super) fn dockerfile(text: &str, passed_over: &dyn Fn(&str) -> bool) -> Option<Datum> {
    let file = parse(text, Path::new("Dockerfile")).ok()?;
    let production = |stage: &&DockerfileStage| !stage.name.as_deref().is_some_and(passed_over);
    let last = file.stages.iter().rev().find(production).or(file.stages.last())?;
    let line = last.line;
    let chain: Vec<&DockerfileStage> = ancestry(&file.stages, last.index);
    let variables: Vec<(String, String)> = chain
        .iter()
        .rev()
        .flat_map(|stage| stage.instructions.iter())
        .filter_map(|one| match &one.kind {
            InstructionKind::Env(pairs) => Some(pairs.clone()),
            InstructionKind::Arg(pairs) => {
                Some(pairs.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect())
            }
            _ => None,
        })
        .flatten()
        .collect();
    let lookup =
        |name: &str| variables.iter().rev().find(|(own, _)| own == name).map(|(_, value)| unquoted(value).to_owned());
    let expanded = |text: &str| expand(unquoted(text), file.escape, &lookup);

    let mut all: Vec<(String, Datum)> = Vec::new();
    let mut images = Vec::new();
    for stage in &file.stages {
        if let StageBase::Image(image) = &stage.base {
            images.push(Datum::scalar(stage.line, expand(image, file.escape, &lookup)));
        }
    }
    if let Some(StageBase::Image(image)) = chain.last().map(|stage| &stage.base) {
        let line = chain.last().map_or(line, |stage| stage.line);
        all.push(("from".into(), Datum::scalar(line, expand(image, file.escape, &lookup))));
    }
    all.push(("images".into(), Datum::list(line, images)));
    all.extend(last.name.clone().map(|name| ("target".into(), Datum::scalar(line, name))));
    all.extend(start(&chain).map(|start| ("start".into(), start)));
    let commands = chain.iter().flat_map(|stage| stage.instructions.iter()).filter_map(|one| match &one.kind {
        InstructionKind::Cmd(command) => Some(Datum::scalar(one.line, command_text(command, false))),
        _ => None,
    });
    all.push(("commands".into(), Datum::list(line, commands)));

    let (mut expose, mut env, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for one in chain.iter().flat_map(|stage| stage.instructions.iter()) {
        match &one.kind {
            InstructionKind::Expose(ports) => {
                expose.extend(ports.iter().map(|port| Datum::scalar(one.line, expanded(port))));
            }
            InstructionKind::Env(pairs) => {
                env.extend(pairs.iter().map(|(name, value)| (name.clone(), Datum::scalar(one.line, expanded(value)))));
            }
            InstructionKind::Copy(copy) if copy.from.is_none() => {
                copies.extend(copy.sources.iter().map(|source| Datum::scalar(one.line, source.clone())));
            }
            InstructionKind::Healthcheck(health) => {
                let text = health.command.as_ref().map(|command| command_text(command, true));
                all.extend(text.map(|text| ("health".into(), Datum::scalar(one.line, text))));
            }
            _ => {}
        }
    }
    let runs = file.stages.iter().flat_map(|stage| stage.instructions.iter()).filter_map(|one| match &one.kind {
        InstructionKind::Run(run) => Some(Datum::scalar(one.line, command_text(&run.command, true))),
        _ => None,
    });
    all.push(("run".into(), Datum::list(line, runs)));
    all.push(("expose".into(), Datum::list(line, expose)));
    all.push(("env".into(), Datum::map(line, env)));
    all.push(("copies".into(), Datum::list(line, copies)));
    Some(Datum::map(line, all))
}

/// The stage and those that it is made from, itself first.
fn ancestry(stages: &[DockerfileStage], from: usize) -> Vec<&DockerfileStage> {
    let mut chain = Vec::new();
    let mut next = Some(from);
    while let Some(stage) = next.and_then(|index| stages.get(index)).filter(|_| chain.len() < stages.len()) {
        chain.push(stage);
        next = match stage.base {
            StageBase::Stage(index) => Some(index),
            _ => None,
        };
    }
    chain
}

/// What is started: ENTRYPOINT, then CMD. An ENTRYPOINT in a stage forgets a CMD of the stages before it.
fn start(chain: &[&DockerfileStage]) -> Option<Datum> {
    let (mut entry, mut command) = (None, None);
    for one in chain.iter().rev().flat_map(|stage| stage.instructions.iter()) {
        match &one.kind {
            InstructionKind::Entrypoint(text) => entry = Some((one.line, text)),
            InstructionKind::Cmd(text) => command = Some((one.line, text)),
            _ => {}
        }
    }
    // A shell form takes no arguments.
    let command = command.filter(|_| !matches!(entry, Some((_, CommandForm::Shell(_)))));
    match (entry, command) {
        (Some((line, entry)), None) => Some(Datum::scalar(line, command_text(entry, false))),
        (Some((line, entry)), Some((_, command))) => {
            let text = format!("{} {}", command_text(entry, false), command_text(command, false));
            Some(Datum::scalar(line, text.trim()))
        }
        (None, Some((line, command))) => Some(Datum::scalar(line, command_text(command, false))),
        (None, None) => None,
    }
}

/// A command as a line of a shell.
fn command_text(command: &CommandForm, plain: bool) -> String {
    match command {
        CommandForm::Shell(line) => line.trim().to_owned(),
        CommandForm::Exec(words) if plain => words.join(" "),
        CommandForm::Exec(words) => super::line_of_words(&words.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |mark: char| text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
