//! What a description says over its stack, in the words of the stack's schema.

use std::path::Path;

use crate::error::Result;
use crate::stacks::{Layer, Table};

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

/// The layer of a valid description's text.
pub(super) fn of(text: &str, file: &Path) -> Result<Table> {
    let said = Table::parse(text, &Layer::User, &file.display().to_string())?;
    let mut layer = Table::default();
    for (from, to) in KEYS {
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
