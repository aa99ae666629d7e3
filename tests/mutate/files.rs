//! A project's files in memory: what operators change, and what makes two mutants distinct.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// The files of a project, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Content>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    File { bytes: Vec<u8>, mode: u32 },
    Link(String),
}

impl Files {
    /// Those of a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                files.insert(path, Content::File { bytes: fs::read(entry.path()).unwrap(), mode });
            }
        }
        Self(files)
    }

    /// The text of a file; none if there is no such file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        match self.0.get(path)? {
            Content::File { bytes, .. } => std::str::from_utf8(bytes).ok(),
            Content::Link(_) => None,
        }
    }

    /// Gives a file this text; its mode stays.
    pub(crate) fn set(&mut self, path: &str, text: String) {
        let mode = match self.0.get(path) {
            Some(Content::File { mode, .. }) => *mode,
            _ => 0o644,
        };
        self.0.insert(path.to_owned(), Content::File { bytes: text.into_bytes(), mode });
    }

    /// Writes them into a folder that does not exist yet. Folders have the mode that fits their files' umask.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut private = 0o777;
        for (path, content) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder"))?;
            match content {
                Content::File { bytes, mode } => {
                    fs::write(&path, bytes)?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
                    // Who may read no file of a checkout may not look into its folders, either.
                    private &= if mode & 0o044 == 0 { 0o700 } else { 0o777 };
                }
                Content::Link(target) => symlink(target, &path)?,
            }
        }
        if private == 0o700 {
            for entry in WalkDir::new(folder).min_depth(1) {
                let entry = entry?;
                if entry.file_type().is_dir() {
                    fs::set_permissions(entry.path(), fs::Permissions::from_mode(private))?;
                }
            }
        }
        Ok(())
    }

    /// What tells these files from others.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.0 {
            hash.update(path.as_bytes());
            match content {
                Content::File { bytes, mode } => {
                    hash.update(format!("\0file {mode:o} {}\0", bytes.len()));
                    hash.update(bytes);
                }
                Content::Link(target) => hash.update(format!("\0link {target}\0")),
            }
        }
        hex::encode(&hash.finalize()[..8])
    }
}
