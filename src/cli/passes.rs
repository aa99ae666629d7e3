//! Where the passes of a project are kept between runs: in the user's cache, never in the project.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::text;
use crate::verify::Memory;
use crate::write;

/// Where the passes of one project are.
pub(super) enum Passes {
    /// In a file.
    In(PathBuf),
    /// Nowhere, which is as it should be: a runner's cache may be another pull request's.
    Nowhere,
    /// Nowhere, for a reason that people want to know.
    Lost(String),
}

impl Passes {
    /// Those of the project in a folder. `forgets` says why nothing of it may be remembered.
    pub(super) fn of(project: &Path, forgets: Option<String>) -> Self {
        match forgets {
            Some(why) => Self::Lost(why),
            None if super::in_ci() => Self::Nowhere,
            None => file(project).map_or_else(Self::Lost, Self::In),
        }
    }

    /// What is known; nothing, if there is no such file.
    pub(super) fn recall(&self) -> Memory {
        match self {
            Self::In(file) => text::read(file, text::SMALL).map(|text| Memory::of_text(&text)).unwrap_or_default(),
            Self::Nowhere | Self::Lost(_) => Memory::default(),
        }
    }

    /// Keeps what a run has learned.
    ///
    /// # Errors
    /// Why the next run will not know of it.
    pub(super) fn keep(&self, memory: &Memory) -> Result<()> {
        match self {
            Self::In(file) => write::keep(file, memory.to_text().as_bytes()),
            Self::Nowhere => Ok(()),
            Self::Lost(why) => Err(Error::description(why.clone())),
        }
    }
}

fn file(project: &Path) -> std::result::Result<PathBuf, String> {
    let project = project.canonicalize().map_err(|error| error.to_string())?;
    let user = etcetera::choose_base_strategy().map_err(|_| "HOME is not set, so there is no cache".to_owned())?;
    let name = hex::encode(Sha256::digest(project.as_os_str().as_encoded_bytes()));
    Ok(user.cache_dir().join("dockwright").join("passes").join(format!("{}.json", &name[..32])))
}
