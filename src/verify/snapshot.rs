//! The files that a verification reads, as they were when it began: what a remembered pass depends on, and by what it
//! shows whether somebody changed them meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::engine::BuildContext;
use crate::lab::bulk::Bulk;
use crate::lab::leavings::is_left_out;
use crate::subject::{NamedContext, RoleSubject, Subject};
use crate::text;

/// The files of a project and of its build contexts.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    files: BTreeMap<PathBuf, Stamp>,
    /// Those that images and containers are made of; the others are only on mounts.
    made_of: BTreeSet<PathBuf>,
    /// What copies do without, which is too large to be read.
    bulk: BTreeSet<PathBuf>,
}

/// What changes when a file does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    mode: u32,
    size: u64,
    modified: Option<SystemTime>,
    /// When the kernel last changed the file's entry, which nothing but that sets; and the entry's number.
    entry: (i64, i64, u64),
}

impl Stamp {
    /// Folders have neither size nor time here.
    fn is_folder(&self) -> bool {
        self.modified.is_none()
    }
}

impl Snapshot {
    /// What is there now. What cannot be read is what those who need it will tell of.
    pub(super) fn take(subject: &Subject, bulk: &Bulk) -> Self {
        let mut files = BTreeMap::new();
        walk(&subject.folder, &mut files);
        let made_of = made_of(subject);
        for path in &made_of {
            if !files.contains_key(path)
                && let Some(stamp) = stamp(path)
            {
                files.insert(path.clone(), stamp);
            }
        }
        let bulk = bulk.below(Path::new("")).map(|(_, real)| real).collect();
        Self { files, made_of, bulk }
    }

    /// A digest of names, modes and contents, times aside. Of what copies do without, times stand for contents.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn digest(&self) -> io::Result<String> {
        let mut all = Sha256::new();
        for (path, stamp) in &self.files {
            let is_bulk = path.ancestors().any(|above| self.bulk.contains(above));
            let content = if is_bulk { format!("{stamp:?}").into_bytes() } else { content(path)? };
            all.update(Sha256::digest(path.as_os_str().as_encoded_bytes()));
            all.update(stamp.mode.to_le_bytes());
            all.update(content);
        }
        Ok(hex::encode(all.finalize()))
    }

    /// Whether all is in another one as in this.
    pub(super) fn equals(&self, now: &Self) -> bool {
        self.files == now.files
    }

    /// What images and containers are made of and is not as it was, in order. What was not there, or was empty, is left
    /// aside: it is the log that somebody writes of this very run.
    pub(super) fn changed(&self, now: &Self) -> Vec<PathBuf> {
        let was = |path: &&PathBuf| self.files.get(*path).is_some_and(|stamp| stamp.size > 0 || stamp.is_folder());
        let all = self.made_of.iter().filter(was);
        all.filter(|path| self.files.get(*path) != now.files.get(*path)).cloned().collect()
    }
}

/// The files of build contexts, those that say how to build and to start, and those that they name.
fn made_of(subject: &Subject) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::from([subject.folder.join(crate::project::FILE)]);
    let compose = &subject.compose;
    paths.extend(compose.files.iter().cloned());
    paths
        .extend(compose.services.values().flat_map(|service| &service.env_files).map(|file| PathBuf::from(&file.path)));
    paths.extend(compose.secrets.values().chain(compose.configs.values()).filter_map(|one| one.file_path.clone()));
    let mut seen = BTreeSet::new();
    for target in subject.roles.iter().flat_map(RoleSubject::targets) {
        if !seen.insert((&target.context, &target.dockerfile.file)) {
            continue;
        }
        for named in target.contexts.values() {
            let NamedContext::Folder(folder) = named else { continue };
            let Ok(files) = BuildContext::open(folder).and_then(|context| context.files()) else { continue };
            paths.extend(files.iter().map(|file| folder.join(&file.path)));
        }
        let dockerfile = target.context.join(&target.dockerfile.file);
        let mut own = dockerfile.clone().into_os_string();
        own.push(".dockerignore");
        paths.extend([dockerfile, own.into(), target.context.join(".dockerignore")]);
        let Ok(context) = BuildContext::open_for(&target.context, &target.dockerfile.file) else { continue };
        let Ok(files) = context.files() else { continue };
        paths.extend(files.iter().map(|file| target.context.join(&file.path)));
    }
    paths
}

/// All below a folder that a copy of the project gets.
fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Stamp>) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let path = entry.path();
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() && is_left_out(&path) {
            continue;
        }
        let inside = meta.is_dir();
        files.insert(path.clone(), of_meta(&meta));
        if inside {
            walk(&path, files);
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::symlink_metadata(path).ok().as_ref().map(of_meta)
}

/// A folder changes with what is in it, which has stamps of its own; only its mode counts.
#[cfg(unix)]
fn of_meta(meta: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    if meta.is_dir() {
        return Stamp { mode: meta.mode(), size: 0, modified: None, entry: (0, 0, 0) };
    }
    let entry = (meta.ctime(), meta.ctime_nsec(), meta.ino());
    Stamp { mode: meta.mode(), size: meta.size(), modified: meta.modified().ok(), entry }
}

#[cfg(not(unix))]
fn of_meta(meta: &Metadata) -> Stamp {
    let mode = u32::from(meta.permissions().readonly()) + 2 * u32::from(meta.is_dir());
    let file = !meta.is_dir();
    Stamp {
        mode,
        size: if file { meta.len() } else { 0 },
        modified: meta.modified().ok().filter(|_| file),
        entry: (0, 0, 0),
    }
}

/// The digest of what is in a file, or of what a link names; nothing of what has no content.
pub(super) fn content(path: &Path) -> io::Result<Vec<u8>> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_symlink() {
        return Ok(Sha256::digest(fs::read_link(path)?.as_os_str().as_encoded_bytes()).to_vec());
    }
    if !meta.is_file() {
        return Ok(Vec::new());
    }
    let (mut hash, mut file, mut part) = (Sha256::new(), text::open(path)?, vec![0; 1 << 16]);
    hash.update(meta.len().to_le_bytes());
    // Holes have no content, however long they are.
    for (begin, end) in text::parts(&file) {
        hash.update(begin.to_le_bytes());
        file.seek(io::SeekFrom::Start(begin))?;
        let mut rest = (&mut file).take(end - begin);
        loop {
            match rest.read(&mut part)? {
                0 => break,
                length => hash.update(&part[..length]),
            }
        }
    }
    Ok(hash.finalize().to_vec())
}
