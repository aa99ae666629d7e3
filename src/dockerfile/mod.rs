//! The Dockerfile as the user has it: stages and instructions with their lines, what a stage needs, and
//! the derived texts that verification builds.
//!
//! The parser follows `BuildKit`'s own (frontend/dockerfile/parser and instructions), which is the only
//! definition of the format: comments between continued lines, heredocs anywhere in RUN, COPY and ADD,
//! the escape directive, CRLF and a byte order mark.

mod model;

pub use model::{
    Base, Command, Copy, Dockerfile, Healthcheck, Heredoc, Instruction, Kind, Run, RunMount, Stage,
};
