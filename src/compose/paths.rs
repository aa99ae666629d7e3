//! Paths as Compose resolves them: against the folder of the file that they stand in, `~` from HOME,
//! cleaned by their letters alone (no symbolic link is followed).

use std::collections::BTreeMap;
use std::path::Path;

use super::model::Place;

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

/// Go's `path.Clean`: no `.`, `..`, double or trailing slash.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_cleaned_as_in_go() {
        for (path, expected) in
            [("/a/./b//c/../d/", "/a/b/d"), ("/../a", "/a"), ("a/..", "."), ("../a", "../a"), ("/", "/")]
        {
            assert_eq!(super::clean(path), expected, "{path}");
        }
    }
}
