//! One page that needs nothing but itself: no script, no font, no picture from elsewhere.

mod bars;
mod graph;

use askama::Template;

use super::text::{self, changes, cleaned};
use crate::verify::{Ending, Failure, Finding, Outcome, Report, WaiverState};
use bars::{Bar, ImageBar};
use graph::Graph;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    title: &'a str,
    /// Its day and time.
    date: String,
    verdict: &'static str,
    /// The mark's name.
    mark: &'static str,
    counts: Vec<Count>,
    error: Option<&'a Failure>,
    /// What to say of files that changed meanwhile.
    changed: Option<String>,
    broken: Vec<&'a Finding>,
    groups: Vec<Group<'a>>,
    graph: Graph,
    timeline: Vec<Bar>,
    ticks: Vec<String>,
    images: Vec<ImageBar>,
    stored: String,
}

struct Count {
    outcome: Outcome,
    number: usize,
}

struct Group<'a> {
    role: &'a str,
    passed: usize,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    finding: &'a Finding,
    observed: String,
    place: Option<String>,
    log: String,
    waiver: Option<String>,
}

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let report = &cleaned(report);
    let (verdict, mark) = match report.outcome {
        Ending::Pass => ("Every role keeps its promises", "pass"),
        Ending::Fail => ("A promise is broken", "fail"),
        Ending::Inconclusive => ("Not everything could be observed", "inconclusive"),
        Ending::Error => ("The run did not finish", "fail"),
    };
    let count = |outcome| Count {
        outcome,
        number: report.contracts.iter().filter(|finding| finding.outcome == outcome).count(),
    };
    let mut groups: Vec<Group> = Vec::new();
    for finding in &report.contracts {
        match groups.iter_mut().find(|group| group.role == finding.role) {
            Some(group) => group.cases.push(case(finding)),
            None => groups.push(Group { role: finding.role, passed: 0, cases: vec![case(finding)] }),
        }
    }
    for group in &mut groups {
        group.passed = group.cases.iter().filter(|case| case.finding.outcome == Outcome::Pass).count();
    }
    let page = Page {
        report,
        title: if report.project.is_empty() { "dockwright verify" } else { &report.project },
        date: report.date.replace('T', " ").replace('Z', " UTC"),
        verdict,
        mark,
        counts: [Outcome::Fail, Outcome::Inconclusive, Outcome::Pass, Outcome::Skipped].map(count).into(),
        error: report.error.as_ref(),
        changed: changes(report),
        broken: report.contracts.iter().filter(|finding| finding.outcome == Outcome::Fail).collect(),
        groups,
        graph: graph::of(report),
        timeline: bars::timeline(report),
        ticks: bars::ticks(report),
        images: bars::images(report),
        stored: bars::stored(report),
    };
    page.render().expect("a template of texts does not fail") + "\n"
}

fn case(finding: &Finding) -> Case<'_> {
    let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
    let waiver = finding.waiver.as_ref().map(|waiver| match waiver.state {
        WaiverState::Used => format!("Waived until {}: {}", waiver.expires, waiver.reason),
        WaiverState::Unneeded => format!("The waiver in line {} of dockwright.toml is not needed.", waiver.line),
        WaiverState::Expired => format!("Expired on {}: {}", waiver.expires, waiver.reason),
    });
    Case {
        finding,
        observed: finding.observed.clone(),
        place: finding.file.as_ref().map(|file| format!("{file}{line}")),
        log: finding.log.join("\n"),
        waiver,
    }
}
