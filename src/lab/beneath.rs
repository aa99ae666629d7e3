//! Files below a folder that somebody else may change at any moment: a container that has it mounted can put a link where a
//! file was. Every path is resolved beneath the folder's own handle, so that none leads out of it.
#![allow(clippy::disallowed_methods, reason = "writes only in a copy of the project")]

use std::io;
use std::path::Path;

#[cfg(unix)]
pub(crate) use unix::Beneath;

/// The largest file that is read or written for a check.
#[cfg(unix)]
const LARGEST: u64 = 64 * 1024 * 1024;

fn refused(relative: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{relative} {why}"))
}

/// The folder and the name of a path that goes down only.
fn split(relative: &str) -> io::Result<(&Path, &std::ffi::OsStr)> {
    let path = Path::new(relative);
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok((folder, name)),
        _ => Err(refused(relative, "does not name a file")),
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read as _, Write as _};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::path::{Component, Path};

    use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
    use rustix::io::Errno;

    use super::{LARGEST, refused, split};

    /// A folder and what is below it.
    #[derive(Debug)]
    pub(crate) struct Beneath(OwnedFd);

    /// Never waits for the other end of a pipe.
    const FILE: OFlags = OFlags::NONBLOCK.union(OFlags::CLOEXEC).union(OFlags::NOCTTY);
    const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

    impl Beneath {
        pub(crate) fn of(folder: &Path) -> io::Result<Self> {
            Ok(Self(rustix::fs::open(folder, FOLDER | OFlags::NOFOLLOW, Mode::empty())?))
        }

        /// The content of a regular file.
        pub(crate) fn read(&self, relative: &str) -> io::Result<Vec<u8>> {
            let file = regular(self.open(relative.as_ref(), FILE | OFlags::RDONLY)?, relative)?;
            let mut bytes = Vec::new();
            file.take(LARGEST + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > LARGEST { Err(refused(relative, "is too large")) } else { Ok(bytes) }
        }

        /// The uid and gid of a file; of a link itself.
        pub(crate) fn owner(&self, relative: &str) -> io::Result<(u32, u32)> {
            let (folder, name) = split(relative)?;
            let found = rustix::fs::statat(self.folder(folder)?, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok((found.st_uid, found.st_gid))
        }

        /// Writes a file, a new one or one that is there, and gives it to `owner` if there is one.
        pub(crate) fn write(&self, relative: &str, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
            let file = self.open(relative.as_ref(), FILE | OFlags::WRONLY | OFlags::CREATE)?;
            fill(regular(file, relative)?, bytes, owner)
        }

        /// Creates a folder and gives it to `owner` if there is one; one that is there already stays as it is.
        pub(crate) fn create_folder(&self, relative: &str, owner: Option<(u32, u32)>) -> io::Result<()> {
            let (folder, name) = split(relative)?;
            let folder = self.folder(folder)?;
            match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
                Err(Errno::EXIST) => return Ok(()),
                made => made?,
            }
            if let Some((uid, gid)) = owner {
                let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
                rustix::fs::chownat(&folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
            }
            Ok(())
        }

        /// Writes a new file beside another and renames it over that one.
        pub(crate) fn replace(&self, relative: &str, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
            let (folder, name) = split(relative)?;
            let folder = self.folder(folder)?;
            let beside = format!(".{}.dockwright-new", name.to_string_lossy());
            let new = FILE | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            let _ = rustix::fs::unlinkat(&folder, &beside, AtFlags::empty());
            let file = rustix::fs::openat(&folder, &beside, new, Mode::from_raw_mode(0o644))?;
            fill(File::from(file), bytes, owner)?;
            Ok(rustix::fs::renameat(&folder, &beside, &folder, name)?)
        }

        /// Removes a file; of a link, the link.
        pub(crate) fn remove(&self, relative: &str) -> io::Result<()> {
            let (folder, name) = split(relative)?;
            Ok(rustix::fs::unlinkat(self.folder(folder)?, name, AtFlags::empty())?)
        }

        fn folder(&self, relative: &Path) -> io::Result<OwnedFd> {
            self.open(relative, FOLDER)
        }

        /// Links that stay below the folder are followed where the system can do that safely (Linux 5.6, openat2(2)).
        fn open(&self, relative: &Path, flags: OFlags) -> io::Result<OwnedFd> {
            let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
            let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o644) } else { Mode::empty() };
            #[cfg(target_os = "linux")]
            {
                let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
                match rustix::fs::openat2(&self.0, relative, flags, mode, beneath) {
                    // An old kernel, or a sandbox that does not know the call.
                    Err(Errno::NOSYS | Errno::PERM) => {}
                    // Something was renamed meanwhile.
                    Err(Errno::AGAIN) => return Err(io::Error::from(io::ErrorKind::Interrupted)),
                    done => return Ok(done?),
                }
            }
            step_by_step(self.0.as_fd(), relative, flags, mode)
        }
    }

    /// Opens a path folder by folder, following no link at all.
    fn step_by_step(root: BorrowedFd<'_>, relative: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let mut names: Vec<_> = relative.components().filter(|part| *part != Component::CurDir).collect();
        if names.iter().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(refused(&relative.to_string_lossy(), "leads out of its folder"));
        }
        let Some(last) = names.pop() else { return root.try_clone_to_owned() };
        let mut at = root.try_clone_to_owned()?;
        for name in names {
            at = rustix::fs::openat(&at, name.as_os_str(), FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(rustix::fs::openat(&at, last.as_os_str(), flags | OFlags::NOFOLLOW, mode)?)
    }

    fn regular(file: OwnedFd, relative: &str) -> io::Result<File> {
        let file = File::from(file);
        if file.metadata()?.is_file() { Ok(file) } else { Err(refused(relative, "is not a file")) }
    }

    fn fill(mut file: File, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
        // Emptied only now that it is known to be a file.
        file.set_len(0)?;
        file.write_all(bytes)?;
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::symlink;

        use super::*;

        /// A folder that holds `in/file`, `sub/`, and links out of it and within it; beside it `secret`.
        fn tree() -> (tempfile::TempDir, Beneath) {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().join("root");
            std::fs::create_dir_all(root.join("in")).unwrap();
            std::fs::create_dir(root.join("sub")).unwrap();
            std::fs::write(root.join("in/file"), "content").unwrap();
            std::fs::write(home.path().join("secret"), "secret").unwrap();
            symlink("in", root.join("inner")).unwrap();
            symlink("../..", root.join("in/out")).unwrap();
            symlink(home.path(), root.join("absolute")).unwrap();
            symlink("../secret", root.join("leak")).unwrap();
            let beneath = Beneath::of(&root).unwrap();
            (home, beneath)
        }

        #[test]
        fn nothing_outside_is_read_written_replaced_or_removed() {
            let (home, beneath) = tree();
            for path in
                ["leak", "in/out/secret", "absolute/secret", "../secret", "sub/../../secret", "/etc/hostname", ".."]
            {
                assert!(beneath.read(path).is_err(), "read {path}");
                assert!(beneath.write(path, b"x", None).is_err(), "write {path}");
                if path != "leak" {
                    assert!(beneath.replace(path, b"x", None).is_err(), "replace {path}");
                    assert!(beneath.remove(path).is_err(), "remove {path}");
                    assert!(beneath.owner(path).is_err(), "owner {path}");
                }
            }
            // These are about the link itself.
            beneath.replace("leak", b"x", None).unwrap();
            assert_eq!(beneath.read("leak").unwrap(), b"x");
            beneath.remove("absolute").unwrap();
            assert_eq!(std::fs::read_to_string(home.path().join("secret")).unwrap(), "secret");
        }

        #[test]
        fn files_inside_are_as_usual_also_through_links_within() {
            let (home, beneath) = tree();
            assert_eq!(beneath.read("in/file").unwrap(), b"content");
            beneath.write("inner/file", b"new", None).unwrap();
            beneath.write("sub/other", b"longer than what follows", None).unwrap();
            beneath.write("./sub/other", b"short", None).unwrap();
            beneath.replace("in/file", b"newer", None).unwrap();
            assert_eq!(std::fs::read(home.path().join("root/in/file")).unwrap(), b"newer");
            assert_eq!(std::fs::read(home.path().join("root/sub/other")).unwrap(), b"short");
            let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            assert_eq!(beneath.owner("sub/other").unwrap(), own);
            beneath.remove("sub/other").unwrap();
            assert_eq!(beneath.read("sub/other").unwrap_err().kind(), io::ErrorKind::NotFound);
            assert!(beneath.read("in").is_err() && beneath.write("in", b"", None).is_err());
        }

        #[test]
        fn a_pipe_is_not_waited_for() {
            let (_home, beneath) = tree();
            rustix::fs::mkfifoat(&beneath.0, "pipe", Mode::RUSR | Mode::WUSR).unwrap();
            assert!(beneath.read("pipe").is_err() && beneath.write("pipe", b"x", None).is_err());
        }

        #[test]
        fn without_openat2_no_link_is_followed() {
            let (_home, beneath) = tree();
            let open =
                |path: &str| step_by_step(beneath.0.as_fd(), path.as_ref(), FILE | OFlags::RDONLY, Mode::empty());
            assert!(open("in/file").is_ok() && open("./in/file").is_ok());
            for path in ["inner/file", "leak", "in/out/secret", "absolute/secret", "../secret", "/etc/hostname"] {
                assert!(open(path).is_err(), "{path}");
            }
        }
    }
}

/// Elsewhere containers do not share the host's folders, so nobody else changes them.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Beneath(std::path::PathBuf);

#[cfg(not(unix))]
impl Beneath {
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        Ok(Self(folder.to_owned()))
    }

    fn at(&self, relative: &str) -> io::Result<std::path::PathBuf> {
        let (folder, name) = split(relative)?;
        let down = folder.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if down { Ok(self.0.join(folder).join(name)) } else { Err(refused(relative, "leads out of its folder")) }
    }

    pub(crate) fn read(&self, relative: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.at(relative)?)
    }

    pub(crate) fn owner(&self, _: &str) -> io::Result<(u32, u32)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn write(&self, relative: &str, bytes: &[u8], _: Option<(u32, u32)>) -> io::Result<()> {
        std::fs::write(self.at(relative)?, bytes)
    }

    pub(crate) fn replace(&self, relative: &str, bytes: &[u8], owner: Option<(u32, u32)>) -> io::Result<()> {
        self.write(relative, bytes, owner)
    }

    pub(crate) fn remove(&self, relative: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(relative)?)
    }
}
