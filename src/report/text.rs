//! What all formats do to the texts that come from outside.

use std::borrow::Cow;

pub(super) use crate::text::plain;
use crate::text::{json_without_commands, listed};
use crate::verify::{Failure, Finding, Outcome, Report};

/// A report all of whose texts are [`plain`]: for every format but JSON, which can hold them as they are. Each text is
/// cleaned by itself, so that a terminal sequence without an end takes nothing else with it.
pub(super) fn cleaned(report: &Report) -> Report {
    let mut report = report.clone();
    let clean = |text: &mut String| *text = plain(text);
    clean(&mut report.project);
    if let Some(Failure { message, file, causes, hints, .. }) = &mut report.error {
        [message].into_iter().chain(file).chain(causes).chain(hints).for_each(clean);
    }
    for role in &mut report.roles {
        [&mut role.role, &mut role.stage].into_iter().for_each(clean);
        role.layers.iter_mut().for_each(|layer| clean(&mut layer.step));
    }
    for stage in &mut report.stages {
        let names = [&mut stage.stage, &mut stage.file, &mut stage.from];
        names.into_iter().chain(&mut stage.parent).chain(&mut stage.copies).for_each(clean);
    }
    report.changed.iter_mut().for_each(clean);
    for Finding { expected, observed, file, log, hint, waiver, .. } in &mut report.contracts {
        let texts = [expected, observed].into_iter().chain(file).chain(log).chain(hint);
        texts.chain(waiver.as_mut().map(|waiver| &mut waiver.reason)).for_each(clean);
    }
    report
}

/// How many contracts came to which outcome.
pub(super) fn counts(report: &Report) -> String {
    let count = |outcome| report.contracts.iter().filter(|finding| finding.outcome == outcome).count();
    let cached = match report.contracts.iter().filter(|finding| finding.cached.is_some()).count() {
        0 => String::new(),
        number => format!(" ({number} before and unchanged)"),
    };
    format!(
        "{} passed{cached}, {} failed, {} inconclusive, {} skipped",
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::Inconclusive),
        count(Outcome::Skipped)
    )
}

/// What to say of files that changed while they were verified; none if there are none.
pub(super) fn changes(report: &Report) -> Option<String> {
    if report.changed.is_empty() {
        return None;
    }
    let named = listed(&report.changed, 3);
    Some(format!(
        "{named} changed during the run, so the results do not belong to one state of the project: verify again"
    ))
}

/// A time in RFC 3339, to the minute and for people.
pub(super) fn minute(date: &str) -> String {
    date.get(..16).unwrap_or(date).replace('T', " ")
}

/// A text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A document in JSON, as it may be printed.
pub(super) fn document(json: &str) -> String {
    json_without_commands(json).into_owned()
}

/// No more than so many characters.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A size for people.
pub(super) fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let size = bytes as f64;
    match size {
        _ if size >= 10e6 => format!("{:.0} MB", size / 1e6),
        _ if size >= 1e5 => format!("{:.1} MB", size / 1e6),
        _ => format!("{:.0} kB", (size / 1e3).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_put_on_one_line() {
        assert_eq!(one_line(" a\n  b "), "a b");
        assert_eq!(cut("aéb", 2), "aé…");
        assert_eq!(megabytes(12_345_678), "12 MB");
    }
}
