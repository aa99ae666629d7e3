//! The only place that prints: data to stdout, everything else to stderr.

mod live;
mod steady;

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anstyle::{AnsiColor, Style};

use crate::error::Error;
use crate::text::{json_without_commands, plain, plain_line};
pub use live::Live;
pub use steady::Steady;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document on stdout.
    Json,
}

/// Where a command writes to.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// How results are written.
    pub format: Format,
}

/// Errors.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// Success.
pub const GREEN: Style = AnsiColor::Green.on_default().bold();
/// Doubt.
pub const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// What stands back.
pub const DIM: Style = Style::new().dimmed();
/// What stands out.
pub const BOLD: Style = Style::new().bold();

impl Ui {
    /// Writes data to stdout; a reader that has gone away (`| head`) is not an error.
    pub fn out(&self, text: &str) {
        write(&mut anstream::stdout().lock(), text);
    }

    /// Writes a message to stderr.
    pub fn say(&self, text: &str) {
        write(&mut anstream::stderr().lock(), text);
    }

    /// Writes to stderr what is worth knowing and not an error.
    pub fn note(&self, text: &str) {
        self.say(&format!("{YELLOW}note{YELLOW:#}: {}\n", plain(text)));
    }

    /// Writes a JSON document to stdout.
    pub fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).expect("our own documents are JSON");
        self.out(&format!("{}\n", json_without_commands(&text)));
    }

    /// Whether a person looks at stderr, so that a live view makes sense.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
    pub fn live(&self) -> bool {
        io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether somebody can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.format == Format::Human && io::stdin().is_terminal() && self.live()
    }

    /// Asks, and returns whether the answer is yes.
    #[must_use]
    pub fn agrees(&self, question: &str) -> bool {
        self.say(&format!("{question} [y/N] "));
        let mut answer = String::new();
        let read = io::stdin().lock().take(100).read_line(&mut answer);
        read.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
    }

    /// Asks, and returns the answer on one line; empty if there is none.
    #[must_use]
    pub fn asks(&self, question: &str) -> String {
        self.say(&format!("{question} "));
        let mut answer = String::new();
        let read = io::stdin().lock().take(1000).read_line(&mut answer);
        if read.is_ok() { answer.trim().to_owned() } else { String::new() }
    }

    /// The columns of the terminal that stdout is; none if it is not a terminal.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
    pub fn width(&self) -> Option<usize> {
        #[cfg(unix)]
        if io::stdout().is_terminal() {
            let columns = rustix::termios::tcgetwinsize(io::stdout()).ok()?.ws_col;
            return Some(usize::from(columns)).filter(|columns| *columns > 0);
        }
        None
    }

    /// Writes an error to stderr alone: what, where, why, what to do next.
    pub fn explain(&self, error: &Error) {
        self.say(&error_text(error));
    }

    /// Writes an error: what, where, why, what to do next. Under `--format json` it is a document on
    /// stdout too, so that a script has one thing to read.
    pub fn error(&self, error: &Error) {
        if self.format == Format::Json {
            self.json(&serde_json::json!({
                "schema": 1,
                "outcome": "error",
                "error": {
                    "kind": error.kind().name(),
                    "message": error.message(),
                    "file": error.location().map(|at| at.file.display().to_string()),
                    "line": error.location().and_then(|at| at.line),
                    "column": error.location().and_then(|at| at.column),
                    "causes": error.causes(),
                    "hints": error.hints(),
                },
            }));
        }
        self.explain(error);
    }
}

fn write(out: &mut impl io::Write, text: &str) {
    // A reader that is gone needs no error.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn error_text(error: &Error) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{RED}error{RED:#}: {}\n", plain(error.message()));
    if let Some(at) = error.location() {
        let _ = writeln!(text, "  {DIM}-->{DIM:#} {}", plain_line(&at.to_string()));
        if let (Some(line), Some(source)) = (at.line, &at.text) {
            let number = line.to_string();
            let pad = " ".repeat(number.len());
            let _ = writeln!(text, "  {DIM}{pad} |{DIM:#}\n  {DIM}{number} |{DIM:#} {}", plain(source));
            if let Some(column) = at.column {
                let spaces = " ".repeat(column.saturating_sub(1));
                let _ = writeln!(text, "  {DIM}{pad} |{DIM:#} {spaces}{RED}^{RED:#}");
            }
        }
    }
    for cause in error.causes() {
        let _ = writeln!(text, "  {DIM}why:{DIM:#} {}", plain(&cause).replace('\n', "\n       "));
    }
    for hint in error.hints() {
        let _ = writeln!(text, "  {GREEN}next:{GREEN:#} {}", plain(hint).replace('\n', "\n        "));
    }
    text
}
