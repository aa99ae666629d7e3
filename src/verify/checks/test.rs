//! test.

use std::path::Path;

use super::read_only;
use crate::compose::Mount;
use crate::lab::suite::{SUITE, suite};
use crate::lab::{Injection, Lab, blame};
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

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
    let (service, test) = (lab.tree(&service.id).await?, lab.tree(&test.id).await?);
    // What is in the service at a place that the code was copied to; what test adds beside it is its own.
    let artefact: Vec<_> = places.iter().flat_map(|place| service.under(place)).collect();
    for (path, entry) in &artefact {
        let same = test
            .files
            .get(*path)
            .is_some_and(|other| (other.kind, other.sha256, &other.link) == (entry.kind, entry.sha256, &entry.link));
        if !same {
            return Ok(fail(format!("{path} is not the service's"))
                .expected("the artefact is byte for byte the service's")
                .at(at.0, at.1));
        }
    }
    let own = lab.subject.service(role);
    let shared = &lab.subject.service(lab.role("service")?).volumes;
    let hides = |mount: &&Mount| {
        let covers = |path: &&str| Path::new(path).starts_with(&mount.target);
        let usual = shared.iter().any(|other| (&other.source, &other.target) == (&mount.source, &mount.target));
        !usual && artefact.iter().map(|(path, _)| path).any(covers)
    };
    if let Some(mount) = own.volumes.iter().find(hides) {
        let source = mount
            .source
            .as_deref()
            .map_or_else(|| "a volume".to_owned(), |source| lab.subject.shown(Path::new(source)));
        let source = if source.is_empty() { "the project's folder" } else { &source };
        return Ok(fail(format!("compose.yaml mounts {source} at {}, over the code of the image", mount.target))
            .expected("the tests see the service image's own code")
            .at(lab.subject.shown(&mount.place.file), mount.place.line)
            .hint("Remove the mount from the test service: the code is in the image."));
    }
    Ok(pass(format!("its first layers are the service's, and so are the {} files of the artefact", artefact.len())))
}

/// `test.passes`.
pub(super) async fn passes(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    let place = blame::command(&lab.subject, role);
    let suite = suite(lab).await?;
    Ok(match suite.code {
        Some(0) => pass(format!("the suite ended with 0{}", last_words(&suite.log))),
        Some(code) => {
            let verdict = fail(format!("the suite ended with exit code {code}"))
                .expected("exit code 0")
                .at_place(&place)
                .log(suite.log.clone());
            read_only::explains(lab.subject.service(role), verdict)
        }
        None => {
            let what = format!("the suite did not end within {} minutes", SUITE.as_secs() / 60);
            fail(what).at_place(&place).log(suite.log.clone())
        }
    })
}

/// A runner's own summary is its last line that says something.
fn last_words(log: &[String]) -> String {
    let last = log.iter().rev().find(|line| line.chars().any(char::is_alphanumeric));
    last.map_or_else(String::new, |line| format!(": {}", line.trim().trim_matches('=').trim()))
}
