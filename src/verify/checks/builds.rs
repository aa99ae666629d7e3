//! `scaffold.builds`: every role's image builds.

use crate::lab::Images;
use crate::lab::images::{Failed, is_of_network};
use crate::verify::verdict::{Verdict, fail, pass};

/// `scaffold.builds`.
pub(in crate::verify) fn verdict(images: &Images) -> Verdict {
    match &images.failed {
        None => pass(format!("{} images were built", images.count)),
        Some(first) => failed(first),
    }
}

/// One failure for one defect: the first failing instruction of the Dockerfile.
fn failed(Failed { role, target, failure }: &Failed) -> Verdict {
    let what = match (&failure.instruction, failure.exit_code) {
        (Some(instruction), Some(code)) => format!("{} ended with exit code {code}", first_line(instruction)),
        (Some(instruction), None) => format!("{}: {}", first_line(instruction), plain(&failure.message)),
        (None, _) => plain(&failure.message).to_owned(),
    };
    let verdict = fail(format!("the image of {role} does not build: {what}"))
        .expected(format!("stage {} builds", target.stage_name()))
        .at(target.file.clone(), failure.line.or(Some(target.line())))
        .log(failure.log_tail.clone());
    if is_of_network(failure) { verdict.hint(OF_NETWORK) } else { verdict }
}

const OF_NETWORK: &str =
    "the network failed, twice: check that the engine reaches the host that the log names, and verify again";

/// A message without the builder's own references.
fn plain(message: &str) -> &str {
    let rest = message.split_once("failed to calculate checksum of ref ").and_then(|(_, rest)| rest.split_once(": "));
    rest.map_or(message, |(_, rest)| rest)
}

/// An instruction on one line, without a RUN's flags and without what is too long to read.
fn first_line(text: &str) -> String {
    const LONG: usize = 100;
    let mut words = text.split_whitespace().filter(|word| *word != "\\");
    let name = words.next().unwrap_or_default();
    let rest: Vec<&str> = if name.eq_ignore_ascii_case("run") {
        words.skip_while(|word| word.starts_with("--")).collect()
    } else {
        words.collect()
    };
    let line = format!("{name} {}", rest.join(" "));
    match line.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
