//! Environment variables: their names and values.

use super::text::{is_line_break, quoted, refuse_control, text_types};
use crate::error::{Error, Result};

text_types! {
    /// An environment variable's name: `[A-Za-z_][A-Za-z0-9_]*`, as POSIX has it.
    EnvName;
    /// An environment variable's value: any text in one line. `$`, quotes and backslashes are data.
    EnvValue;
}

impl EnvName {
    /// Takes a variable's name.
    ///
    /// # Errors
    /// Another character than `[A-Za-z0-9_]`, a digit first, or nothing at all: shells cannot set such a name.
    pub fn parse(text: &str) -> Result<Self> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !text.is_empty() && text.chars().all(good) && !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let error = Error::description(format!(
            "{} cannot name an environment variable: only letters, digits and `_`, and no digit first",
            quoted(text)
        ));
        let mended: String = text.chars().map(|c| if good(c) { c } else { '_' }).collect();
        let mended = mended.trim_matches('_');
        Err(match mended.chars().next() {
            None => error.hint("for example: LOG_LEVEL"),
            Some(first) if first.is_ascii_digit() => error.hint(format!("name it `_{mended}`")),
            Some(_) => error.hint(format!("name it `{mended}`")),
        })
    }

    /// `APP_ENV`, by which starters tell where they run.
    #[must_use]
    pub fn app_env() -> Self {
        Self("APP_ENV".to_owned())
    }

    /// Where a secret of this name lies in the container: `/run/secrets/` and the name in lower case.
    #[must_use]
    pub fn secret_file(&self) -> String {
        format!("/run/secrets/{}", self.0.to_ascii_lowercase())
    }

    /// The variable that tells the service where: the name and `_FILE`.
    #[must_use]
    pub fn file_variable(&self) -> Self {
        Self(format!("{}_FILE", self.0))
    }
}

impl EnvValue {
    /// Takes a variable's value.
    ///
    /// # Errors
    /// A line break or a control character other than tab.
    pub fn parse(text: &str) -> Result<Self> {
        // BuildKit's Dockerfile reads line by line, and in quotes a backslash escapes only `"`, `$` and itself
        // (frontend/dockerfile/shell/lex.go): no spelling of ENV gives a newline.
        if text.contains(is_line_break) {
            return Err(Error::description(
                "an environment variable's value is one line: neither a Dockerfile's ENV nor `docker run --env-file` can contain a line break",
            )
            .hint("put the text into a file and give its path, or encode it as base64"));
        }
        refuse_control(text, "an environment variable's value", &['\t'])?;
        Ok(Self(text.to_owned()))
    }
}
