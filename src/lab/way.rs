//! The way of a path through an image's file system.

use crate::engine::FileTree;

/// So many links may follow one another; the kernel's own limit is 40 (`path_resolution(7)`).
const HOPS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The file or folder at its end, which is no link.
    pub(crate) end: String,
    /// The links on the way, first to last.
    pub(crate) links: Vec<String>,
}

/// Follows all links of a path of an image; none if it leads to nothing.
pub(crate) fn way(tree: &FileTree, path: &str) -> Option<Way> {
    walk(path, |at| tree.files.get(at).map(|entry| entry.link.clone()))
}

/// Follows all links of a path; `look` gives for a path what is there, and where that leads if it is a link.
pub(crate) fn walk(path: &str, mut look: impl FnMut(&str) -> Option<Option<String>>) -> Option<Way> {
    let mut rest: Vec<String> = path.split('/').rev().map(ToOwned::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut links = Vec::new();
    while let Some(part) = rest.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(part),
        }
        let at = format!("/{}", done.join("/"));
        let found = look(&at);
        // A folder above the last part need not be a file of its own in any layer.
        if found.is_none() && rest.iter().all(String::is_empty) {
            return None;
        }
        if let Some(link) = found.flatten() {
            if links.len() == HOPS {
                return None;
            }
            links.push(at);
            done.pop();
            if link.starts_with('/') {
                done.clear();
            }
            rest.extend(link.split('/').rev().map(ToOwned::to_owned));
        }
    }
    Some(Way { end: format!("/{}", done.join("/")), links })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EntryKind, TreeEntry};

    #[test]
    fn links_are_followed_to_their_end() {
        let entry = |link: Option<&str>| TreeEntry {
            kind: if link.is_some() { EntryKind::Symlink } else { EntryKind::File },
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 1,
            sha256: None,
            link: link.map(ToOwned::to_owned),
            mtime: 0,
            capability: None,
        };
        let files = [
            ("/bin", Some("usr/bin")),
            ("/usr", None),
            ("/usr/bin", None),
            ("/usr/bin/python3", Some("../local/bin/python3.13")),
            ("/usr/local", None),
            ("/usr/local/bin", None),
            ("/usr/local/bin/python3.13", None),
            ("/usr/bin/loop", Some("loop")),
            ("/usr/bin/gone", Some("/nowhere")),
        ];
        let files = files.into_iter().map(|(path, link)| (path.to_owned(), entry(link))).collect();
        let tree = FileTree { files };
        let found = way(&tree, "/bin/../bin/./python3").unwrap();
        assert_eq!(
            (found.end.as_str(), found.links.join(" ").as_str()),
            ("/usr/local/bin/python3.13", "/bin /usr/bin/python3")
        );
        assert_eq!((way(&tree, "/bin/loop"), way(&tree, "/bin/gone"), way(&tree, "/sbin/x")), (None, None, None));
        assert_eq!(way(&tree, "/usr/local").unwrap().links, [""; 0]);
    }
}
