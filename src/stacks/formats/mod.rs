//! The formats of package managers' files. Each is known by what it looks like, never by the stack that uses it; they are
//! the only place in Rust where a package manager's own words stand.

mod bun;
mod development;
mod distribution;
mod installed;
mod npm;
mod pipenv;
mod pnpm;
mod poetry;
mod requirements;
mod uv;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::text::read_text_in;

pub use development::{DevelopmentList, development};
pub use distribution::{DistributionPackage, STATUS, packaged, sections};
pub use installed::{InstalledPackage, package};
pub use requirements::normal;

/// The largest lock that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The formats of lock files, each with its own mark of what is production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockFormat {
    /// pip's requirements, each with an exact version and hashes; all of the file is production.
    Requirements,
    /// uv's lock: what the project's own package depends on, its groups aside.
    Uv,
    /// npm's `package-lock.json` from version 2 on: what is not marked `dev`.
    Npm,
    /// pnpm's lock: what the project's own dependencies lead to.
    Pnpm,
    /// Bun's lock, as text: what the project's own dependencies lead to.
    Bun,
    /// Yarn's lock, with the manifest beside it: what its dependencies lead to.
    Yarn,
    /// Poetry's or PDM's lock: the group of production.
    Poetry,
    /// Pipenv's lock: the default group.
    Pipenv,
}

/// A production dependency of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locked {
    /// None if the lock has several.
    pub version: Option<String>,
    /// Whether it is installed on every platform.
    pub always: bool,
}

/// Production dependencies by name.
pub type Production = BTreeMap<String, Locked>;

impl LockFormat {
    /// The production dependencies of a lock: a file of this format in a folder.
    ///
    /// # Errors
    /// Why it is not a lock, as a sentence.
    pub fn read(self, folder: &Path, file: &str) -> Result<Production, String> {
        match self {
            LockFormat::Requirements => requirements::read(folder, file),
            LockFormat::Uv => uv::read(&text(folder, file)?).map_err(|why| format!("{file}: {why}")),
            LockFormat::Npm => npm::read(&text(folder, file)?).map_err(|why| format!("{file}: {why}")),
            LockFormat::Pnpm => pnpm::read(&text(folder, file)?).map_err(|why| format!("{file}: {why}")),
            LockFormat::Bun => bun::read(&text(folder, file)?).map_err(|why| format!("{file}: {why}")),
            LockFormat::Yarn => {
                let manifest = text(folder, "package.json")?;
                yarn::read(&text(folder, file)?, &manifest).map_err(|why| format!("{file}: {why}"))
            }
            LockFormat::Poetry => poetry::read(&text(folder, file)?, || text(folder, "pyproject.toml"))
                .map_err(|why| format!("{file}: {why}")),
            LockFormat::Pipenv => pipenv::read(&text(folder, file)?).map_err(|why| format!("{file}: {why}")),
        }
    }

    /// Whether it is of the same packages as another: those of Node, or of Python.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        let of_node = |one| matches!(one, Self::Npm | Self::Pnpm | Self::Bun | Self::Yarn);
        of_node(self) == of_node(other)
    }

    /// The dependency that a file of an image shows to be installed, where a manager with this lock installs; none if
    /// the file shows none.
    #[must_use]
    pub fn installed(self, path: &str) -> Option<InstalledPackage> {
        match self {
            LockFormat::Requirements | LockFormat::Uv | LockFormat::Poetry | LockFormat::Pipenv => {
                installed::distribution(path)
            }
            LockFormat::Npm | LockFormat::Pnpm | LockFormat::Bun | LockFormat::Yarn => installed::module(path),
        }
    }
}

fn text(folder: &Path, file: &str) -> Result<String, String> {
    read_text_in(folder, file.as_ref(), LARGEST).map_err(|error| format!("{file} cannot be read: {}", error.why))
}

/// A lock in YAML, or in JSON with trailing commas, which is YAML too.
fn yaml(text: &str) -> Result<serde_json::Value, String> {
    // The lock of a large repository has more nodes than a reader of strangers' YAML allows by itself.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 4_000_000, max_events: 8_000_000, max_total_scalar_bytes: 64 << 20 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

fn add(found: &mut Production, name: String, version: Option<String>, always: bool) {
    match found.get_mut(&name) {
        Some(known) => {
            if known.version != version {
                known.version = None;
            }
            known.always |= always;
        }
        None => drop(found.insert(name, Locked { version, always })),
    }
}

/// Follows dependencies from those that are known, each once by every kind of way: a way holds on every platform, or not.
fn follow<N: Ord + Clone>(mut open: Vec<(N, bool)>, mut next: impl FnMut(&N, bool) -> Vec<(N, bool)>) {
    let mut seen = BTreeSet::new();
    while let Some((node, always)) = open.pop() {
        if seen.insert((node.clone(), always)) {
            open.extend(next(&node, always));
        }
    }
}

#[cfg(test)]
fn names(production: &Production) -> Vec<String> {
    production.iter().map(|(name, one)| format!("{name}{}", if one.always { "" } else { "?" })).collect()
}
