//! What a distribution's packages bring, by the lists that its package manager keeps.

/// The absolute paths that a list names: dpkg's `/var/lib/dpkg/info/PACKAGE.list`, a path a line, or apk's
/// `lib/apk/db/installed`, whose `F:` lines are folders and `R:` lines files in them. None if it is no such list.
#[must_use]
pub fn packaged(path: &str, content: &[u8]) -> Option<Vec<String>> {
    if path.strip_prefix("/var/lib/dpkg/info/").and_then(|name| name.strip_suffix(".list")).is_some() {
        return Some(String::from_utf8_lossy(content).lines().map(ToOwned::to_owned).collect());
    }
    if !path.ends_with("lib/apk/db/installed") {
        return None;
    }
    let (text, mut folder) = (String::from_utf8_lossy(content), String::new());
    let mut paths = Vec::new();
    for line in text.lines() {
        match line.split_once(':') {
            Some(("F", name)) => folder = format!("/{name}"),
            Some(("R", name)) => paths.push(format!("{folder}/{name}")),
            _ => {}
        }
    }
    Some(paths)
}

/// A package of Debian's, and the section that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPackage {
    /// Its name.
    pub name: String,
    /// As `editors`; without the archive's area, as in `contrib/devel`.
    pub section: String,
}

/// Where Debian's package manager says what is installed.
pub const STATUS: &str = "/var/lib/dpkg/status";

/// The installed packages of [`STATUS`]: stanzas of `Key: value`, a blank line between them (deb822(5)).
#[must_use]
pub fn sections(status: &str) -> Vec<DistributionPackage> {
    let of = |stanza: &str| {
        let field =
            |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(str::trim);
        let section = field("Section")?;
        let section = section.rsplit('/').next().unwrap_or(section).to_owned();
        let installed = field("Status").is_some_and(|status| status.ends_with(" installed"));
        installed.then_some(DistributionPackage { name: field("Package")?.to_owned(), section })
    };
    status.split("\n\n").filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_packages_name_their_files() {
        assert_eq!(packaged("/var/lib/dpkg/info/x.list", b"/.\n/etc/x\n").unwrap(), ["/.", "/etc/x"]);
        let apk = b"P:x\nF:etc\nR:x\nZ:Q1\nF:usr/bin\nR:y\n";
        assert_eq!(packaged("/usr/lib/apk/db/installed", apk).unwrap(), ["/etc/x", "/usr/bin/y"]);
        assert_eq!(packaged("/etc/x.list", b""), None);
    }

    #[test]
    fn sections_of_installed_packages_are_read() {
        let status = "Package: joe\nStatus: install ok installed\nSection: editors\n\n\
                      Package: old\nStatus: deinstall ok config-files\nSection: editors\n\n\
                      Package: x\nStatus: install ok installed\nSection: contrib/devel\nDescription: y\n z\n";
        let found: Vec<_> = sections(status).into_iter().map(|one| (one.name, one.section)).collect();
        assert_eq!(found, [("joe".into(), "editors".into()), ("x".into(), "devel".to_owned())]);
    }
}
