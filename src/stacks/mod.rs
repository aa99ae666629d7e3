//! The stacks. A stack is data: a folder in `templates/stacks/` with `stack.toml` and a starter
//! service. No Rust code knows a stack's name. What is known of ecosystems whatever the stack is data,
//! too; only the formats of files are code.

mod catalogue;
mod document;
mod ecosystem;
mod examples;
mod facts;
pub mod formats;
mod needs;
mod origin;
mod published;
mod role_words;
mod schema;
mod tables;
mod version;
mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};
use include_dir::{Dir, include_dir};

pub use catalogue::{Choice, Folder, Options, Stacks};
pub use document::Table;
pub use ecosystem::{Ecosystem, EcosystemTool, Language, ecosystem};
pub use examples::{Examples, examples};
pub use facts::{COMMON as COMMON_FACTS, Facts};
pub use needs::{NeededService, needs};
pub use origin::{Origin, OriginLayer};
pub use published::{Published, set_variables};
pub use role_words::{RoleWords, WordPattern, has_word, role_words};
pub use schema::{
    BaseImages, Dependencies, Library, Lock, LockProbe, Manager, ReloadProbe, RoleData, Shape, Stack, StackEnv,
    StageStep, SuiteProbe, Text, Usage, VerifyData,
};
pub use tables::{Folders, PackageManager, Says, Seeds, TestSummary, ToolKind};
pub use version::Range;
pub use written::SecretForms;

static FOLDERS: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/stacks");

/// The stacks, each a folder of this name in `templates/stacks/`; sorted.
pub static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = FOLDERS.dirs().filter_map(|folder| folder.path().to_str()).collect();
    names.sort_unstable();
    names
});

/// The stacks that have a starter, sorted.
pub fn starters() -> impl Iterator<Item = &'static str> {
    let has_starter = |name: &&&'static str| {
        let folder = FOLDERS.get_dir(name).into_iter().flat_map(Dir::dirs);
        folder
            .map(Dir::path)
            .any(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("starter")))
    };
    NAMES.iter().filter(has_starter).copied()
}

/// Each stack with its default manager, its placeholders still in it.
#[cfg(test)]
static DEFAULTS: LazyLock<BTreeMap<&'static str, Stack>> = LazyLock::new(|| {
    let resolve = |stack: &&'static str| {
        let choice = Choice { stack, name: "@name@", ..Choice::default() };
        (*stack, embedded().resolve(&choice).unwrap_or_else(|error| panic!("{error}")))
    };
    NAMES.iter().map(resolve).collect()
});

/// The stacks of this dockwright.
#[must_use]
pub fn embedded() -> &'static Stacks {
    static EMBEDDED: LazyLock<Stacks> = LazyLock::new(|| with(Vec::new()));
    &EMBEDDED
}

/// The files by which any stack says what a service depends on.
#[must_use]
pub fn manifests() -> &'static GlobSet {
    static MANIFESTS: LazyLock<GlobSet> = LazyLock::new(|| {
        let resolve = |stack| embedded().resolve(&Choice { stack, name: "it", ..Choice::default() });
        let stacks = NAMES.iter().filter_map(|name| resolve(name).ok());
        let globs = stacks.flat_map(|stack| stack.manifests).filter_map(|glob| Glob::new(&glob).ok());
        let set = globs.fold(GlobSetBuilder::new(), |mut set, glob| {
            set.add(glob);
            set
        });
        set.build().expect("few patterns, each of which is one")
    });
    &MANIFESTS
}

/// The stacks of this dockwright, and over them those of more folders.
#[must_use]
pub fn with(more: Vec<Folder>) -> Stacks {
    let mut files = Vec::new();
    collect(&FOLDERS, &mut |file| {
        let path = file.path().to_str().expect("our own paths are UTF-8").replace('\\', "/");
        let is_data = ["libraries.toml", "needs.toml"].contains(&path.as_str())
            || path.ends_with("/stack.toml")
            || path.ends_with("/adopted.toml")
            || path.contains("/frameworks/");
        if let Some(text) = file.contents_utf8().filter(|_| is_data) {
            files.push((path, Cow::Borrowed(text)));
        }
    });
    Stacks::new([Folder::new("templates/stacks", files)].into_iter().chain(more).collect())
}

/// The stack of this name, with its default manager. A project has its own, see `Project::stack`.
#[cfg(test)]
pub(crate) fn find(name: &str) -> Option<&'static Stack> {
    DEFAULTS.get(name)
}

/// Every stack, likewise, by name.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Stack)> {
    DEFAULTS.iter().map(|(name, stack)| (*name, stack))
}

/// A stack's starter service: relative path (with `/`, a trailing `.in` dropped) and contents, sorted by
/// path. What is in `starter-MANAGER` comes on top of what is in `starter`. The placeholders are still in it.
#[must_use]
pub fn starter(name: &str, manager: &str) -> Vec<(String, &'static [u8])> {
    let mut files = BTreeMap::new();
    for folder in [format!("{name}/starter"), format!("{name}/starter-{manager}")] {
        let Some(folder) = FOLDERS.get_dir(folder) else { continue };
        collect(folder, &mut |file| {
            let path = file.path().strip_prefix(folder.path()).expect("a file of the folder");
            let path = path.to_str().expect("our own paths are UTF-8").replace('\\', "/");
            let path = path.strip_suffix(".in").unwrap_or(&path).to_owned();
            files.insert(path, file.contents());
        });
    }
    files.into_iter().collect()
}

fn collect(folder: &'static Dir, found: &mut impl FnMut(&'static include_dir::File)) {
    folder.files().for_each(&mut *found);
    folder.dirs().for_each(|inner| collect(inner, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_a_stack() {
        assert!(!NAMES.is_empty());
        assert_eq!(embedded().names(), *NAMES);
        assert_eq!(all().count(), NAMES.len());
    }

    #[test]
    fn every_manager_and_framework_of_every_stack_loads() {
        for stack in NAMES.iter().copied() {
            let options = embedded().options(stack).unwrap_or_else(|error| panic!("{error}"));
            let frameworks = options.frameworks.iter().map(|name| Some(name.as_str()));
            for framework in [None].into_iter().chain(frameworks) {
                for manager in &options.managers {
                    let choice =
                        Choice { stack, manager: Some(manager), framework, name: "orders-api", ..Choice::default() };
                    let resolved = embedded().resolve(&choice).unwrap_or_else(|error| panic!("{error}"));
                    let helpers = &resolved.helpers;
                    let dependencies = &resolved.dependencies;
                    let mut layers =
                        [&dependencies.production, &dependencies.build, &dependencies.test].into_iter().flatten();
                    assert!(
                        layers.all(|layer| layer.from.iter().all(|name| helpers.contains_key(name))),
                        "{stack} {manager}"
                    );
                    let said: Vec<_> = resolved.origins.leaves();
                    let left = said
                        .iter()
                        .find(|(_, text, _)| ["@name@", "@module@", "@version@"].iter().any(|one| text.contains(one)));
                    assert!(left.is_none(), "{stack} {manager}: {left:?}");
                }
            }
            // Every version has its image, and the stack's own is one of them.
            for version in embedded().resolve(&Choice { stack, ..Choice::default() }).unwrap().versions {
                let over = vec![Table::parse(&format!("version = '{version}'"), &OriginLayer::User, "t").unwrap()];
                let resolved = embedded().resolve(&Choice { stack, over, ..Choice::default() }).unwrap();
                let images = [Some(&resolved.images.runtime), resolved.images.build.as_ref()];
                assert!(images.into_iter().flatten().any(|image| image.contains(&version)), "{stack} {version}");
            }
        }
    }

    #[test]
    fn every_manager_has_a_whole_starter() {
        for (name, stack) in all().filter(|(name, _)| starters().any(|known| known == *name)) {
            for manager in stack.managers.keys() {
                let files: Vec<String> = starter(name, manager).into_iter().map(|(path, _)| path).collect();
                assert!(files.iter().any(|file| file == "README.md"), "{name}/{manager}: {files:?}");
                let is_lock = |file: &String| ecosystem().locks.names.iter().any(|part| file.contains(part.as_str()));
                assert!(files.iter().any(is_lock), "{name}/{manager} has no lock file: {files:?}");
            }
        }
    }
}
