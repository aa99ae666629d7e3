//! `JUnit`'s XML, as Jenkins' and Surefire's schemas have it: a suite for each role, a case for each contract.
//!
//! A failed contract is a failure. An inconclusive one is skipped with its reason, as it does not fail the command; under
//! `--strict` it does, and is an error. A run that did not finish is an error of a suite of its own.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::Manner;
use super::text::{changes, cleaned, minute, one_line};
use crate::verify::{Failure, Finding, Outcome, Report};

/// The document.
///
/// # Panics
/// Never: texts are written to memory.
#[must_use]
pub fn text(report: &Report, manner: &Manner) -> String {
    let report = &cleaned(report);
    let mut document = quick_junit::Report::new("dockwright");
    // Absent where the run ended before it had a date.
    document.timestamp = report.date.parse().ok();
    document.set_time(seconds(report.seconds));
    let mut cases: Vec<(&str, TestCase)> =
        report.contracts.iter().map(|finding| (finding.role, contract(finding, manner))).collect();
    let whole = report.error.iter().map(broken_off).chain(changed(report, manner));
    cases.extend(whole.map(|status| ("dockwright", case("verify", report.seconds, status))));
    for chunk in cases.chunk_by(|(one, _), (other, _)| one == other) {
        let role = chunk[0].0;
        let mut suite = TestSuite::new(role);
        suite.timestamp = document.timestamp;
        suite.set_time(chunk.iter().filter_map(|(_, case)| case.time).sum());
        for (_, case) in chunk {
            let mut case = case.clone();
            case.set_classname(role);
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    document.to_string().expect("what is written to memory does not fail")
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn case(name: &str, took: f64, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_time(seconds(took));
    case
}

/// A run that did not come to its end.
fn broken_off(failure: &Failure) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let body: Vec<&str> = failure.causes.iter().chain(&failure.hints).map(String::as_str).collect();
    status.set_type(failure.kind).set_message(one_line(&failure.message)).set_description(body.join("\n"));
    status
}

/// A project that changed during the run.
fn changed(report: &Report, manner: &Manner) -> Option<TestCaseStatus> {
    let note = changes(report)?;
    let mut status = unseen(manner);
    status.set_type("changed").set_message(format!("inconclusive: {note}"));
    Some(status)
}

/// What could not be observed does not fail the command, unless that is asked for.
fn unseen(manner: &Manner) -> TestCaseStatus {
    if manner.strict { TestCaseStatus::non_success(NonSuccessKind::Error) } else { TestCaseStatus::skipped() }
}

fn contract(finding: &Finding, manner: &Manner) -> TestCase {
    let mut status = match finding.outcome {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Inconclusive => unseen(manner),
        Outcome::Skipped => TestCaseStatus::skipped(),
    };
    let body = body(finding, manner);
    if finding.outcome == Outcome::Pass {
        let mut case = case(finding.contract, finding.seconds, status);
        case.set_system_out(body);
        return case;
    }
    let reason = match finding.outcome {
        Outcome::Inconclusive => format!("inconclusive: {}", finding.observed),
        _ => finding.observed.clone(),
    };
    status.set_type(finding.outcome.to_string()).set_message(one_line(&reason)).set_description(body);
    case(finding.contract, finding.seconds, status)
}

fn body(finding: &Finding, manner: &Manner) -> String {
    let mut body = Vec::new();
    if let Some(file) = finding.file.as_deref() {
        let file = manner.path(file).unwrap_or_else(|| file.to_owned());
        body.push(finding.line.map_or(file.clone(), |line| format!("{file}:{line}")));
    }
    body.push(format!("expected: {}", finding.expected));
    body.push(format!("observed: {}", finding.observed));
    body.extend(finding.cached.as_ref().map(|seen| format!("unchanged since {}", minute(seen))));
    body.extend(finding.log.iter().map(|line| format!("| {line}")));
    body.extend(finding.hint.iter().map(|hint| format!("next: {hint}")));
    body.join("\n")
}
