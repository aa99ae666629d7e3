//! Files that are added to a folder with other people's files in it: all of them or none, and nothing that is there is touched.
//!
//! They are staged whole in a folder inside, and then renamed one by one. If that is interrupted, what is staged says what is to
//! be done: the next run finishes it, or takes back what was not yet whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::one::{inside_only, sync, write_one};
use super::verb;
use crate::error::{Error, ErrorKind, Result};
use crate::render::File;
use crate::text::listed;

/// Where files are staged.
const STAGING: &str = ".dockwright-init";
/// In it, that all are there.
const WHOLE: &str = "whole";

/// The paths of those files at which something is already, or whose folder is a link or a file.
#[must_use]
fn taken(target: &Path, files: &[File]) -> Vec<String> {
    let is_taken = |file: &&File| {
        let path = target.join(&file.path);
        let folders = Path::new(&file.path).ancestors().skip(1);
        let blocked = folders
            .filter(|folder| !folder.as_os_str().is_empty())
            .any(|folder| target.join(folder).symlink_metadata().is_ok_and(|found| !found.is_dir()));
        blocked || path.symlink_metadata().is_ok()
    };
    files.iter().filter(is_taken).map(|file| file.path.clone()).collect()
}

/// Refuses a folder in which something is in the way of one of those files.
///
/// # Errors
/// What is in the way, by name.
pub fn check_free(target: &Path, files: &[File]) -> Result<()> {
    let taken = taken(target, files);
    if taken.is_empty() {
        return Ok(());
    }
    let (names, verb) = (listed(&taken, 10), verb(taken.len()));
    Err(Error::new(ErrorKind::Usage, format!("{names} {verb} in the way, and dockwright overwrites nothing"))
        .hint("move it away, or describe it: `dockwright init --adopt`"))
}

/// Adds files to a folder.
///
/// # Errors
/// As [`check_free`]; the disk does not take them.
pub fn add_files(target: &Path, files: &[File]) -> Result<()> {
    finish(target)?;
    check_free(target, files)?;
    let staging = target.join(STAGING);
    let failed = |error| Error::io("cannot write in", target, error).hint("the folder must be writable");
    fs::create_dir(&staging).map_err(failed)?;
    let staged = stage(&staging, target, files);
    if staged.is_err() {
        // Nothing of it is in place.
        let _ = fs::remove_dir_all(&staging);
    }
    staged?;
    finish(target)
}

fn stage(staging: &Path, target: &Path, files: &[File]) -> Result<()> {
    let mut written = Vec::new();
    for file in files {
        let path = staging.join("tree").join(inside_only(&file.path)?);
        let shown = target.join(&file.path);
        let out = write_one(&path, file).map_err(|error| Error::io("cannot write", &shown, error))?;
        written.push((shown, out));
    }
    sync(&written)?;
    let whole = staging.join(WHOLE);
    fs::write(&whole, b"").map_err(|error| Error::io("cannot write", &whole, error))
}

/// Moves what an interrupted run has staged whole to its place; drops what it has not.
///
/// # Errors
/// The disk does not let it.
fn finish(target: &Path) -> Result<()> {
    let staging = target.join(STAGING);
    if !staging.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    if staging.join(WHOLE).is_file() {
        let tree = staging.join("tree");
        let mut found = Vec::new();
        collect(&tree, &mut found).map_err(|error| Error::io("cannot read", &tree, error))?;
        for path in found {
            let inner = path.strip_prefix(&tree).expect("it was found in it");
            let to = target.join(inner);
            let failed = |error| Error::io("cannot write", &to, error);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            // Nothing is replaced: a link to a file that is there fails.
            match fs::hard_link(&path, &to) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(_) => fs::rename(&path, &to).map_err(failed)?,
            }
        }
    }
    fs::remove_dir_all(&staging).map_err(|error| Error::io("cannot remove", &staging, error))
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { collect(&entry.path(), found)? } else { found.push(entry.path()) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> File {
        File { path: path.into(), contents: b"ours\n".to_vec(), executable: false, role: None }
    }

    #[test]
    fn files_are_added_and_none_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("docker")).unwrap();
        fs::write(home.path().join("docker/theirs"), b"theirs\n").unwrap();
        add_files(home.path(), &[file("docker/a.sh"), file("b")]).unwrap();
        assert_eq!(fs::read(home.path().join("docker/a.sh")).unwrap(), b"ours\n");
        let error = add_files(home.path(), &[file("c"), file("docker/theirs"), file("b/d")]).unwrap_err();
        assert!(error.message().starts_with("docker/theirs, b/d are in the way"), "{error}");
        assert!(!home.path().join("c").exists() && !home.path().join(STAGING).exists());
        assert_eq!(fs::read(home.path().join("docker/theirs")).unwrap(), b"theirs\n");
    }

    #[test]
    fn what_was_interrupted_is_finished_or_taken_back() {
        for whole in [true, false] {
            let home = tempfile::tempdir().unwrap();
            let staging = home.path().join(STAGING);
            fs::create_dir_all(&staging).unwrap();
            stage(&staging, home.path(), &[file("a/b"), file("c")]).unwrap();
            if !whole {
                fs::remove_file(staging.join(WHOLE)).unwrap();
            }
            fs::write(home.path().join("c"), b"theirs\n").unwrap();
            finish(home.path()).unwrap();
            assert_eq!(home.path().join("a/b").exists(), whole);
            assert_eq!(fs::read(home.path().join("c")).unwrap(), b"theirs\n");
            assert!(!staging.exists());
        }
    }
}
