//! The checks: one file per contract family, one list of all here.

mod at_work;
mod build;
mod capabilities;
mod dependencies;
mod dev;
mod dev_tools;
mod extends_dev;
mod health;
mod ignore;
mod immutable;
mod installation;
mod isolated;
mod leavings;
mod leftovers;
mod locked;
mod owner;
mod pinned;
mod poison;
mod privilege;
mod read_only;
mod release;
mod reload;
mod reproducible;
mod runtime;
mod secrets;
mod service;
mod shared_source;
mod shutdown;
mod suite;
mod taint;
mod test;
mod tools;

use std::future::{Future, ready};
use std::pin::Pin;

use tokio::sync::OnceCell;

use super::bench::{Bench, Checked};
pub(super) use at_work::AtWork;
pub(super) use build::{Injected, differences, injected};

/// A check: looks at the bench, returns a verdict.
pub(super) type Check = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// What is proved while the images are built; the others are [`ALL`].
pub(super) const BUILDS: &str = "scaffold.builds";

/// A contract's check, and what it looks at.
pub(super) struct Entry {
    /// The contract's name.
    pub(super) contract: &'static str,
    /// The roles whose images it looks at. dev of a compiled stack runs what the builder makes.
    pub(super) needs: &'static [&'static str],
    /// The check itself.
    pub(super) check: Check,
}

/// Every role, for what concerns all images.
const ROLES: &[&str] = &["dev", "dev-tools", "build", "service", "test", "installation"];

/// What several checks want to know, found out by the first that asks.
#[derive(Default)]
pub(super) struct Seen {
    hardened: OnceCell<read_only::Hardened>,
    leaks: OnceCell<super::taint::Leaks>,
}

/// The entry of a contract; none for [`BUILDS`].
pub(super) fn find(contract: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.contract == contract)
}

/// The one list, in the catalogue's order.
pub(super) const ALL: &[Entry] = &[
    Entry { contract: "scaffold.ignore", needs: ROLES, check: |bench| Box::pin(ignore::check(bench)) },
    Entry { contract: "scaffold.pinned", needs: &[], check: |bench| Box::pin(ready(pinned::check(bench))) },
    Entry {
        contract: "scaffold.unprivileged",
        needs: &["dev", "build", "service", "installation"],
        check: |bench| Box::pin(privilege::check(bench)),
    },
    Entry { contract: "dev.mount", needs: &["dev", "build"], check: |bench| Box::pin(dev::mount(bench)) },
    Entry { contract: "dev.no-source", needs: &["dev", "build"], check: |bench| Box::pin(dev::no_source(bench)) },
    Entry {
        contract: "dev.prod-deps-only",
        needs: &["dev", "service"],
        check: |bench| Box::pin(dependencies::check(bench)),
    },
    Entry {
        contract: "dev.same-runtime",
        needs: &["dev", "service", "build"],
        check: |bench| Box::pin(runtime::check(bench)),
    },
    Entry { contract: "dev.reload", needs: &["dev", "build"], check: |bench| Box::pin(reload::check(bench)) },
    Entry { contract: "dev.owner", needs: &["dev", "build"], check: |bench| Box::pin(owner::check(bench)) },
    Entry { contract: "dev-tools.optional", needs: &[], check: |bench| Box::pin(ready(dev_tools::optional(bench))) },
    Entry {
        contract: "dev-tools.shared-source",
        needs: &["dev-tools", "dev", "build"],
        check: |bench| Box::pin(shared_source::check(bench)),
    },
    Entry {
        contract: "dev-tools.present",
        needs: &["dev-tools", "dev", "build"],
        check: |bench| Box::pin(dev_tools::present(bench)),
    },
    Entry {
        contract: "build.extends-dev",
        needs: &["dev", "build"],
        check: |bench| Box::pin(extends_dev::extends_dev(bench)),
    },
    Entry {
        contract: "build.from-source",
        needs: &["build", "service"],
        check: |bench| Box::pin(poison::from_source(bench)),
    },
    Entry { contract: "build.locked", needs: &["build"], check: |bench| Box::pin(locked::locked(bench)) },
    Entry {
        contract: "build.env-agnostic",
        needs: &["build", "service"],
        check: |bench| Box::pin(reproducible::env_agnostic(bench)),
    },
    Entry {
        contract: "build.reproducible",
        needs: &["build", "service"],
        check: |bench| Box::pin(reproducible::reproducible(bench)),
    },
    Entry {
        contract: "build.inject-equal",
        needs: &["build", "service"],
        check: |bench| Box::pin(build::inject_equal(bench)),
    },
    Entry {
        contract: "service.no-build-deps",
        needs: &["service", "build", "dev"],
        check: |bench| Box::pin(leftovers::check(bench)),
    },
    Entry {
        contract: "service.non-root",
        needs: &["service", "build"],
        check: |bench| Box::pin(service::non_root(bench)),
    },
    Entry { contract: "service.port", needs: &["service", "build"], check: |bench| Box::pin(service::port(bench)) },
    Entry {
        contract: "service.shutdown",
        needs: &["service", "build"],
        check: |bench| Box::pin(shutdown::check(bench)),
    },
    Entry {
        contract: "service.no-deployment-env",
        needs: &["service", "dev"],
        check: |bench| Box::pin(taint::no_deployment_env(bench)),
    },
    Entry { contract: "service.no-secret", needs: &["service"], check: |bench| Box::pin(taint::no_secret(bench)) },
    Entry {
        contract: "service.read-only",
        needs: &["service", "build"],
        check: |bench| Box::pin(read_only::check(bench)),
    },
    Entry {
        contract: "service.immutable-code",
        needs: &["service", "build", "dev"],
        check: |bench| Box::pin(immutable::check(bench)),
    },
    Entry { contract: "service.health", needs: &["service", "build"], check: |bench| Box::pin(health::check(bench)) },
    Entry {
        contract: "test.extends-service",
        needs: &["test", "service", "build"],
        check: |bench| Box::pin(test::extends_service(bench)),
    },
    Entry {
        contract: "test.passes",
        needs: &["test", "service", "build"],
        check: |bench| Box::pin(test::passes(bench)),
    },
    Entry {
        contract: "test.exit-code",
        needs: &["test", "service", "build"],
        check: |bench| Box::pin(suite::exit_code(bench)),
    },
    Entry {
        contract: "test.isolated-env",
        needs: &["test", "service"],
        check: |bench| Box::pin(ready(isolated::isolated_env(bench))),
    },
    Entry {
        contract: "installation.extends-service",
        needs: &["installation", "service"],
        check: |bench| Box::pin(installation::extends_service(bench)),
    },
    Entry {
        contract: "installation.env-complete",
        needs: &["installation", "service"],
        check: |bench| Box::pin(ready(installation::env_complete(bench))),
    },
    Entry {
        contract: "installation.no-secret",
        needs: &["installation", "service"],
        check: |bench| Box::pin(secrets::no_secret(bench)),
    },
    Entry {
        contract: "installation.immutable",
        needs: &["installation", "service"],
        check: |bench| Box::pin(release::immutable(bench)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn every_contract_has_its_check_and_no_check_is_of_another() {
        let checked: Vec<&str> = [BUILDS].into_iter().chain(ALL.iter().map(|entry| entry.contract)).collect();
        let listed: Vec<&str> = contract::ALL.iter().map(|contract| contract.name).collect();
        assert_eq!(checked, listed);
    }
}
