//! What becomes of every key of compose.yaml, for people: docs/COMPOSE.md is made of it.

use super::keys::{self, Keys, Use};
use super::settings;

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is honoured.
    Honoured,
    /// It changes nothing of what is verified.
    WithoutEffect,
    /// It is not honoured, and contracts that need it are inconclusive; why.
    Named(&'static str),
}

/// The keys of one mapping.
#[derive(Debug, Clone)]
pub struct KeySection {
    /// The mapping, as the compose specification's schema calls it: `service.build`.
    pub name: &'static str,
    /// Each key, in alphabetical order.
    pub keys: Vec<(&'static str, Fate)>,
}

const SECTIONS: &[(&str, &Keys)] = &[
    ("top", keys::TOP),
    ("include", keys::INCLUDE),
    ("service", keys::SERVICE),
    ("service.build", keys::BUILD),
    ("service.depends_on.*", keys::DEPENDENCY),
    ("service.devices", keys::DEVICE),
    ("service.extends", keys::EXTENDS),
    ("service.networks.*", keys::NETWORK_USE),
    ("service.ports", keys::PORT),
    ("service.volumes", keys::MOUNT),
    ("service.volumes.bind", keys::MOUNT_BIND),
    ("service.volumes.tmpfs", keys::MOUNT_TMPFS),
    ("service.volumes.volume", keys::MOUNT_VOLUME),
    ("env_file", keys::ENV_FILE),
    ("service_config_or_secret", keys::FILE_REF),
    ("ulimits.*", keys::ULIMIT),
    ("healthcheck", keys::HEALTHCHECK),
    ("deployment", keys::DEPLOY),
    ("deployment.resources", keys::RESOURCES),
    ("deployment.resources.limits", keys::LIMITS),
    ("deployment.resources.reservations", keys::RESERVATIONS),
    ("network", keys::NETWORK),
    ("volume", keys::VOLUME),
    ("secret", keys::SECRET),
    ("config", keys::CONFIG),
];

/// All keys that Compose knows and this crate reads, names or leaves aside.
#[must_use]
pub fn key_sections() -> Vec<KeySection> {
    let section = |(name, keys): &(&'static str, &Keys)| {
        let listed = keys.iter().flat_map(|(names, used)| names.iter().map(|name| (*name, fate(*used))));
        let mut all: Vec<_> = listed.collect();
        if *name == "service" {
            all.extend(settings::keys().into_iter().map(|key| (key, Fate::Honoured)));
        }
        all.sort_by_key(|(key, _)| *key);
        KeySection { name, keys: all }
    };
    SECTIONS.iter().map(section).collect()
}

fn fate(used: Use) -> Fate {
    match used {
        Use::Read => Fate::Honoured,
        Use::Harmless => Fate::WithoutEffect,
        Use::Unsupported(why) => Fate::Named(why),
    }
}
