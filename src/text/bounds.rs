//! What belongs to a project, by what paths lead to and not by how they are written.

use std::path::{Component, Path, PathBuf};

/// The folder in which version control keeps what it knows, credentials included.
const HISTORY: &str = ".git";

/// A project's folder, and the repository that it is a part of.
#[derive(Debug, Clone)]
pub struct Bounds {
    project: PathBuf,
    repository: Option<PathBuf>,
}

impl Bounds {
    /// Of a project's folder. A repository that holds the user's home, or is it, is not the project's: what else is in there
    /// is nobody's business.
    #[must_use]
    pub fn of(project: &Path, home: Option<&Path>) -> Self {
        let project = project.canonicalize().unwrap_or_else(|_| project.to_owned());
        let home = home.and_then(|home| home.canonicalize().ok());
        let repository = project
            .ancestors()
            .find(|above| above.join(HISTORY).exists())
            .filter(|root| root.parent().is_some() && home.as_ref().is_none_or(|home| !home.starts_with(root)));
        Self { repository: repository.map(Path::to_owned), project }
    }

    /// Whether a path leads into the project, or into its repository.
    #[must_use]
    pub fn hold(&self, path: &Path) -> bool {
        let Some(real) = leads_to(path) else { return false };
        real.starts_with(&self.project) || self.repository.as_ref().is_some_and(|root| real.starts_with(root))
    }

    /// Whether a container that gets what a path leads to gets the project's sources only: of the repository around it neither
    /// the whole nor what version control keeps there.
    #[must_use]
    pub fn hold_sources(&self, path: &Path) -> bool {
        let Some(real) = leads_to(path) else { return false };
        if real.starts_with(&self.project) {
            return true;
        }
        let Some(root) = &self.repository else { return false };
        let history = root.join(HISTORY);
        real.starts_with(root) && !history.starts_with(&real) && !real.starts_with(&history)
    }
}

/// Where a path leads, links followed; what is not there yet would be made where its folder leads. None if nobody can say.
#[must_use]
pub fn leads_to(path: &Path) -> Option<PathBuf> {
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok())?;
    let rest = path.strip_prefix(there).ok()?;
    let goes_down = rest.components().all(|part| matches!(part, Component::Normal(_)));
    let real = there.canonicalize().ok()?;
    match (goes_down, rest.as_os_str().is_empty()) {
        (false, _) => None,
        (true, true) => Some(real),
        (true, false) => Some(real.join(rest)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
    fn a_project_has_its_repository_and_no_home_has() {
        let around = tempfile::tempdir().unwrap();
        let around = around.path().canonicalize().unwrap();
        let project = around.join("mono/service");
        for folder in ["mono/service", "mono/shared", "mono/.git", "alone"] {
            std::fs::create_dir_all(around.join(folder)).unwrap();
        }
        symlink(&around, project.join("out")).unwrap();
        symlink("../shared", project.join("beside")).unwrap();
        let bounds = Bounds::of(&project, None);
        for (path, held, sources) in [
            ("mono/service", true, true),
            ("mono/service/not/yet", true, true),
            ("mono/service/beside/x", true, true),
            ("mono/shared", true, true),
            ("mono", true, false),
            ("mono/.git/config", true, false),
            ("mono/service/out", false, false),
            ("mono/service/../..", false, false),
            ("alone", false, false),
            ("mono/service/none/../../../x", false, false),
        ] {
            let path = around.join(path);
            assert_eq!((bounds.hold(&path), bounds.hold_sources(&path)), (held, sources), "{}", path.display());
        }
        // Somebody's home is a repository, too.
        let homely = Bounds::of(&project, Some(&around.join("mono")));
        assert!(homely.hold(&project) && !homely.hold(&around.join("mono/shared")));
        assert!(!Bounds::of(&around.join("alone"), None).hold(&around.join("mono")));
    }
}
