//! What verification says of one contract.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::waive::Waived;
use crate::contract::{self, Contract};

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

/// A check's answer, before it is tied to its contract. Made by [`pass`], [`fail`], [`inconclusive`]
/// and [`skipped`], with evidence added by the methods.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    outcome: Outcome,
    expected: Option<String>,
    observed: String,
    place: Option<(String, Option<usize>)>,
    log: Vec<String>,
    hint: Option<String>,
}

/// The promise is kept; `observed` says by what that was seen.
pub(super) fn pass(observed: impl Into<String>) -> Verdict {
    Verdict::new(Outcome::Pass, observed)
}

/// The promise is broken; `observed` says what was seen instead.
pub(super) fn fail(observed: impl Into<String>) -> Verdict {
    Verdict::new(Outcome::Fail, observed)
}

/// It cannot be observed here; `observed` says what is missing.
pub(super) fn inconclusive(observed: impl Into<String>) -> Verdict {
    Verdict::new(Outcome::Inconclusive, observed)
}

/// Not looked at; `observed` says why.
pub(super) fn skipped(observed: impl Into<String>) -> Verdict {
    Verdict::new(Outcome::Skipped, observed)
}

impl Verdict {
    fn new(outcome: Outcome, observed: impl Into<String>) -> Self {
        Self { outcome, expected: None, observed: observed.into(), place: None, log: Vec::new(), hint: None }
    }

    /// What was expected, where the contract's promise does not say it precisely enough.
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The file and line to look at.
    pub(super) fn at(mut self, file: impl Into<String>, line: impl Into<Option<usize>>) -> Self {
        self.place = Some((file.into(), line.into()));
        self
    }

    /// The log to show; its last 20 lines are kept.
    pub(super) fn log(mut self, mut lines: Vec<String>) -> Self {
        lines.drain(..lines.len().saturating_sub(20));
        self.log = lines;
        self
    }

    /// How to fix it, where the contract's own advice is not to the point.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The outcome.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What was observed.
    pub(super) fn observed(&self) -> &str {
        &self.observed
    }

    pub(super) fn of(self, contract: &'static Contract, seconds: f64) -> Finding {
        let advise = matches!(self.outcome, Outcome::Fail);
        let (file, line) = self.place.map_or((None, None), |(file, line)| (Some(file), line));
        Finding {
            contract: contract.name,
            role: contract.role(),
            outcome: self.outcome,
            expected: self.expected.unwrap_or_else(|| contract.promise.to_owned()),
            observed: self.observed,
            file,
            line,
            log: self.log,
            hint: self.hint.or_else(|| advise.then(|| contract.fix.to_owned())),
            waiver: None,
            cached: None,
            started: 0.0,
            seconds: (seconds * 1000.0).round() / 1000.0,
        }
    }
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

/// The contract of a name that a check is registered under.
pub(super) fn contract(name: &str) -> &'static Contract {
    contract::find(name).expect("every check is of a contract in the list; a test holds it")
}
