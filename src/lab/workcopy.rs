//! A copy of the project for containers to work on: verification never writes in the user's folder.
#![expect(clippy::disallowed_methods, reason = "writes only into a temporary folder of its own")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::stacks::{Folders, ecosystem};

/// dockwright's own folder in a project.
const OWN: &str = ".dockwright";

/// Whether a folder of a project stays out of a copy of it: tools fill it, dockwright among them, and no container reads
/// it from the mount. Such folders are large, too.
pub(crate) fn is_left_out(folder: &Path) -> bool {
    let Folders { packages, environments, outputs, bytecode, history, .. } = &ecosystem().folders;
    let left_out = [packages, environments, outputs, bytecode, history];
    folder.file_name().is_some_and(|name| name == OWN || left_out.into_iter().flatten().any(|own| name == own.as_str()))
}

/// Who owns the copy: not root, so that it shows when a container leaves root's files behind.
const OWNER: u32 = 12_321;

/// What the names of copies begin with; the process' id follows.
const PREFIX: &str = "dockwright-copy-";

/// Removes the copies that killed processes left behind. Best effort: what cannot be removed is somebody else's.
pub(crate) fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<i32>().ok());
        if pid.is_some_and(is_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether no process has this id; on doubt there is one.
fn is_gone(pid: i32) -> bool {
    #[cfg(unix)]
    {
        let known = rustix::process::Pid::from_raw(pid).map(rustix::process::test_kill_process);
        known == Some(Err(rustix::io::Errno::SRCH))
    }
    #[cfg(not(unix))]
    {
        let _ = pid;
        false
    }
}

/// A temporary copy of a project, removed when dropped.
#[derive(Debug)]
pub(crate) struct WorkCopy {
    folder: TempDir,
    uid: u32,
    gid: u32,
}

impl WorkCopy {
    /// Copies the project. Started by root it gives the copy to another uid; else it is the caller's own.
    pub(crate) fn of(project: &Path) -> Result<Self> {
        let failed = |error| Error::io("cannot make a copy of", project, error);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(failed)?;
        let (uid, gid) = owner();
        let copy = Self { folder, uid, gid };
        let root = copy.path();
        fs::create_dir(&root).map_err(failed)?;
        copy.give(&root).map_err(failed)?;
        copy.copy_folder(project, &root)?;
        Ok(copy)
    }

    pub(crate) fn path(&self) -> PathBuf {
        // The mount point of containers; the folder around it stays the caller's alone.
        self.folder.path().join("project")
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    pub(crate) fn gid(&self) -> u32 {
        self.gid
    }

    fn copy_folder(&self, from: &Path, to: &Path) -> Result<()> {
        let failed = |error| Error::io("cannot copy", from, error);
        for entry in fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let target = to.join(entry.file_name());
            let source = entry.path();
            if kind.is_dir() {
                if is_left_out(&source) {
                    continue;
                }
                fs::create_dir(&target).map_err(failed)?;
                fs::set_permissions(&target, fs::metadata(&source).map_err(failed)?.permissions()).map_err(failed)?;
                self.copy_folder(&source, &target)?;
            } else if kind.is_symlink() {
                let link = fs::read_link(&source).map_err(failed)?;
                #[cfg(unix)]
                std::os::unix::fs::symlink(link, &target).map_err(failed)?;
                #[cfg(not(unix))]
                drop(link);
            } else if kind.is_file() {
                fs::copy(&source, &target).map_err(|error| Error::io("cannot copy", &source, error))?;
            } else {
                // Sockets, FIFOs and devices do not survive a copy, and no build context takes them either.
                continue;
            }
            self.give(&target).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes a file of the copy, as its owner would.
    pub(crate) fn write(&self, relative: &str, text: &[u8]) -> Result<()> {
        let path = self.path().join(relative);
        fs::write(&path, text).and_then(|()| self.give(&path)).map_err(|error| Error::io("cannot edit", &path, error))
    }

    /// Saves as many editors do: a new file, renamed over the old one.
    pub(crate) fn replace(&self, relative: &str, text: &[u8]) -> Result<()> {
        let path = self.path().join(relative);
        let beside = path.with_extension("dockwright-new");
        let done = fs::write(&beside, text).and_then(|()| self.give(&beside)).and_then(|()| fs::rename(&beside, &path));
        done.map_err(|error| Error::io("cannot replace", &path, error))
    }

    pub(crate) fn remove(&self, relative: &str) -> Result<()> {
        let path = self.path().join(relative);
        fs::remove_file(&path).map_err(|error| Error::io("cannot delete", &path, error))
    }

    /// Writes a file beside the copy, readable by every container that it is mounted into, and returns its path.
    pub(crate) fn beside(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let folder = self.folder.path().join("files");
        let path = folder.join(name);
        let made = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, content));
        made.map_err(|error| Error::io("cannot write", &path, error))?;
        Ok(path)
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        #[cfg(unix)]
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))?;
        }
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }
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
