//! One file of several that are written together.

use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::render::File;

/// Waits until all data has reached the disk: a full one may only then show itself. Side by side, because a disk
/// serves many that wait as quickly as one.
pub(super) fn sync(written: &[(PathBuf, fs::File)]) -> Result<()> {
    std::thread::scope(|scope| {
        let syncing: Vec<_> = written.iter().map(|(shown, out)| (shown, scope.spawn(|| out.sync_data()))).collect();
        syncing.into_iter().try_for_each(|(shown, thread)| {
            thread.join().expect("syncing does not panic").map_err(|error| Error::io("cannot write", shown, error))
        })
    })
}

pub(super) fn write_one(path: &Path, file: &File) -> std::io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    out.write_all(&file.contents)?;
    #[cfg(unix)]
    if file.executable {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = out.metadata()?.permissions().mode();
        // Whoever may read it may run it.
        out.set_permissions(fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2)))?;
    }
    Ok(out)
}

/// A path that stays below the folder it is joined to.
pub(super) fn inside_only(path: &str) -> Result<&Path> {
    let relative = Path::new(path);
    if relative.components().all(|part| matches!(part, Component::Normal(_))) {
        Ok(relative)
    } else {
        Err(Error::usage(format!("{path} would be outside the target folder")))
    }
}
