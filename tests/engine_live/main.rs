//! `engine/` on a real engine: that of `DOCKER_HOST`, the docker context or the known sockets. Without one the
//! tests do nothing, but where `CI` is set they fail.
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests write folders and print")]

mod build;
mod container;
#[cfg(unix)]
mod context;
#[cfg(unix)]
mod ignored;
mod image;
mod scope;

use dockwright::engine::{BuildContext, BuildEvent, BuildOutcome, BuildRequest, Engine, EngineRun};

/// The image that every test machine has.
const BASE: &str = "debian:trixie-slim";

/// The engine, or none: then the test has nothing to do.
async fn engine() -> Option<Engine> {
    match Engine::connect().await {
        Ok(engine) => Some(engine),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("CI needs an engine: {error}"),
    }
}

/// Builds what must build, and returns the image's id.
async fn built(run: &EngineRun, context: &BuildContext, dockerfile: &str) -> String {
    let (outcome, events) = build(run, BuildRequest::new("test", context, dockerfile)).await;
    match outcome {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(failure) => panic!("{failure:#?}\n{events:#?}"),
    }
}

async fn build(run: &EngineRun, request: BuildRequest) -> (BuildOutcome, Vec<BuildEvent>) {
    let mut events = Vec::new();
    let outcome = run.build(request, |event| events.push(event)).await.expect("the engine builds");
    (outcome, events)
}

/// Ends a run and says that nothing of it is left.
async fn finish(run: &EngineRun) {
    let swept = run.finish().await.expect("the run is cleaned up");
    assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    let left = run.engine().leftovers(true).await.unwrap();
    let left: Vec<_> = left.into_iter().filter(|leftover| leftover.run == run.id()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A name that no earlier test run has used, so that no cache answers.
fn fresh() -> String {
    use std::hash::{BuildHasher, Hasher};
    format!("{:x}", std::hash::RandomState::new().build_hasher().finish())
}
