//! What is known of secrets that stand in files and commands as they are.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How secrets look that somebody wrote down.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Written {
    /// Words of a value that only stands for one.
    pub placeholders: Vec<String>,
    /// How tokens begin that their issuer made to be known, and how many characters follow at least.
    pub prefixes: BTreeMap<String, usize>,
    /// Files that hold credentials, by their names, and the keys of those.
    pub credentials: BTreeMap<String, Vec<String>>,
}
