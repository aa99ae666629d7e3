//! Paths with slashes, as containers, contexts and archives have them, cleaned by their letters alone: no link is followed.

/// Go's `path.Clean`: no `.`, `..` that could be taken back, double or trailing slash; nothing is `.`.
#[must_use]
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Above the root is the root.
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

/// A path as seen from a folder that is below the root whether or not it says so; absolute and clean.
#[must_use]
pub fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("/{folder}/{path}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_in_go() {
        let table =
            [("/a/./b//c/../d/", "/a/b/d"), ("/../a", "/a"), ("a/..", "."), ("../a", "../a"), ("/", "/"), ("", ".")];
        for (path, expected) in table {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn a_path_is_seen_from_its_folder() {
        for (folder, path, expected) in [
            ("/a/c/d", "../../b", "/a/b"),
            ("/a", "./", "/a"),
            ("a", "b/", "/a/b"),
            ("/a", "/b/.", "/b"),
            ("", ".", "/"),
            ("/", "../..", "/"),
        ] {
            assert_eq!(join(folder, path), expected, "{folder} {path}");
        }
    }
}
