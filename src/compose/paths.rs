//! Paths as Compose resolves them: against the project's folder, that of the include, or that of the file that is extended;
//! `~` from HOME, cleaned by their letters alone (no symbolic link is followed). And what they are resolved with.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::text::{Place, clean};

/// What a file is read with: variables, and the folders that its paths start from.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    variables: BTreeMap<String, String>,
    /// By file; the others' paths start from their own folder.
    bases: BTreeMap<PathBuf, PathBuf>,
    /// Whether files of environment may be missing that nobody has made yet.
    pub(super) unprepared: bool,
}

impl Surroundings {
    pub(super) fn of(variables: BTreeMap<String, String>) -> Self {
        Self { variables, ..Self::default() }
    }

    /// Says where the paths of a file start from.
    pub(super) fn base(&mut self, file: &Path, folder: &Path) {
        self.bases.insert(file.to_owned(), folder.to_owned());
    }

    /// Gives a variable a value if it has none.
    pub(super) fn offer(&mut self, name: &str, value: &str) {
        self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// Gives a variable a value.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Takes over what another one says of files, and of variables that have no value here.
    pub(super) fn learn(&mut self, other: &Self) {
        other.variables.iter().for_each(|(name, value)| self.offer(name, value));
        other.bases.iter().for_each(|(file, folder)| self.base(file, folder));
    }
}

impl Deref for Surroundings {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.variables
    }
}

/// An absolute path; clean, unless it was absolute already.
pub(super) fn resolve(raw: &str, place: &Place, env: &Surroundings) -> String {
    let own = || place.file.parent().unwrap_or(Path::new("/"));
    let base = env.bases.get(&*place.file).map_or_else(own, PathBuf::as_path).to_string_lossy().into_owned();
    let home = env.get("HOME").map_or("", String::as_str);
    match raw.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => clean(&format!("{home}{rest}")),
        // Compose leaves an absolute path as it is.
        _ if raw.starts_with('/') => raw.to_owned(),
        _ => clean(&format!("{base}/{raw}")),
    }
}
