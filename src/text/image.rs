//! The parts of an image's name.

/// `[host[:port]/]path[:tag][@digest]` in its parts, as written (the grammar of github.com/distribution/reference). Nothing
/// is checked: what a name may hold is the description's matter and the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// The name, with the registry's host if that is written.
    pub name: &'a str,
    /// The tag; none means `latest`.
    pub tag: Option<&'a str>,
    /// The digest, as `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> ImageName<'a> {
    /// The parts of a reference.
    #[must_use]
    pub fn of(reference: &'a str) -> Self {
        let (named, digest) = match reference.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (reference, None),
        };
        // A registry's port is not a tag.
        let path = named.rfind('/').map_or(0, |slash| slash + 1);
        match named[path..].find(':') {
            Some(colon) => Self { name: &named[..path + colon], tag: Some(&named[path + colon + 1..]), digest },
            None => Self { name: named, tag: None, digest },
        }
    }

    /// The registry's host; the Docker Hub's where none is written.
    #[must_use]
    pub fn registry(&self) -> &'a str {
        match self.name.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => "docker.io",
        }
    }

    /// The name without what may be left out for images of the Docker Hub.
    #[must_use]
    pub fn familiar(&self) -> &'a str {
        let name = self.name;
        let name = name.strip_prefix("docker.io/").or_else(|| name.strip_prefix("index.docker.io/")).unwrap_or(name);
        name.strip_prefix("library/").unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_ports_and_digests() {
        for (reference, name, tag, digest) in [
            ("a", "a", None, None),
            ("a:1.2", "a", Some("1.2"), None),
            ("host:5000/a/b", "host:5000/a/b", None, None),
            ("host:5000/a:x@sha256:1", "host:5000/a", Some("x"), Some("sha256:1")),
            ("a@sha256:1", "a", None, Some("sha256:1")),
        ] {
            assert_eq!(ImageName::of(reference), ImageName { name, tag, digest }, "{reference}");
        }
        for (reference, host) in [
            ("a", "docker.io"),
            ("a/b", "docker.io"),
            ("localhost/a", "localhost"),
            ("host:5000/a:1", "host:5000"),
            ("ghcr.io/a/b", "ghcr.io"),
        ] {
            assert_eq!(ImageName::of(reference).registry(), host);
        }
        for same in ["a", "library/a", "docker.io/library/a:1", "index.docker.io/library/a@sha256:1"] {
            assert_eq!(ImageName::of(same).familiar(), "a");
        }
    }
}
