//! Whether the build makes the same again: `build.reproducible`, `build.env-agnostic`.

use crate::stacks::ecosystem;
use crate::verify::artefact::{self, Again, Made, names_chance};
use crate::verify::bench::{Bench, Checked};
use crate::verify::outcome::{Verdict, fail, inconclusive, pass, skipped};

const EXPECTED: &str = "the same files, whatever deployment, time zone, locale and host the build knows of";

/// `build.reproducible`.
pub(super) async fn reproducible(bench: &Bench) -> Checked {
    let made = artefact::made(bench).await?;
    // Done under other circumstances it was done later, too.
    if artefact::elsewhere(bench).await?.is_same() {
        return Ok(pass(format!("built again, {} are the same", files(made))));
    }
    let later = artefact::later(bench).await?;
    if later.is_same() {
        return Ok(pass(format!("built again, {} are the same", files(made))));
    }
    if let Some(verdict) = not_built(made, later) {
        return Ok(verdict);
    }
    let verdict = fail(format!("built again, it differs: {}", shown(&later.differences)));
    let verdict = verdict.expected("the same files from the same source: path, mode, owner and content");
    Ok(verdict.at(made.target.file.clone(), making_line(made, later, &names_chance)))
}

/// `build.env-agnostic`.
pub(super) async fn env_agnostic(bench: &Bench) -> Checked {
    let made = artefact::made(bench).await?;
    let elsewhere = artefact::elsewhere(bench).await?;
    if elsewhere.is_same() {
        let usual = pass(format!("{} are the same under {}", files(made), elsewhere.given));
        let Some(other) = artefact::on_another_host(bench).await? else { return Ok(usual) };
        if let Some(verdict) = not_built(made, other) {
            return Ok(verdict);
        }
        if other.differences.is_empty() {
            return Ok(usual);
        }
        let what = format!("under {} it differs: {}", other.given, shown(&other.differences));
        let holds = if other.leaked.is_some() { "; the build host's name is in it" } else { "" };
        return Ok(fail(format!("{what}{holds}"))
            .expected(EXPECTED)
            .at(made.target.file.clone(), making_line(made, other, &names_environment)));
    }
    let later = artefact::later(bench).await?;
    if let Some(verdict) = not_built(made, later) {
        return Ok(verdict);
    }
    if !later.is_same() {
        return Ok(skipped(
            "build.reproducible does not hold: what the build makes differs from one build to the next",
        ));
    }
    let given = &elsewhere.given;
    let verdict = if let Some(failure) = &elsewhere.failure {
        let what = failure.instruction.as_deref().unwrap_or("the build").lines().next().unwrap_or_default();
        let line = failure.line.unwrap_or(made.target.line());
        let verdict = fail(format!("under {given} it does not build: {what}: {}", failure.message));
        verdict.at(made.target.file.clone(), line).log(failure.log_tail.clone())
    } else {
        if let Some(leak) = artefact::deployment_in(bench).await? {
            return Ok(skipped(format!(
                "{} is in what the build makes, which service.no-deployment-env tells",
                leak.what
            )));
        }
        let leaked = elsewhere.leaked.as_ref().filter(|leak| !leak.of_deployment);
        let holds = leaked.map_or_else(String::new, |leak| format!("; {} is in it", leak.what));
        let verdict = fail(format!("under {given} it differs: {}{holds}", shown(&elsewhere.differences)));
        verdict.at(made.target.file.clone(), making_line(made, elsewhere, &names_environment))
    };
    Ok(verdict.expected(EXPECTED))
}

fn files(made: &Made) -> String {
    match made.tree.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

fn shown(differences: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = differences.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("{}{more}", differences.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
}

/// What there is to say if the same build failed the second time.
fn not_built(made: &Made, later: &Again) -> Option<Verdict> {
    let failure = later.failure.as_ref()?;
    let given = if later.given.is_empty() { String::new() } else { format!(", under {}", later.given) };
    let verdict = inconclusive(format!("the build stage could not be built a second time{given}: {}", failure.message));
    Some(verdict.at(made.target.file.clone(), failure.line).log(failure.log_tail.clone()))
}

/// The line that makes a file that differs: it names the file, or it says what makes it differ; else the first RUN that has
/// the source.
fn making_line(made: &Made, again: &Again, tells: &dyn Fn(&str) -> bool) -> usize {
    let dockerfile = &made.target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let text = |line: &usize| lines.get(line - 1).copied().unwrap_or_default();
    let chain = dockerfile.chain(made.target.stage);
    let instructions = chain
        .iter()
        .rev()
        .map(|(_, one)| one)
        .filter(|one| matches!(one.kind, crate::dockerfile::Kind::Run(_)) || again.text.runs.contains(&one.line));
    let all: Vec<usize> = instructions.flat_map(|one| one.line..=one.end_line).collect();
    let path = again.differences.first().and_then(|difference| difference.split(' ').next()).unwrap_or_default();
    let name = path.rsplit('/').next().filter(|name| name.len() > 3);
    let naming = name.and_then(|name| all.iter().find(|line| text(line).contains(name) && tells(text(line))));
    let telling = || all.iter().find(|line| tells(text(line)));
    let named = || name.and_then(|name| all.iter().find(|line| text(line).contains(name)));
    let found = naming.or_else(telling).or_else(named).or(again.text.runs.first());
    found.copied().unwrap_or(made.target.line())
}

/// Whether a line says something that depends on where it is run.
fn names_environment(line: &str) -> bool {
    artefact::names(line, &ecosystem().commands.environment) || line.contains('$')
}
