//! What is known of secrets that stand in files and commands as they are.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How secrets look that somebody wrote down.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SecretForms {
    /// Words of a value that only stands for one.
    pub placeholders: Vec<String>,
    /// Passwords of nobody, in what shows how an address is written.
    pub generic: Vec<String>,
    /// Parts of the names of files that are there to be filled in.
    pub templates: Vec<String>,
    /// Endings of files that people read.
    pub prose: Vec<String>,
    /// Keys with which descriptions of interfaces begin.
    pub descriptions: Vec<String>,
    /// Endings of files in which `NAME: value` is an assignment.
    pub configuration: Vec<String>,
    /// How tokens begin that their issuer made to be known, and how many characters follow at least.
    pub prefixes: BTreeMap<String, usize>,
    /// Files that hold credentials, by their names, and the keys of those.
    pub credentials: BTreeMap<String, Vec<String>>,
}
