//! For people: a line for each thing as it happens, and a summary at the end.

use std::fmt::Write as _;

use crate::ui::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::verify::{Event, Finding, Outcome, Report, RoleReport};

/// What to print when something happened; none if it is not worth a line.
#[must_use]
pub fn line(event: &Event) -> Option<String> {
    match event {
        Event::Started { engine, roles, contracts } => Some(format!(
            "{:?} {} (API {}), {}: {} roles, {} contracts",
            engine.product,
            engine.version,
            engine.api_version,
            engine.address,
            roles.len(),
            contracts.len()
        )),
        Event::BuildDone(role) => Some(built(role)),
        Event::CheckDone(finding) => Some(checked(finding)),
        Event::BuildStep { .. } | Event::CheckStarted(_) => None,
    }
}

fn built(role: &RoleReport) -> String {
    let mark = if role.built { format!("{GREEN}built{GREEN:#}") } else { format!("{RED}not built{RED:#}") };
    let size = role.size.map_or_else(String::new, |bytes| format!(", {}", megabytes(bytes)));
    let stage = if role.stage == role.role { String::new() } else { format!(" ({})", role.stage) };
    format!(
        "  {mark} {}{stage} {DIM}{:.1} s, {} of {} steps cached{size}{DIM:#}",
        role.role, role.seconds, role.cached_steps, role.steps
    )
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = bytes as f64 / 1e6;
    format!("{size:.0} MB")
}

fn checked(finding: &Finding) -> String {
    format!("  {} {} {DIM}{:.1} s{DIM:#}", mark(finding.outcome), finding.contract, finding.seconds)
}

fn mark(outcome: Outcome) -> String {
    let style = match outcome {
        Outcome::Pass => GREEN,
        Outcome::Fail => RED,
        Outcome::Inconclusive => YELLOW,
        Outcome::Skipped => DIM,
    };
    format!("{style}{outcome:<12}{style:#}")
}

/// The result by contract, then what did not pass in detail.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut text = String::from("\n");
    for finding in &report.contracts {
        let _ = writeln!(
            text,
            "{} {BOLD}{:<30}{BOLD:#} {DIM}{}{DIM:#}",
            mark(finding.outcome),
            finding.contract,
            finding.observed
        );
    }
    for finding in report.contracts.iter().filter(|finding| finding.outcome == Outcome::Fail) {
        details(&mut text, finding);
    }
    for finding in report.contracts.iter().filter(|finding| finding.outcome == Outcome::Inconclusive) {
        details(&mut text, finding);
    }
    let count = |outcome| report.contracts.iter().filter(|finding| finding.outcome == outcome).count();
    let _ = writeln!(
        text,
        "\n{}: {} passed, {} failed, {} inconclusive, {} skipped in {:.1} s",
        verdict(report.outcome),
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::Inconclusive),
        count(Outcome::Skipped),
        report.seconds
    );
    text
}

fn verdict(outcome: Outcome) -> String {
    match outcome {
        Outcome::Pass | Outcome::Skipped => format!("{GREEN}every role keeps its promises{GREEN:#}"),
        Outcome::Fail => format!("{RED}a promise is broken{RED:#}"),
        Outcome::Inconclusive => format!("{YELLOW}not all could be seen{YELLOW:#}"),
    }
}

fn details(text: &mut String, finding: &Finding) {
    let _ = writeln!(text, "\n{} {BOLD}{}{BOLD:#}", mark(finding.outcome).trim_end(), finding.contract);
    if let Some(file) = &finding.file {
        let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
        let _ = writeln!(text, "  {DIM}-->{DIM:#} {file}{line}");
    }
    let _ = writeln!(text, "  {DIM}expected{DIM:#} {}", finding.expected);
    let _ = writeln!(text, "  {DIM}observed{DIM:#} {}", finding.observed);
    for line in &finding.log {
        let _ = writeln!(text, "  {DIM}|{DIM:#} {line}");
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(text, "  {GREEN}next{GREEN:#}     {hint}");
    }
}
