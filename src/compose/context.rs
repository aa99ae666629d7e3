//! What decoding a service needs to know and to tell.

use super::fault::ComposeFault;
use super::keys::{self, Keys};
use super::model::Unsupported;
use super::paths::Surroundings;
use super::values::entries;
use super::yaml::YamlNode;
use crate::text::Place;

/// The service that is decoded, and what is found of it that cannot be honoured.
pub(super) struct Decoding<'a> {
    pub service: &'a str,
    pub env: &'a Surroundings,
    pub unsupported: &'a mut Vec<Unsupported>,
}

impl Decoding<'_> {
    /// Checks a mapping's keys; `prefix` is its dotted path with a dot at the end, or empty.
    pub(super) fn check(
        &mut self,
        node: &YamlNode,
        keys: &Keys,
        prefix: &str,
        where_: &str,
    ) -> Result<(), ComposeFault> {
        self.check_with(node, keys, &[], prefix, where_)
    }

    /// The same, with names of more keys that are read.
    pub(super) fn check_with(
        &mut self,
        node: &YamlNode,
        keys: &Keys,
        more: &[&str],
        prefix: &str,
        where_: &str,
    ) -> Result<(), ComposeFault> {
        let entries = entries(node, prefix.trim_end_matches('.'))?;
        keys::check(entries, keys, more, where_, &mut |key, why| {
            self.tell(&format!("{prefix}{}", key.text), &key.place, why);
        })
    }

    pub(super) fn tell(&mut self, field: &str, place: &Place, why: &str) {
        self.unsupported.push(Unsupported {
            service: Some(self.service.to_owned()),
            field: field.to_owned(),
            place: place.clone(),
            why: why.to_owned(),
            untrusted: false,
        });
    }
}
