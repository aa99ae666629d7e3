//! What is mounted into a container.

use std::path::Path;

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountSpec {
    /// What it is, and what only that has.
    pub kind: MountKind,
    /// A bind's absolute path on the engine's host, or a volume's name: compose.yaml's key, or the full name for the engine.
    /// None for a volume of the container's own, removed with it, and for memory.
    pub source: Option<String>,
    /// Absolute, in the container.
    pub target: String,
    /// Whether it cannot be written through the mount.
    pub read_only: bool,
}

/// What kind of thing is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A folder or file of the engine's host.
    Bind(Bind),
    /// A volume.
    Volume {
        /// Whether an empty volume stays so, rather than get what the image has at the target.
        nocopy: bool,
        /// A folder inside the volume, instead of the whole (engines from API 1.45).
        subpath: Option<String>,
    },
    /// Memory.
    Tmpfs {
        /// At most so many bytes.
        size: Option<i64>,
        /// Permission bits of its root; the engine's default is 1777.
        mode: Option<u32>,
    },
}

/// What is said of a bind mount alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bind {
    /// Whether the engine creates a missing source as an empty folder of root's, rather than refuse.
    pub create_host_path: bool,
    /// `rprivate`, `rshared` …
    pub propagation: Option<String>,
    /// `z` (a shared label) or `Z` (a private one).
    pub selinux: Option<String>,
    /// `enabled`, `disabled`, `writable` or `readonly`.
    pub recursive: Option<String>,
}

/// Memory, by the mount options of the engine's own `tmpfs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tmpfs {
    /// Absolute, in the container.
    pub target: String,
    /// As `exec`, `uid=5`, `size=64m`.
    pub options: Vec<String>,
}

impl MountSpec {
    /// A folder or file of the host, writable, which has to be there.
    #[must_use]
    pub fn bind(source: &Path, target: impl Into<String>) -> Self {
        let source = Some(source.display().to_string());
        Self { kind: MountKind::Bind(Bind::default()), source, target: target.into(), read_only: false }
    }

    /// A volume, writable; of the container's own without a name.
    #[must_use]
    pub fn volume(name: Option<String>, target: impl Into<String>) -> Self {
        let kind = MountKind::Volume { nocopy: false, subpath: None };
        Self { kind, source: name, target: target.into(), read_only: false }
    }

    /// The bind's settings, if it is one.
    #[must_use]
    pub fn as_bind(&self) -> Option<&Bind> {
        match &self.kind {
            MountKind::Bind(bind) => Some(bind),
            _ => None,
        }
    }
}

impl Tmpfs {
    /// Reads `/path` or `/path:option,option`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let options = options.split(',').filter(|option| !option.is_empty()).map(ToOwned::to_owned).collect();
        Self { target: target.to_owned(), options }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmpfs_options_are_split() {
        let one = Tmpfs::parse("/tmp:size=64m,mode=1777");
        assert_eq!((one.target.as_str(), one.options), ("/tmp", vec!["size=64m".into(), "mode=1777".into()]));
        assert_eq!(Tmpfs::parse("/run").options, Vec::<String>::new());
    }
}
