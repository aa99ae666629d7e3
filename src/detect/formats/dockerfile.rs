//! A Dockerfile as evidence: what its final stage starts, listens on and is made from.
//!
//! Keys: `from` (the image under the final stage), `images/*` (those of all stages), `start` (ENTRYPOINT and CMD), `commands/*` (CMD),
//! `expose/*`, `env/NAME`, `run/*` (of all stages), `health`, `target`, `copies/*` (sources of the final stage).

use std::path::Path;

use crate::dockerfile::{CommandForm, DockerfileStage, InstructionKind, StageBase, expand, parse};
use crate::text::join;

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
    let code = code_folder(&chain, &expanded);
    all.extend(start(&chain, code.as_deref()).map(|start| ("start".into(), start)));
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

/// Where the image has the repository: where all of it is copied to, else where the image starts.
fn code_folder(chain: &[&DockerfileStage], expanded: &dyn Fn(&str) -> String) -> Option<String> {
    let (mut here, mut copied) = (None, None);
    for one in chain.iter().rev().flat_map(|stage| stage.instructions.iter()) {
        match &one.kind {
            InstructionKind::Workdir(path) => here = Some(join(here.as_deref().unwrap_or("/"), &expanded(path))),
            InstructionKind::Copy(copy)
                if copy.from.is_none() && matches!(&copy.sources[..], [all] if all == "." || all == "./") =>
            {
                copied = Some(join(here.as_deref().unwrap_or("/"), &expanded(&copy.dest)));
            }
            _ => {}
        }
    }
    copied.or(here).filter(|folder| folder != "/")
}

/// A command with what it has of a folder named as from within.
fn from_within(command: &str, folder: &str) -> String {
    let mut said = String::new();
    let mut rest = command;
    while let Some(at) = rest.find(folder) {
        let (before, after) = (&rest[..at], &rest[at + folder.len()..]);
        let begins = before.chars().next_back().or(said.chars().next_back()).is_none_or(|c| " \t\"'=:".contains(c));
        let ends = after.chars().next().is_none_or(|c| " \t\"':/;&".contains(c));
        said.push_str(before);
        said.push_str(if begins && ends { "." } else { folder });
        rest = after;
    }
    said + rest
}

/// What is started: ENTRYPOINT, then CMD. An ENTRYPOINT in a stage forgets a CMD of the stages before it.
fn start(chain: &[&DockerfileStage], code: Option<&str>) -> Option<Datum> {
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
    let line = entry.or(command)?.0;
    let texts: Vec<String> = entry.into_iter().chain(command).map(|(_, one)| command_text(one, false)).collect();
    let text = texts.join(" ");
    let text = match code {
        Some(code) => from_within(&text, code),
        None => text,
    };
    Some(Datum::scalar(line, text.trim()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_repository_as_from_within() {
        let started =
            |text: &str| dockerfile(text, &|_| false).unwrap().text_at("start").unwrap_or_default().to_owned();
        for (text, expected) in [
            ("FROM x\nWORKDIR /opt/app\nCMD [\"uwsgi\", \"/opt/app/conf/uwsgi.ini\"]", "uwsgi ./conf/uwsgi.ini"),
            ("FROM x\nWORKDIR /app\nCMD python /app/main.py", "python ./main.py"),
            ("FROM x\nCOPY . /srv\nENTRYPOINT [\"/srv/run\"]\nCMD [\"--root=/srv\"]", "./run --root=."),
            ("FROM x\nENV HERE=/code\nWORKDIR $HERE\nCMD gunicorn --chdir /code a:b", "gunicorn --chdir . a:b"),
            ("FROM x\nWORKDIR /app\nCMD /application/run /data/app/x", "/application/run /data/app/x"),
            ("FROM x\nCMD /usr/bin/x", "/usr/bin/x"),
        ] {
            assert_eq!(started(text), expected, "{text}");
        }
    }
}
