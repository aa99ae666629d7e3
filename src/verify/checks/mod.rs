//! The checks: one file per contract family, one list of all here.

mod build;
pub(super) mod builds;
mod dependencies;
mod dev;
mod dev_tools;
mod development;
mod extends_dev;
mod health;
mod idle;
mod ignore;
mod immutable;
mod installation;
mod isolated;
mod leftovers;
mod locked;
mod owner;
mod pinned;
mod poison;
mod portable;
pub(super) mod privilege;
mod published;
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

use crate::lab::Lab;
use crate::verify::stop::Checked;
use std::future::{Future, ready};
use std::pin::Pin;

/// A check: looks at a subject in the lab, returns a verdict.
pub(super) type Check = for<'a> fn(&'a Lab) -> Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// What is proved while the images are built; the others are [`ALL`].
pub(super) const BUILDS: &str = "scaffold.builds";

/// What a run that the gate refuses reports, as far as the files show it.
pub(super) const UNPRIVILEGED: &str = "scaffold.unprivileged";

/// A contract's check, and what it looks at.
pub(super) struct CheckEntry {
    /// The contract's name.
    pub(super) contract: &'static str,
    /// The roles whose images it looks at. dev of a compiled stack runs what the builder makes.
    pub(super) needs: &'static [&'static str],
    /// The check itself.
    pub(super) check: Check,
}

/// Every role, for what concerns all images.
const ROLES: &[&str] = &["dev", "dev-tools", "build", "service", "test", "installation"];

/// Those that take longest, in that order. They begin first, so that nothing is waited for at the end.
const LONGEST: &[&str] = &[
    "build.env-agnostic",
    "scaffold.portable",
    "test.exit-code",
    "dev.reload",
    "service.health",
    "dev.idle",
    "scaffold.unprivileged",
    "service.shutdown",
    "dev-tools.works",
    "build.inject-equal",
    "test.passes",
    "dev.no-source",
    "service.read-only",
];

/// When a contract's check begins, among others.
pub(super) fn turn(contract: &str) -> usize {
    LONGEST.iter().position(|name| *name == contract).unwrap_or(LONGEST.len())
}

/// The entry of a contract; none for [`BUILDS`].
pub(super) fn find(contract: &str) -> Option<&'static CheckEntry> {
    ALL.iter().find(|entry| entry.contract == contract)
}

/// The one list, in the catalogue's order.
pub(super) const ALL: &[CheckEntry] = &[
    CheckEntry { contract: "scaffold.ignore", needs: ROLES, check: |lab| Box::pin(ignore::check(lab)) },
    CheckEntry { contract: "scaffold.pinned", needs: &[], check: |lab| Box::pin(ready(pinned::check(lab))) },
    CheckEntry {
        contract: UNPRIVILEGED,
        needs: &["dev", "build", "service", "installation"],
        check: |lab| Box::pin(privilege::check(lab)),
    },
    CheckEntry {
        contract: "scaffold.portable",
        needs: &["dev", "dev-tools", "build", "service", "test"],
        check: |lab| Box::pin(portable::check(lab)),
    },
    CheckEntry { contract: "dev.mount", needs: &["dev", "build"], check: |lab| Box::pin(dev::mount(lab)) },
    CheckEntry { contract: "dev.no-source", needs: &["dev", "build"], check: |lab| Box::pin(dev::no_source(lab)) },
    CheckEntry {
        contract: "dev.prod-deps-only",
        needs: &["dev", "service"],
        check: |lab| Box::pin(dependencies::check(lab)),
    },
    CheckEntry {
        contract: "dev.same-runtime",
        needs: &["dev", "service", "build"],
        check: |lab| Box::pin(runtime::check(lab)),
    },
    CheckEntry { contract: "dev.reload", needs: &["dev", "build"], check: |lab| Box::pin(reload::check(lab)) },
    CheckEntry { contract: "dev.owner", needs: &["dev", "build"], check: |lab| Box::pin(owner::check(lab)) },
    CheckEntry { contract: "dev.idle", needs: &["dev", "build"], check: |lab| Box::pin(idle::check(lab)) },
    CheckEntry { contract: "dev-tools.optional", needs: &[], check: |lab| Box::pin(ready(dev_tools::optional(lab))) },
    CheckEntry {
        contract: "dev-tools.shared-source",
        needs: &["dev-tools", "dev", "build"],
        check: |lab| Box::pin(shared_source::check(lab)),
    },
    CheckEntry {
        contract: "dev-tools.present",
        needs: &["dev-tools", "dev", "build"],
        check: |lab| Box::pin(dev_tools::present(lab)),
    },
    CheckEntry {
        contract: "dev-tools.works",
        needs: &["dev-tools", "dev", "build"],
        check: |lab| Box::pin(dev_tools::works(lab)),
    },
    CheckEntry {
        contract: "build.extends-dev",
        needs: &["dev", "build"],
        check: |lab| Box::pin(extends_dev::extends_dev(lab)),
    },
    CheckEntry {
        contract: "build.from-source",
        needs: &["build", "service"],
        check: |lab| Box::pin(poison::from_source(lab)),
    },
    CheckEntry { contract: "build.locked", needs: &["build"], check: |lab| Box::pin(locked::locked(lab)) },
    CheckEntry {
        contract: "build.env-agnostic",
        needs: &["build", "service"],
        check: |lab| Box::pin(reproducible::env_agnostic(lab)),
    },
    CheckEntry {
        contract: "build.reproducible",
        needs: &["build", "service"],
        check: |lab| Box::pin(reproducible::reproducible(lab)),
    },
    CheckEntry {
        contract: "build.inject-equal",
        needs: &["build", "service"],
        check: |lab| Box::pin(build::inject_equal(lab)),
    },
    CheckEntry {
        contract: "service.no-build-deps",
        needs: &["service", "build", "dev"],
        check: |lab| Box::pin(leftovers::check(lab)),
    },
    CheckEntry {
        contract: "service.non-root",
        needs: &["service", "build"],
        check: |lab| Box::pin(service::non_root(lab)),
    },
    CheckEntry { contract: "service.port", needs: &["service", "build"], check: |lab| Box::pin(service::port(lab)) },
    CheckEntry {
        contract: "service.shutdown",
        needs: &["service", "build"],
        check: |lab| Box::pin(shutdown::check(lab)),
    },
    CheckEntry {
        contract: "service.no-deployment-env",
        needs: &["service", "dev"],
        check: |lab| Box::pin(taint::no_deployment_env(lab)),
    },
    CheckEntry { contract: "service.no-secret", needs: &["service"], check: |lab| Box::pin(taint::no_secret(lab)) },
    CheckEntry {
        contract: "service.read-only",
        needs: &["service", "build"],
        check: |lab| Box::pin(read_only::check(lab)),
    },
    CheckEntry {
        contract: "service.immutable-code",
        needs: &["service", "build", "dev"],
        check: |lab| Box::pin(immutable::check(lab)),
    },
    CheckEntry { contract: "service.health", needs: &["service", "build"], check: |lab| Box::pin(health::check(lab)) },
    CheckEntry {
        contract: "test.extends-service",
        needs: &["test", "service", "build"],
        check: |lab| Box::pin(test::extends_service(lab)),
    },
    CheckEntry {
        contract: "test.passes",
        needs: &["test", "service", "build"],
        check: |lab| Box::pin(test::passes(lab)),
    },
    CheckEntry {
        contract: "test.exit-code",
        needs: &["test", "service", "build"],
        check: |lab| Box::pin(suite::exit_code(lab)),
    },
    CheckEntry {
        contract: "test.isolated-env",
        needs: &["test", "service", "build"],
        check: |lab| Box::pin(isolated::isolated_env(lab)),
    },
    CheckEntry {
        contract: "installation.extends-service",
        needs: &["installation", "service"],
        check: |lab| Box::pin(installation::extends_service(lab)),
    },
    CheckEntry {
        contract: "installation.env-complete",
        needs: &["installation", "service", "build"],
        check: |lab| Box::pin(installation::env_complete(lab)),
    },
    CheckEntry {
        contract: "installation.port",
        needs: &["installation", "service", "build"],
        check: |lab| Box::pin(published::check(lab)),
    },
    CheckEntry {
        contract: "installation.no-secret",
        needs: &["installation", "service"],
        check: |lab| Box::pin(secrets::no_secret(lab)),
    },
    CheckEntry {
        contract: "installation.immutable",
        needs: &["installation", "service"],
        check: |lab| Box::pin(release::immutable(lab)),
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
        assert!(LONGEST.iter().all(|name| find(name).is_some()));
    }
}
