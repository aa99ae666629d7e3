//! What a description says over its stack, in the words of the stack's schema, and as facts.

use std::path::Path;

use super::Description;
use crate::error::Result;
use crate::stacks::{Facts, OriginLayer, Table};

/// Keys of dockwright.toml, and the stack's that they stand for; a later one has the last word.
const KEYS: &[(&str, &str)] = &[
    ("service.port", "port"),
    ("service.version", "version"),
    ("service.libraries", "libraries"),
    ("service.carries", "carries"),
    ("service.command", "service.command"),
    ("images.runtime", "images.runtime"),
    ("images.build", "images.build"),
];

/// The roles that have settings, and what of these is the stack's, too.
const ROLES: &[&str] = &["dev", "dev-tools", "build", "service", "test"];
const SETTINGS: &[&str] = &["command", "env", "packages", "install"];

/// The layer of a valid description's text. What starts code that `is_own` is a fact, from which the stack makes its commands.
pub(super) fn of(text: &str, file: &Path, is_own: bool) -> Result<Table> {
    let said = Table::parse(text, &OriginLayer::User, &file.display().to_string())?;
    let mut layer = Table::default();
    for (from, to) in KEYS.iter().filter(|(from, _)| !is_own || *from != "service.command") {
        layer.merge(said.moved(from, to));
    }
    for role in ROLES {
        for key in SETTINGS {
            layer.merge(said.moved(&format!("roles.{role}.{key}"), &format!("{role}.{key}")));
        }
        // A user's `$` is a dollar sign.
        layer.wrap_texts(&format!("{role}.env"), "literal");
    }
    Ok(layer)
}

impl Description {
    /// What the data of the stack may know of a repository whose code is its own.
    pub(super) fn facts(&self) -> Facts {
        let own = self.repository.iter().flat_map(|one| one.facts.iter().cloned());
        let service = &self.service;
        let port = service.port.map(|port| port.get().to_string());
        let member = self.repository.as_ref().and_then(|one| one.member.as_ref());
        let common = [
            ("framework", service.framework.clone()),
            ("health", self.verify.health.as_ref().map(ToString::to_string)),
            ("listens", self.port_env().map(ToOwned::to_owned).or(port.clone())),
            ("manager", service.manager.clone()),
            ("member", member.map(ToString::to_string)),
            ("name", Some(service.name.to_string())),
            ("port", port),
            ("version", service.version.clone()),
        ];
        let common = common.into_iter().filter_map(|(name, value)| Some((name.to_owned(), vec![value?])));
        let start = service.command.iter().map(|command| ("start".to_owned(), command.words().to_vec()));
        own.chain(common).chain(start).collect()
    }
}
