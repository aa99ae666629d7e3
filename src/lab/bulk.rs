//! Data that lies in a project and that no build takes: datasets, models, dumps. A copy of the project does without it, and
//! containers see the real one, read-only, where they would see it on the user's own mount.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::gitignore::Gitignore;

use super::leavings::{is_left_out, is_program};
use super::versioned::{ignored_by, rules};
use crate::engine::BuildContext;
use crate::subject::{RoleSubject, Subject};

/// Less than this is copied with the rest, in bytes: a container may want to write there, as to a database of development.
const COPIED: u64 = 64 << 20;

/// What is smaller by itself is not worth a mount of its own, in bytes.
const WORTH: u64 = 1 << 20;

/// The most mounts that a container gets for it; what would take more is copied.
const MOST: usize = 64;

/// The files and folders of a project that its copies do without.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bulk {
    /// The project that has them.
    root: PathBuf,
    /// Relative to the project; none is below another.
    paths: BTreeSet<PathBuf>,
}

/// A file or folder, and what is known of all that is in it.
struct Found {
    /// Relative to the project.
    path: PathBuf,
    /// In bytes.
    size: u64,
    /// Whether a build context has something of it.
    sent: bool,
    /// Whether a program is in it.
    source: bool,
    /// What is in a folder; none for a file.
    inside: Option<Vec<Found>>,
}

impl Bulk {
    /// What copies of a project do without.
    pub(crate) fn of(subject: &Subject) -> Self {
        let root = &subject.folder;
        let sent = sent(subject);
        let inside = look(root, Path::new(""), &sent);
        let unsent: u64 = inside.iter().map(Found::unsent).sum();
        let mut paths = BTreeSet::new();
        if unsent > COPIED {
            select(&inside, root, &mut vec![rules(root)], &mut paths);
        }
        if paths.len() > MOST {
            paths.clear();
        }
        Self { root: root.clone(), paths }
    }

    /// Where the real one of a path is that a copy does without, itself or with a folder around it.
    pub(crate) fn real(&self, relative: &Path) -> Option<PathBuf> {
        relative.ancestors().any(|above| self.paths.contains(above)).then(|| self.root.join(relative))
    }

    /// Those below a folder, each relative to it, and where the real one is.
    pub(crate) fn below(&self, folder: &Path) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        self.paths.iter().filter_map(move |path| {
            let rest = path.strip_prefix(folder).ok().filter(|rest| !rest.as_os_str().is_empty())?;
            Some((rest.to_owned(), self.root.join(path)))
        })
    }

    /// Whether the real one is the project's owner's, and not a container's that once filled it.
    pub(crate) fn is_own(&self, real: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid()).ok();
            owner(real) == owner(&self.root)
        }
        #[cfg(not(unix))]
        {
            let _ = real;
            true
        }
    }
}

impl Found {
    /// How much of it no build takes.
    fn unsent(&self) -> u64 {
        match &self.inside {
            _ if !self.sent => self.size,
            Some(inside) => inside.iter().map(Found::unsent).sum(),
            None => 0,
        }
    }
}

/// The files that build contexts have.
fn sent(subject: &Subject) -> BTreeSet<PathBuf> {
    let roles = subject.roles.iter().flat_map(RoleSubject::targets);
    let targets: Vec<_> = roles.chain(subject.neighbours.values()).collect();
    let mut sent = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for target in targets {
        if !seen.insert((&target.context, &target.dockerfile.file)) {
            continue;
        }
        let context = BuildContext::open_for(&target.context, &target.dockerfile.file);
        let Ok(files) = context.and_then(|context| context.files()) else { continue };
        let inside = target.context.strip_prefix(&subject.folder).map(Path::to_owned);
        let real = || target.context.canonicalize().ok()?.strip_prefix(&subject.folder).ok().map(Path::to_owned);
        let Some(inside) = inside.ok().or_else(real) else { continue };
        sent.extend(files.iter().map(|file| inside.join(&file.path)));
    }
    sent
}

fn look(root: &Path, folder: &Path, sent: &BTreeSet<PathBuf>) -> Vec<Found> {
    let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().filter_map(Result::ok);
    let found = entries.filter_map(|entry| {
        let path = folder.join(entry.file_name());
        let meta = entry.metadata().ok()?;
        if meta.is_dir() {
            if is_left_out(&path) {
                return None;
            }
            let inside = look(root, &path, sent);
            let size = inside.iter().map(|one| one.size).sum();
            let any = |is: fn(&Found) -> bool| inside.iter().any(is);
            let (sent, source) = (any(|one| one.sent), any(|one| one.source));
            return Some(Found { path, size, sent, source, inside: Some(inside) });
        }
        let size = if meta.is_file() { meta.len() } else { 0 };
        let (sent, source) = (sent.contains(&path), is_program(&path.to_string_lossy()));
        Some(Found { path, size, sent, source, inside: None })
    });
    found.collect()
}

/// Adds what is large, goes into no build, and is no source: git ignores it, or no program is in it.
fn select(all: &[Found], root: &Path, rules_above: &mut Vec<Option<Gitignore>>, paths: &mut BTreeSet<PathBuf>) {
    for found in all.iter().filter(|found| found.size >= WORTH) {
        if !found.sent
            && (!found.source || ignored_by(&root.join(&found.path), found.inside.is_some(), rules_above).is_some())
        {
            paths.insert(found.path.clone());
        } else if let Some(inside) = &found.inside {
            rules_above.push(rules(&root.join(&found.path)));
            select(inside, root, rules_above, paths);
            rules_above.pop();
        }
    }
}
