//! What an image has of that which the project lists for development alone.

use std::collections::BTreeMap;

use super::dependencies::{folders, lock};
use crate::engine::TreeEntry;
use crate::lab::Lab;
use crate::stacks::ecosystem;
use crate::stacks::formats::development;

/// The service's packages that the project's own files list for development: those that its lock does not count to
/// production. Without a lock a production dependency may bring one of them, but hardly all that one file lists.
pub(super) fn for_development(lab: &Lab, added: &BTreeMap<&str, &TreeEntry>) -> Vec<String> {
    let lock = lab.subject.project.stack.as_deref().and_then(|stack| lock(lab, stack, "service").ok());
    let mut found = Vec::new();
    for list in folders(lab, "service").iter().flat_map(|folder| development(folder, &ecosystem().locks.development)) {
        let packages = added.keys().filter_map(|path| Some((list.format.installed(path)?.0, *path)));
        let packages: BTreeMap<String, &str> = packages.filter(|(name, _)| list.names.contains(name)).collect();
        let lock = lock.as_ref().filter(|lock| lock.format.is_like(list.format));
        let is_production = |name: &String| lock.is_some_and(|lock| lock.production.contains_key(name));
        if lock.is_some() || packages.len() == list.names.len() {
            let there = packages.into_iter().filter(|(name, _)| !is_production(name));
            found.extend(there.map(|(name, path)| format!("{name} ({path})")));
        }
    }
    found.sort();
    found.dedup();
    found
}
