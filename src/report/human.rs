//! For people: a line for each thing as it happens, and a summary at the end.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::text::{changes, cleaned, counts, megabytes, minute, one_line};
use crate::contract;
use crate::text::plain_line;
use crate::ui::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::verify::{Ending, Event, Finding, Outcome, Report, RoleReport, WaiverState};

/// The line to print for an event; none if the event is not worth one.
#[must_use]
pub fn line(event: &Event) -> Option<String> {
    match event {
        Event::Started(started) => Some(format!(
            "{:?} {} (API {}), {}: {} roles, {} contracts",
            started.engine.product,
            started.engine.version,
            started.engine.api_version,
            started.engine.address,
            started.roles.len(),
            started.contracts.len()
        )),
        Event::BuildDone(role) => Some(built(role)),
        Event::Pulled { service, image, seconds, failure } => {
            Some(pulled(service, image, *seconds, failure.as_deref()))
        }
        Event::CheckDone(finding) => Some(checked(finding)),
        Event::BuildStep { .. } | Event::CheckStarted { .. } | Event::Ended { .. } => None,
    }
}

fn built(role: &RoleReport) -> String {
    let mark = if role.built { format!("{GREEN}built{GREEN:#}") } else { format!("{RED}not built{RED:#}") };
    let size = role.size.map_or_else(String::new, |bytes| format!(", {}", megabytes(bytes)));
    let stage = if role.stage == role.role { String::new() } else { format!(" ({})", plain_line(&role.stage)) };
    format!(
        "  {mark} {}{stage} {DIM}{:.1} s, {} of {} steps cached{size}{DIM:#}",
        plain_line(&role.role),
        role.seconds,
        role.cached_steps,
        role.steps
    ) + &role.failure.as_deref().map_or_else(String::new, |why| format!(": {}", plain_line(why)))
}

fn pulled(service: &str, image: &str, seconds: f64, failure: Option<&str>) -> String {
    let mark = match failure {
        None => format!("{GREEN}pulled{GREEN:#}"),
        Some(_) => format!("{RED}not pulled{RED:#}"),
    };
    let why = failure.map_or_else(String::new, |why| format!(": {}", plain_line(why)));
    format!("  {mark} {} ({}) {DIM}{seconds:.1} s{DIM:#}{why}", plain_line(service), plain_line(image))
}

fn checked(finding: &Finding) -> String {
    let time = match &finding.cached {
        Some(seen) => format!("unchanged since {}", minute(seen)),
        None => format!("{:.1} s", finding.seconds),
    };
    format!("  {} {} {DIM}{time}{DIM:#}", mark(finding.outcome), finding.contract)
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

/// What did not pass by role, then in detail, failures first; with `evidence` all results by role, also those that passed.
/// Lines are broken to fit into `width` columns, if it is given.
#[must_use]
pub fn summary(report: &Report, width: Option<usize>, evidence: bool) -> String {
    let report = &cleaned(report);
    let mut text = Lines { text: String::new(), width };
    let longest = report.contracts.iter().map(|finding| finding.contract.len()).max().unwrap_or(0);
    let mut role = "";
    let worth = |finding: &&Finding| evidence || finding.outcome != Outcome::Pass;
    for finding in report.contracts.iter().filter(worth) {
        if finding.role != role {
            role = finding.role;
            let _ = writeln!(text.text, "\n{BOLD}{role}{BOLD:#}");
        }
        let head = format!("  {} {:<longest$}  ", mark(finding.outcome), finding.contract);
        text.hang(&head, 17 + longest, &one_line(&finding.observed), DIM);
    }
    for outcome in [Outcome::Fail, Outcome::Inconclusive] {
        for finding in report.contracts.iter().filter(|finding| finding.outcome == outcome) {
            text.details(finding);
        }
    }
    text.waivers(report);
    text.changes(report);
    text.verdict(report);
    text.text
}

/// What is written so far.
struct Lines {
    text: String,
    width: Option<usize>,
}

impl Lines {
    /// A text behind a head, further lines below its beginning.
    fn hang(&mut self, head: &str, indent: usize, text: &str, style: anstyle::Style) {
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent + 1).max(20));
        for (at, line) in wrap(text, room).iter().enumerate() {
            let start = if at == 0 { head.to_owned() } else { " ".repeat(indent) };
            let _ = writeln!(self.text, "{start}{style}{line}{style:#}");
        }
    }

    fn details(&mut self, finding: &Finding) {
        let _ = writeln!(self.text, "\n{} {BOLD}{}{BOLD:#}", mark(finding.outcome).trim_end(), finding.contract);
        if let Some(file) = &finding.file {
            let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
            let _ = writeln!(self.text, "  {DIM}-->{DIM:#} {}{line}", one_line(file));
        }
        let nothing = anstyle::Style::new();
        // As a difference is written: what should be there, and what is there.
        if finding.outcome == Outcome::Fail {
            self.hang(&format!("  {GREEN}- expected{GREEN:#} "), 13, &finding.expected, nothing);
            self.hang(&format!("  {RED}+ observed{RED:#} "), 13, &finding.observed, nothing);
        } else {
            self.hang(&format!("    {DIM}expected{DIM:#} "), 13, &finding.expected, nothing);
            self.hang(&format!("    {YELLOW}observed{YELLOW:#} "), 13, &finding.observed, nothing);
        }
        for line in &finding.log {
            self.hang(&format!("  {DIM}|{DIM:#} "), 4, line, nothing);
        }
        if let Some(hint) = &finding.hint {
            self.hang(&format!("    {GREEN}next{GREEN:#}     "), 13, hint, nothing);
        }
    }

    fn waivers(&mut self, report: &Report) {
        let waived = report.contracts.iter().filter_map(|finding| Some((finding, finding.waiver.as_ref()?)));
        let mut first = true;
        for (finding, waiver) in waived {
            let note = match waiver.state {
                WaiverState::Used => format!("{} fails and is waived until {}", finding.contract, waiver.expires),
                WaiverState::Unneeded => format!(
                    "{} passes: its waiver in line {} of dockwright.toml is not needed",
                    finding.contract, waiver.line
                ),
                WaiverState::Expired => continue,
            };
            if std::mem::take(&mut first) {
                self.text.push('\n');
            }
            self.hang(&format!("{YELLOW}note{YELLOW:#} "), 5, &note, anstyle::Style::new());
        }
    }

    fn changes(&mut self, report: &Report) {
        if let Some(note) = changes(report) {
            self.text.push('\n');
            self.hang(&format!("{YELLOW}note{YELLOW:#} "), 5, &note, anstyle::Style::new());
        }
    }

    fn verdict(&mut self, report: &Report) {
        let verdict = match report.outcome {
            // Who asked for a part was answered for that.
            Ending::Pass if report.contracts.len() < contract::ALL.len() => {
                format!("{GREEN}every promise that was checked is kept{GREEN:#}")
            }
            Ending::Pass => format!("{GREEN}every role keeps its promises{GREEN:#}"),
            Ending::Fail => format!("{RED}a promise is broken{RED:#}"),
            Ending::Inconclusive => format!("{YELLOW}not everything could be observed{YELLOW:#}"),
            Ending::Error => format!("{RED}the run did not finish{RED:#}"),
        };
        let _ = writeln!(self.text, "\n{verdict}: {} in {:.1} s", counts(report), report.seconds);
    }
}

/// The lines of a text, broken at spaces, never at the hyphens of names; a word that has no room in a line is broken, too.
fn wrap(text: &str, room: usize) -> Vec<Cow<'_, str>> {
    textwrap::wrap(text, textwrap::Options::new(room).word_splitter(textwrap::WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_words_where_they_must() {
        for (text, room, expected) in [
            ("one two three", 7, &["one two", "three"][..]),
            ("short", 80, &["short"]),
            ("", 10, &[""]),
            ("abcdefgh ij", 3, &["abc", "def", "gh", "ij"]),
            ("é é é", 3, &["é é", "é"]),
            ("a\nb", 9, &["a", "b"]),
            ("dev.no-source dev-tools", 16, &["dev.no-source", "dev-tools"]),
            // Each of these takes two columns of a terminal.
            ("日本 語", 4, &["日本", "語"]),
        ] {
            assert_eq!(wrap(text, room), expected, "{text}");
        }
    }
}
