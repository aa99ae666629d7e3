//! A copy of the project for containers to work on: verification never writes in the user's folder.
#![expect(clippy::disallowed_methods, reason = "writes only into a temporary folder of its own")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::beneath::Beneath;
use super::bulk::Bulk;
use super::leavings::is_left_out;
use crate::error::{Error, Result};
use crate::text;

/// Where in a project a path leads, links followed; none if it leads out of it, or nobody can say where. What is not there
/// yet would be made where its folder leads. `project` is canonical.
pub(crate) fn inside(project: &Path, path: &Path) -> Option<PathBuf> {
    let there = path.ancestors().find(|above| fs::symlink_metadata(above).is_ok())?;
    let rest = path.strip_prefix(there).ok()?;
    if rest.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    Some(there.canonicalize().ok()?.strip_prefix(project).ok()?.join(rest))
}

/// Who owns the copy: not root, so that it shows when a container leaves root's files behind.
const OWNER: u32 = 12_321;

/// What the names of copies begin with.
const PREFIX: &str = "dockwright-copy-";

/// The copy's folder in its temporary one.
const PROJECT: &str = "project";

/// Finds the copies that killed processes left behind, and removes them unless `keep`; returns how many there are. Whoever
/// works on a copy holds a lock on its folder, which ends with the process, in whatever container or namespace that was.
/// Best effort: what cannot be removed is somebody else's.
pub(crate) fn sweep(keep: bool) -> usize {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return 0 };
    let named = entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    named.filter(|entry| is_abandoned(&entry.path(), keep)).count()
}

#[cfg(unix)]
fn is_abandoned(folder: &Path, keep: bool) -> bool {
    let is_own = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let Some(lock) = is_own.then(|| fs::File::open(folder).ok()).flatten() else { return false };
    let free = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok();
    free && (keep || fs::remove_dir_all(folder).is_ok())
}

#[cfg(not(unix))]
fn is_abandoned(_: &Path, _: bool) -> bool {
    false
}

/// A temporary folder, and the lock on it that says that it is in use.
fn claimed() -> std::io::Result<(TempDir, Option<fs::File>)> {
    let made = || tempfile::Builder::new().prefix(PREFIX).tempdir();
    #[cfg(unix)]
    loop {
        let folder = made()?;
        let lock = fs::File::open(folder.path())?;
        // A file system without locks has none that says that a copy is abandoned, either.
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).is_err() {
            return Ok((folder, Some(lock)));
        }
        // Another process may have found it before it was locked, and taken it for abandoned.
        if folder.path().is_dir() {
            return Ok((folder, Some(lock)));
        }
    }
    #[cfg(not(unix))]
    Ok((made()?, None))
}

/// A temporary copy of a project, removed when dropped.
#[derive(Debug)]
pub(crate) struct WorkCopy {
    folder: TempDir,
    /// Held as long as the copy is there.
    _lock: Option<fs::File>,
    /// The copy itself, which containers change while this program reads and writes in it.
    tree: Beneath,
    /// How many files stand beside it.
    beside: AtomicUsize,
    /// What it does without.
    bulk: Arc<Bulk>,
    uid: u32,
    gid: u32,
}

impl WorkCopy {
    /// Copies the project but for what copies do without, of which only the names are there. Started by root it gives the
    /// copy to another uid; else it is the caller's own.
    pub(crate) fn of(project: &Path, bulk: Arc<Bulk>) -> Result<Self> {
        let failed = |error| no_copy(project, error);
        let (folder, lock) = claimed().map_err(failed)?;
        let (uid, gid) = owner();
        let root = folder.path().join(PROJECT);
        fs::create_dir(&root).map_err(failed)?;
        let tree = Beneath::of(&root).map_err(failed)?;
        let copy = Self { folder, _lock: lock, tree, beside: AtomicUsize::new(0), bulk, uid, gid };
        copy.give(&root).map_err(failed)?;
        copy.copy_folder(project, Path::new(""), &root)?;
        Ok(copy)
    }

    pub(crate) fn path(&self) -> PathBuf {
        // The mount point of containers; the folder around it stays the caller's alone.
        self.folder.path().join(PROJECT)
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    pub(crate) fn gid(&self) -> u32 {
        self.gid
    }

    /// What it does without.
    pub(crate) fn bulk(&self) -> Arc<Bulk> {
        self.bulk.clone()
    }

    fn copy_folder(&self, project: &Path, folder: &Path, to: &Path) -> Result<()> {
        let from = project.join(folder);
        let failed = |error| no_copy(&from, error);
        for entry in fs::read_dir(&from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let target = to.join(entry.file_name());
            let source = entry.path();
            let relative = folder.join(entry.file_name());
            if self.bulk.real(&relative).is_some() {
                // Where the real one is mounted.
                let made = if kind.is_dir() { fs::create_dir(&target) } else { fs::write(&target, []) };
                made.map_err(failed)?;
            } else if kind.is_dir() {
                if is_left_out(&source) {
                    continue;
                }
                fs::create_dir(&target).map_err(failed)?;
                fs::set_permissions(&target, fs::metadata(&source).map_err(failed)?.permissions()).map_err(failed)?;
                self.copy_folder(project, &relative, &target)?;
            } else if kind.is_symlink() {
                let link = fs::read_link(&source).map_err(failed)?;
                #[cfg(unix)]
                std::os::unix::fs::symlink(link, &target).map_err(failed)?;
                #[cfg(not(unix))]
                drop(link);
            } else if kind.is_file() {
                copy_file(&source, &target).map_err(|error| no_copy(&source, error))?;
            } else {
                // Sockets, FIFOs and devices do not survive a copy, and no build context takes them either.
                continue;
            }
            self.give(&target).map_err(failed)?;
        }
        Ok(())
    }

    /// The content of a file of the copy.
    pub(crate) fn read(&self, relative: &str) -> std::io::Result<Vec<u8>> {
        self.tree.read(relative)
    }

    /// The content of a file of the copy, which is text.
    pub(crate) fn read_text(&self, relative: &str) -> std::io::Result<String> {
        String::from_utf8(self.read(relative)?).map_err(|_| std::io::Error::other("it is not UTF-8"))
    }

    /// The uid and gid of a file of the copy.
    pub(crate) fn owner_of(&self, relative: &str) -> std::io::Result<(u32, u32)> {
        self.tree.owner(relative)
    }

    /// Writes a file of the copy, as its owner would.
    pub(crate) fn write(&self, relative: &str, text: &[u8]) -> Result<()> {
        let done = self.tree.write(relative, text, self.given());
        done.map_err(|error| Error::io("cannot edit", &self.path().join(relative), error))
    }

    /// Creates a folder of the copy, as its owner would.
    pub(crate) fn create_folder(&self, relative: &str) -> Result<()> {
        let done = self.tree.create_folder(relative, self.given());
        done.map_err(|error| Error::io("cannot create", &self.path().join(relative), error))
    }

    /// Saves as many editors do: a new file, renamed over the old one.
    pub(crate) fn replace(&self, relative: &str, text: &[u8]) -> Result<()> {
        let done = self.tree.replace(relative, text, self.given());
        done.map_err(|error| Error::io("cannot replace", &self.path().join(relative), error))
    }

    pub(crate) fn remove(&self, relative: &str) -> Result<()> {
        let done = self.tree.remove(relative);
        done.map_err(|error| Error::io("cannot delete", &self.path().join(relative), error))
    }

    /// Writes a file beside the copy, readable by every container that it is mounted into, and returns its path. Its name is
    /// ours: a name out of compose.yaml is never a path.
    pub(crate) fn beside(&self, content: &[u8]) -> Result<PathBuf> {
        let folder = self.folder.path().join("files");
        let path = folder.join(self.beside.fetch_add(1, Ordering::Relaxed).to_string());
        let made = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, content));
        made.map_err(|error| Error::io("cannot write", &path, error))?;
        Ok(path)
    }

    /// Who gets what is written; none where this program may not give it away.
    #[cfg(unix)]
    fn given(&self) -> Option<(u32, u32)> {
        rustix::process::geteuid().is_root().then_some((self.uid, self.gid))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as elsewhere")]
    fn given(&self) -> Option<(u32, u32)> {
        None
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        #[cfg(unix)]
        if let Some((uid, gid)) = self.given() {
            std::os::unix::fs::lchown(path, Some(uid), Some(gid))?;
        }
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }
}

/// Why there is no copy. A temporary folder is often smaller than the disk.
fn no_copy(what: &Path, error: std::io::Error) -> Error {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let failed = Error::io("cannot copy", what, error);
    if !full {
        return failed;
    }
    let folder = std::env::temp_dir();
    let hint = format!("{} has no room for a copy of the project: let TMPDIR name a folder that has", folder.display());
    failed.hint(hint)
}

/// Copies a file's content and mode; what is a hole in it is one in the copy.
fn copy_file(source: &Path, target: &Path) -> std::io::Result<()> {
    let mut from = text::open(source)?;
    let found = from.metadata()?;
    let mut to = fs::File::create(target)?;
    for (begin, end) in text::parts(&from) {
        from.seek(SeekFrom::Start(begin))?;
        to.seek(SeekFrom::Start(begin))?;
        std::io::copy(&mut (&mut from).take(end - begin), &mut to)?;
    }
    to.set_len(found.len())?;
    to.set_permissions(found.permissions())
}

/// An environment for compose.yaml in which UID and GID are the owner of copies: who starts containers with
/// `user: "${UID}:${GID}"` means the owner of the source.
pub(crate) fn with_owner(mut env: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (uid, gid) = owner();
    env.insert("UID".into(), uid.to_string());
    env.insert("GID".into(), gid.to_string());
    env
}

/// The uid and gid that the copy gets.
pub(crate) fn owner() -> (u32, u32) {
    #[cfg(unix)]
    {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return (uid.as_raw(), gid.as_raw());
        }
    }
    (OWNER, OWNER)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_copy_in_use_is_kept_and_an_abandoned_one_is_removed() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("file"), "x").unwrap();
        let used = WorkCopy::of(project.path(), Arc::default()).unwrap();
        let abandoned = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap().keep();
        fs::create_dir(abandoned.join(PROJECT)).unwrap();
        let link = abandoned.with_extension("link");
        symlink(project.path(), &link).unwrap();
        assert!(sweep(true) >= 1 && abandoned.is_dir());
        assert!(sweep(false) >= 1 && !abandoned.exists());
        assert!(used.path().join("file").is_file(), "a copy in use is nobody's to remove");
        assert!(project.path().join("file").is_file() && link.is_symlink(), "a link is not a copy");
        fs::remove_file(link).unwrap();
    }

    #[test]
    fn what_a_path_leads_to_counts() {
        let around = tempfile::tempdir().unwrap();
        let around = around.path().canonicalize().unwrap();
        let project = around.join("project");
        fs::create_dir_all(project.join("data/deep")).unwrap();
        fs::write(project.join("file"), "").unwrap();
        for (link, to) in [("out", ".."), ("etc", "/etc"), ("in", "data"), ("dangling", "/no/such"), ("self", "self")] {
            symlink(to, project.join(link)).unwrap();
        }
        symlink(&project, around.join("alias")).unwrap();
        for (path, leads) in [
            ("project", Some("")),
            ("project/data/deep", Some("data/deep")),
            ("project/file", Some("file")),
            ("project/data/../file", Some("file")),
            ("project/in/deep", Some("data/deep")),
            ("project/in/not/yet", Some("data/not/yet")),
            ("project/not/yet", Some("not/yet")),
            ("alias/data", Some("data")),
            ("project/..", None),
            ("project/data/../..", None),
            ("project/not/../../..", None),
            ("project/out", None),
            ("project/out/project/data", Some("data")),
            ("project/etc/passwd", None),
            ("project/dangling", None),
            ("project/dangling/deep", None),
            ("project/self", None),
            ("elsewhere", None),
        ] {
            assert_eq!(inside(&project, &around.join(path)).as_deref(), leads.map(Path::new), "{path}");
        }
    }
}
