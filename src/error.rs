//! The one error type: what went wrong, where, why, and what to do next.
//!
//! A failed contract is a result, not an error; see `verify`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::{Place, Unreadable, Why, line_of};

/// What kind of error this is; decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line, or a target that cannot be used as asked.
    Usage,
    /// dockwright.toml, compose.yaml, Dockerfile or another file that describes the project.
    Description,
    /// Reading or writing a file failed.
    Io,
    /// No container engine, or the engine failed.
    Engine,
    /// The engine has no room left, which no later request changes: its disk is full, or its subnets are in use.
    EngineFull,
    /// Stopped by the user.
    Interrupted,
}

impl ErrorKind {
    /// The exit code of the process (see docs/ARCHITECTURE.md, "Exit codes").
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Usage | ErrorKind::Description | ErrorKind::Io => 2,
            ErrorKind::Engine | ErrorKind::EngineFull => 3,
            ErrorKind::Interrupted => 130,
        }
    }

    /// The kind's name in `--format json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Usage => "usage",
            ErrorKind::Description => "description",
            ErrorKind::Io => "io",
            ErrorKind::Engine | ErrorKind::EngineFull => "engine",
            ErrorKind::Interrupted => "interrupted",
        }
    }
}

/// Where an error is: a file, and a [`Place`] in it where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user knows it (relative to the project where it can be).
    pub file: PathBuf,
    /// The line, if known.
    pub line: Option<usize>,
    /// The column, if known.
    pub column: Option<usize>,
    /// The offending line's text, if it helps.
    pub text: Option<String>,
}

/// An error with everything that a person needs to fix it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    // Boxed: errors are rare and `Result` is returned everywhere, so it is kept small.
    details: Box<Details>,
}

#[derive(Debug, Default)]
struct Details {
    location: Option<Location>,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind; `message` says what went wrong, in one sentence without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Box::default() }
    }

    /// Shorthand for [`ErrorKind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Shorthand for [`ErrorKind::Description`].
    pub fn description(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Description, message)
    }

    /// Shorthand for [`ErrorKind::Engine`].
    pub fn engine(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Engine, message)
    }

    /// An I/O error: `what` was being done, as "cannot read", to `path`.
    #[must_use]
    pub fn io(what: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{what} {}", path.display())).because(source)
    }

    /// Says in which file the error is.
    #[must_use]
    pub fn in_file(self, file: impl Into<PathBuf>) -> Self {
        self.at(Location { file: file.into(), line: None, column: None, text: None })
    }

    /// Says where the error is.
    #[must_use]
    pub fn at(mut self, location: impl Into<Location>) -> Self {
        self.details.location = Some(location.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.details.source = Some(source.into());
        self
    }

    /// Adds several causes, each of its own.
    #[must_use]
    pub fn because_all(self, causes: Vec<String>) -> Self {
        let chain = causes.into_iter().rev().fold(None, |next, text| Some(Box::new(Cause { text, next })));
        match chain {
            Some(chain) => self.because(chain),
            None => self,
        }
    }

    /// The same error with each of its texts as `clean` makes it.
    #[must_use]
    pub fn with_texts(self, clean: &dyn Fn(&str) -> String) -> Self {
        let causes = self.causes().iter().map(|cause| clean(cause)).collect();
        let Details { location, hints, .. } = *self.details;
        let location = location.map(|at| Location { text: at.text.as_deref().map(clean), ..at });
        let hints = hints.iter().map(|hint| clean(hint)).collect();
        let details = Box::new(Details { location, hints, source: None });
        Self { kind: self.kind, message: clean(&self.message), details }.because_all(causes)
    }

    /// The same error without what stands in the file that it is about, which is nobody's business here.
    #[must_use]
    pub fn unquoted(self) -> Self {
        let location = self.details.location.map(|at| Location { text: None, ..at });
        let what = "this file is outside of the project, and cannot be read as what the project says it is";
        Self { details: Box::new(Details { location, ..Details::default() }), ..Self::new(self.kind, what) }
    }

    /// Adds what to do next, in the imperative.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.details.hints.push(hint.into());
        self
    }

    /// The error's kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without cause, place and hints.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, if known.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.details.location.as_ref()
    }

    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.details.hints
    }

    /// Where, what, and all causes on one line, for places that have no room for more.
    #[must_use]
    pub fn one_line(&self) -> String {
        std::iter::once(self.to_string()).chain(self.causes()).collect::<Vec<_>>().join(": ")
    }

    /// The causes, outermost first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            let text = error.to_string();
            // Libraries like to repeat their cause in their own text.
            if !causes.last().is_some_and(|last| last.contains(&text)) {
                causes.push(text);
            }
            next = error.source();
        }
        causes
    }
}

/// One of several causes.
#[derive(Debug)]
struct Cause {
    text: String,
    next: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

impl Location {
    /// A place in a file, with its line of the file's `text` where it can be shown.
    #[must_use]
    pub fn in_text(place: Place, text: &str) -> Self {
        /// The longest line that is quoted, in characters.
        const LINE: usize = 160;
        let line = text.split('\n').nth(place.line.saturating_sub(1)).unwrap_or("").trim_end_matches('\r');
        // A terminal must not act on what stands in a file, and a caret below must stay in its column.
        let plain = |c: char| if c.is_control() && (c != '\t' || place.column.is_some()) { ' ' } else { c };
        let shown: String = line.chars().take(LINE).map(plain).collect();
        let fits = place.column.is_none_or(|column| column <= LINE);
        Self { text: (fits && !shown.trim().is_empty()).then_some(shown), ..place.into() }
    }
}

impl From<Place> for Location {
    fn from(place: Place) -> Self {
        Self { file: place.file.to_path_buf(), line: Some(place.line), column: place.column, text: None }
    }
}

impl From<Unreadable> for Error {
    fn from(Unreadable { path, why }: Unreadable) -> Self {
        let message = why.to_string();
        match why {
            Why::Io(error) => Self::io("cannot read", &path, error),
            Why::Folder | Why::Special => Self::description(message).in_file(path),
            Why::TooLarge(_) => {
                Self::description(message).in_file(path).hint("check whether another file got this name")
            }
            Why::NotText(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                Self::description(message).at(Place::new(path, line_of(before))).hint("save it as UTF-8")
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.details.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_leads_with_the_place() {
        let error = Error::description("unknown key `prot`")
            .at(Place { column: Some(1), ..Place::new(Path::new("dockwright.toml"), 3) })
            .hint("did you mean `port`?");
        assert_eq!(error.to_string(), "dockwright.toml:3:1: unknown key `prot`");
        assert_eq!(error.kind().exit_code(), 2);
        assert_eq!(error.hints(), ["did you mean `port`?"]);
    }
}
