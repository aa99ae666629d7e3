//! From a file to the model.

use std::collections::BTreeMap;
use std::path::Path;

use super::lines::{Fault, escape_of, logical_lines};
use super::model::{Base, Dockerfile, Instruction, Kind, Stage};
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

fn understand(text: &str, file: &Path) -> Result<Dockerfile, Fault> {
    let escape = escape_of(text)?;
    let source: Vec<&str> = text.split_inclusive('\n').collect();
    let mut dockerfile = Dockerfile {
        file: file.to_path_buf(),
        text: text.to_owned(),
        escape,
        global_args: Vec::new(),
        stages: Vec::new(),
    };
    for logical in logical_lines(text, escape)? {
        match instruction(&logical, escape)? {
            Parsed::From(from) => {
                let stage = stage(&dockerfile, from, logical.line, logical.end_line);
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
                (None, Kind::Arg(args)) => {
                    dockerfile.global_args.extend(args.into_iter().map(|(name, value)| (name, value, logical.line)));
                }
                (None, _) => {
                    return Err(Fault::new(logical.line, "an instruction stands before FROM")
                        .hint("only ARG may; begin the first stage with FROM"));
                }
            },
        }
    }
    if dockerfile.stages.is_empty() {
        return Err(Fault::new(1, "the Dockerfile has no FROM"));
    }
    super::stages::check(&dockerfile)?;
    Ok(dockerfile)
}

fn stage(dockerfile: &Dockerfile, from: From, line: usize, end_line: usize) -> Stage {
    let defaults = global_defaults(dockerfile);
    let lookup = |name: &str| defaults.get(name).cloned();
    let image = expand(&from.base, dockerfile.escape, &lookup);
    // FROM takes names only, never an index, and the latest stage of that name before it.
    let base = if let Some(stage) = dockerfile.stages.iter().rev().find(|stage| named(stage, &image)) {
        Base::Stage(stage.index)
    } else if image == "scratch" {
        Base::Scratch
    } else {
        Base::Image(image)
    };
    Stage {
        name: from.name,
        index: dockerfile.stages.len(),
        base,
        raw_base: from.base,
        platform: from.platform,
        line,
        end_line,
        instructions: Vec::new(),
    }
}

/// Whether a stage has this name; case does not count.
pub(super) fn named(stage: &Stage, name: &str) -> bool {
    stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// The global ARGs that have a default, each expanded by those before it.
pub(super) fn global_defaults(dockerfile: &Dockerfile) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (name, default, _) in &dockerfile.global_args {
        if let Some(default) = default {
            let lookup = |name: &str| known.get(name).cloned();
            let value = expand(default, dockerfile.escape, &lookup);
            known.insert(name.clone(), value);
        }
    }
    known
}
