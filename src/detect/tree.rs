//! The files of a repository, as far as they are looked at: a bounded walk that follows no link, and bounded reading.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::datum::Datum;
use super::formats;

/// So many files and folders are looked at.
const MOST_ENTRIES: usize = 30_000;
/// So deep folders are looked into.
const DEEPEST: usize = 10;
/// So much of a manifest is read, in bytes.
const MANIFEST: u64 = 1 << 20;
/// So much of a file of source is read, in bytes.
const SOURCE: u64 = 64 << 10;
/// So much is read of all files of source together, in bytes.
const SOURCES: u64 = 48 << 20;

/// What was read of files, by their index and whether it was as source.
type Texts = HashMap<(usize, bool), Option<Rc<str>>>;

/// A repository on disk.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Paths relative to the root, with `/`; sorted, those near the root first.
    files: Vec<String>,
    /// The files right in a folder, by index.
    folders: BTreeMap<String, Vec<usize>>,
    /// Whether there were more entries than are looked at.
    pub(super) cut: bool,
    texts: RefCell<Texts>,
    data: RefCell<HashMap<usize, Option<Rc<Datum>>>>,
    budget: Cell<u64>,
}

impl Tree {
    /// Walks a folder, without what its ignore files exclude and without the folders that `skipped` names.
    pub(super) fn walk(root: &Path, skipped: &dyn Fn(&str) -> bool) -> Self {
        let mut walk = ignore::WalkBuilder::new(root);
        walk.hidden(false).follow_links(false).parents(false).require_git(false).ignore(false);
        walk.git_global(false).git_exclude(false).max_depth(Some(DEEPEST));
        let mut files = Vec::new();
        let (mut seen, mut cut) = (0_usize, false);
        let mut left_out: Vec<String> = Vec::new();
        for entry in walk.build().filter_map(Result::ok) {
            let Some(path) = relative(root, entry.path()) else { continue };
            if left_out.last().is_some_and(|folder| path.starts_with(folder.as_str())) {
                continue;
            }
            seen += 1;
            if seen > MOST_ENTRIES {
                cut = true;
                break;
            }
            let Some(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let name = path.rsplit('/').next().unwrap_or_default();
                if skipped(name) {
                    left_out.push(format!("{path}/"));
                }
            } else if kind.is_file() {
                files.push(path);
            }
        }
        files.sort_by_cached_key(|path| (path.matches('/').count(), path.clone()));
        let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, path) in files.iter().enumerate() {
            folders.entry(folder_of(path).to_owned()).or_default().push(index);
        }
        let (texts, data) = (RefCell::default(), RefCell::default());
        Self { root: root.to_owned(), files, folders, cut, texts, data, budget: Cell::new(SOURCES) }
    }

    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, &str)> {
        self.files.iter().map(String::as_str).enumerate()
    }

    /// The files right in a folder.
    pub(super) fn inside(&self, folder: &str) -> impl Iterator<Item = (usize, &str)> {
        self.folders.get(folder).into_iter().flatten().map(|index| (*index, self.files[*index].as_str()))
    }

    /// The file's path.
    pub(super) fn path(&self, index: usize) -> &str {
        &self.files[index]
    }

    /// The index of a file.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.inside(folder_of(path)).find(|(_, own)| *own == path).map(|(index, _)| index)
    }

    /// Whether something is below a folder.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        let inner = format!("{folder}/");
        self.folders.contains_key(folder)
            || self.folders.range(inner.clone()..).next().is_some_and(|(name, _)| name.starts_with(&inner))
    }

    /// What a manifest says.
    pub(super) fn text(&self, index: usize) -> Option<Rc<str>> {
        self.cached(index, false, MANIFEST)
    }

    /// What the beginning of a file of source says; none once enough source was read.
    pub(super) fn source(&self, index: usize) -> Option<Rc<str>> {
        self.cached(index, true, SOURCE)
    }

    fn cached(&self, index: usize, source: bool, limit: u64) -> Option<Rc<str>> {
        if let Some(known) = self.texts.borrow().get(&(index, source)) {
            return known.clone();
        }
        let limit = if source { limit.min(self.budget.get()) } else { limit };
        let text = beginning(&self.root.join(&self.files[index]), limit).map(Rc::from);
        if let (true, Some(text)) = (source, &text) {
            let text: &Rc<str> = text;
            self.budget.set(self.budget.get().saturating_sub(text.len() as u64));
        }
        self.texts.borrow_mut().insert((index, source), text.clone());
        text
    }

    /// A manifest as its format has it.
    pub(super) fn datum(&self, index: usize) -> Option<Rc<Datum>> {
        if let Some(known) = self.data.borrow().get(&index) {
            return known.clone();
        }
        let name = self.files[index].rsplit('/').next().unwrap_or_default();
        let datum = self.text(index).and_then(|text| formats::read(name, &text)).map(Rc::new);
        self.data.borrow_mut().insert(index, datum.clone());
        datum
    }
}

/// The folder that a path is in; the root is empty.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let path = path.strip_prefix(root).ok()?.to_str()?;
    (!path.is_empty()).then(|| path.replace('\\', "/"))
}

/// The beginning of a regular file as text: UTF-8, or UTF-16 with a mark, as editors of Windows save it.
fn beginning(path: &Path, limit: u64) -> Option<String> {
    let bytes = crate::text::begin(path, limit).ok()?;
    let wide = |order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    Some(match bytes.as_slice() {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // No text has a NUL.
        all if all.iter().take(8000).any(|byte| *byte == 0) => return None,
        all => String::from_utf8_lossy(all).into_owned(),
    })
}
