//! Where a value comes from.

use std::fmt;
use std::sync::Arc;

use crate::error::Location;

/// The layers that a stack is merged from, in the order of merging: a later one has the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginLayer {
    /// `stack.toml`.
    Stack,
    /// The package manager of this name.
    Manager(String),
    /// The framework of this name.
    Framework(String),
    /// `adopted.toml`: what is so of code that is the repository's own.
    Adopted,
    /// `dockwright.toml`.
    User,
}

impl fmt::Display for OriginLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack => f.write_str("stack"),
            Self::Manager(name) => write!(f, "manager {name}"),
            Self::Framework(name) => write!(f, "framework {name}"),
            Self::Adopted => f.write_str("adopted"),
            Self::User => f.write_str("user"),
        }
    }
}

/// The layer that says a value, and where it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The layer.
    pub layer: OriginLayer,
    /// The file, as people know it.
    pub file: Arc<str>,
    /// The line of the value's key, from 1.
    pub line: usize,
}

impl Origin {
    /// The place, for an error.
    #[must_use]
    pub fn location(&self) -> Location {
        Location { file: self.file.as_ref().into(), line: Some(self.line), column: None, text: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.layer, self.file, self.line)
    }
}
