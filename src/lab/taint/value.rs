//! What a secret's value looks like, beside what only stands for one.

use regex::Regex;

use crate::stacks::ecosystem;

/// A secret that was found; its text only serves to find its line, and no report has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenSecret {
    /// As people call it.
    pub(crate) what: String,
    pub(crate) text: String,
}

/// The release's own `regex` ignores no case: tests are built with more of its features.
pub(super) fn regex(text: &str) -> Regex {
    Regex::new(text).expect("it is written here, and a test uses it")
}

/// Whether nobody would take a value for a word.
pub(super) fn is_telling(value: &str) -> bool {
    value.len() >= 6
        && !value.contains(char::is_whitespace)
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
}

/// Whether a value is a secret's own, rather than a place, a switch, a number or a stand-in.
pub(crate) fn is_value(value: &str) -> bool {
    is_literal(value) && !is_stand_in(value)
}

/// Whether a value is a secret's own, rather than a place, a switch or a number.
pub(crate) fn is_literal(value: &str) -> bool {
    let place = value.starts_with(['/', '.', '$']) || value.starts_with("file:");
    let switch =
        ["true", "false", "yes", "no", "on", "off", "none", "null"].contains(&value.to_ascii_lowercase().as_str());
    // What is secret in an address is looked for by itself.
    !(value.is_empty() || place || switch || value.contains("://") || value.parse::<f64>().is_ok())
}

/// Whether a value stands for another one, or for none at all.
pub(super) fn is_stand_in(value: &str) -> bool {
    let lower = value.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    value.contains(['$', '{', '<', '*', '%', '`', '…']) && !is_escaped(value)
        || value.contains("...")
        || words.any(|word| {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
            ecosystem().written.placeholders.iter().any(|own| own == word || own == bare)
        })
}

/// Whether all that is unusual in a password of an address is written as hexadecimal digits.
fn is_escaped(value: &str) -> bool {
    let mut parts = value.split('%').skip(1);
    let escapes = |part: &str| part.len() > 1 && part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    value.contains('%') && !value.contains(['$', '{', '<', '*', '`', '…']) && parts.all(escapes)
}
