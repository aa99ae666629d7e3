//! `scaffold.builds`: every role's image builds.

use crate::error::Error;
use crate::lab::RoleImages;
use crate::lab::fetched::MissingImage;
use crate::lab::images::{FailedBuild, is_of_network};
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// `scaffold.builds`.
pub(in crate::verify) fn verdict(images: &RoleImages, missing: &[MissingImage]) -> Verdict {
    let of_others = missing.iter().filter_map(|one| one.failed.as_ref());
    let mut failures: Vec<&FailedBuild> = images.failed.iter().chain(of_others).collect();
    // A failure of the project's comes before what nobody can see.
    failures.sort_by_key(|failed| failed.unreached().is_some());
    let failure = failures.first();
    if failure.is_none_or(|failed| failed.unreached().is_some())
        && let Some(absent) = missing.iter().find(|one| one.absent)
    {
        return fail(absent.why.clone())
            .expected("every image that compose.yaml names can be pulled")
            .at_place(&absent.place)
            .hint("Name a tag that the registry has.");
    }
    if let Some(failed) = failure
        && let Some(words) = failed.unreached()
    {
        let target = &failed.target;
        return inconclusive(format!("the image of {} does not build: {}: {words}", failed.role, lacks(failed)))
            .expected(format!("stage {} builds", target.stage_name()))
            .at(target.file.clone(), failed.line())
            .log(failed.failure.log_tail.clone());
    }
    if let Some(first) = failure {
        return failed(first);
    }
    match missing.first() {
        Some(one) => inconclusive(one.why.clone()).at_place(&one.place),
        None => pass(format!("{} images were built", images.count)),
    }
}

fn lacks(failed: &FailedBuild) -> &'static str {
    if failed.is_of_frontend() {
        "the engine cannot get the image that its `# syntax=` line names"
    } else {
        "the engine cannot get its base image"
    }
}

/// The engine's failure, where a registry did not answer for a base image.
pub(in crate::verify) fn fault(images: &RoleImages) -> Option<Error> {
    let failed = images.failed.as_ref()?;
    let words = images.unreached()?;
    let place = failed.target.place(failed.line());
    Some(
        Error::engine(format!("{}: {words}", lacks(failed)))
            .at(place)
            .hint("`docker pull` of that image must work; then verify again"),
    )
}

/// One failure for one defect: the first failing instruction of the Dockerfile.
fn failed(build: &FailedBuild) -> Verdict {
    let FailedBuild { role, target, failure } = build;
    let what = match (&failure.instruction, failure.exit_code) {
        (Some(instruction), Some(code)) => format!("{} exited with {code}", first_line(instruction)),
        (Some(instruction), None) => format!("{}: {}", first_line(instruction), plain(&failure.message)),
        (None, _) => plain(&failure.message).to_owned(),
    };
    let verdict = fail(format!("the image of {role} does not build: {what}"))
        .expected(format!("stage {} builds", target.stage_name()))
        .at(target.file.clone(), build.line())
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
