//! Why a check ended early.

use super::verdict::{Verdict, fail, inconclusive, skipped};
use crate::error::Error;
use crate::lab::{Obstacle, Reason};
use crate::project;

/// With a verdict of its own, or because the engine failed.
#[derive(Debug)]
pub(super) enum Stop {
    Verdict(Box<Verdict>),
    Engine(Error),
}

/// What a check returns.
pub(super) type Checked<T = Verdict> = Result<T, Stop>;

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Stop::Verdict(Box::new(verdict))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Engine(error)
    }
}

/// What it means for a contract that something could not be done.
impl From<Obstacle> for Stop {
    fn from(obstacle: Obstacle) -> Self {
        let verdict = match obstacle {
            Obstacle::Engine(error) => return Stop::Engine(error),
            Obstacle::Off(why) => skipped(why),
            Obstacle::Undeclared { why, hint } => inconclusive(why).hint(hint).at(project::FILE, None),
            Obstacle::Unseen(reason) => with_reason(inconclusive, *reason),
            Obstacle::Refused(reason) => with_reason(fail, *reason),
        };
        verdict.into()
    }
}

fn with_reason(verdict: fn(String) -> Verdict, reason: Reason) -> Verdict {
    let mut verdict = verdict(reason.why).log(reason.log);
    if let Some(expected) = reason.expected {
        verdict = verdict.expected(expected);
    }
    match reason.place {
        Some(place) => verdict.at_place(&place),
        None => verdict,
    }
}
