//! What the TOML parser complains of, said for those who do not know TOML yet.

use std::path::Path;

use super::flaws::location;
use super::shape::bare;
use super::text::{quoted, shown};
use crate::error::Error;

/// The error for a file that is no TOML.
pub(super) fn error(text: &str, file: &Path, error: &toml::de::Error) -> Error {
    let span = error.span().unwrap_or(text.len()..text.len());
    let place = location(text, file, span.start);
    let line = place.text.clone().unwrap_or_default();
    let (message, hint) = explain(text, &line, error.message(), text.get(span).unwrap_or(""));
    let told = Error::description(message).at(place);
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// The message and hint for the parser's `message` on a line, at `found`.
fn explain(text: &str, line: &str, message: &str, found: &str) -> (String, Option<String>) {
    let trimmed = line.trim();
    if text.contains('\0') {
        return (
            "this is not a text file: it holds NUL bytes".into(),
            Some("check whether another file got this name".into()),
        );
    }
    if trimmed.starts_with(['{', '<']) && text.trim_start().starts_with(['{', '<']) {
        return (
            "this is not TOML, but looks like JSON or XML".into(),
            Some("begin the file with schema = 1".into()),
        );
    }
    if let Some((key, value)) = yaml(trimmed) {
        let hint = if value.is_empty() {
            format!(
                "write [{}] on a line of its own, and its keys under it as key = value",
                bare(key)
            )
        } else {
            format!("write {} = {}", bare(key), toml(value))
        };
        return ("this is YAML's way to write it; dockwright.toml is TOML".into(), Some(hint));
    }
    if message.contains("duplicate key") {
        return (
            format!(
                "{} stands twice",
                if trimmed.starts_with('[') {
                    trimmed.to_owned()
                } else {
                    format!("`{}`", found.trim())
                }
            ),
            Some("keep one of the two".into()),
        );
    }
    if message.contains("recursion limit") {
        return (
            "this is nested too deeply".into(),
            Some("check whether another file got this name".into()),
        );
    }
    if let Some((key, value)) = trimmed.split_once('=')
        && message.contains("quoted")
    {
        let value = value.split('#').next().unwrap_or("").trim();
        return (
            "a text is in quotes".into(),
            Some(format!("write {} = {}", key.trim(), quoted(value))),
        );
    }
    (message.to_owned(), None)
}

/// The key and value of a line as YAML has them.
fn yaml(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("- ").unwrap_or(line);
    if line == "---" {
        return Some(("service", ""));
    }
    let (key, value) = line.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!key.is_empty() && key.chars().all(plain) && (value.is_empty() || value.starts_with(' ')))
        .then(|| (key, value.trim()))
}

/// A YAML scalar as TOML writes it.
fn toml(value: &str) -> String {
    let keeps = value.starts_with(['"', '\'', '['])
        || value.parse::<i64>().is_ok()
        || value == "true"
        || value == "false";
    if keeps { value.to_owned() } else { shown(value) }
}
