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
            "this is not a text file: it contains NUL bytes".into(),
            Some("check whether another file got this name".into()),
        );
    }
    if trimmed.starts_with(['{', '<']) && text.trim_start().starts_with(['{', '<']) {
        return ("this is not TOML, but looks like JSON or XML".into(), Some("begin the file with schema = 1".into()));
    }
    if let Some((key, value)) = yaml(trimmed) {
        let hint = if value.is_empty() {
            format!("write [{}] on a line of its own, and its keys under it as key = value", bare(key))
        } else {
            format!("write {} = {}", bare(key), toml(value))
        };
        return ("this is YAML's way to write it; dockwright.toml is TOML".into(), Some(hint));
    }
    if let Some(c) = line_at(text, line).chars().find(|c| c.is_control() && *c != '\t') {
        let message = format!("this line contains an invisible control character (U+{:04X})", u32::from(c));
        return (message, Some("delete the line and type it again".into()));
    }
    if message.contains("duplicate key") {
        let twice = if trimmed.starts_with('[') { trimmed.to_owned() } else { format!("`{}`", found.trim()) };
        return (format!("{twice} stands twice"), Some("keep one of the two".into()));
    }
    if let Some((key, value)) = trimmed.split_once('=') {
        let key = key.trim();
        let value = value.split('#').next().unwrap_or("").trim();
        if value.is_empty() {
            return (format!("`{key}` has no value"), Some("write one after the `=`, or remove the line".into()));
        }
        if message.contains("must be quoted") && value.starts_with(|c: char| c.is_alphabetic() || c == '/') {
            return ("a string needs quotes".into(), Some(format!("write {key} = {}", quoted(value))));
        }
    }
    if message.contains("key with no value")
        && let Some((key, value)) = trimmed.split_once(char::is_whitespace)
    {
        return (
            format!("no `=` between `{key}` and its value"),
            Some(format!("write {key} = {}", toml(value.trim()))),
        );
    }
    for (part, told, hint) in COMPLAINTS {
        if message.contains(part) {
            return ((*told).to_owned(), Some((*hint).to_owned()));
        }
    }
    (message.to_owned(), Some("write `key = value`, one to a line, under the `[table]` that they belong to".into()))
}

/// Words of the parser's messages, what to say instead, and what to do.
const COMPLAINTS: &[(&str, &str, &str)] = &[
    (
        "must be quoted",
        "this value is neither a number nor a string in quotes",
        "put strings in quotes, and one key on a line",
    ),
    (
        "unexpected key or value",
        "there is more on this line than a key and its value",
        "remove what follows the value, or put it on the next line",
    ),
    ("recurs", "this is nested too deeply", "check whether another file got this name"),
    ("unclosed table", "this header is not closed", "put a `]` at its end"),
    ("unclosed array", "this list is not closed", "put a `]` after its last item"),
    ("unclosed inline table", "this table is not closed", "put a `}` after its last key"),
    ("invalid basic string", "this string is not closed", "put a `\"` at its end"),
    ("invalid literal string", "this string is not closed", "put a `'` at its end"),
    (
        "missing escaped",
        "a backslash in double quotes begins an escape, and no escape has this name",
        "write two backslashes, or put the string in single quotes",
    ),
    ("cannot extend", "this has a value already, and cannot also be a table", "keep one of the two"),
    ("key with no value", "this key has no value", "write `key = value`"),
];

/// The line of the file that an error shows, control characters and all.
fn line_at<'a>(text: &'a str, shown: &str) -> &'a str {
    let same = |line: &&str| {
        line.trim_end_matches('\r').chars().map(|c| if c.is_control() { ' ' } else { c }).eq(shown.chars())
    };
    text.split('\n').find(same).map_or("", |line| line.trim_end_matches('\r'))
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
    let keeps =
        value.starts_with(['"', '\'', '[']) || value.parse::<i64>().is_ok() || value == "true" || value == "false";
    if keeps { value.to_owned() } else { shown(value) }
}
