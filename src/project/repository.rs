//! `[repository]`: a service whose code is its own, and not a stack's starter.

use super::flaws::{Flaws, all, one, optional};
use super::text::{quoted, shown};
use super::{DeclaredEnv, EnvValue, ProjectPath, raw};
use crate::error::{Error, Result};
use crate::text::nearest;

/// What is said of code that is the repository's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repository {
    /// The folder that the images are built from, if it is not the project's.
    pub folder: Option<ProjectPath>,
    /// The folder in that one in which the service is started, of a workspace with several.
    pub member: Option<ProjectPath>,
    /// Whether the container files have names of their own, beside those of other people.
    pub beside: bool,
    /// What the stack's steps need to know, in the file's order: those of [`crate::stacks::Stacks::facts`].
    pub facts: Vec<(String, Vec<String>)>,
    /// Variables of dev, service and test where compose.yaml runs them; no image has them.
    pub env: DeclaredEnv,
    /// The services that it needs to work.
    pub needs: Vec<Need>,
}

/// A service that another one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Its name, one of [`crate::stacks::needs`].
    pub name: String,
    /// The variables by which it is found, in which `{host}` stands for its host.
    pub env: DeclaredEnv,
}

impl Need {
    /// The host of the one that only the tests have.
    #[must_use]
    pub fn test_host(&self) -> String {
        format!("test-{}", self.name)
    }

    /// The variables, with its host.
    pub fn env_at(&self, host: &str) -> impl Iterator<Item = (String, String)> {
        self.env.iter().map(move |(name, value)| (name.to_string(), value.as_str().replace("{host}", host)))
    }
}

/// How the variables of a table are read.
type ReadEnv = fn(Option<raw::RawEnv>, &mut Flaws<'_>) -> Option<DeclaredEnv>;

/// The table, or nothing and what is wrong in `flaws`; `known` are the facts and the services that there are.
pub(super) fn check(
    raw: raw::RawRepository,
    known: (&[String], &[String]),
    env: ReadEnv,
    flaws: &mut Flaws<'_>,
) -> Option<Repository> {
    let folder = optional(raw.folder, |text| ProjectPath::folder(&text), flaws);
    let member = optional(raw.member, |text| ProjectPath::folder(&text), flaws);
    let facts = all(raw.facts.map(|facts| facts.0).unwrap_or_default(), |(name, values)| {
        let name = one(name, |text| listed("fact", text, known.0), flaws);
        let values = all(values, |value| one(value, |text| fact(&text), flaws));
        Some((name?, values?))
    });
    let needs = all(raw.needs.map(|needs| needs.0).unwrap_or_default(), |(name, need)| {
        let name = one(name, |text| listed("service", text, known.1), flaws);
        let own = env(need.env, flaws);
        Some(Need { name: name?, env: own? })
    });
    let beside = raw.beside.unwrap_or_default();
    let own = env(raw.env, flaws);
    Some(Repository { folder: folder?, member: member?, beside, facts: facts?, env: own?, needs: needs? })
}

/// A fact's value: a word or more of a Dockerfile's line.
///
/// # Errors
/// It is empty, has several lines or other control characters, or ends with a backslash.
pub fn fact(text: &str) -> Result<String> {
    let value = EnvValue::parse(text)?;
    let value = value.as_str().trim();
    if value.is_empty() || value.ends_with('\\') {
        let what = format!("{} cannot stand in a line of a Dockerfile", shown(text));
        return Err(Error::description(what).hint("write a word or more, without a backslash at the end"));
    }
    Ok(value.to_owned())
}

fn listed(what: &str, text: String, known: &[String]) -> Result<String> {
    if known.contains(&text) {
        return Ok(text);
    }
    let error = Error::description(format!("there is no {what} {} that dockwright knows", shown(&text)));
    Err(match nearest(&text, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {}?", quoted(near))),
        None => error.hint(format!("known are {}", known.join(", "))),
    })
}
