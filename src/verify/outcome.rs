//! What is said of a contract: the outcomes, and what a report holds of one.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// The four outcomes. Inconclusive is never pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Turned off, its role is off, or what it needs did not build.
    Skipped,
    /// The promise is kept.
    Pass,
    /// Could not be observed here.
    Inconclusive,
    /// The promise is broken.
    Fail,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Skipped => "skipped",
            Outcome::Pass => "pass",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Fail => "fail",
        })
    }
}

/// How a whole verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Nothing failed, and everything was seen.
    Pass,
    /// Nothing failed, and something could not be seen.
    Inconclusive,
    /// A promise is broken.
    Fail,
    /// It did not come to its end.
    Error,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ending::Pass => "pass",
            Ending::Inconclusive => "inconclusive",
            Ending::Fail => "fail",
            Ending::Error => "error",
        })
    }
}

/// What a check found, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The contract's name.
    pub contract: &'static str,
    /// The role that it is of; `scaffold` for all of them.
    pub role: &'static str,
    /// The outcome.
    pub outcome: Outcome,
    /// What was expected.
    pub expected: String,
    /// What was observed; for a skipped one, why.
    pub observed: String,
    /// The file to look at, relative to the project.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
    /// The end of the container's or build's log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The waiver that dockwright.toml has for it, where it did something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waived>,
    /// When it passed, in RFC 3339, where nothing that it depends on has changed since; else it was looked at now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<String>,
    /// When the check began, in seconds since the run did.
    pub started: f64,
    /// How long the check took.
    pub seconds: f64,
}

/// What a waiver did to a finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Waived {
    /// What it did.
    pub state: WaiverState,
    /// Why the contract may fail.
    pub reason: String,
    /// The last day on which it may, as 2027-01-31.
    pub expires: String,
    /// Its line in dockwright.toml, from 1.
    pub line: usize,
}

/// What a waiver did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaiverState {
    /// The contract fails, and is reported as skipped.
    Used,
    /// The contract passes without it.
    Unneeded,
    /// Its day is over, and the contract fails by it.
    Expired,
}

/// The worst outcome of all, skipped ones aside.
#[must_use]
pub fn overall(findings: &[Finding]) -> Ending {
    let worst = findings.iter().map(|finding| finding.outcome).max();
    match worst {
        None | Some(Outcome::Skipped | Outcome::Pass) => Ending::Pass,
        Some(Outcome::Inconclusive) => Ending::Inconclusive,
        Some(Outcome::Fail) => Ending::Fail,
    }
}
