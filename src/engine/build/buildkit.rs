//! Builds by `BuildKit`.

use std::time::Duration;

use bollard::models::BuildInfo;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::model::{BuildEvent, BuildRequest, Ended};
use super::request;
use super::trace::Trace;
use crate::engine::connect::Engine;
use crate::engine::context::BuildContext;
use crate::engine::names::nonce;
use crate::engine::run::EngineRun;
use crate::error::{Error, ErrorKind, Result};

/// Builds with `BuildKit`.
pub(super) async fn build(
    run: &EngineRun,
    wanted: &BuildRequest,
    reference: &str,
    events: &mut (impl FnMut(BuildEvent) + Send),
) -> Result<Ended> {
    let what = format!("cannot build {}", wanted.name);
    check_names(&wanted.context)?;
    let session = run.sessions().of(run.engine(), &wanted.context, &wanted.secrets, &wanted.settings.ssh).await?;
    let dockerfile = session.files().add_dockerfile(&wanted.dockerfile);
    let build_id = format!("{}-{}", run.id(), nonce());
    let more =
        [("version", "2"), ("remote", "client-session"), ("session", session.id()), ("buildid", build_id.as_str())];
    let uri = request::query(wanted, reference, &dockerfile, &more);
    let sent_before = session.files().sent();
    let (tell, mut answers) = mpsc::unbounded_channel();
    let going = run.shielded(send(run.engine().clone(), uri, what, build_id, tell));
    let mut trace = Trace::new(only_stage(wanted));
    let hear = async {
        while let Some(answer) = answers.recv().await {
            trace.add(answer, events);
            let sent = session.files().sent() - sent_before;
            trace.context_sent(sent, events);
        }
    };
    tokio::join!(going, hear).0?;
    match (trace.end(), session.files().trouble()) {
        (Ended::Failed(_) | Ended::BrokenOff, Some(trouble)) => Err(trouble),
        (ended, _) => Ok(ended),
    }
}

/// Sends a build and tells its answers. Where nobody hears them any more, the engine is told to end the build, and this
/// ends when that has: what the engine tags at the last moment is the run's to remove.
async fn send(
    engine: Engine,
    uri: String,
    what: String,
    build_id: String,
    tell: mpsc::UnboundedSender<BuildInfo>,
) -> Result<()> {
    let cancel = async {
        tell.closed().await;
        loop {
            // The engine may not know the build yet.
            request::cancel(&engine, &build_id).await;
            tokio::time::sleep(CANCEL_AGAIN).await;
        }
    };
    tokio::pin!(cancel);
    let mut answers = tokio::select! {
        sent = request::send(&engine, uri, None, &what) => sent?,
        () = &mut cancel => return Ok(()),
    };
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            () = &mut cancel => return Ok(()),
        };
        let Some(answer) = answer else { return Ok(()) };
        let _ = tell.send(answer);
    }
}

/// How soon the engine is told again.
const CANCEL_AGAIN: Duration = Duration::from_millis(300);

/// The protocol takes UTF-8 alone.
fn check_names(context: &BuildContext) -> Result<()> {
    let files = context.files()?;
    match files.iter().find(|file| !file.is_utf8()) {
        Some(file) => Err(Error::new(
            ErrorKind::Io,
            format!("the name of {} is not UTF-8, which the engine's builder requires", file.path),
        )
        .hint("rename it, or name it in .dockerignore with a pattern that fits it")),
        None => Ok(()),
    }
}

/// What the stage is called whose name the engine leaves out, as it does where a Dockerfile has one alone.
fn only_stage(wanted: &BuildRequest) -> String {
    let target = wanted.target.as_deref().unwrap_or("0");
    if target.parse::<usize>().is_ok() { format!("stage-{target}") } else { target.to_lowercase() }
}
