//! Reads a description from disk.

use std::path::Path;

use super::{Project, StackFacts};
use crate::error::{Error, Result};

impl Project {
    /// Reads `dir`'s dockwright.toml.
    ///
    /// # Errors
    /// See [`Project::parse`]; also when the file is missing, too big, or no text file.
    pub fn read(dir: &Path, stacks: &[StackFacts<'_>]) -> Result<Self> {
        let _ = (dir, stacks);
        Err(Error::description("not written yet"))
    }

    /// Reads a description out of `text`; `file` is what errors call it.
    ///
    /// # Errors
    /// The first flaw in the file's order, with its place; its hints name the others.
    pub fn parse(text: &str, file: &Path, stacks: &[StackFacts<'_>]) -> Result<Self> {
        let _ = (text, file, stacks);
        Err(Error::description("not written yet"))
    }
}
