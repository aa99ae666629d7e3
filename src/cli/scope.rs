//! An engine, a run on it, and the guarantee that nothing of the run is left, however it ends.

use crate::engine::{Engine, Run};
use crate::error::{Error, Kind, Result};

/// Connects, sweeps what killed runs left, does `work` in a run of its own and removes what that made,
/// also when it fails or is interrupted.
pub(super) fn with_run<T>(purpose: &str, work: impl AsyncFnOnce(Run) -> Result<T>) -> Result<T> {
    runtime()?.block_on(async {
        let engine = Engine::connect().await?;
        // Beside the work: what dead runs left is nothing that this one uses.
        let sweep = tokio::spawn({
            let engine = engine.clone();
            async move { engine.sweep().await }
        });
        let run = engine.run(purpose);
        let done = tokio::select! {
            done = work(run.clone()) => done,
            () = interrupted() => Err(Error::new(Kind::Interrupted, "interrupted; dockwright removes what it made on the engine")),
        };
        // A second signal must not stop the clean-up half-way.
        let finished = run.finish().await;
        let swept = sweep.await;
        let value = done?;
        finished?;
        swept.map_err(|error| Error::engine("cannot remove what killed runs left behind").because(error))??;
        Ok(value)
    })
}

/// The runtime of everything that talks to an engine.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Error::new(Kind::Io, "cannot start threads").because(error))
}

/// Waits for Ctrl-C or a request to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
            _ = hangup.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
