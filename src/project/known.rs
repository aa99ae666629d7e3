//! What a description may say of the stacks that there are.

use std::sync::LazyLock;

use super::StackFacts;
use crate::stacks;

/// A stack's name, its managers, its reserved names.
type Lists = (&'static str, Vec<&'static str>, Vec<&'static str>);

/// The stacks' lists, borrowed for as long as the program runs.
static LISTS: LazyLock<Vec<Lists>> = LazyLock::new(|| {
    stacks::all()
        .map(|(name, stack)| {
            let default = stack.default_manager.as_str();
            let others = stack.managers.keys().map(String::as_str).filter(|manager| *manager != default);
            let reserved = stack.reserved.iter().map(String::as_str).collect();
            (name, [default].into_iter().chain(others).collect(), reserved)
        })
        .collect()
});

static KNOWN: LazyLock<Vec<StackFacts<'static>>> =
    LazyLock::new(|| LISTS.iter().map(|(name, managers, reserved)| StackFacts { name, managers, reserved }).collect());

/// The facts of every stack of this dockwright.
#[must_use]
pub fn known_stacks() -> &'static [StackFacts<'static>] {
    &KNOWN
}
