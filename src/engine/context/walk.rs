//! Reading a folder in the order `BuildKit` wants.

use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::ignore::Matched;
use super::{Content, ContextFile, Ignore, unreadable};
use crate::engine::entry::EntryKind;
use crate::error::{Error, Result};

/// A key that sorts paths folder by folder: the slash before every other character.
pub(super) fn order(path: &str) -> String {
    path.replace('/', "\0")
}

/// A modification time for content in memory: the same for the same content, another for another, for
/// `BuildKit` takes a file of the same size and time for unchanged.
pub(super) fn stamp(content: &[u8]) -> i64 {
    let digest = Sha256::digest(content);
    let fraction = digest.iter().take(4).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    // Seconds in 1990–2126: far from both ends of every calendar that a tool may know.
    (631_152_000 + fraction) * 1_000_000_000
}

/// All files of a folder that are not ignored, and the folders they are in.
pub(super) fn walk(root: &Path, ignore: &Ignore) -> Result<Vec<ContextFile>> {
    let mut files = Vec::new();
    folder(root, "", ignore, &Matched::default(), &mut files)?;
    files.sort_by_cached_key(|file| order(&file.path));
    Ok(files)
}

/// Adds what is in one folder; returns whether anything was added.
fn folder(path: &Path, name: &str, ignore: &Ignore, above: &Matched, files: &mut Vec<ContextFile>) -> Result<bool> {
    let before = files.len();
    let entries = std::fs::read_dir(path).map_err(|error| unreadable(path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(path, error))?;
        let own = entry.file_name();
        let own = own.to_string_lossy();
        let relative = if name.is_empty() { own.into_owned() } else { format!("{name}/{own}") };
        let (ignored, matched) = ignore.matches(&relative, above);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if ignored && !(is_folder && ignore.may_keep_inside(&relative)) {
            continue;
        }
        let full = entry.path();
        let metadata = match full.symlink_metadata() {
            Ok(metadata) => metadata,
            // Gone since the folder was read: editors and builds do that.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&full, error)),
        };
        let Some(mut file) = file(&full, relative, &metadata)? else { continue };
        if file.kind == EntryKind::File && ignore.empties(&file.path) {
            (file.content, file.size) = (Content::Memory(Bytes::new()), 0);
        }
        if is_folder {
            let relative = file.path.clone();
            let at = files.len();
            let filled = folder(&full, &relative, ignore, &matched, files)?;
            // An ignored folder comes only as the way to what is kept in it.
            if !ignored || filled {
                files.insert(at, file);
            }
        } else {
            files.push(file);
        }
    }
    Ok(files.len() > before)
}

fn file(full: &Path, path: String, metadata: &std::fs::Metadata) -> Result<Option<ContextFile>> {
    let kind = metadata.file_type();
    let mut content = Content::Disk(full.to_owned());
    let kind = if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_symlink() {
        EntryKind::Symlink
    } else if kind.is_file() {
        EntryKind::File
    } else if special(kind) == Some(EntryKind::File) {
        content = Content::Memory(Bytes::new());
        EntryKind::File
    } else {
        let Some(kind) = special(kind) else { return Ok(None) };
        kind
    };
    let link = match kind {
        EntryKind::Symlink => {
            let target = std::fs::read_link(full).map_err(|error| Error::io("cannot read", full, error))?;
            let target = target.to_string_lossy().into_owned();
            Some(if cfg!(windows) { target.replace('\\', "/") } else { target })
        }
        _ => None,
    };
    Ok(Some(ContextFile {
        path,
        kind,
        mode: mode(metadata),
        size: if matches!((&content, kind), (Content::Disk(_), EntryKind::File)) { metadata.len() } else { 0 },
        link,
        mtime: time(metadata),
        content,
    }))
}

/// When a file was modified, in nanoseconds since 1970. The fraction of the second stands for its change time, too: `BuildKit`
/// takes a file of the same size and time for unchanged, and any program can set the modification time back (`touch -r`,
/// `cp -p`), but none the change time.
fn time(metadata: &std::fs::Metadata) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let modified = i64::try_from(modified.as_nanos()).unwrap_or(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let told = [modified, metadata.ctime(), metadata.ctime_nsec()].map(i64::to_le_bytes).concat();
        modified - modified.rem_euclid(SECOND) + stamp(&told) / SECOND % SECOND
    }
    #[cfg(not(unix))]
    modified
}

#[cfg(unix)]
fn special(kind: std::fs::FileType) -> Option<EntryKind> {
    use std::os::unix::fs::FileTypeExt;
    // The docker CLI sends a socket as an empty file. Devices are no project's files.
    if kind.is_socket() { Some(EntryKind::File) } else { kind.is_fifo().then_some(EntryKind::Fifo) }
}

#[cfg(not(unix))]
fn special(_kind: std::fs::FileType) -> Option<EntryKind> {
    None
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_metadata: &std::fs::Metadata) -> u32 {
    // As the docker CLI on Windows: everything may be executed.
    0o755
}
