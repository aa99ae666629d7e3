//! Where the images of a repository are built, and which files are there already.

use std::path::Path;

use crate::compose::FILE_NAMES;
use crate::detect::Detection;
use crate::error::Result;
use crate::project::{ProjectPath, Repository};

/// Files and folders of containers that other people wrote, relative to the folder that images are built from.
const OWN: [&str; 5] = ["Dockerfile", "dockerfile", "Containerfile", ".dockerignore", "docker"];

/// The folder that images are built from, the member in it, and whether files have to stand beside others.
///
/// # Errors
/// A folder has a name that a description cannot have.
pub(super) fn of(root: &Path, found: &Detection) -> Result<Repository> {
    let clean = |field: &str| {
        let value = found.value(field).unwrap_or(".").trim_matches('/');
        if value == "." { String::new() } else { value.to_owned() }
    };
    let (member, root_folder) = (clean("member"), clean("root"));
    let is_above = member == root_folder || root_folder.is_empty() || member.starts_with(&format!("{root_folder}/"));
    let folder = if is_above { root_folder } else { member.clone() };
    let inner = member.strip_prefix(&folder).unwrap_or_default().trim_matches('/').to_owned();
    let path = |text: String| (!text.is_empty()).then(|| ProjectPath::folder(&text)).transpose();
    let beside = !in_the_way(root, &folder).is_empty();
    Ok(Repository { folder: path(folder)?, member: path(inner)?, beside, ..Repository::default() })
}

/// The container files that are there already, relative to the repository.
#[must_use]
pub fn in_the_way(root: &Path, folder: &str) -> Vec<String> {
    let inside = OWN.iter().map(|name| if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") });
    let at_root = FILE_NAMES.iter().chain(&[".devcontainer", ".devcontainer.json"]).map(ToString::to_string);
    inside.chain(at_root).filter(|path| root.join(path).symlink_metadata().is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::{compose, project};

    #[test]
    fn the_file_that_is_written_beside_others_is_the_one_that_is_read() {
        assert_eq!(project::COMPOSE_BESIDE, compose::BESIDE);
    }
}
