//! Secrets in lines of configuration, and of files that hold credentials.

use std::sync::LazyLock;

use regex::Regex;

use super::value::{WrittenSecret, is_telling, is_value, regex};
use super::words::is_secret_name;
use crate::stacks::ecosystem;

static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[:=]\s*(?:"([^"]+)"|'([^']+)'|([^\s#"',]+))\s*,?\s*$"#,
    )
});

/// A credential in a file that holds them: `key=value`, `key value`, `"key": "value"`, `<key>value</key>`.
pub(super) fn credential(line: &str, keys: &[&str]) -> Option<WrittenSecret> {
    if line.trim_start().starts_with(['#', ';']) {
        return None;
    }
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    keys.iter().find_map(|key| {
        line.match_indices(key).find_map(|(at, _)| {
            let rest = &line[at + key.len()..];
            if line[..at].ends_with(part) || rest.starts_with(part) || line[..at].ends_with('/') {
                return None;
            }
            let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"'=:>".contains(c));
            let rest = rest.strip_prefix("value=").unwrap_or(rest).trim_start_matches(['"', '\'']);
            let value = &rest[..rest.find(|c: char| c.is_whitespace() || "\"'<,;".contains(c)).unwrap_or(rest.len())];
            is_value(value).then(|| WrittenSecret { what: format!("a value of {key}"), text: value.to_owned() })
        })
    })
}

/// A line of configuration that gives a secret's name a value that nobody would take for a word.
pub(super) fn setting(line: &str) -> Option<WrittenSecret> {
    let found = SETTING.captures(line)?;
    let value = found.get(2).or(found.get(3)).or(found.get(4))?.as_str();
    let name = apart(&found[1]);
    (is_telling(value) && is_secret_name(&name) && is_value(value))
        .then(|| WrittenSecret { what: format!("a value of {}", &found[1]), text: value.to_owned() })
}

/// A key with underscores between its words: `dbPassword`, `db.password`.
fn apart(key: &str) -> String {
    let mut name = String::new();
    for c in key.replace(['.', '-'], "_").chars() {
        if c.is_ascii_uppercase() && name.ends_with(|c: char| c.is_ascii_lowercase()) {
            name.push('_');
        }
        name.push(c);
    }
    name
}

/// Whether a text begins as the description of an interface does, whose values are examples.
pub(super) fn describes(text: &str) -> bool {
    const BEGINNING: usize = 200;
    let begin: String = text.chars().take(BEGINNING).collect();
    let keys = &ecosystem().written.descriptions;
    keys.iter().any(|key| {
        begin.contains(&format!("\"{key}\"")) || begin.lines().any(|line| line.starts_with(&format!("{key}:")))
    })
}
