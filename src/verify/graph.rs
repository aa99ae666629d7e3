//! What the roles' images are made of: the stages, what each starts from and what it copies from.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dockerfile::{Dockerfile, Instruction, InstructionKind, StageBase};
use crate::subject::{Subject, Target};

/// A stage of a Dockerfile that some role's image needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageReport {
    /// Its name, else its number.
    pub stage: String,
    /// The Dockerfile, relative to the project.
    pub file: String,
    /// The line of its FROM, from 1.
    pub line: usize,
    /// The stage that it starts from; none if that is an outside image.
    pub parent: Option<String>,
    /// What it starts from, as written.
    pub from: String,
    /// The stages that it copies or mounts from.
    pub copies: Vec<String>,
    /// The roles whose image it is.
    pub roles: Vec<String>,
}

/// The stages that these roles need, each before those that are made from it. Files of a layout per role repeat the stages
/// that they share: those of the same name are one here.
pub(super) fn stages(subject: &Subject, wanted: &[String]) -> Vec<StageReport> {
    let mut stages: Vec<StageReport> = Vec::new();
    for role in subject.roles.iter().filter(|role| wanted.contains(&role.name)) {
        for target in role.targets() {
            for index in target.dockerfile.closure(target.stage) {
                let stage = stage(target, index);
                if !stages.iter().any(|known| known.stage == stage.stage) {
                    stages.push(stage);
                }
            }
            let name = target.stage_name();
            if let Some(stage) = stages.iter_mut().find(|stage| stage.stage == name)
                && !stage.roles.contains(&role.name)
            {
                stage.roles.push(role.name.clone());
            }
        }
    }
    stages
}

fn stage(target: &Target, index: usize) -> StageReport {
    let dockerfile = &target.dockerfile;
    let stage = &dockerfile.stages[index];
    let (parent, from) = match &stage.base {
        StageBase::Stage(base) => (Some(name(dockerfile, *base)), name(dockerfile, *base)),
        StageBase::Image(image) => (None, image.clone()),
        StageBase::Scratch => (None, "scratch".to_owned()),
    };
    let mut copies = Vec::new();
    for from in stage.instructions.iter().flat_map(sources) {
        let by_name = dockerfile.stages[..index].iter().rev().find(|other| {
            let named = other.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(from));
            named || from.parse() == Ok(other.index)
        });
        let source = by_name.map(|other| name(dockerfile, other.index));
        copies.extend(source.filter(|source| !copies.contains(source)));
    }
    StageReport {
        stage: name(dockerfile, index),
        file: target.file.clone(),
        line: stage.line,
        parent,
        from,
        copies,
        roles: Vec::new(),
    }
}

fn name(dockerfile: &Dockerfile, index: usize) -> String {
    dockerfile.stages[index].name.clone().unwrap_or_else(|| index.to_string())
}

/// What an instruction takes files from, the build context aside.
fn sources(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => copy.from.as_deref().into_iter().collect(),
        InstructionKind::Run(run) => run.mounts.iter().filter_map(|mount| mount.from.as_deref()).collect(),
        _ => Vec::new(),
    }
}
