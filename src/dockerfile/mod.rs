//! The Dockerfile as the user has it: stages and instructions with their lines, what a stage needs, and
//! the derived texts that verification builds.
//!
//! The parser follows `BuildKit`'s own (frontend/dockerfile/parser and instructions), which is the only
//! definition of the format: comments between continued lines, heredocs anywhere in RUN, COPY and ADD,
//! the escape directive, CRLF and a byte order mark.

mod derive;
mod lines;
mod model;
mod names;
mod naming;
mod parse;
mod read;
mod rebuild;
mod stages;
mod step;
#[cfg(test)]
mod tests;
mod words;

pub use derive::{DroppedCopy, LaterRun, Truncated, WithoutCopies};
pub use model::{
    CommandForm, Copy, Dockerfile, DockerfileStage, HealthcheckInstruction, Heredoc, Instruction, InstructionKind,
    RunInstruction, RunMount, StageBase,
};
pub use read::{MAX_BYTES, parse, read};
pub use rebuild::Rebuilt;
pub use stages::{OutsideImage, Source};
pub use words::expand;
