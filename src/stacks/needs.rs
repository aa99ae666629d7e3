//! The services that another one may need, such as databases: `templates/stacks/needs.toml`.

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde::Deserialize;

static NEEDS: LazyLock<IndexMap<String, NeededService>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../templates/stacks/needs.toml"))
        .expect("the file is in this binary, and a test reads it")
});

/// The services by name; read once.
#[must_use]
pub fn needs() -> &'static IndexMap<String, NeededService> {
    &NEEDS
}

/// A service that another one may need: how compose.yaml runs it, and how it is found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeededService {
    /// Its image, by exact tag.
    pub image: String,
    /// Its own environment.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Its command, where it is not the image's.
    #[serde(default)]
    pub command: Vec<String>,
    /// The command that exits 0 when it can be talked to.
    pub health: Vec<String>,
    /// The folder of its data.
    pub data: String,
    /// Variables, by patterns of their names, by which services find it, with their values: `{host}` is its host.
    #[serde(default)]
    variables: IndexMap<String, String>,
}

impl NeededService {
    /// What a variable of this name is set to, if it finds this service.
    ///
    /// # Panics
    /// On a pattern that is not a regular expression; a test reads them all.
    #[must_use]
    pub fn value(&self, variable: &str) -> Option<&str> {
        let fits = |pattern: &str| Regex::new(pattern).expect("a test reads them all").is_match(variable);
        self.variables.iter().find(|(pattern, _)| fits(pattern)).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_find_their_service() {
        for (need, variable, expected) in [
            ("postgres", "DATABASE_URL", Some("postgresql://app@{host}:5432/app")),
            ("postgres", "POSTGRES_HOST", Some("{host}")),
            ("postgres", "DATABASE_URLS", None),
            ("redis", "REDIS_URL", Some("redis://{host}:6379/0")),
            ("redis", "DATABASE_URL", None),
        ] {
            assert_eq!(needs()[need].value(variable), expected, "{need} {variable}");
        }
        for (name, need) in needs() {
            assert!(!need.health.is_empty() && need.image.contains(':') && need.data.starts_with('/'), "{name}");
            assert!(need.value("").is_none(), "{name}: every pattern compiles, and none fits nothing");
        }
    }
}
