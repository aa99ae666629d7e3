//! Files, wherever they are: in containers, images and build contexts.

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
}

/// One file of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// What it is; a hard link counts as the file it names.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// In bytes.
    pub size: u64,
    /// Of the content of a regular file; none if it was not asked for.
    pub sha256: Option<[u8; 32]>,
    /// What a symbolic link names.
    pub link: Option<String>,
    /// Modification time, in seconds since 1970.
    pub mtime: u64,
    /// The file's capabilities (`security.capability`), as the kernel keeps them.
    pub capability: Option<Vec<u8>>,
}

impl TreeEntry {
    /// One of which nothing but its owner and mode is known.
    pub(crate) fn bare(kind: EntryKind, mode: u32, uid: u32, gid: u32) -> Self {
        Self { kind, mode, uid, gid, size: 1, sha256: None, link: None, mtime: 0, capability: None }
    }
}
