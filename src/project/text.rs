//! What all texts with a grammar share: how they are declared, quoted and refused.
//!
//! Each such text is made by its `parse` only, which says what is wrong and what to write. These errors carry
//! no place; whoever reads a file adds it.

use crate::error::{Error, Result};

/// Declares texts that only their `parse` makes.
macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}
pub(super) use text_types;

/// A text as TOML's basic strings and JSON write it; what the eye would miss is shown as an escape.
pub(super) fn quoted(text: impl AsRef<str>) -> String {
    let mut out = String::from("\"");
    for c in text.as_ref().chars() {
        match escape(c) {
            Some(escape) => out += &escape,
            None => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The escape for a character that cannot stand, or would not be seen, between quotes.
fn escape(c: char) -> Option<String> {
    match c {
        '"' | '\\' => Some(format!("\\{c}")),
        '\n' => Some("\\n".to_owned()),
        '\t' => Some("\\t".to_owned()),
        '\r' => Some("\\r".to_owned()),
        // TOML has `\UXXXXXXXX` for what four digits do not hold.
        _ if is_hidden(c) && u32::from(c) > 0xFFFF => Some(format!("\\U{:08X}", u32::from(c))),
        _ if is_hidden(c) => Some(format!("\\u{:04X}", u32::from(c))),
        _ => None,
    }
}

/// As [`quoted`], cut to what fits in a message.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return quoted(text);
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{} …", quoted(start))
}

/// Whether a character prints as nothing, as a line break, or turns the text around (Unicode's Cc, the Cf that
/// editors hide, and the bidirectional controls of CVE-2021-42574).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// Whether a character ends a line, for Dockerfile, env files or any version of YAML.
pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Refuses control characters but those allowed; `what` is the sentence's subject.
pub(super) fn refuse_control(text: &str, what: &str, allowed: &[char]) -> Result<()> {
    match text.chars().find(|c| c.is_control() && !allowed.contains(c)) {
        None => Ok(()),
        Some('\0') => {
            Err(Error::description(format!("{what} cannot contain a NUL character: the kernel ends the text there"))
                .hint("remove the \\u0000"))
        }
        Some(c) => {
            Err(Error::description(format!("{what} cannot contain the control character U+{:04X}", u32::from(c)))
                .hint("remove it, or have the service decode it from base64"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_shows_what_is_hidden() {
        for (text, expected) in [
            ("a b", r#""a b""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\n\t\r\0", r#""\n\t\r\u0000""#),
            ("a\u{202E}b", r#""a\u202Eb""#),
            ("\u{E0041}é", r#""\U000E0041é""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
