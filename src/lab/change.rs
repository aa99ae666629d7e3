//! What differs between two file systems.

use std::fmt;

use crate::engine::{FileTree, TreeEntry};

/// A file that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) what: What,
}

/// How it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Missing,
    New,
    Kind,
    /// Before and after.
    Mode(u32, u32),
    /// uid and gid, before and after.
    Owner((u32, u32), (u32, u32)),
    Content,
}

/// The changes from one file system to another, times aside; what only one of them has comes first, as the rest often
/// follows from it.
pub(crate) fn changes(before: &FileTree, after: &FileTree) -> Vec<Change> {
    let only = |one: &FileTree, other: &FileTree, what: What| -> Vec<Change> {
        let paths = one.files.keys().filter(|path| !other.files.contains_key(*path));
        paths.map(|path| Change { path: path.clone(), what }).collect()
    };
    let mut found = only(before, after, What::Missing);
    found.extend(only(after, before, What::New));
    let both = before.files.iter().filter_map(|(path, entry)| Some((path, entry, after.files.get(path)?)));
    found
        .extend(both.filter_map(|(path, entry, other)| Some(Change { path: path.clone(), what: what(entry, other)? })));
    found
}

fn what(before: &TreeEntry, after: &TreeEntry) -> Option<What> {
    let owner = |entry: &TreeEntry| (entry.uid, entry.gid);
    if before.kind != after.kind {
        Some(What::Kind)
    } else if before.mode != after.mode {
        Some(What::Mode(before.mode, after.mode))
    } else if owner(before) != owner(after) {
        Some(What::Owner(owner(before), owner(after)))
    } else if before.link != after.link || before.sha256 != after.sha256 {
        Some(What::Content)
    } else {
        None
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.what {
            What::Missing => write!(f, "{path} is missing"),
            What::New => write!(f, "{path} is new"),
            What::Kind => write!(f, "{path} is of another kind"),
            What::Mode(before, after) => write!(f, "{path} has mode {after:o} instead of {before:o}"),
            What::Owner((uid, gid), (other, group)) => {
                write!(f, "{path} belongs to {other}:{group} instead of {uid}:{gid}")
            }
            What::Content => write!(f, "{path} has other content"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EntryKind;

    #[test]
    fn each_file_is_told_by_its_first_difference() {
        let entry = |mode, uid, hash: u8| TreeEntry {
            kind: EntryKind::File,
            mode,
            uid,
            gid: 7,
            size: 1,
            sha256: Some([hash; 32]),
            link: None,
            mtime: u64::from(hash),
            capability: None,
        };
        let tree = |files: &[(&str, TreeEntry)]| FileTree {
            files: files.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone())).collect(),
        };
        let before = tree(&[
            ("/a", entry(0o644, 0, 1)),
            ("/b", entry(0o644, 0, 1)),
            ("/c", entry(0o644, 0, 1)),
            ("/gone", entry(0o644, 0, 1)),
            ("/same", entry(0o644, 0, 1)),
        ]);
        let after = tree(&[
            ("/a", entry(0o600, 1, 2)),
            ("/b", entry(0o644, 1, 2)),
            ("/c", entry(0o644, 0, 2)),
            ("/here it is", entry(0o644, 0, 1)),
            ("/same", entry(0o644, 0, 1)),
        ]);
        let told: Vec<String> = changes(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "/gone is missing",
                "/here it is is new",
                "/a has mode 600 instead of 644",
                "/b belongs to 1:7 instead of 0:7",
                "/c has other content",
            ]
        );
    }
}
