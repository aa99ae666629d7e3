//! `dockwright.lock`: the digests of external images.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Location, Result};
use crate::text::{ImageName, Place, read_text};

/// The lock's file name.
pub const LOCK: &str = "dockwright.lock";

/// The largest that it is read with, in bytes.
const LARGEST: u64 = 1 << 20;

/// What dockwright.lock holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLock {
    /// The version of the file's shape.
    pub schema: i64,
    /// The digest of each image, by its name and tag.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
}

impl ImageLock {
    /// The version of the shape that is written.
    pub const SCHEMA: i64 = 1;

    /// Reads dockwright.lock, if there is one.
    ///
    /// # Errors
    /// It cannot be read or understood.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(LOCK);
        let text = match read_text(&path, LARGEST) {
            Ok(text) => text,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        toml::from_str(&text).map(Some).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let what = format!("{LOCK} cannot be understood: {}", error.message());
            Error::description(what).at(Location::in_text(Place::new(path.as_path(), line), &text))
        })
    }

    /// What a name without a digest is known by.
    #[must_use]
    pub fn key(image: &str) -> String {
        let name = ImageName::of(image);
        name.tag.map_or_else(|| name.name.to_owned(), |tag| format!("{}:{tag}", name.name))
    }

    /// A name with the digest that it is locked to; itself, if it is not.
    #[must_use]
    pub fn pinned(&self, image: &str) -> String {
        let key = Self::key(image);
        self.images.get(&key).map_or_else(|| image.to_owned(), |digest| format!("{key}@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_locked_by_its_tag() {
        let lock: ImageLock = toml::from_str("schema = 1\n[images]\n\"a:1\" = \"sha256:2\"\n").unwrap();
        assert_eq!(lock.pinned("a:1"), "a:1@sha256:2");
        assert_eq!(lock.pinned("a:1@sha256:9"), "a:1@sha256:2");
        assert_eq!(lock.pinned("a:2"), "a:2");
        assert_eq!(ImageLock::key("host:5000/a@sha256:1"), "host:5000/a");
    }
}
