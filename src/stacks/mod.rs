//! The stacks. A stack is data: a folder in `templates/stacks/` with `stack.toml` and a starter
//! service. No Rust code knows a stack's name. What is known of ecosystems whatever the stack is data,
//! too; only the formats of files are code.

mod ecosystem;
mod examples;
pub mod formats;
mod schema;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

pub use ecosystem::{Ecosystem, Folders, PackageManager, Says, Seeds, Tool, ToolKind, ecosystem};
pub use examples::{Examples, examples};
pub use schema::{
    Images, Layer, Lock, LockProbe, Manager, ReloadProbe, RoleData, Shape, Stack, SuiteProbe, Usage, VerifyData,
};

static FOLDERS: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/stacks");

/// The stacks, each a folder of this name in `templates/stacks/`; sorted.
pub static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = FOLDERS.dirs().filter_map(|folder| folder.path().to_str()).collect();
    names.sort_unstable();
    names
});

static STACKS: LazyLock<BTreeMap<&'static str, Stack>> =
    LazyLock::new(|| NAMES.iter().map(|name| (*name, load(name).unwrap_or_else(|why| panic!("{why}")))).collect());

/// Reads a stack's data; only a defect of this crate makes it fail, which the tests below catch.
fn load(name: &str) -> Result<Stack, String> {
    let file = FOLDERS
        .get_file(format!("{name}/stack.toml"))
        .and_then(|file| file.contents_utf8())
        .ok_or(format!("templates/stacks/{name}/stack.toml is missing or not UTF-8"))?;
    toml::from_str(file).map_err(|error| format!("templates/stacks/{name}/stack.toml: {error}"))
}

/// The stack of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Stack> {
    STACKS.get(name)
}

/// Every stack, by name.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Stack)> {
    STACKS.iter().map(|(name, stack)| (*name, stack))
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
    fn every_stack_loads() {
        assert!(!NAMES.is_empty() && all().count() == NAMES.len());
        for name in NAMES.iter() {
            load(name).unwrap();
        }
    }

    #[test]
    fn every_glob_and_expression_of_the_stacks_compiles() {
        for (name, stack) in all() {
            let locks = stack.locks.iter().map(|probe| &probe.manifest);
            let used = stack.locks.iter().filter_map(|probe| probe.used.as_ref().map(|used| &used.files));
            let globs =
                stack.manifests.iter().chain(&stack.ignore).chain(&stack.suite.files).chain(&stack.suite.except);
            for glob in globs.chain(locks).chain(used) {
                assert!(globset::Glob::new(glob).is_ok(), "{name}: {glob}");
            }
            let commands = stack.locks.iter().map(|probe| &probe.command);
            let used = stack.locks.iter().filter_map(|probe| probe.used.as_ref().map(|used| &used.find));
            let disable = stack.suite.disable.as_ref().map(|(test, _)| test);
            for expression in
                stack.suite.ran.iter().chain([&stack.suite.holds]).chain(disable).chain(commands).chain(used)
            {
                assert!(regex::Regex::new(expression).is_ok(), "{name}: {expression}");
            }
        }
    }

    #[test]
    fn every_manager_has_a_whole_starter() {
        for (name, stack) in all() {
            assert!(stack.managers.contains_key(stack.manager()), "{name}'s default manager is one of its managers");
            for manager in stack.managers.keys() {
                let files: Vec<String> = starter(name, manager).into_iter().map(|(path, _)| path).collect();
                assert!(files.iter().any(|file| file == "README.md"), "{name}/{manager}: {files:?}");
                let is_lock = |file: &String| ecosystem().locks.names.iter().any(|part| file.contains(part.as_str()));
                assert!(files.iter().any(is_lock), "{name}/{manager} has no lock file: {files:?}");
            }
        }
    }
}
