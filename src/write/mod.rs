//! The only writer of files: atomic, inside the target only.
//!
//! A new tree is written whole beside its place and then renamed into it, so that a full disk or a
//! killed process leaves nothing half-written.
#![expect(clippy::disallowed_methods, reason = "this is the module that writes")]

mod added;
mod one;

use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::render::File;
use crate::text::listed;

pub use added::{add_files, check_free};
use one::{inside_only, sync, write_one};

/// Refuses a target that a new tree cannot be written to: anything but a path that does not exist or
/// an empty folder, or one whose parent cannot take it.
///
/// # Errors
/// What is in the way, by name.
pub fn check_new_tree(target: &Path) -> Result<()> {
    let refuse =
        |message: String| Err(Error::new(ErrorKind::Usage, message).hint("choose another name, or another folder"));
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("cannot look at", target, error)),
        Ok(found) if found.is_symlink() => {
            refuse(format!("{} is a symbolic link, and dockwright does not write through links", target.display()))
        }
        Ok(found) if !found.is_dir() => refuse(format!("{} already exists and is not a folder", target.display())),
        Ok(_) => {
            let entries = fs::read_dir(target).map_err(|error| Error::io("cannot read", target, error))?;
            let mut names: Vec<String> =
                entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            if names.is_empty() {
                return Ok(());
            }
            names.sort();
            refuse(format!(
                "{} is not empty: {} {} in the way",
                target.display(),
                listed(&names, 10),
                verb(names.len())
            ))
        }
    }
}

fn verb(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Writes a new folder with these files, all or nothing.
///
/// # Errors
/// As [`check_new_tree`], and when the disk does not take it; nothing is left behind then.
pub fn new_tree(target: &Path, files: &[File]) -> Result<()> {
    check_new_tree(target)?;
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let inside = |error| Error::io("cannot write in", &parent, error).hint("the folder must exist and be writable");
    // In the same folder, so that the rename stays on one file system; removed on drop.
    let staging = tempfile::Builder::new().prefix(".dockwright-new-").tempdir_in(&parent).map_err(inside)?;
    let root = staging.path().join("tree");
    fs::create_dir(&root).map_err(|error| Error::io("cannot create", &root, error))?;
    let mut written = Vec::new();
    for file in files {
        let path = root.join(inside_only(&file.path)?);
        let shown = target.join(&file.path);
        let out = write_one(&path, file).map_err(|error| Error::io("cannot write", &shown, error))?;
        written.push((shown, out));
    }
    sync(&written)?;
    fs::rename(&root, target).map_err(|error| Error::io("cannot put the new folder at", target, error))
}

/// Refuses a folder with anything but a repository's history in it.
///
/// # Errors
/// What is in the way, by name.
pub fn check_empty(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("cannot read", folder, error))?;
    let names =
        entries.filter_map(std::result::Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != ".git").collect();
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    let what = format!("the folder is not empty: {} {} in the way", listed(&names, 10), verb(names.len()));
    Err(Error::new(ErrorKind::Usage, what).hint("`dockwright init` writes roles for the service that is there"))
}

/// Writes one file at `path`, which it replaces whole or not at all.
///
/// # Errors
/// When the folder does not exist or the disk does not take it.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let parent = folder_of(path);
    let failed = |error| Error::io("cannot write", path, error);
    let mut builder = tempfile::Builder::new();
    // As any new file has it, less the umask: what is written is read by others, too.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut staging = builder.tempfile_in(parent).map_err(failed)?;
    staging.write_all(contents).map_err(failed)?;
    staging.as_file().sync_data().map_err(failed)?;
    if let Ok(there) = fs::metadata(path) {
        staging.as_file().set_permissions(there.permissions()).map_err(failed)?;
    }
    staging.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes one file at a `path` at which nothing is, whole or not at all.
///
/// # Errors
/// Something is there, the folder does not exist, or the disk does not take it.
pub fn new_file(path: &Path, contents: &[u8]) -> Result<()> {
    let failed = |error| Error::io("cannot write", path, error);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut staging = builder.tempfile_in(folder_of(path)).map_err(failed)?;
    staging.write_all(contents).map_err(failed)?;
    staging.as_file().sync_data().map_err(failed)?;
    staging.persist_noclobber(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Keeps a file for dockwright itself in the user's cache, for the user alone. Folders on the way are made.
///
/// # Errors
/// When a folder cannot be made, or the disk does not take the file.
pub fn keep(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = folder_of(path);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(|error| Error::io("cannot create", folder, error))?;
    replace(path, contents)
}

/// Refuses a path that [`replace`] could not write to later: a folder that does not exist or is not writable, what is not a
/// regular file, and a link, of the file itself or on the way from `here` to it. A report goes where its argument says,
/// and nowhere else.
///
/// # Errors
/// What is in the way, by name.
pub fn check_replace(path: &Path, here: &Path) -> Result<()> {
    let refuse = |what: String| Err(Error::new(ErrorKind::Usage, what).hint("name a file in a folder that exists"));
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            return refuse(format!(
                "{} is a symbolic link, and dockwright does not write through links",
                path.display()
            ));
        }
        Ok(found) if !found.is_file() => return refuse(format!("{} already exists and is not a file", path.display())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Error::new(ErrorKind::Usage, format!("cannot write {}", path.display())).because(error));
        }
    }
    let parent = folder_of(path);
    if !parent.is_dir() {
        return refuse(format!(
            "the folder {} does not exist, so {} cannot be written there",
            parent.display(),
            path.display()
        ));
    }
    let full = here.join(parent);
    if let Ok(below) = full.strip_prefix(here)
        && below.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && let (Ok(real), Ok(home)) = (full.canonicalize(), here.canonicalize())
        && !real.starts_with(&home)
    {
        return refuse(format!("{} leads out of {} by a symbolic link", parent.display(), here.display()));
    }
    // A missing permission is reported before minutes of work.
    let probe = tempfile::NamedTempFile::new_in(parent);
    probe.map(drop).map_err(|error| Error::io("cannot write in", parent, error).hint("the folder must be writable"))
}

/// Adds to the end of a file, which is created if it does not exist.
///
/// # Errors
/// When it cannot be written.
pub fn append(path: &Path, text: &str) -> Result<()> {
    let opened = fs::OpenOptions::new().append(true).create(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Error::io("cannot write", path, error))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, executable: bool) -> File {
        File { path: path.into(), contents: b"x\n".to_vec(), executable, role: None }
    }

    #[test]
    fn writes_all_files_with_their_modes() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("orders");
        new_tree(&target, &[file("a/b.sh", true), file("c", false)]).unwrap();
        assert_eq!(fs::read(target.join("c")).unwrap(), b"x\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_ne!(fs::metadata(target.join("a/b.sh")).unwrap().permissions().mode() & 0o100, 0);
            assert_eq!(fs::metadata(target.join("c")).unwrap().permissions().mode() & 0o111, 0);
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no staging folder is left");
    }

    #[test]
    fn an_empty_folder_is_filled_and_a_full_one_refused_with_its_list() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("orders");
        fs::create_dir(&target).unwrap();
        new_tree(&target, &[file("c", false)]).unwrap();
        let error = new_tree(&target, &[file("d", false)]).unwrap_err();
        assert!(error.message().ends_with("is not empty: c is in the way"), "{error}");
        assert!(!target.join("d").exists());
    }

    #[test]
    fn nothing_is_written_outside_or_left_after_a_failure() {
        let home = tempfile::tempdir().unwrap();
        for bad in ["../evil", "/etc/evil", "a/../../evil"] {
            assert!(new_tree(&home.path().join("t"), &[file("fine", false), file(bad, false)]).is_err());
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_report_goes_where_its_argument_says() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let home = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let here = home.path();
        fs::create_dir(here.join("in")).unwrap();
        symlink(elsewhere.path(), here.join("out")).unwrap();
        symlink(here.join("in"), here.join("within")).unwrap();
        symlink("nowhere", here.join("link.xml")).unwrap();
        for (path, expected) in [
            ("in/a.xml", None),
            ("within/a.xml", None),
            ("no/a.xml", Some("does not exist")),
            ("in", Some("is not a file")),
            ("link.xml", Some("is a symbolic link")),
            ("out/a.xml", Some("leads out of")),
        ] {
            let message = check_replace(&here.join(path), here).err().map(|error| error.message().to_owned());
            assert_eq!(message.is_some(), expected.is_some(), "{path}: {message:?}");
            assert!(message.unwrap_or_default().contains(expected.unwrap_or_default()), "{path}");
        }
        assert!(check_replace(&elsewhere.path().join("a.xml"), here).is_ok(), "an absolute path says where");
        assert_eq!(fs::read_dir(here.join("in")).unwrap().count(), 0, "nothing is left of the look");
        replace(&here.join("in/a.xml"), b"x").unwrap();
        assert_ne!(fs::metadata(here.join("in/a.xml")).unwrap().permissions().mode() & 0o044, 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), home.path().join("t")).unwrap();
        assert!(new_tree(&home.path().join("t"), &[file("c", false)]).is_err());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
