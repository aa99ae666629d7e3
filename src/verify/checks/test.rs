//! test.

use std::time::Duration;

use super::read_only;
use crate::verify::bench::{Bench, Checked, Suite};
use crate::verify::inject::Injection;
use crate::verify::outcome::{fail, pass};

/// How long a suite may run.
pub(super) const SUITE: Duration = Duration::from_mins(20);

/// `test.extends-service`.
pub(super) async fn extends_service(bench: &Bench) -> Checked {
    let role = bench.role("test")?;
    let (service, test) = (bench.image("service")?, bench.image("test")?);
    let at = (role.target.file.clone(), role.target.line());
    if role.target.is_beside(&bench.role("service")?.target) {
        let stage = bench.role("service")?.target.stage_name();
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
    let Some(injection) = Injection::of(&bench.subject) else {
        return Ok(pass(format!("its first {} layers are the service's", service.layers.len())));
    };
    let places = injection.destinations(&service.config.working_dir);
    let (service, test) = (bench.tree(&service.id).await?, bench.tree(&test.id).await?);
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
    Ok(pass(format!("its first layers are the service's, and so are the {} files of the artefact", artefact.len())))
}

/// How the suite ended; none if it did not in time. Run once for all checks.
pub(super) async fn suite(bench: &Bench) -> Checked<Option<&Suite>> {
    let suite = bench.suite.get_or_try_init(|| async {
        let scene = bench.start(bench.role("test")?, |_| {}).await?;
        let ended = tokio::time::timeout(SUITE, scene.container.wait()).await;
        let log = scene.log().await;
        scene.end().await;
        Checked::Ok(match ended {
            Ok(code) => Ok(Suite { code: code?, log }),
            Err(_) => Err(log),
        })
    });
    Ok(suite.await?.as_ref().ok())
}

/// `test.passes`.
pub(super) async fn passes(bench: &Bench) -> Checked {
    let role = bench.role("test")?;
    let at = (role.target.file.clone(), role.target.line());
    Ok(match suite(bench).await? {
        Some(suite) if suite.code == 0 => pass(format!("the suite ended with 0{}", last_words(&suite.log))),
        Some(suite) => {
            let verdict = fail(format!("the suite ended with exit code {}", suite.code))
                .expected("exit code 0")
                .at(at.0, at.1)
                .log(suite.log.clone());
            read_only::cause(bench, bench.subject.service(role)).await?.unwrap_or(verdict)
        }
        None => {
            let log = bench.suite.get().and_then(|suite| suite.as_ref().err()).cloned().unwrap_or_default();
            fail(format!("the suite did not end within {} minutes", SUITE.as_secs() / 60)).at(at.0, at.1).log(log)
        }
    })
}

/// A runner's own summary is its last line that says something.
fn last_words(log: &[String]) -> String {
    let last = log.iter().rev().find(|line| line.chars().any(char::is_alphanumeric));
    last.map_or_else(String::new, |line| format!(": {}", line.trim().trim_matches('=').trim()))
}
