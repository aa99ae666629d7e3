//! The checks: one file per contract family, one list of all here.

mod build;
mod dev;
mod dev_tools;
mod installation;
mod owner;
mod reload;
mod service;
mod shutdown;
mod taint;
mod test;

use std::future::{Future, ready};
use std::pin::Pin;

use super::bench::{Bench, Checked};

/// A check: looks at the bench, returns a verdict.
pub(super) type Check = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// What is proved while the images are built; the others are [`ALL`].
pub(super) const BUILDS: &str = "scaffold.builds";

/// The one list, in the catalogue's order.
pub(super) const ALL: &[(&str, Check)] = &[
    ("dev.mount", |bench| Box::pin(dev::mount(bench))),
    ("dev.no-source", |bench| Box::pin(dev::no_source(bench))),
    ("dev.reload", |bench| Box::pin(reload::check(bench))),
    ("dev.owner", |bench| Box::pin(owner::check(bench))),
    ("dev-tools.present", |bench| Box::pin(dev_tools::present(bench))),
    ("build.inject-equal", |bench| Box::pin(build::inject_equal(bench))),
    ("service.non-root", |bench| Box::pin(service::non_root(bench))),
    ("service.port", |bench| Box::pin(service::port(bench))),
    ("service.shutdown", |bench| Box::pin(shutdown::check(bench))),
    ("service.no-deployment-env", |bench| Box::pin(taint::no_deployment_env(bench))),
    ("test.extends-service", |bench| Box::pin(test::extends_service(bench))),
    ("test.passes", |bench| Box::pin(test::passes(bench))),
    ("installation.extends-service", |bench| Box::pin(installation::extends_service(bench))),
    ("installation.env-complete", |bench| Box::pin(ready(installation::env_complete(bench)))),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn every_contract_has_its_check_and_no_check_is_of_another() {
        let checked: Vec<&str> = [BUILDS].into_iter().chain(ALL.iter().map(|(name, _)| *name)).collect();
        let listed: Vec<&str> = contract::ALL.iter().map(|contract| contract.name).collect();
        assert_eq!(checked, listed);
    }
}
