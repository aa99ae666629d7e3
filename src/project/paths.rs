//! Paths: to GET, and inside the project.

use super::text::{refuse_control, shown, text_types};
use crate::error::{Error, Result};
use crate::stacks::examples;

text_types! {
    /// A file inside the project: relative, `/` between its parts, no `..`.
    ProjectPath;
    /// A path to GET, with its query: begins with `/`.
    UrlPath;
}

impl UrlPath {
    /// Takes a path and query as HTTP sends them (RFC 9112, origin-form).
    ///
    /// # Errors
    /// No `/` first, a host, a fragment, or a character that HTTP wants percent-encoded.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some((_, after)) = text.split_once("://") {
            let path = after.find('/').map_or("/", |slash| &after[slash..]);
            return Err(Error::description(format!(
                "{} is an address: verification asks the container that it starts itself",
                shown(text)
            ))
            .hint(format!("write only the path: {}", shown(path))));
        }
        if !text.starts_with('/') || text.starts_with("//") {
            return Err(Error::description(format!("the path {} does not begin with one `/`", shown(text)))
                .hint(format!("write {}", shown(&format!("/{}", text.trim_start_matches('/'))))));
        }
        if let Some((before, _)) = text.split_once('#') {
            return Err(Error::description("the path contains a `#`: what follows it is never sent to a server")
                .hint(format!("write {}", shown(before))));
        }
        match text.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c)) {
            None => Ok(Self(text.to_owned())),
            Some(c) => Err(Error::description(format!(
                "the path contains {}, which HTTP does not allow in a path",
                shown(&c.to_string())
            ))
            .hint(format!("percent-encode it: `{}`", percent(c)))),
        }
    }
}

/// A character percent-encoded as UTF-8.
fn percent(c: char) -> String {
    c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

impl ProjectPath {
    /// The project's folder itself.
    pub(super) fn root() -> Self {
        Self(".".to_owned())
    }

    /// Takes a path inside the project.
    ///
    /// # Errors
    /// An absolute path, a part `..`, `.` or nothing, a backslash, a control character.
    pub fn parse(text: &str) -> Result<Self> {
        refuse_control(text, "a file's path", &[])?;
        let bytes = text.as_bytes();
        let drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        let (why, hint) = if text.is_empty() {
            ("the path is empty", "name a file inside the project, such as @file@")
        } else if text.starts_with(['/', '~']) || drive {
            ("is not inside the project: the path is absolute", "write it as seen from the folder of dockwright.toml")
        } else if text.contains('\\') {
            ("contains a backslash", "put `/` between the parts, on Windows too")
        } else if text.split('/').any(|part| part == "..") {
            ("leads out of the project by `..`", "write it as seen from the folder of dockwright.toml")
        } else if text.split('/').any(|part| part.is_empty() || part == ".") {
            ("has an empty part or a `.`", "write only the parts, such as @file@")
        } else {
            return Ok(Self(text.to_owned()));
        };
        let subject = if text.is_empty() { String::new() } else { format!("the path {} ", shown(text)) };
        Err(Error::description(format!("{subject}{why}"))
            .hint(hint.replace("@file@", &format!("{:?}", examples().file))))
    }
}
