//! Where the passes of a project are kept between runs: in the user's cache, never in the project.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::text;
use crate::verify::Memory;
use crate::write;

/// The file that holds the passes of one project; or why there is none.
pub(super) struct Passes(std::result::Result<PathBuf, String>);

impl Passes {
    /// Those of the project in a folder. `forgets` says why nothing of it may be remembered.
    pub(super) fn of(project: &Path, forgets: Option<String>) -> Self {
        // A runner's cache may be another pull request's.
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
        Self(match forgets {
            Some(why) => Err(why),
            None if in_ci => Err(String::new()),
            None => file(project),
        })
    }

    /// What is known; nothing, if there is no such file.
    pub(super) fn recall(&self) -> Memory {
        let text = self.0.as_ref().ok().and_then(|file| text::read(file, text::SMALL).ok());
        text.map(|text| Memory::of_text(&text)).unwrap_or_default()
    }

    /// Keeps what a run has learned.
    ///
    /// # Errors
    /// Why the next run will not know of it.
    pub(super) fn keep(&self, memory: &Memory) -> Result<()> {
        match &self.0 {
            Ok(file) => write::keep(file, memory.to_text().as_bytes()),
            // Whoever runs it in CI expects no more.
            Err(why) if why.is_empty() => Ok(()),
            Err(why) => Err(Error::description(why.clone())),
        }
    }
}

fn file(project: &Path) -> std::result::Result<PathBuf, String> {
    let project = project.canonicalize().map_err(|error| error.to_string())?;
    let user = etcetera::choose_base_strategy().map_err(|_| "HOME is not set, so there is no cache".to_owned())?;
    let name = hex::encode(Sha256::digest(project.as_os_str().as_encoded_bytes()));
    Ok(user.cache_dir().join("dockwright").join("passes").join(format!("{}.json", &name[..32])))
}
