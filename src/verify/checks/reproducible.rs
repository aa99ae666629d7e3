//! Whether the build makes the same again: `build.reproducible`, `build.env-agnostic`.

use crate::lab::dated::{Dated, dated};
use crate::lab::rebuild::{Again, Made, names_chance};
use crate::lab::{Lab, blame, rebuild};
use crate::stacks::ecosystem;
use crate::text::Place;
use crate::text::listed;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

const EXPECTED: &str = "the same files, whatever deployment, time zone, locale and host the build sees";

/// `build.reproducible`.
pub(super) async fn reproducible(lab: &Lab) -> Checked {
    let made = rebuild::made(lab).await?;
    // Done under other circumstances it was done later, too.
    let elsewhere = rebuild::elsewhere(lab).await?;
    if elsewhere.0.is_same() {
        return same(lab, &made, &elsewhere.0).await;
    }
    let later = rebuild::later(lab).await?;
    let later = &later.0;
    if later.is_same() {
        return same(lab, &made, later).await;
    }
    if let Some(verdict) = not_built(&made, later) {
        return Ok(verdict);
    }
    let verdict = fail(format!("built again, it differs: {}", listed(&later.changes, 5)));
    let verdict = verdict.expected("the same files from the same source: path, mode, owner and content");
    Ok(verdict.at_place(&making(&made, later, &names_chance)))
}

/// What there is to say of a build that makes the same again, on the same day.
async fn same(lab: &Lab, made: &Made, again: &Again) -> Checked {
    let Some(dated) = dated(lab).await? else {
        return Ok(pass(format!("built again, {} are the same", files(made))));
    };
    let Dated { file, day } = &*dated;
    let place = blame::making(&made.target, std::slice::from_ref(file), &again.text, &names_chance);
    Ok(fail(format!("{} contains the date of the build, {day}, and no source does", file.path))
        .expected("the same files from the same source on any day")
        .at_place(&place))
}

/// `build.env-agnostic`.
pub(super) async fn env_agnostic(lab: &Lab) -> Checked {
    let made = rebuild::made(lab).await?;
    let elsewhere = rebuild::elsewhere(lab).await?;
    let elsewhere = &elsewhere.0;
    if elsewhere.is_same() {
        let usual = pass(format!("{} are the same under {}", files(&made), elsewhere.given));
        let Some(other) = rebuild::on_another_host(lab).await? else { return Ok(usual) };
        let other = &other.0;
        if let Some(verdict) = not_built(&made, other) {
            return Ok(verdict);
        }
        if other.changes.is_empty() {
            return Ok(usual);
        }
        let what = format!("under {} it differs: {}", other.given, listed(&other.changes, 5));
        let holds = if other.leaked.is_some() { "; it contains the build host's name" } else { "" };
        let place = making(&made, other, &names_environment);
        return Ok(fail(format!("{what}{holds}")).expected(EXPECTED).at_place(&place).by_itself());
    }
    let later = rebuild::later(lab).await?;
    let later = &later.0;
    if let Some(verdict) = not_built(&made, later) {
        return Ok(verdict);
    }
    // A day is another one in another time zone.
    if elsewhere.failure.is_none() && dated(lab).await?.is_some() {
        return Ok(inconclusive("what the build makes contains the date of the build"));
    }
    if !later.is_same() {
        return Ok(inconclusive("what the build makes differs from one build to the next, whatever it knows of"));
    }
    let given = &elsewhere.given;
    let verdict = if let Some(failure) = &elsewhere.failure {
        let what = failure.instruction.as_deref().unwrap_or("the build").lines().next().unwrap_or_default();
        let line = failure.line.unwrap_or(made.target.line());
        let verdict = fail(format!("under {given} it does not build: {what}: {}", failure.message));
        verdict.at(made.target.file.clone(), line).log(failure.log_tail.clone()).by_itself()
    } else {
        let of_deployment = rebuild::deployment_in(lab).await?;
        let leaked = of_deployment.as_ref().or(elsewhere.leaked.as_ref());
        let holds = leaked.map_or_else(String::new, |leak| format!("; it contains {}", leak.what));
        let verdict = fail(format!("under {given} it differs: {}{holds}", listed(&elsewhere.changes, 5)));
        let verdict = verdict.at_place(&making(&made, elsewhere, &names_environment));
        if of_deployment.is_some() { verdict.rules_out("build.reproducible") } else { verdict.by_itself() }
    };
    Ok(verdict.expected(EXPECTED))
}

fn files(made: &Made) -> String {
    match made.tree.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

/// What there is to say if the same build failed the second time.
fn not_built(made: &Made, later: &Again) -> Option<Verdict> {
    let failure = later.failure.as_ref()?;
    let given = if later.given.is_empty() { String::new() } else { format!(", under {}", later.given) };
    let verdict = inconclusive(format!("the build stage could not be built a second time{given}: {}", failure.message));
    Some(verdict.at(made.target.file.clone(), failure.line).log(failure.log_tail.clone()))
}

/// What makes the first file that differs.
fn making(made: &Made, again: &Again, tells: &dyn Fn(&str) -> bool) -> Place {
    blame::making(&made.target, &again.changes, &again.text, tells)
}

/// Whether a line says something that depends on where it is run.
fn names_environment(line: &str) -> bool {
    rebuild::names(line, &ecosystem().commands.environment) || line.contains('$')
}
