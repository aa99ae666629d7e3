//! Waivers: what dockwright.toml lets fail until a day.

use time::Date;

use super::outcome::{Finding, Outcome, Waived, WaiverState as State};
use crate::project::{self, Waiver};

/// A finding as the waivers have it on this day. One that could not be observed, or that something else has skipped, stays
/// what it is: there is no failure to waive.
pub(super) fn apply(mut finding: Finding, waivers: &[Waiver], today: Date) -> Finding {
    let Some(waiver) = waivers.iter().find(|waiver| waiver.contract == finding.contract) else { return finding };
    let state = match finding.outcome {
        _ if today > waiver.expires => State::Expired,
        Outcome::Fail => State::Used,
        Outcome::Pass => State::Unneeded,
        Outcome::Inconclusive | Outcome::Skipped => return finding,
    };
    let Waiver { reason, expires, line, .. } = waiver;
    match state {
        State::Unneeded => {}
        State::Used => {
            finding.observed = format!("waived until {expires}: {reason} (it fails: {})", finding.observed);
            finding.outcome = Outcome::Skipped;
        }
        State::Expired => {
            let (so_far, hint) = match finding.outcome {
                Outcome::Pass => ("it passes", "remove the waiver: the contract passes without it"),
                Outcome::Fail => ("it fails", "fix what fails and remove the waiver, or give the waiver a later date"),
                Outcome::Inconclusive => ("it could not be seen", "remove the waiver, or give it a later date"),
                Outcome::Skipped => ("it was skipped", "remove the waiver, or give it a later date"),
            };
            finding.observed = format!("the waiver expired on {expires}: {reason} ({so_far}: {})", finding.observed);
            finding.outcome = Outcome::Fail;
            finding.file = Some(project::FILE.to_owned());
            finding.line = Some(*line);
            finding.hint = Some(hint.to_owned());
        }
    }
    finding.waiver = Some(Waived { state, reason: reason.clone(), expires: expires.to_string(), line: *line });
    finding
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::contract;
    use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

    #[test]
    fn a_waiver_holds_until_its_day_is_over() {
        let waiver = Waiver {
            contract: "service.port".to_owned(),
            reason: "a proxy is in front".to_owned(),
            expires: date!(2027 - 01 - 31),
            line: 12,
        };
        let told = |verdict: Verdict, day| {
            let finding = verdict.of(contract::find("service.port").unwrap(), 1.0);
            apply(finding, std::slice::from_ref(&waiver), day)
        };
        let (last, after) = (date!(2027 - 01 - 31), date!(2027 - 02 - 01));
        let broken = || fail("no answer").at("compose.yaml", 3);
        let finding = told(broken(), last);
        assert_eq!(finding.outcome, Outcome::Skipped);
        assert_eq!(finding.observed, "waived until 2027-01-31: a proxy is in front (it fails: no answer)");
        assert_eq!((finding.file.as_deref(), finding.line), (Some("compose.yaml"), Some(3)));
        let finding = told(broken(), after);
        assert_eq!(finding.outcome, Outcome::Fail);
        assert!(finding.observed.starts_with("the waiver expired on 2027-01-31: "), "{}", finding.observed);
        assert_eq!((finding.file.as_deref(), finding.line), (Some("dockwright.toml"), Some(12)));
        assert_eq!(told(pass("it answers"), after).outcome, Outcome::Fail);
        let finding = told(pass("it answers"), last);
        assert_eq!((finding.outcome, finding.observed.as_str()), (Outcome::Pass, "it answers"));
        assert_eq!(finding.waiver.unwrap().state, State::Unneeded);
        let finding = told(inconclusive("no health path"), last);
        assert_eq!((finding.outcome, finding.waiver), (Outcome::Inconclusive, None));
    }
}
