//! Contracts about how dockwright lays roles out, which a Dockerfile of the user's own may do otherwise and be right.

/// A contract about dockwright's own layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutClaim {
    /// The contract.
    pub contract: &'static str,
    /// The roles whose layout it is: it is not claimed where dockwright does not make one of them.
    pub roles: &'static [&'static str],
    /// It is claimed all the same where the first role's stage is made from the second's.
    pub unless: Option<(&'static str, &'static str)>,
    /// What dockwright does there, as a clause.
    pub why: &'static str,
}

/// The one list.
pub const OF_LAYOUT: &[LayoutClaim] = &[
    LayoutClaim {
        contract: "dev.no-source",
        roles: &["dev"],
        unless: None,
        why: "only dockwright's own dev promises an image without source",
    },
    LayoutClaim {
        contract: "dev.prod-deps-only",
        roles: &["dev"],
        unless: None,
        why: "only dockwright's own dev promises to be without tools, which are in dev-tools",
    },
    LayoutClaim {
        contract: "dev.same-runtime",
        roles: &["dev"],
        unless: Some(("dev", "service")),
        why: "only dockwright's own dev promises to run on what the service ships",
    },
    LayoutClaim {
        contract: "build.extends-dev",
        roles: &["dev", "build"],
        unless: Some(("build", "dev")),
        why: "its build stage is not made from its dev stage",
    },
    LayoutClaim {
        contract: "build.inject-equal",
        roles: &["build", "service"],
        unless: None,
        why: "only dockwright's own builder makes the service from a mounted source, too",
    },
    LayoutClaim {
        contract: "test.extends-service",
        roles: &["test", "service"],
        unless: Some(("test", "service")),
        why: "its test stage is not made from its service stage",
    },
    LayoutClaim {
        contract: "test.isolated-env",
        roles: &["test"],
        unless: None,
        why: "only dockwright.toml's own test role declares an environment to compare with",
    },
    LayoutClaim {
        contract: "installation.extends-service",
        roles: &["installation"],
        unless: Some(("installation", "service")),
        why: "its installation is not made from its service stage",
    },
    LayoutClaim {
        contract: "installation.env-complete",
        roles: &["installation"],
        unless: None,
        why: "only dockwright's own installation is made from the deployment that dockwright.toml declares",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn each_is_a_contract_and_is_listed_once() {
        for (index, one) in OF_LAYOUT.iter().enumerate() {
            assert!(contract::find(one.contract).is_some(), "{}", one.contract);
            assert!(OF_LAYOUT[..index].iter().all(|other| other.contract != one.contract), "{}", one.contract);
            assert!(!one.roles.is_empty() && !one.why.ends_with('.'), "{}", one.contract);
        }
    }
}
