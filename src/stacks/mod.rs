//! The stacks. A stack is data: a folder in `templates/stacks/` with `stack.toml` and a starter
//! service. No Rust code outside this list knows a stack's name.

mod schema;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

pub use schema::{
    Images, Layer, Lock, LockFormat, LockProbe, Manager, ReloadProbe, RoleData, Shape, Stack, SuiteProbe, Usage,
    VerifyData,
};

/// The one list of stacks; each has a folder of this name in `templates/stacks/`.
pub const NAMES: &[&str] = &["go", "node", "python", "rust"];

static FOLDERS: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/stacks");

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
    fn every_folder_is_listed_and_every_listed_stack_loads() {
        let mut folders: Vec<_> = FOLDERS.dirs().map(|dir| dir.path().to_str().unwrap().to_owned()).collect();
        folders.sort();
        assert_eq!(folders, NAMES, "NAMES is sorted and names each folder of templates/stacks");
        for name in NAMES {
            load(name).unwrap();
        }
    }

    #[test]
    fn every_manager_has_a_whole_starter() {
        for (name, stack) in all() {
            assert!(stack.managers.contains_key(stack.manager()), "{name}'s default manager is one of its managers");
            for manager in stack.managers.keys() {
                let files: Vec<String> = starter(name, manager).into_iter().map(|(path, _)| path).collect();
                assert!(files.iter().any(|file| file == "README.md"), "{name}/{manager}: {files:?}");
                let is_lock = |file: &String| file.contains("lock") || file.ends_with(".sum");
                assert!(files.iter().any(is_lock), "{name}/{manager} has no lock file: {files:?}");
            }
        }
    }
}
