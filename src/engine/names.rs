//! Names and labels of what runs make.

use std::hash::{BuildHasher, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

/// The label with the run's id.
pub(super) const RUN: &str = "dev.dockwright.run";
/// The label with the process that owns the run.
pub(super) const OWNER: &str = "dev.dockwright.owner";
/// How the repository of every image of a run begins. Images are known by their tag rather than by a label:
/// a label would change the config, and with it the very image that is verified.
pub(super) const REPOSITORY: &str = "dockwright-run-";

/// What the engine accepts in every kind of name: lower-case letters and digits, joined by single dashes.
pub(super) fn slug(text: &str) -> String {
    let words = text.to_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").chars().take(40).collect::<String>().trim_end_matches('-').to_owned()
}

/// Six hexadecimal digits that no other run of this machine has.
pub(super) fn nonce() -> String {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u128(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos());
    format!("{:06x}", hasher.finish() & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        assert_eq!(slug("Dev Tools_x"), "dev-tools-x");
        assert_eq!(slug("--"), "");
        assert_eq!(slug(&"a".repeat(90)).len(), 40);
    }
}
