//! What is run or installed: commands, shell lines, tools, packages.

use super::text::{is_line_break, quoted, refuse_control, shown, text_types};
use crate::error::{Error, Result};
use crate::stacks::examples;

text_types! {
    /// A Debian package, as apt-get takes it: `name` or `name=version`.
    Package;
    /// One line for `sh` that can stand in a Dockerfile's `RUN`.
    ShellLine;
    /// A tool's name: letters, digits and `._+-`.
    ToolName;
}

/// What to start, in exec form: the program and its arguments, no shell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExecCommand(Vec<String>);

impl ExecCommand {
    /// The program and its arguments; never empty.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Takes a program and its arguments.
    ///
    /// # Errors
    /// No program, a whole shell line in the program's place, a control character other than tab and newline.
    pub fn parse(words: Vec<String>) -> Result<Self> {
        let program = words.first().map_or("", String::as_str);
        if program.is_empty() {
            return Err(Error::description("the command names no program").hint(format!(
                "leave `command` out to have the stack's own, or write one, for example {:?}",
                examples().command
            )));
        }
        // A folder with a space in its name is possible in a full path; else it is a shell line in one word.
        if program.contains(char::is_whitespace) && !program.starts_with('/') {
            let split: Vec<String> =
                program.split_whitespace().chain(words[1..].iter().map(String::as_str)).map(quoted).collect();
            return Err(Error::description(format!(
                "no program is called {}: each word of a command is an item of its own, because no shell splits it",
                quoted(program)
            ))
            .hint(format!("write [{}]", split.join(", "))));
        }
        for word in &words {
            refuse_control(word, "a command's word", &['\t', '\n'])?;
        }
        Ok(Self(words))
    }
}

impl ShellLine {
    /// Takes a line.
    ///
    /// # Errors
    /// Nothing in it, a line break, a control character other than tab; or what a Dockerfile's `RUN` would take
    /// for its own: a dash first (a flag), a backslash last (the line goes on), `<<` before a word (a heredoc).
    pub fn parse(text: &str) -> Result<Self> {
        let line = text.trim();
        let opens_heredoc = |word: &str| {
            let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
            word.strip_prefix("<<").is_some_and(|rest| !rest.starts_with('<'))
        };
        let flaw = if line.is_empty() {
            Some(("the line to run is empty", "remove it from the list"))
        } else if text.contains(is_line_break) {
            Some(("a line to run contains a line break", "make each line an item of the list"))
        } else if line.starts_with('-') {
            Some((
                "a line to run begins with a dash: RUN would take it for a flag of its own",
                "begin with the program",
            ))
        } else if line.ends_with('\\') {
            Some(("a line to run ends with a backslash: RUN would go on to the next line", "remove the backslash"))
        } else if line.split_whitespace().any(opens_heredoc) {
            Some((
                "a line to run opens a heredoc, which needs lines after it",
                "use printf, or put the script into a file",
            ))
        } else {
            None
        };
        if let Some((message, hint)) = flaw {
            return Err(Error::description(message).hint(hint));
        }
        refuse_control(line, "a line to run", &['\t'])?;
        Ok(Self(line.to_owned()))
    }
}

impl Package {
    /// Takes a package (Debian Policy 5.6.1 for the name, 5.6.12 for the version).
    ///
    /// # Errors
    /// What is no package name or version; a dash last, with which apt-get would remove the package.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        let in_version = |c: char| c.is_ascii_alphanumeric() || ".+:~-".contains(c);
        if name.len() >= 2
            && name.chars().all(good)
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !name.ends_with('-')
            && version.is_none_or(|version| !version.is_empty() && version.chars().all(in_version))
        {
            return Ok(Self(text.to_owned()));
        }
        if text.starts_with('-') {
            return Err(Error::description(format!("{} is an option of apt-get, not a package", shown(text)))
                .hint("list only packages"));
        }
        if name.len() > 1 && name.ends_with('-') && name.chars().all(good) {
            return Err(Error::description(format!("{} would make apt-get remove the package", shown(text)))
                .hint(format!("write {} to add it", quoted(name.trim_end_matches('-')))));
        }
        let error = Error::description(format!(
            "{} is not the name of a Debian package: lower-case letters, digits and `+-.`, at least two, \
             a letter or digit first",
            shown(text)
        ));
        let parts: Vec<String> = text.split([' ', ',']).filter(|part| !part.is_empty()).map(quoted).collect();
        Err(match parts.len() {
            0 | 1 => error.hint("for example: \"libpq5\" or \"libpq5=15.8-0+deb12u1\""),
            _ => error.hint(format!("make each package an item of the list: {}", parts.join(", "))),
        })
    }
}

impl ToolName {
    /// Takes a tool's name.
    ///
    /// # Errors
    /// Nothing, another character than letters, digits and `._+-`, or none of the first two at the start.
    pub fn parse(text: &str) -> Result<Self> {
        let good = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::description(format!(
            "{} cannot name a tool: letters, digits and `._+-`, a letter or digit first",
            shown(text)
        ))
        .hint(format!("name the tool here and its command after the `=`, as `{}`", examples().tool())))
    }
}
