//! Paths as Compose resolves them: against the folder of the file that they stand in, `~` from HOME,
//! cleaned by their letters alone (no symbolic link is followed).

use crate::text::{Place, clean};
use std::collections::BTreeMap;
use std::path::Path;

/// An absolute path; clean, unless it was absolute already.
pub(super) fn resolve(raw: &str, place: &Place, env: &BTreeMap<String, String>) -> String {
    let base = place.file.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let home = env.get("HOME").map_or("", String::as_str);
    match raw.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => clean(&format!("{home}{rest}")),
        // Compose leaves an absolute path as it is.
        _ if raw.starts_with('/') => raw.to_owned(),
        _ => clean(&format!("{base}/{raw}")),
    }
}
