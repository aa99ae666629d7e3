//! Places in files.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as it was opened.
    pub file: Arc<Path>,
    /// The line.
    pub line: usize,
    /// The column, if known.
    pub column: Option<usize>,
}

impl Place {
    /// A line of a file.
    pub fn new(file: impl Into<Arc<Path>>, line: usize) -> Self {
        Self { file: file.into(), line, column: None }
    }

    /// The place of a byte of a text; of the character that holds it, and of the end for what is behind that.
    pub fn of(file: impl Into<Arc<Path>>, text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        Self { column: Some(column_of(before)), ..Self::new(file, line_of(before.as_bytes())) }
    }
}

/// The line that the end of `before` is in.
#[must_use]
pub fn line_of(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// The column of what follows `before`.
#[must_use]
pub fn column_of(before: &str) -> usize {
    1 + before.rsplit('\n').next().unwrap_or(before).chars().count()
}

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Place,
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)?;
        self.column.map_or(Ok(()), |column| write!(f, ":{column}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one_and_in_characters() {
        for (offset, expected) in [(0, "f:1:1"), (2, "f:1:2"), (3, "f:2:1"), (5, "f:2:2"), (99, "f:2:3")] {
            assert_eq!(Place::of(Path::new("f"), "ü\nüx", offset).to_string(), expected);
        }
        assert_eq!(Place::new(Path::new("f"), 3).to_string(), "f:3");
    }
}
