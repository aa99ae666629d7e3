//! Where a role is: in a Dockerfile and a compose.yaml of the user's own.

use super::ProjectPath;
use super::flaws::{Flaws, optional};
use super::raw::At;
use super::text::{shown, text_types};
use crate::error::{Error, Result};

text_types! {
    /// A stage of a Dockerfile: the name after `AS`, or the stage's number from 0.
    StageName;
    /// A service of compose.yaml.
    ServiceKey;
}

/// Where a role is, if it is not where dockwright writes it. What is `None` is found out, see `subject`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// Whether the role is there at all; that of dev-tools is in [`super::DevTools`].
    pub enabled: Option<bool>,
    /// The stage that its image is made of.
    pub stage: Option<StageName>,
    /// The Dockerfile.
    pub dockerfile: Option<ProjectPath>,
    /// The folder that the Dockerfile is built in.
    pub context: Option<ProjectPath>,
    /// The service of compose.yaml that its container is.
    pub service: Option<ServiceKey>,
}

impl Placement {
    /// Whether it says of any part where it is.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.stage.is_some() || self.dockerfile.is_some() || self.context.is_some() || self.service.is_some()
    }
}

/// What the file says of a role's place.
pub(super) struct Said {
    pub(super) enabled: Option<bool>,
    pub(super) stage: Option<At<String>>,
    pub(super) dockerfile: Option<At<String>>,
    pub(super) context: Option<At<String>>,
    pub(super) service: Option<At<String>>,
}

/// The place, or nothing and what is wrong in `flaws`.
pub(super) fn check(said: Said, flaws: &mut Flaws<'_>) -> Option<Placement> {
    let stage = optional(said.stage, |text| StageName::parse(&text), flaws);
    let dockerfile = optional(said.dockerfile, |text| ProjectPath::parse(plain(&text)), flaws);
    let context = optional(said.context, |text| ProjectPath::folder(&text), flaws);
    let service = optional(said.service, |text| ServiceKey::parse(&text), flaws);
    Some(Placement {
        enabled: said.enabled,
        stage: stage?,
        dockerfile: dockerfile?,
        context: context?,
        service: service?,
    })
}

/// A path without the `./` that it may begin with.
fn plain(text: &str) -> &str {
    text.strip_prefix("./").unwrap_or(text)
}

impl ProjectPath {
    /// Takes a folder of the project; `.` is the project itself.
    ///
    /// # Errors
    /// As [`ProjectPath::parse`].
    pub fn folder(text: &str) -> Result<Self> {
        match plain(text).trim_end_matches('/') {
            "" | "." if !text.is_empty() && !text.starts_with('/') => Ok(Self::root()),
            inner => Self::parse(inner),
        }
    }
}

impl StageName {
    /// Takes a stage's name or number.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let number = !text.is_empty() && text.len() < 6 && text.chars().all(|c| c.is_ascii_digit());
        let name = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_word);
        if number || name {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::description(format!("{} is neither a stage's name nor its number", shown(text)))
            .hint("write what stands after AS in the Dockerfile, or the stage's number from 0 in quotes"))
    }
}

impl ServiceKey {
    /// Takes the name of a service of compose.yaml.
    ///
    /// # Errors
    /// Compose does not allow it.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::description(format!("{} cannot be the name of a service of compose.yaml", shown(text)))
            .hint("write the name that stands under `services:`"))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}
