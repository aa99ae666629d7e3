//! One defect, one failure: what a contract's failure breaks of other contracts is not told as theirs.
//!
//! Which contract yields to which is in the catalogue. A finding waits until it is known whether a contract that it
//! yields to fails; if one does, it is skipped, and says why.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::{Finding, Outcome, WaiverState};
use crate::text::listed;

/// What a check found, waivers applied.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) finding: Finding,
    /// Whether the promise was seen to be broken, whatever a waiver makes of it.
    pub(super) broken: bool,
    /// The contracts whose failure explains it, if they fail.
    pub(super) yields_to: Vec<&'static str>,
}

impl Judged {
    /// Whether others are not to be judged by reason of it. What is waived is not: it fails nothing.
    fn is_a_cause(&self) -> bool {
        let waived = self.finding.waiver.as_ref().is_some_and(|waiver| waiver.state == WaiverState::Used);
        self.broken && !waived
    }

    /// Whether there is something that a cause can explain: what a waiver decided stays decided.
    fn may_yield(&self) -> bool {
        matches!(self.finding.outcome, Outcome::Fail | Outcome::Inconclusive) && self.finding.waiver.is_none()
    }
}

/// What was found so far, and what of it waits.
pub(super) struct Yields {
    asked: Vec<&'static str>,
    found: BTreeMap<&'static str, Judged>,
    waiting: Vec<&'static str>,
}

impl Yields {
    /// For a run in which these contracts are looked at, in the catalogue's order.
    pub(super) fn among(asked: &[&'static str]) -> Self {
        Self { asked: asked.to_vec(), found: BTreeMap::new(), waiting: Vec::new() }
    }

    /// Takes in what a check found; returns all that is decided by it.
    pub(super) fn take(&mut self, found: Judged) -> Vec<Finding> {
        let name = found.finding.contract;
        self.found.insert(name, found);
        self.waiting.push(name);
        let (ready, waiting) = self.waiting.iter().partition(|name| self.is_ready(name, &mut vec![name]));
        self.waiting = waiting;
        let ready: Vec<&'static str> = ready;
        ready.into_iter().map(|name| self.decided(name)).collect()
    }

    fn decided(&self, name: &'static str) -> Finding {
        let roots = self.roots(name, &mut vec![name]);
        let finding = self.found[name].finding.clone();
        if roots.is_empty() { finding } else { skipped(finding, &roots) }
    }

    /// The contracts that are looked at and whose failure would explain a finding.
    fn causes(&self, found: &Judged) -> Vec<&'static str> {
        let asked = |name: &&&'static str| found.may_yield() && self.asked.contains(name);
        found.yields_to.iter().filter(asked).copied().collect()
    }

    /// Whether all that a finding hangs on has been found.
    fn is_ready(&self, name: &str, way: &mut Vec<&'static str>) -> bool {
        let Some(found) = self.found.get(name) else { return false };
        self.causes(found).into_iter().all(|cause| {
            if way.contains(&cause) {
                return true;
            }
            way.push(cause);
            let ready = self.is_ready(cause, way);
            way.pop();
            ready
        })
    }

    /// The contracts that fail by themselves, and by which this one does. Of two that fail and yield to each other, the
    /// first in the catalogue stands.
    fn roots(&self, name: &'static str, way: &mut Vec<&'static str>) -> Vec<&'static str> {
        let found = &self.found[name];
        let place = |name: &str| self.asked.iter().position(|asked| *asked == name);
        let mut roots: Vec<&'static str> = Vec::new();
        for cause in self.causes(found) {
            let other = &self.found[cause];
            let mutual = found.broken && other.broken && self.causes(other).contains(&name);
            if way.contains(&cause) || mutual && place(name) < place(cause) {
                continue;
            }
            way.push(cause);
            let mut above = self.roots(cause, way);
            way.pop();
            if above.is_empty() && other.is_a_cause() {
                above.push(cause);
            }
            roots.extend(above);
        }
        let mut seen = BTreeSet::new();
        roots.retain(|root| seen.insert(*root));
        roots
    }
}

fn skipped(finding: Finding, roots: &[&str]) -> Finding {
    let verb = if roots.len() == 1 { "fails" } else { "fail" };
    let observed = format!("not judged while {} {verb}: {}", listed(roots, 5), finding.observed);
    Finding { outcome: Outcome::Skipped, observed, file: None, line: None, log: Vec::new(), hint: None, ..finding }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::{self, Contract};
    use crate::verify::verdict::{Verdict, fail, inconclusive, pass};
    use crate::verify::waive;

    /// What becomes of verdicts, in the order in which they are given.
    fn judged(verdicts: impl IntoIterator<Item = (&'static Contract, Verdict)>) -> BTreeMap<&'static str, Finding> {
        let verdicts: Vec<_> = verdicts.into_iter().collect();
        let given = |one: &&Contract| verdicts.iter().any(|(contract, _)| contract.name == one.name);
        let asked: Vec<&'static str> = contract::ALL.iter().filter(given).map(|one| one.name).collect();
        let mut yields = Yields::among(&asked);
        let taken = verdicts.into_iter().flat_map(|(contract, verdict)| yields.take(found(contract, verdict, &[])));
        let all: Vec<Finding> = taken.collect();
        let by_name: BTreeMap<_, _> = all.iter().map(|finding| (finding.contract, finding.clone())).collect();
        assert_eq!((all.len(), by_name.len()), (asked.len(), asked.len()), "each once");
        by_name
    }

    fn found(contract: &'static Contract, verdict: Verdict, waivers: &[crate::project::Waiver]) -> Judged {
        let (broken, yields_to) = (verdict.outcome() == Outcome::Fail, verdict.yields_to(contract));
        let finding = waive::apply(verdict.of(contract, 1.0), waivers, time::macros::date!(2026 - 11 - 27));
        Judged { finding, broken, yields_to }
    }

    fn edges() -> impl Iterator<Item = (&'static Contract, &'static Contract)> {
        contract::ALL.iter().flat_map(|one| one.yields_to.iter().map(move |name| (one, contract::find(name).unwrap())))
    }

    #[test]
    fn every_contract_of_the_catalogue_yields_to_the_failures_that_it_names_and_to_no_other() {
        assert!(edges().count() > 20);
        for (one, cause) in edges() {
            for verdict in [fail("here"), inconclusive("here")] {
                for order in [[0, 1], [1, 0]] {
                    let both = [(one, verdict.clone()), (cause, fail("there").by_itself())];
                    let told = judged(order.map(|at| both[at].clone()));
                    let (own, other) = (&told[one.name], &told[cause.name]);
                    assert_eq!(
                        (own.outcome, other.outcome),
                        (Outcome::Skipped, Outcome::Fail),
                        "{} {}",
                        one.name,
                        cause.name
                    );
                    assert_eq!(own.observed, format!("not judged while {} fails: here", cause.name));
                }
                let outcome = verdict.outcome();
                for (verdict, cause_verdict) in [
                    (verdict.clone().rules_out(cause.name), fail("there")),
                    (verdict.clone().by_itself(), fail("there")),
                    (verdict.clone(), inconclusive("there")),
                    (verdict.clone(), pass("there")),
                ] {
                    let told = judged([(one, verdict), (cause, cause_verdict)]);
                    assert_eq!(told[one.name].outcome, outcome, "{} {}", one.name, cause.name);
                }
            }
            assert_eq!(judged([(one, pass("here")), (cause, fail("there"))])[one.name].outcome, Outcome::Pass);
            // What was not asked for explains nothing.
            assert_eq!(judged([(one, fail("here"))])[one.name].outcome, Outcome::Fail);
        }
        for one in contract::ALL {
            for other in
                contract::ALL.iter().filter(|other| other.name != one.name && !one.yields_to.contains(&other.name))
            {
                let told = judged([(one, fail("here")), (other, fail("there"))]);
                let back = other.yields_to.contains(&one.name);
                assert_eq!(told[one.name].outcome, Outcome::Fail, "{} {}", one.name, other.name);
                assert_eq!(told[other.name].outcome == Outcome::Skipped, back, "{} {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn what_a_waiver_lets_fail_explains_nothing() {
        for (one, cause) in edges() {
            for (expires, outcome) in [
                (time::macros::date!(2027 - 01 - 31), Outcome::Fail),
                (time::macros::date!(2026 - 01 - 31), Outcome::Skipped),
            ] {
                let waiver =
                    crate::project::Waiver { contract: cause.name.into(), reason: "known".into(), expires, line: 3 };
                let mut yields = Yields::among(&[one.name, cause.name]);
                assert!(yields.take(found(one, fail("here"), &[])).is_empty());
                let told = yields.take(found(cause, fail("there"), std::slice::from_ref(&waiver)));
                let own = told.iter().find(|finding| finding.contract == one.name).unwrap();
                assert_eq!(own.outcome, outcome, "{} {} {expires}", one.name, cause.name);
            }
        }
    }

    #[test]
    fn of_two_that_yield_to_each_other_one_stands() {
        let both = ["service.port", "service.read-only"].map(|name| contract::find(name).unwrap());
        assert!(both[0].yields_to.contains(&both[1].name) && both[1].yields_to.contains(&both[0].name));
        for order in [[0, 1], [1, 0]] {
            let outcomes = |verdicts: [Verdict; 2]| {
                let told = judged(order.map(|at| (both[at], verdicts[at].clone())));
                both.map(|one| told[one.name].outcome)
            };
            let (failed, unseen) = (fail("seen"), inconclusive("seen"));
            assert_eq!(outcomes([failed.clone(), failed.clone()]), [Outcome::Fail, Outcome::Skipped]);
            assert_eq!(outcomes([failed.clone(), unseen.clone()]), [Outcome::Fail, Outcome::Skipped]);
            assert_eq!(outcomes([unseen.clone(), failed.clone()]), [Outcome::Skipped, Outcome::Fail]);
            assert_eq!(outcomes([failed.clone(), failed.by_itself()]), [Outcome::Skipped, Outcome::Fail]);
            assert_eq!(outcomes([unseen.clone(), unseen]), [Outcome::Inconclusive; 2]);
        }
    }

    #[test]
    fn the_cause_of_a_cause_is_what_is_named() {
        let verdict = |name: &str, verdict| (contract::find(name).unwrap(), verdict);
        let told = judged([
            verdict("dev-tools.shared-source", inconclusive("no answer")),
            verdict("dev.owner", inconclusive("dev is down")),
            verdict("dev.reload", fail("no answer to GET /")),
            verdict("dev.mount", fail("nothing is mounted")),
            verdict("service.read-only", pass("it works")),
        ]);
        assert_eq!(told["dev-tools.shared-source"].observed, "not judged while dev.mount fails: no answer");
        assert_eq!(told["dev.reload"].observed, "not judged while dev.mount fails: no answer to GET /");
        let told = judged([
            verdict("scaffold.unprivileged", inconclusive("dev is down")),
            verdict("dev.reload", fail("no answer").rules_out("service.read-only")),
            verdict("service.read-only", fail("it writes to /srv").by_itself()),
        ]);
        assert_eq!(
            told["scaffold.unprivileged"].observed,
            "not judged while dev.reload, service.read-only fail: dev is down"
        );
    }

    proptest! {
        /// Whatever is found, in whatever order: what passes stays, the order makes no difference, and whoever is skipped
        /// names a contract that is told as failed; so no run with a broken promise is without a failure.
        #[test]
        fn nothing_is_skipped_but_for_a_failure_that_is_told(
            kinds in prop::collection::vec(0..4_u8, contract::ALL.len()),
            order in Just((0..contract::ALL.len()).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let verdict = |at: usize| match kinds[at] {
                0 => pass("seen"),
                1 => inconclusive("seen"),
                2 => fail("seen"),
                _ => fail("seen").by_itself(),
            };
            let each = |at: usize| (&contract::ALL[at], verdict(at));
            let told = judged(order.into_iter().map(each));
            prop_assert_eq!(&told, &judged((0..contract::ALL.len()).map(each)));
            for (at, one) in contract::ALL.iter().enumerate() {
                let finding = &told[one.name];
                match finding.outcome {
                    Outcome::Skipped => {
                        prop_assert!(matches!(kinds[at], 1 | 2));
                        let names = finding.observed.strip_prefix("not judged while ").unwrap();
                        let root = names.split([' ', ',']).next().unwrap();
                        prop_assert_eq!(told[root].outcome, Outcome::Fail);
                    }
                    outcome => prop_assert_eq!(outcome, verdict(at).outcome()),
                }
            }
        }
    }
}
