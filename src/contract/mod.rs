//! The contracts as plain data: what each role promises, how that is checked, how to fix it.
//!
//! Names are public interface: `JUnit` cases, SARIF rules and `dockwright explain` use them.

mod build;
mod dev;
mod dev_tools;
mod installation;
mod layout;
mod scaffold;
mod service;
mod test;

pub use layout::{LayoutClaim, OF_LAYOUT};

/// One promise of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// `role.what`, as `dev.reload`.
    pub name: &'static str,
    /// The promise, in one sentence.
    pub promise: &'static str,
    /// How it is checked.
    pub how: &'static str,
    /// Why the promise follows from what is looked at.
    pub therefore: &'static str,
    /// What would have to be otherwise for a broken promise to pass: the limits of the check.
    pub assumes: &'static [&'static str],
    /// How to fix a failure.
    pub fix: &'static str,
    /// The contracts whose failure makes this one fail, or keeps it from being seen: while one of them fails, this one is
    /// reported as skipped, unless its check has seen that it fails by itself. Of two that yield to each other, the first in [`ALL`] stands.
    pub yields_to: &'static [&'static str],
}

impl Contract {
    /// The role that makes the promise; `scaffold` for all of them.
    #[must_use]
    pub fn role(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(role, _)| role)
    }
}

/// The one list, by role in the order of the Dockerfile; a file per role has the words.
pub const ALL: &[Contract] = &[
    scaffold::BUILDS,
    scaffold::IGNORE,
    scaffold::PINNED,
    scaffold::UNPRIVILEGED,
    scaffold::PORTABLE,
    dev::MOUNT,
    dev::NO_SOURCE,
    dev::PROD_DEPS_ONLY,
    dev::SAME_RUNTIME,
    dev::RELOAD,
    dev::OWNER,
    dev::IDLE,
    dev_tools::OPTIONAL,
    dev_tools::SHARED_SOURCE,
    dev_tools::PRESENT,
    dev_tools::WORKS,
    build::EXTENDS_DEV,
    build::FROM_SOURCE,
    build::LOCKED,
    build::ENV_AGNOSTIC,
    build::REPRODUCIBLE,
    build::INJECT_EQUAL,
    service::NO_BUILD_DEPS,
    service::NON_ROOT,
    service::PORT,
    service::SHUTDOWN,
    service::NO_DEPLOYMENT_ENV,
    service::NO_SECRET,
    service::READ_ONLY,
    service::IMMUTABLE_CODE,
    service::HEALTH,
    test::EXTENDS_SERVICE,
    test::PASSES,
    test::EXIT_CODE,
    test::ISOLATED_ENV,
    installation::EXTENDS_SERVICE,
    installation::ENV_COMPLETE,
    installation::PORT,
    installation::NO_SECRET,
    installation::IMMUTABLE,
];

/// The contract of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Contract> {
    ALL.iter().find(|contract| contract.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_entry_is_whole() {
        for (index, contract) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != contract.name), "{}", contract.name);
            assert!(!contract.assumes.is_empty(), "{} assumes nothing, so it would be perfect", contract.name);
            let texts = [contract.promise, contract.how, contract.therefore, contract.fix];
            for text in texts.iter().chain(contract.assumes) {
                assert!(text.ends_with('.') && !text.contains("  "), "{}: {text}", contract.name);
            }
        }
    }

    #[test]
    fn what_a_contract_yields_to_is_another_and_yields_back_to_it_alone() {
        /// The contracts that one yields to, and those that they yield to.
        fn above(name: &str, way: &mut Vec<String>) {
            if let Some(at) = way.iter().position(|one| one == name) {
                assert_eq!(way.len() - at, 2, "{name} yields to itself by way of {way:?}");
                return;
            }
            way.push(name.to_owned());
            let contract = find(name).unwrap_or_else(|| panic!("{name}, which {way:?} yields to, is not a contract"));
            contract.yields_to.iter().for_each(|other| above(other, way));
            way.pop();
        }
        for contract in ALL {
            above(contract.name, &mut Vec::new());
            let listed = contract.yields_to;
            assert!(listed.iter().enumerate().all(|(at, one)| !listed[..at].contains(one)), "{}", contract.name);
        }
    }
}
