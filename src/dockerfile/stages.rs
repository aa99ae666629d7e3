//! What stages need: other stages and outside images.

use std::collections::{BTreeMap, HashMap};

use super::lines::{self, LineFault};
use super::model::{Copy, Dockerfile, DockerfileStage, Instruction, InstructionKind, RunMount, StageBase};
use super::names::{global_defaults, named};
use super::words::expand;
use crate::error::{Error, Location, Result};
use crate::text::{Place, nearest};

/// An image that a stage takes from outside of the Dockerfile. `--from` may also name a build context
/// given on the command line (`build.additional_contexts`): the caller knows those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideImage {
    /// Its name, in FROM with ARGs put in by their defaults; what has none stays as `${NAME}`.
    pub image: String,
    /// As written.
    pub raw: String,
    /// The stage that names it.
    pub stage: usize,
    /// The line.
    pub line: usize,
}

/// What a `--from` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A stage, by its index.
    Stage(usize),
    /// An outside image or a named context.
    Outside(String),
}

impl Dockerfile {
    /// The image of the frontend that the `syntax` directive names, and the line (Dockerfile reference, "syntax").
    #[must_use]
    pub fn syntax(&self) -> Option<(&str, usize)> {
        lines::syntax_of(&self.text)
    }

    /// The stage of a name, without regard to case; of several, the last, as `BuildKit`'s `--target`.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&DockerfileStage> {
        self.stages.iter().rev().find(|stage| named(stage, name))
    }

    /// The stage of a name, or an error that lists those that are there.
    ///
    /// # Errors
    /// There is no such stage.
    pub fn require_stage(&self, name: &str) -> Result<&DockerfileStage> {
        self.stage(name).ok_or_else(|| {
            let names: Vec<&str> = self.stages.iter().filter_map(|stage| stage.name.as_deref()).collect();
            let error = Error::description(format!("the Dockerfile has no stage `{name}`")).in_file(&self.file);
            let error = match nearest(name, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            };
            error.hint(if names.is_empty() {
                format!("none of its stages has a name: write FROM … AS {name}")
            } else {
                format!("its stages are {}", names.join(", "))
            })
        })
    }

    /// Stages whose name an earlier stage has already (`BuildKit` takes the last and warns).
    pub fn duplicates(&self) -> impl Iterator<Item = &DockerfileStage> {
        self.stages.iter().filter(|stage| {
            let name = stage.name.as_deref();
            name.is_some_and(|name| self.stages[..stage.index].iter().any(|other| named(other, name)))
        })
    }

    /// What `--from=from` means: a number is an index, else a stage's name, else an image.
    #[must_use]
    pub fn source(&self, from: &str) -> Source {
        if let Ok(index) = from.parse::<usize>()
            && index < self.stages.len()
        {
            return Source::Stage(index);
        }
        self.stage(from).map_or_else(|| Source::Outside(from.to_owned()), |stage| Source::Stage(stage.index))
    }

    /// The stages that a stage is made of by FROM, itself first.
    #[must_use]
    pub fn ancestry(&self, stage: usize) -> Vec<usize> {
        let mut chain = vec![stage];
        let mut at = stage;
        while let StageBase::Stage(next) = self.stages[at].base {
            chain.push(next);
            at = next;
        }
        chain
    }

    /// The stages that building a stage needs, itself included, in the order of the file: through FROM,
    /// `COPY --from` and `RUN --mount=from=`.
    #[must_use]
    pub fn closure(&self, stage: usize) -> Vec<usize> {
        let mut needed = vec![false; self.stages.len()];
        let mut open = vec![stage];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut needed[at], true) {
                continue;
            }
            if let StageBase::Stage(base) = self.stages[at].base {
                open.push(base);
            }
            for instruction in &self.stages[at].instructions {
                for from in froms(instruction) {
                    if let Source::Stage(index) = self.source(from) {
                        open.push(index);
                    }
                }
            }
        }
        (0..needed.len()).filter(|index| needed[*index]).collect()
    }

    /// The outside images that building a stage needs, in the order of the file; `scratch` is none.
    #[must_use]
    pub fn outside_images(&self, stage: usize) -> Vec<OutsideImage> {
        let mut found = Vec::new();
        for index in self.closure(stage) {
            let stage = &self.stages[index];
            if let StageBase::Image(image) = &stage.base {
                found.push(OutsideImage {
                    image: image.clone(),
                    raw: stage.raw_base.clone(),
                    stage: index,
                    line: stage.line,
                });
            }
            for instruction in &stage.instructions {
                for from in froms(instruction) {
                    if let Source::Outside(image) = self.source(from) {
                        found.push(OutsideImage { image, raw: from.to_owned(), stage: index, line: instruction.line });
                    }
                }
            }
        }
        found
    }

    /// An error at an instruction, with its first line.
    #[must_use]
    pub fn error_at(&self, line: usize, message: impl Into<String>) -> Error {
        let place = Place::new(self.file.as_path(), line);
        Error::description(message).at(Location::in_text(place, &self.text))
    }

    /// The ARGs known in a stage before a line: declared in it or in the stages it is FROM, by their own
    /// default or the global one of the same name.
    #[must_use]
    pub fn arg_defaults(&self, stage: usize, before: usize) -> BTreeMap<String, String> {
        let globals = global_defaults(self);
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for index in self.ancestry(stage).into_iter().rev() {
            for instruction in &self.stages[index].instructions {
                let InstructionKind::Arg(args) = &instruction.kind else { continue };
                if index == stage && instruction.line >= before {
                    break;
                }
                for (name, default) in args {
                    let value = match default {
                        Some(default) => Some(expand(default, self.escape, &|name| known.get(name).cloned())),
                        None => globals.get(name).cloned(),
                    };
                    if let Some(value) = value {
                        known.insert(name.clone(), value);
                    }
                }
            }
        }
        known
    }
}

/// What `BuildKit` refuses of the references between stages.
pub(super) fn check(dockerfile: &Dockerfile) -> Result<(), LineFault> {
    let names: HashMap<String, usize> = dockerfile
        .stages
        .iter()
        .filter_map(|stage| Some((stage.name.as_deref()?.to_ascii_lowercase(), stage.index)))
        .collect();
    let source = |from: &str| match from.parse::<usize>() {
        Ok(index) if index < dockerfile.stages.len() => Source::Stage(index),
        _ => names
            .get(&from.to_ascii_lowercase())
            .map_or_else(|| Source::Outside(from.to_owned()), |at| Source::Stage(*at)),
    };
    for stage in &dockerfile.stages {
        for instruction in &stage.instructions {
            for from in froms(instruction) {
                let fault = |message: String| LineFault::new(instruction.line, message);
                if from.contains('$') {
                    return Err(fault(format!("`from={from}`: a variable is not allowed here"))
                        .hint(format!("name it by a stage of its own: FROM {from} AS name")));
                }
                let at = match source(from) {
                    Source::Stage(at) => at,
                    Source::Outside(name) if name.parse::<usize>().is_ok() => usize::MAX,
                    Source::Outside(_) => continue,
                };
                if at >= stage.index {
                    return Err(fault(format!("`from={from}` names no stage before this one"))
                        .hint("put the stage that it takes from first"));
                }
            }
        }
    }
    Ok(())
}

/// What an instruction takes from elsewhere by `from`.
pub(super) fn froms(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Copy(Copy { from: Some(from), .. }) => vec![from],
        InstructionKind::Run(run) => run.mounts.iter().filter_map(mount_from).collect(),
        _ => Vec::new(),
    }
}

fn mount_from(mount: &RunMount) -> Option<&str> {
    mount.from.as_deref().filter(|from| !from.is_empty())
}
