//! The flaws found in one file, each with its place.

use std::ops::Range;
use std::path::Path;

use super::raw;
use crate::error::{Error, Location, Result};
use crate::text::{Place, line_of};

/// How many further flaws an error names.
const FURTHER: usize = 4;

/// Collects flaws, so that a person can fix a file in one go.
pub(super) struct Flaws<'a> {
    text: &'a str,
    file: &'a Path,
    found: Vec<(usize, Error)>,
}

impl<'a> Flaws<'a> {
    /// For a file's text, which errors call `file`.
    pub(super) fn new(text: &'a str, file: &'a Path) -> Self {
        Self { text, file, found: Vec::new() }
    }

    /// The text at a place.
    pub(super) fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// Whether a place is on a line that begins a `[table]`.
    pub(super) fn in_header(&self, span: &Range<usize>) -> bool {
        let before = self.text.get(..span.start).unwrap_or("");
        before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('['))
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        line_of(self.text.get(..span.start).unwrap_or("").as_bytes())
    }

    /// Notes a flaw that is at a place.
    pub(super) fn add(&mut self, span: &Range<usize>, error: Error) {
        self.found.push((span.start, error));
    }

    /// Notes that something is missing, which has no place.
    pub(super) fn add_missing(&mut self, error: Error) {
        self.found.push((usize::MAX, error));
    }

    /// Takes the value, or notes what is wrong with it.
    pub(super) fn take<T>(&mut self, span: &Range<usize>, value: Result<T>) -> Option<T> {
        value.map_err(|error| self.add(span, error)).ok()
    }

    /// The first flaw in the file's order, if there is any; its last hints name the others.
    pub(super) fn into_error(mut self) -> Option<Error> {
        self.found.sort_by_key(|(offset, _)| *offset);
        let more = self.found.len().saturating_sub(1 + FURTHER);
        // Lines are counted for these few alone: a file may hold a hundred thousand flaws.
        let place = |offset| (offset != usize::MAX).then(|| location(self.text, self.file, offset));
        let mut found = self.found.into_iter();
        let (offset, error) = found.next()?;
        let mut first = match place(offset) {
            Some(place) => error.at(place),
            None => error.in_file(self.file),
        };
        for (offset, error) in found.take(FURTHER) {
            let line =
                place(offset).and_then(|place| place.line).map_or(String::new(), |line| format!(" in line {line}"));
            first = first.hint(format!("also{line}: {}", error.message()));
        }
        Some(if more > 0 { first.hint(format!("and {more} more after these")) } else { first })
    }
}

/// A value that may be left out: outer `None` for a flawed one.
#[expect(clippy::option_option, reason = "left out and flawed are two things")]
pub(super) fn optional<T, U>(
    raw: Option<raw::At<T>>,
    parse: impl FnOnce(T) -> Result<U>,
    flaws: &mut Flaws<'_>,
) -> Option<Option<U>> {
    raw.map_or(Some(None), |raw| one(raw, parse, flaws).map(Some))
}

pub(super) fn one<T, U>(raw: raw::At<T>, parse: impl FnOnce(T) -> Result<U>, flaws: &mut Flaws<'_>) -> Option<U> {
    let (value, span) = raw.split();
    flaws.take(&span, parse(value))
}

/// All of a list, or nothing if any is flawed; looks at all.
pub(super) fn all<T, U>(raw: Vec<T>, mut each: impl FnMut(T) -> Option<U>) -> Option<Vec<U>> {
    let count = raw.len();
    let good: Vec<U> = raw.into_iter().filter_map(&mut each).collect();
    (good.len() == count).then_some(good)
}

/// The place of a byte in a text.
pub(super) fn location(text: &str, file: &Path, offset: usize) -> Location {
    Location::in_text(Place::of(file, text, offset), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        for (text, offset, expected) in [
            ("", 0, (1, 1, None)),
            ("a = 1\nbé = 2\n", 6, (2, 1, Some("bé = 2"))),
            ("a = 1\nbé = 2\n", 9, (2, 3, Some("bé = 2"))),
            ("a = 1\r\nb = 2\r\n", 7, (2, 1, Some("b = 2"))),
            ("a\x1b[2Jb", 5, (1, 6, Some("a [2Jb"))),
            ("a = 1\n", 99, (2, 1, None)),
        ] {
            let place = location(text, Path::new("f"), offset);
            let (line, column, shown) = expected;
            assert_eq!((place.line, place.column), (Some(line), Some(column)), "{text:?}");
            assert_eq!(place.text.as_deref(), shown);
        }
    }

    #[test]
    fn the_first_in_the_file_leads() {
        let text = "one\ntwo\n";
        let mut flaws = Flaws::new(text, Path::new("f"));
        flaws.add_missing(Error::description("no end"));
        flaws.add(&(4..7), Error::description("bad two"));
        flaws.add(&(0..3), Error::description("bad one"));
        let error = flaws.into_error().unwrap();
        assert_eq!(error.to_string(), "f:1:1: bad one");
        assert_eq!(error.hints(), ["also in line 2: bad two", "also: no end"]);
    }
}
