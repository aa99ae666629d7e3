//! For GitHub Actions: an annotation for each line to look at, and a table for the summary of the job.
//!
//! The runner's grammar: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>; what it
//! escapes is in its `ActionCommand.cs`.

use std::fmt::Write as _;

use super::Manner;
use super::text::{changes, cleaned, counts, megabytes, one_line};
use crate::verify::{Ending, Finding, Outcome, Report, WaiverState, is_waived};

/// The annotations, one to a line.
#[must_use]
pub fn annotations(report: &Report, manner: &Manner) -> String {
    let report = &cleaned(report);
    let mut text = String::new();
    for finding in &report.contracts {
        let level = match finding.outcome {
            Outcome::Fail => "error",
            Outcome::Inconclusive if manner.strict => "error",
            Outcome::Inconclusive => "warning",
            Outcome::Skipped if is_waived(finding) => "notice",
            Outcome::Pass | Outcome::Skipped => continue,
        };
        let place = finding.file.as_deref().and_then(|file| manner.path(file)).map(|file| (file, finding.line));
        command(&mut text, level, place, &format!("{} ({})", finding.contract, finding.outcome), &message(finding));
    }
    for (finding, waiver) in report.contracts.iter().filter_map(|finding| Some((finding, finding.waiver.as_ref()?))) {
        if waiver.state == WaiverState::Unneeded {
            let place = manner.path("dockwright.toml").map(|file| (file, Some(waiver.line)));
            command(&mut text, "notice", place, finding.contract, "its waiver is not needed: the contract passes");
        }
    }
    if let Some(note) = changes(report) {
        let level = if manner.strict { "error" } else { "warning" };
        command(&mut text, level, None, "dockwright verify", &note);
    }
    if let Some(error) = &report.error {
        let place = error.file.as_deref().and_then(|file| manner.error_path(file)).map(|file| (file, error.line));
        let lines: Vec<&str> = [&error.message].into_iter().chain(&error.causes).map(String::as_str).collect();
        command(&mut text, "error", place, "dockwright verify", &lines.join("\n"));
    }
    text
}

fn message(finding: &Finding) -> String {
    let mut lines = vec![finding.observed.clone()];
    if finding.outcome == Outcome::Fail {
        lines.push(format!("Expected: {}", finding.expected));
    }
    lines.extend(finding.hint.as_ref().map(|hint| format!("Next: {hint}")));
    lines.join("\n")
}

fn command(text: &mut String, level: &str, place: Option<(String, Option<usize>)>, title: &str, message: &str) {
    let mut properties = Vec::new();
    if let Some((file, line)) = place {
        properties.push(format!("file={}", property(&one_line(&file))));
        properties.extend(line.map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(title)));
    let _ = writeln!(text, "::{level} {}::{}", properties.join(","), data(message));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The table for `$GITHUB_STEP_SUMMARY`, in GitHub's Markdown.
#[must_use]
pub fn summary(report: &Report) -> String {
    let report = &cleaned(report);
    let verdict = match report.outcome {
        Ending::Pass => "✅ every role keeps its promises",
        Ending::Fail => "❌ a promise is broken",
        Ending::Inconclusive => "❔ not everything could be observed",
        Ending::Error => "💥 the run did not finish",
    };
    let name = if report.project.is_empty() { "dockwright" } else { &report.project };
    let mut text = format!("## {}: {verdict}\n\n", cell(name));
    if let Some(error) = &report.error {
        let _ = writeln!(text, "**{}** {}\n", error.kind, cell(&error.message));
    }
    if let Some(note) = changes(report) {
        let _ = writeln!(text, "**changed** {}\n", cell(&note));
    }
    let _ = writeln!(text, "{} in {:.1} s\n", counts(report), report.seconds);
    if !report.contracts.is_empty() {
        text.push_str("| | contract | observed | where | s |\n| --- | --- | --- | --- | ---: |\n");
    }
    for finding in &report.contracts {
        let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = finding.file.as_ref().map_or_else(String::new, |file| format!("{}{line}", cell(file)));
        let mark = match finding.outcome {
            Outcome::Pass => "✅",
            Outcome::Fail => "❌",
            Outcome::Inconclusive => "❔",
            Outcome::Skipped => "⏭️",
        };
        let (outcome, contract, observed) = (finding.outcome, finding.contract, cell(&finding.observed));
        let _ = writeln!(text, "| {mark} {outcome} | {contract} | {observed} | {place} | {:.1} |", finding.seconds);
    }
    if !report.roles.is_empty() {
        text.push_str("\n| image | size | built in s |\n| --- | ---: | ---: |\n");
    }
    for role in &report.roles {
        let size = role.size.map_or_else(|| "not built".to_owned(), megabytes);
        let _ = writeln!(text, "| {} ({}) | {size} | {:.1} |", cell(&role.role), cell(&role.stage), role.seconds);
    }
    text
}

/// A text as a table's cell shows it: nothing in it is Markdown or HTML.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // A name after it would call somebody.
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_the_runner_is_escaped() {
        let mut text = String::new();
        command(&mut text, "error", Some(("a,b:c.py".into(), Some(3))), "50%: x", "one\r\ntwo: 5%, ::debug::");
        assert_eq!(text, "::error file=a%2Cb%3Ac.py,line=3,title=50%25%3A x::one%0D%0Atwo: 5%25, ::debug::\n");
        assert_eq!(cell("a|b\n<b>`x` @me"), r"a\|b &lt;b&gt;\`x\` &#64;me");
    }
}
