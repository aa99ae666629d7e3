//! What a build sees: a folder without what its ignore file names, with files of ours over it.

mod ignore;
mod pack;
mod pattern;
mod select;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::entry::EntryKind;
use crate::error::{Error, ErrorKind, Result};
use crate::text;
pub use ignore::Ignore;
pub(super) use select::{Selection, select};

/// The largest ignore file that is read, in bytes.
const LARGEST_IGNORE: u64 = 1 << 20;

/// A build context. Cheap to clone; changes make a new one, and neither touches the disk. The folder is read
/// once, when it is first needed.
#[derive(Debug, Clone)]
pub struct BuildContext {
    base: Arc<Base>,
    overlay: BTreeMap<String, Overlay>,
    id: u64,
    files: Arc<Mutex<Option<Arc<Vec<ContextFile>>>>>,
    packed: Arc<Mutex<Option<Bytes>>>,
}

/// The folder and its rules.
#[derive(Debug)]
struct Base {
    root: Option<PathBuf>,
    ignore: Ignore,
    files: Mutex<Option<Arc<Vec<ContextFile>>>>,
}

#[derive(Debug, Clone)]
enum Overlay {
    File { content: Bytes, mode: u32, mtime: Option<i64> },
    Symlink(String),
    Gone,
}

/// A file of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextFile {
    /// Relative to the context, with slashes. A name that is not UTF-8 is shown with `�`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: `0o7777`.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
    /// What a symbolic link names.
    pub link: Option<String>,
    /// Modification time, in nanoseconds since 1970.
    pub(super) mtime: i64,
    /// Where its content is.
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Disk(PathBuf),
    Memory(Bytes),
}

/// A larger file is not taken into memory.
const LARGEST: u64 = 1 << 28;

impl ContextFile {
    /// The content of a regular file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<Vec<u8>> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes.to_vec()),
            Content::Disk(path) => text::read(path, LARGEST).map_err(|error| Error::description(error.to_string())),
        }
    }

    /// Whether the name can be told to `BuildKit`, which takes UTF-8 alone.
    pub(super) fn is_utf8(&self) -> bool {
        match &self.content {
            Content::Disk(path) => path.file_name().is_none_or(|name| name.to_str().is_some()),
            Content::Memory(_) => true,
        }
    }
}

/// The error for a file of the context that cannot be read.
pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::io("cannot read", path, error).hint("make it readable, or name it in .dockerignore")
}

impl BuildContext {
    /// The context of a folder, with its `.dockerignore`.
    ///
    /// # Errors
    /// When the folder or its `.dockerignore` cannot be read.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_for(root, Path::new("Dockerfile"))
    }

    /// The context of a folder for a Dockerfile (relative to the folder, or absolute): its own
    /// `<Dockerfile>.dockerignore` comes before `.dockerignore`.
    ///
    /// # Errors
    /// When the folder or the ignore file cannot be read.
    pub fn open_for(root: &Path, dockerfile: &Path) -> Result<Self> {
        let root = root.canonicalize().map_err(|error| Error::io("cannot read", root, error))?;
        if !root.is_dir() {
            return Err(Error::new(ErrorKind::Io, format!("the build context {} is not a folder", root.display())));
        }
        let mut own = root.join(dockerfile).into_os_string();
        own.push(".dockerignore");
        for path in [PathBuf::from(own), root.join(".dockerignore")] {
            match text::read(&path, LARGEST_IGNORE) {
                Ok(bytes) => {
                    let ignore = Ignore::parse(&String::from_utf8_lossy(&bytes))
                        .map_err(|why| Error::description(format!("cannot read a pattern: {why}")).in_file(&path))?;
                    return Ok(Self::new(Some(root), ignore, BTreeMap::new()));
                }
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self::new(Some(root), Ignore::default(), BTreeMap::new()))
    }

    /// A folder with all that is in it, whatever its ignore file says.
    #[must_use]
    pub fn whole(root: &Path) -> Self {
        Self::new(Some(root.to_owned()), Ignore::default(), BTreeMap::new())
    }

    /// A context without a folder.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(None, Ignore::default(), BTreeMap::new())
    }

    fn new(root: Option<PathBuf>, ignore: Ignore, overlay: BTreeMap<String, Overlay>) -> Self {
        Self::over(Arc::new(Base { root, ignore, files: Mutex::default() }), overlay)
    }

    fn over(base: Arc<Base>, overlay: BTreeMap<String, Overlay>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Self { base, overlay, id, files: Arc::default(), packed: Arc::default() }
    }

    fn with(&self, path: &str, overlay: Overlay) -> Self {
        let mut all = self.overlay.clone();
        all.insert(pattern::clean(path).trim_start_matches('/').to_owned(), overlay);
        Self::over(self.base.clone(), all)
    }

    /// The same with other ignore rules.
    #[must_use]
    pub fn with_ignore(&self, ignore: Ignore) -> Self {
        Self::new(self.base.root.clone(), ignore, self.overlay.clone())
    }

    /// The same with a file added or replaced, as if it were in the folder: the ignore rules hold for it, too.
    /// Missing folders above it come with it.
    #[must_use]
    pub fn with_file(&self, path: &str, content: impl Into<Bytes>, mode: u32) -> Self {
        self.with(path, Overlay::File { content: content.into(), mode, mtime: None })
    }

    /// As [`BuildContext::with_file`], modified when it is said, for tools that compare times. Seconds since 1970.
    #[must_use]
    pub fn with_file_of(&self, path: &str, content: impl Into<Bytes>, mode: u32, mtime: u32) -> Self {
        let mtime = Some(i64::from(mtime) * 1_000_000_000);
        self.with(path, Overlay::File { content: content.into(), mode, mtime })
    }

    /// The same with a symbolic link added or replaced.
    #[must_use]
    pub fn with_symlink(&self, path: &str, target: &str) -> Self {
        self.with(path, Overlay::Symlink(target.to_owned()))
    }

    /// The same without a file, or without a folder and all in it.
    #[must_use]
    pub fn without(&self, path: &str) -> Self {
        self.with(path, Overlay::Gone)
    }

    /// The ignore rules.
    #[must_use]
    pub fn ignore(&self) -> &Ignore {
        &self.base.ignore
    }

    /// The folder; none for a context without one.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.base.root.as_deref()
    }

    /// What tells this context from every other of this process.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// All that the build sees: files, folders and links, each folder before what is in it. A socket is an empty
    /// file, as for the docker CLI.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<Arc<Vec<ContextFile>>> {
        remembered(&self.files, || {
            let base = remembered(&self.base.files, || match &self.base.root {
                Some(root) => walk::walk(root, &self.base.ignore),
                None => Ok(Vec::new()),
            })?;
            if self.overlay.is_empty() { Ok(Arc::unwrap_or_clone(base)) } else { Ok(self.overlaid(&base)) }
        })
    }

    fn overlaid(&self, base: &[ContextFile]) -> Vec<ContextFile> {
        let covered = |path: &str| {
            self.overlay.iter().any(|(over, what)| {
                let inside = path.strip_prefix(over.as_str()).is_some_and(|rest| rest.starts_with('/'));
                path == over || (inside && matches!(what, Overlay::Gone))
            })
        };
        let mut files: BTreeMap<String, ContextFile> = base
            .iter()
            .filter(|file| !covered(&file.path))
            .map(|file| (walk::order(&file.path), file.clone()))
            .collect();
        for (path, what) in &self.overlay {
            if self.base.ignore.is_ignored(path) {
                continue;
            }
            let Some(file) = overlaid_file(path, what) else { continue };
            for (end, _) in path.match_indices('/') {
                let folder = &path[..end];
                files.entry(walk::order(folder)).or_insert_with(|| folder_file(folder));
            }
            files.insert(walk::order(path), file);
        }
        files.into_values().collect()
    }
}

fn remembered<T>(cell: &Mutex<Option<Arc<T>>>, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = &*cell {
        return Ok(value.clone());
    }
    let value = Arc::new(make()?);
    *cell = Some(value.clone());
    Ok(value)
}

fn overlaid_file(path: &str, what: &Overlay) -> Option<ContextFile> {
    let (kind, mode, content, link, mtime) = match what {
        Overlay::File { content, mode, mtime } => (EntryKind::File, *mode, content.clone(), None, *mtime),
        Overlay::Symlink(target) => (EntryKind::Symlink, 0o777, Bytes::new(), Some(target.clone()), None),
        Overlay::Gone => return None,
    };
    let mtime = mtime.unwrap_or_else(|| walk::stamp(&content));
    Some(ContextFile {
        path: path.to_owned(),
        kind,
        mode,
        size: content.len() as u64,
        link,
        mtime,
        content: Content::Memory(content),
    })
}

fn folder_file(path: &str) -> ContextFile {
    ContextFile {
        path: path.to_owned(),
        kind: EntryKind::Directory,
        mode: 0o755,
        size: 0,
        link: None,
        mtime: 0,
        content: Content::Memory(Bytes::new()),
    }
}
