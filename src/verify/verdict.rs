//! What a check answers.

use super::outcome::{Finding, Outcome};
use crate::contract::{self, Contract};
use crate::stacks::{Says, ecosystem};
use crate::text::Place;

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
    own: Own,
}

/// Whether a failure may come of what breaks another contract, too.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Own {
    /// It may come of any that the contract yields to, but for these.
    ButFor(Vec<&'static str>),
    /// It was seen to be this contract's own.
    Whole,
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
        Self {
            outcome,
            expected: None,
            observed: observed.into(),
            place: None,
            log: Vec::new(),
            hint: None,
            own: Own::ButFor(Vec::new()),
        }
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

    /// The place to look at.
    pub(super) fn at_place(self, place: &Place) -> Self {
        self.at(place.file.display().to_string(), place.line)
    }

    /// The log to show: its last 20 lines, and before them the first that says that something is wrong, as the cause is
    /// often told first.
    pub(super) fn log(mut self, lines: Vec<String>) -> Self {
        self.log = telling(lines);
        self
    }

    /// How to fix it, where the contract's own advice is not to the point.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A contract that this one yields to, and whose failure does not explain what was observed.
    pub(super) fn rules_out(mut self, contract: &'static str) -> Self {
        if let Own::ButFor(names) = &mut self.own {
            names.push(contract);
        }
        self
    }

    /// What was observed is this contract's own, whatever else fails.
    pub(super) fn by_itself(mut self) -> Self {
        self.own = Own::Whole;
        self
    }

    /// The contracts whose failure explains what was observed, if they fail.
    pub(super) fn yields_to(&self, contract: &Contract) -> Vec<&'static str> {
        match &self.own {
            _ if matches!(self.outcome, Outcome::Pass | Outcome::Skipped) => Vec::new(),
            Own::Whole => Vec::new(),
            Own::ButFor(names) => {
                debug_assert!(
                    names.iter().all(|name| contract.yields_to.contains(name)),
                    "{}: {names:?}",
                    contract.name
                );
                contract.yields_to.iter().copied().filter(|name| !names.contains(name)).collect()
            }
        }
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

/// What of a log is shown.
fn telling(mut lines: Vec<String>) -> Vec<String> {
    const TAIL: usize = 20;
    const CAUSE: usize = 8;
    let tail = lines.len().saturating_sub(TAIL);
    let says = &ecosystem().says;
    let is_wrong = |line: &String| Says::any(&says.wrong, line) && !Says::any(&says.remark, line);
    let Some(first) = lines[..tail].iter().position(is_wrong) else {
        lines.drain(..tail);
        return lines;
    };
    let end = (first + CAUSE).min(tail);
    let mut shown = lines[first..end].to_vec();
    if end < tail {
        shown.push(format!("… {} lines …", tail - end));
    }
    shown.extend(lines.drain(tail..));
    shown
}

/// The contract of a name that a check is registered under.
pub(super) fn contract(name: &str) -> &'static Contract {
    contract::find(name).expect("every check is of a contract in the list; a test holds it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_first_error_and_the_end_are_shown() {
        let log =
            |cause: usize| (1..=60).map(move |at| if at == cause { "Error: no such".into() } else { format!("{at}") });
        let shown = telling(log(10).collect());
        assert_eq!((shown[0].as_str(), shown[1].as_str(), shown.len()), ("Error: no such", "11", 29));
        assert_eq!((shown[8].as_str(), shown[9].as_str()), ("… 23 lines …", "41"));
        assert_eq!(telling(log(38).collect()).len(), 23, "nothing is between the cause and the end");
        assert_eq!(telling(log(50).collect()).len(), 20);
        assert_eq!(telling(vec!["x".into()]), ["x"]);
    }
}
