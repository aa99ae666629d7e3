//! `JUnit`'s XML, as Jenkins' and Surefire's schemas have it: a suite for each role, a case for each contract.
//!
//! A failed contract is a failure. An inconclusive one is skipped with its reason, as it does not fail the command; under
//! `--strict` it does, and is an error. A run that did not finish is an error of a suite of its own.

use askama::Template;

use super::Manner;
use super::text::{changes, cleaned, minute, one_line};
use crate::verify::{Finding, Outcome, Report};

#[derive(Template)]
#[template(path = "junit.xml")]
struct Page {
    all: Counts,
    suites: Vec<Suite>,
    timestamp: String,
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    seconds: f64,
}

struct Suite {
    name: String,
    counts: Counts,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    seconds: f64,
    state: State,
    /// One line.
    message: String,
    /// The kind of a failure or an error.
    kind: String,
    body: String,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Pass,
    Failure,
    Error,
    Skipped,
}

/// The document.
#[must_use]
pub fn text(report: &Report, manner: &Manner) -> String {
    let report = &cleaned(report);
    let mut suites: Vec<Suite> = Vec::new();
    for finding in &report.contracts {
        let case = case(finding, manner);
        match suites.iter_mut().find(|suite| suite.name == finding.role) {
            Some(suite) => suite.cases.push(case),
            None => suites.push(Suite { name: finding.role.into(), counts: Counts::default(), cases: vec![case] }),
        }
    }
    let mut whole = Vec::new();
    if let Some(error) = &report.error {
        let body: Vec<&str> = error.causes.iter().chain(&error.hints).map(String::as_str).collect();
        whole.push((State::Error, one_line(&error.message), error.kind.to_owned(), body.join("\n")));
    }
    if let Some(note) = changes(report) {
        let state = if manner.strict { State::Error } else { State::Skipped };
        whole.push((state, format!("inconclusive: {note}"), "changed".to_owned(), note));
    }
    let seconds = report.seconds;
    let case = |(state, message, kind, body)| Case { name: "verify".to_owned(), seconds, state, message, kind, body };
    let cases: Vec<Case> = whole.into_iter().map(case).collect();
    if !cases.is_empty() {
        suites.push(Suite { name: "dockwright".to_owned(), counts: Counts::default(), cases });
    }
    let mut all = Counts { seconds: report.seconds, ..Counts::default() };
    for suite in &mut suites {
        suite.counts = count(&suite.cases);
        all.tests += suite.counts.tests;
        all.failures += suite.counts.failures;
        all.errors += suite.counts.errors;
        all.skipped += suite.counts.skipped;
    }
    // xs:dateTime without a zone, as Surefire writes it.
    let timestamp = report.date.get(..19).unwrap_or_default().to_owned();
    let page = Page { all, suites, timestamp };
    page.render().expect("a template of texts does not fail") + "\n"
}

fn count(cases: &[Case]) -> Counts {
    let of = |state| cases.iter().filter(|case| case.state == state).count();
    Counts {
        tests: cases.len(),
        failures: of(State::Failure),
        errors: of(State::Error),
        skipped: of(State::Skipped),
        seconds: cases.iter().map(|case| case.seconds).sum(),
    }
}

fn case(finding: &Finding, manner: &Manner) -> Case {
    let state = match finding.outcome {
        Outcome::Pass => State::Pass,
        Outcome::Fail => State::Failure,
        Outcome::Inconclusive if manner.strict => State::Error,
        Outcome::Inconclusive | Outcome::Skipped => State::Skipped,
    };
    let reason = match finding.outcome {
        Outcome::Inconclusive => format!("inconclusive: {}", finding.observed),
        _ => finding.observed.clone(),
    };
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
    Case {
        name: finding.contract.to_owned(),
        seconds: finding.seconds,
        state,
        message: one_line(&reason),
        kind: finding.outcome.to_string(),
        body: body.join("\n"),
    }
}
