//! test.

use std::collections::BTreeMap;
use std::path::Path;

use super::read_only;
use crate::compose::{Laid, LaidFrom};
use crate::engine::TreeEntry;
use crate::lab::command::CommandLine;
use crate::lab::leavings::{in_packages, is_code, is_code_or_program};
use crate::lab::suite::suite;
use crate::lab::{Injection, Lab, blame, written};
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

/// Files of fewer bytes are alike by chance.
const TELLING: u64 = 24;

/// `test.extends-service`.
pub(super) async fn extends_service(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    let (service, test) = (lab.image("service")?, lab.image("test")?);
    let at = (role.target.file.clone(), role.target.line());
    if role.target.is_beside(&lab.role("service")?.target) {
        let stage = lab.role("service")?.target.stage_name();
        return Ok(fail(format!("the stage {} is not made from the stage {stage}", role.target.stage_name()))
            .expected(format!("it starts with `FROM {stage}`"))
            .at(at.0, at.1));
    }
    if !test.layers.starts_with(&service.layers) {
        let shared = test.layers.iter().zip(&service.layers).take_while(|(test, service)| test == service).count();
        return Ok(fail(format!(
            "only the first {shared} of the service's {} layers are the test image's",
            service.layers.len()
        ))
        .expected("the service's layers are the test image's first layers")
        .at(at.0, at.1));
    }
    let Some(injection) = Injection::of(&lab.subject) else {
        return Ok(pass(format!("its first {} layers are the service's", service.layers.len())));
    };
    let places = injection.destinations(&service.config.working_dir);
    let (workdir, image, of_service) = (test.config.working_dir.clone(), test, service);
    let (service, test) = (lab.tree(&service.id).await?, lab.tree(&test.id).await?);
    // What is in the service at a place that the code was copied to; what test adds beside it is its own.
    let artefact: Vec<_> = places.iter().flat_map(|place| service.under(place)).collect();
    let is_same = |path: &str, entry: &TreeEntry| {
        let other = test.files.get(path);
        other.is_some_and(|other| (other.kind, other.sha256, &other.link) == (entry.kind, entry.sha256, &entry.link))
    };
    let changed = artefact.iter().find(|(path, entry)| !is_same(path, entry));
    // What a package manager notes of what it installed is another file for every set of packages.
    let dependencies = service.files.iter().filter(|(path, _)| in_packages(path) && is_code(path));
    let replaced = dependencies.map(|(path, entry)| (path.as_str(), entry)).find(|(path, entry)| !is_same(path, entry));
    let found = match (changed, replaced) {
        (Some((path, _)), _) => Some((*path, "the artefact is byte for byte the service's", None)),
        (None, Some((path, _))) => Some((
            path,
            "the tests run with the production dependencies that ship",
            Some("Install test dependencies beside the production ones, with the lock that those are from."),
        )),
        (None, None) => None,
    };
    if let Some((path, expected, hint)) = found {
        let place = written::by_layer(lab, &role.target, image, path).await;
        let verdict = fail(format!("{path} is not the service's"))
            .expected(expected)
            .at_place(&place.unwrap_or_else(|| role.target.place(role.target.line())));
        return Ok(match hint {
            Some(hint) => verdict.hint(hint),
            None => verdict,
        });
    }
    // The program that the service starts is code, whatever its name.
    let command = CommandLine::of(lab.subject.service(lab.role("service")?), of_service);
    let program = command.words.first().and_then(|word| command.find(&service, word)).map(|found| found.way.end);
    let is_code = |(path, entry): &(&str, &TreeEntry)| {
        let runs = is_code_or_program(path, entry) || program.as_deref() == Some(*path);
        runs && entry.size >= TELLING && !in_packages(path)
    };
    let code: BTreeMap<[u8; 32], &str> =
        artefact.iter().copied().filter(is_code).filter_map(|(path, entry)| Some((entry.sha256?, path))).collect();
    let is_added =
        |path: &String, entry: &TreeEntry| service.files.get(path).is_none_or(|old| old.sha256 != entry.sha256);
    let mut added = test.files.iter().filter(|(path, entry)| is_added(path, entry));
    let twice = added.find_map(|(path, entry)| Some((path, *code.get(&entry.sha256?)?)));
    if let Some((path, original)) = twice {
        let place = match written::by_layer(lab, &role.target, image, path).await {
            Some(place) => Some(place),
            None => blame::copied_to(&role.target, path, &workdir),
        };
        let place = place.unwrap_or_else(|| role.target.place(role.target.line()));
        return Ok(fail(format!("{original} is in the image twice: also as {path}, which the tests may run instead"))
            .expected("the tests see the service image's own code")
            .at_place(&place)
            .hint("Copy only the tests, and let them import the code from where the service has it."));
    }
    let compose = &lab.subject.compose;
    let shared = compose.laid(lab.subject.service(lab.role("service")?));
    let hides = |one: &Laid<'_>| {
        let usual = shared.iter().any(|other| (other.from, &other.target) == (one.from, &one.target));
        !usual && artefact.iter().any(|(path, _)| Path::new(path).starts_with(&one.target))
    };
    if let Some(one) = compose.laid(lab.subject.service(role)).into_iter().find(hides) {
        let source = match one.from {
            LaidFrom::Host(source) => lab.subject.shown(Path::new(source)),
            LaidFrom::Volume(name) => name.unwrap_or("a volume").to_owned(),
            LaidFrom::Memory => "a file system in memory".to_owned(),
            LaidFrom::Text => "a text".to_owned(),
        };
        let source = if source.is_empty() { "the project's folder" } else { &source };
        return Ok(fail(format!("compose.yaml mounts {source} at {}, over the code of the image", one.target))
            .expected("the tests see the service image's own code")
            .at(lab.subject.shown(&one.place.file), one.place.line)
            .hint("Remove the mount from the test service: the code is in the image."));
    }
    Ok(pass(format!("its first layers are the service's, and so are the {} files of the artefact", artefact.len())))
}

/// `test.passes`.
pub(super) async fn passes(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    let place = blame::command(&lab.subject, role);
    let suite = suite(lab).await?;
    Ok(match suite.ending.code() {
        Some(0) => match &suite.skipped_all {
            Some(line) => fail(format!("the suite exited with 0, and ran none of its tests: {line}"))
                .expected("tests that run, and pass")
                .at_place(&place)
                .hint("Give the test role what the tests wait for ([roles.test] env, a service that it depends on), or remove what skips them.")
                .log(suite.log.clone()),
            None => pass(format!("the suite exited with 0{}", last_words(&suite.log))),
        },
        Some(code) => {
            let verdict = fail(format!("the suite exited with {code}"))
                .expected("exit code 0")
                .at_place(&place)
                .log(suite.log.clone());
            read_only::explains(lab.subject.service(role), verdict)
        }
        None => {
            let hint = "Let the test role's command run the tests and end. `timeout` in [verify] says how long it may be quiet.";
            fail(format!("the suite {}", suite.ending.told())).at_place(&place).log(suite.log.clone()).hint(hint)
        }
    })
}

/// A runner's own summary is its last line that says something. Of several that begin alike, as where a project has
/// several suites, the one that counts most.
fn last_words(log: &[String]) -> String {
    let Some(last) = log.iter().rev().find(|line| line.chars().any(char::is_alphanumeric)) else {
        return String::new();
    };
    let begin = |line: &str| line.trim_start().split(|c: char| c.is_ascii_digit()).next().map(str::to_owned);
    let count = |line: &str| {
        let digits = line.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
        digits.and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(0)
    };
    let alike =
        log.iter().filter(|line| begin(line) == begin(last) && begin(last).is_some_and(|text| !text.is_empty()));
    // Of equals the last.
    let most = alike.max_by_key(|line| count(line)).unwrap_or(last);
    format!(": {}", most.trim().trim_matches('=').trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_summaries_the_one_that_counts_most_is_told() {
        let told = |lines: &[&str]| last_words(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let rust = ["test result: ok. 12 passed; 0 failed", "", "test result: ok. 0 passed; 0 failed", ""];
        assert_eq!(told(&rust), ": test result: ok. 12 passed; 0 failed");
        assert_eq!(told(&["a 9", "==== 3 passed in 0.1s ====", "--"]), ": 3 passed in 0.1s");
        assert_eq!(told(&["12 files", "OK"]), ": OK");
        assert_eq!(told(&[]), "");
    }
}
