//! Users, commands, health checks, variables and volumes.

use crate::dockerfile::{Instruction, InstructionKind, RunMount};
use crate::subject::{RoleSubject, Subject, Target};
use crate::text::Place;

/// The last instruction of a kind on the way to a stage, else the stage.
fn last(target: &Target, is: impl Fn(&InstructionKind) -> bool) -> Place {
    let found = target.instructions().find(|one| is(&one.kind));
    target.place(found.map_or(target.line(), |one| one.line))
}

/// The instructions that a stage needs, its own first.
pub(super) fn needed(target: &Target) -> Vec<&Instruction> {
    let stages = target.dockerfile.closure(target.stage);
    stages.into_iter().rev().flat_map(|stage| &target.dockerfile.stages[stage].instructions).collect()
}

/// As whom a role runs: compose.yaml's `user`, else the image's USER.
pub(crate) fn user(subject: &Subject, role: &RoleSubject) -> Place {
    let service = subject.service(role);
    if service.settings.user.is_some() {
        return service.at("user").clone();
    }
    last(&role.target, |kind| matches!(kind, InstructionKind::User(_)))
}

/// As whom a role runs: compose.yaml's `user`, else the image's USER, else its entrypoint, which may change the user.
pub(crate) fn user_or_entrypoint(subject: &Subject, role: &RoleSubject) -> Place {
    let is_user = |kind: &InstructionKind| matches!(kind, InstructionKind::User(_));
    let service = subject.service(role);
    if service.settings.user.is_none() && service.settings.entrypoint.is_some() {
        return service.at("entrypoint").clone();
    }
    let said = service.settings.user.is_some() || role.target.instructions().any(|one| is_user(&one.kind));
    if said { user(subject, role) } else { last(&role.target, |kind| matches!(kind, InstructionKind::Entrypoint(_))) }
}

/// What starts a role's process: compose.yaml's `command` or `entrypoint`, else the image's.
pub(crate) fn command(subject: &Subject, role: &RoleSubject) -> Place {
    let service = subject.service(role);
    if service.settings.command.is_some() {
        return service.at("command").clone();
    }
    if service.settings.entrypoint.is_some() {
        return service.at("entrypoint").clone();
    }
    last(&role.target, |kind| matches!(kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)))
}

/// What says by which signal a role is stopped: compose.yaml's `stop_signal`, else the image's STOPSIGNAL; none if neither
/// does.
pub(crate) fn stop_signal(subject: &Subject, role: &RoleSubject) -> Option<Place> {
    let service = subject.service(role);
    if service.settings.stop_signal.is_some() {
        return Some(service.at("stop_signal").clone());
    }
    let said = role.target.instructions().find(|one| matches!(one.kind, InstructionKind::StopSignal(_)));
    said.map(|one| role.target.place(one.line))
}

/// A role's health check: compose.yaml's, else the image's.
pub(crate) fn healthcheck(subject: &Subject, role: &RoleSubject) -> Place {
    let service = subject.service(role);
    if service.settings.healthcheck.is_some() {
        let fields = ["healthcheck.test", "healthcheck.disable", "healthcheck"];
        let field = fields.into_iter().find(|field| service.places.contains_key(*field)).unwrap_or("healthcheck");
        return service.at(field).clone();
    }
    last(&role.target, |kind| matches!(kind, InstructionKind::Healthcheck(_)))
}

/// What declares a volume at a path of the image.
pub(crate) fn volume(target: &Target, path: &str) -> Place {
    let dockerfile = &target.dockerfile;
    let chain = dockerfile.ancestry(target.stage);
    let mut all = chain.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let declares =
        |kind: &InstructionKind| matches!(kind, InstructionKind::Volume(paths) if paths.iter().any(|one| one == path));
    target.place(all.find(|one| declares(&one.kind)).map_or(target.line(), |one| one.line))
}

/// What sets or takes a variable, in what the stage needs.
pub(crate) fn variable(target: &Target, name: &str) -> Place {
    let mentions = |kind: &InstructionKind| match kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.iter().any(|(key, value)| key == name || value.contains(name))
        }
        InstructionKind::Arg(args) => args.iter().any(|(key, _)| key == name),
        _ => false,
    };
    let found = needed(target).into_iter().find(|one| mentions(&one.kind)).map(|one| one.line);
    target.place(found.unwrap_or(target.line()))
}

/// The last LABEL that gives an image one of this name.
pub(crate) fn label(target: &Target, name: &str) -> Place {
    let labels = |kind: &InstructionKind| matches!(kind, InstructionKind::Label(pairs) if pairs.iter().any(|(key, _)| key == name));
    target.place(target.instructions().find(|one| labels(&one.kind)).map_or(target.line(), |one| one.line))
}

/// The last instruction of a kind on the way to a stage that takes a value from elsewhere; else the last of that kind.
pub(crate) fn varying(target: &Target, is: impl Fn(&InstructionKind) -> bool) -> Place {
    let varies = target.instructions().find(|one| is(&one.kind) && one.text.contains('$'));
    varies.map_or_else(|| last(target, is), |one| target.place(one.line))
}

/// The last ENV of the stage itself that sets a variable.
pub(crate) fn variable_of_stage(target: &Target, name: &str) -> Option<Place> {
    let stage = &target.dockerfile.stages[target.stage];
    stage.instructions.iter().rev().find(|one| sets(&one.kind, name)).map(|one| target.place(one.line))
}

fn sets(kind: &InstructionKind, name: &str) -> bool {
    matches!(kind, InstructionKind::Env(pairs) if pairs.iter().any(|(key, _)| key == name))
}

/// The ENV that gives an image a variable; where that is an installation's, what starts from it.
pub(crate) fn environment(subject: &Subject, target: &Target, name: &str) -> Place {
    let dockerfile = &target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let mut below = target.line();
    for stage in dockerfile.ancestry(target.stage) {
        let stage = &dockerfile.stages[stage];
        let own = stage.name.as_deref().unwrap_or_default();
        if subject.installations().any(|installation| installation.name.eq_ignore_ascii_case(own)) {
            return target.place(below);
        }
        below = stage.line;
        if let Some(env) = stage.instructions.iter().rev().find(|one| sets(&one.kind, name)) {
            let named = |line: &usize| lines.get(line - 1).is_some_and(|text| text.contains(name));
            return target.place((env.line..=env.end_line).find(named).unwrap_or(env.line));
        }
    }
    target.place(target.line())
}

/// The line that holds a value, in what the stage needs.
pub(crate) fn value(target: &Target, value: &str) -> Option<Place> {
    let lines: Vec<&str> = target.dockerfile.text.lines().collect();
    let mut numbers = needed(target).into_iter().flat_map(|one| one.line..=one.end_line);
    let found = numbers.find(|line| lines.get(line - 1).is_some_and(|text| text.contains(value)));
    found.map(|line| target.place(line))
}

/// The RUN that takes a build secret, in what the stage needs.
pub(crate) fn taking_secret(target: &Target, id: &str) -> Place {
    let takes = |kind: &InstructionKind| matches!(kind, InstructionKind::Run(run) if run.mounts.iter().filter_map(secret_id).any(|own| own == id));
    let found = needed(target).into_iter().find(|one| takes(&one.kind)).map(|one| one.line);
    target.place(found.unwrap_or(target.line()))
}

/// The id of a mount that is a build secret: its own, else its target's name.
pub(crate) fn secret_id(mount: &RunMount) -> Option<String> {
    if mount.kind != "secret" {
        return None;
    }
    let own = mount.options.iter().find(|(key, _)| key == "id").and_then(|(_, value)| value.clone());
    own.or_else(|| mount.target.as_deref()?.rsplit('/').next().map(ToOwned::to_owned))
}

/// The last line on the way to a stage that holds a text.
pub(crate) fn naming(target: &Target, text: &str) -> Option<Place> {
    let lines: Vec<&str> = target.dockerfile.text.lines().collect();
    let named = |line: &usize| lines.get(line - 1).is_some_and(|line| line.contains(text));
    let last = target.instructions().flat_map(|one| one.line..=one.end_line).filter(named).max();
    last.map(|line| target.place(line))
}

/// The first stage on the way to one that is not on the way to another.
pub(crate) fn stage_apart(target: &Target, other: &Target) -> Place {
    let stages = |target: &Target| -> Vec<(Option<String>, usize)> {
        let stages = target.dockerfile.ancestry(target.stage).into_iter().rev();
        stages.map(|stage| &target.dockerfile.stages[stage]).map(|stage| (stage.name.clone(), stage.line)).collect()
    };
    let theirs = stages(other);
    let own = stages(target).into_iter().find(|(name, _)| !theirs.iter().any(|(other, _)| other == name));
    target.place(own.map_or(target.line(), |(_, line)| line))
}
