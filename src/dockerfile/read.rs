//! From a file to the model.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::lines::{LineFault, escape_of, logical_lines};
use super::model::{Dockerfile, DockerfileStage, Instruction, InstructionKind, StageBase};
use super::names::global_defaults;
use super::parse::{From, Parsed, instruction};
use super::words::expand;
use crate::error::{Error, Location, Result};
use crate::text::{Place, read_text};

/// The largest Dockerfile that is read, in bytes. The longest in use are far below a tenth of it.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a Dockerfile.
///
/// # Errors
/// It cannot be read, is larger than [`MAX_BYTES`], is not UTF-8, or `BuildKit` would refuse it.
pub fn read(path: &Path) -> Result<Dockerfile> {
    parse(&read_text(path, MAX_BYTES)?, path)
}

/// Understands a Dockerfile's `text`; `file` is its name in errors.
///
/// # Errors
/// `BuildKit` would refuse it: no FROM, an unknown instruction or flag, an unclosed heredoc …
pub fn parse(text: &str, file: &Path) -> Result<Dockerfile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    understand(text, file).map_err(|fault| {
        let place = Place::new(file, fault.line);
        let error = Error::description(fault.message).at(Location::in_text(place, text));
        fault.hint.into_iter().fold(error, Error::hint)
    })
}

fn understand(text: &str, file: &Path) -> Result<Dockerfile, LineFault> {
    let escape = escape_of(text)?;
    let source: Vec<&str> = text.split_inclusive('\n').collect();
    let mut dockerfile = Dockerfile {
        file: file.to_path_buf(),
        text: text.to_owned(),
        escape,
        global_args: Vec::new(),
        stages: Vec::new(),
    };
    let (mut defaults, mut names) = (None, HashMap::new());
    for logical in logical_lines(text, escape)? {
        match instruction(&logical, escape)? {
            Parsed::From(from) => {
                // No global ARG follows the first FROM.
                let defaults = defaults.get_or_insert_with(|| global_defaults(&dockerfile));
                let lines = (logical.line, logical.end_line);
                let stage = stage(from, dockerfile.stages.len(), lines, escape, (&*defaults, &names));
                names.extend(stage.name.as_deref().map(|name| (name.to_ascii_lowercase(), stage.index)));
                dockerfile.stages.push(stage);
            }
            Parsed::Other(kind) => match (dockerfile.stages.last_mut(), kind) {
                (Some(stage), kind) => {
                    stage.end_line = logical.end_line;
                    stage.instructions.push(Instruction {
                        kind,
                        line: logical.line,
                        end_line: logical.end_line,
                        text: source[logical.line - 1..logical.end_line].concat(),
                    });
                }
                (None, InstructionKind::Arg(args)) => {
                    dockerfile.global_args.extend(args.into_iter().map(|(name, value)| (name, value, logical.line)));
                }
                (None, _) => {
                    return Err(LineFault::new(logical.line, "an instruction comes before FROM")
                        .hint("only ARG may; begin the first stage with FROM"));
                }
            },
        }
    }
    if dockerfile.stages.is_empty() {
        return Err(LineFault::new(1, "the Dockerfile has no FROM"));
    }
    trigger(&mut dockerfile);
    super::stages::check(&dockerfile)?;
    Ok(dockerfile)
}

/// What ONBUILD says in a stage is done first in each stage that is FROM it, and in none that is FROM that one (`BuildKit`,
/// dockerfile2llb): there it is an instruction like others, with the line of the ONBUILD.
fn trigger(dockerfile: &mut Dockerfile) {
    let onbuild = |stage: &DockerfileStage| -> Vec<Instruction> {
        let triggers = stage.instructions.iter().filter_map(|one| match &one.kind {
            InstructionKind::Onbuild(kind) => Some(Instruction { kind: (**kind).clone(), ..one.clone() }),
            _ => None,
        });
        triggers.collect()
    };
    let triggers: Vec<Vec<Instruction>> = dockerfile.stages.iter().map(onbuild).collect();
    for stage in &mut dockerfile.stages {
        if let StageBase::Stage(base) = stage.base {
            stage.instructions.splice(0..0, triggers[base].iter().cloned());
        }
    }
}

/// A stage, given the global ARGs that have a default, and the latest stage before it of each name.
fn stage(
    from: From,
    index: usize,
    (line, end_line): (usize, usize),
    escape: char,
    (defaults, names): (&BTreeMap<String, String>, &HashMap<String, usize>),
) -> DockerfileStage {
    let lookup = |name: &str| defaults.get(name).cloned();
    let image = expand(&from.base, escape, &lookup);
    // FROM takes names only, never an index.
    let base = if let Some(stage) = names.get(&image.to_ascii_lowercase()) {
        StageBase::Stage(*stage)
    } else if image == "scratch" {
        StageBase::Scratch
    } else {
        StageBase::Image(image)
    };
    DockerfileStage {
        name: from.name,
        index,
        base,
        raw_base: from.base,
        platform: from.platform,
        line,
        end_line,
        instructions: Vec::new(),
    }
}
