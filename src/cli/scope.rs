//! An engine, a run on it, and the guarantee that nothing of the run is left, however it ends.

use tokio::runtime::Runtime;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::{Engine, Run};
use crate::error::{Error, Kind, Result};

/// What a command that works on an engine runs in. A signal that asks it to end is noticed from the moment this is made:
/// one that comes while files are still read must not kill the process before its report is written.
pub(super) struct Scope {
    runtime: Runtime,
    signals: Signals,
}

impl Scope {
    /// # Errors
    ///
    /// Kind `Io` if threads or signal handlers cannot be set up.
    pub(super) fn new() -> Result<Self> {
        let runtime = runtime()?;
        let signals = {
            let _inside = runtime.enter();
            Signals::caught().map_err(|error| Error::new(Kind::Io, "cannot listen for signals").because(error))?
        };
        Ok(Self { runtime, signals })
    }

    /// Connects, sweeps what killed runs left, does `work` in a run of its own and removes what that made,
    /// also when it fails or is interrupted.
    pub(super) fn with_run<T>(self, purpose: &str, work: impl AsyncFnOnce(Run) -> Result<T>) -> Result<T> {
        let Self { runtime, mut signals } = self;
        runtime.block_on(async {
            let engine = tokio::select! {
                // First, as a signal may have come before this.
                biased;
                () = signals.next() => return Err(interrupted()),
                engine = Engine::connect() => engine?,
            };
            // Beside the work: what dead runs left is nothing that this one uses.
            let sweep = tokio::spawn({
                let engine = engine.clone();
                async move { engine.sweep().await }
            });
            let run = engine.run(purpose);
            let done = tokio::select! {
                done = work(run.clone()) => done,
                () = signals.next() => Err(interrupted()),
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
}

/// The runtime of everything that talks to an engine.
pub(super) fn runtime() -> Result<Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Error::new(Kind::Io, "cannot start threads").because(error))
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted; dockwright removes what it made on the engine")
}

/// Ctrl-C, a request to end, and a terminal that is closed; each is kept until it is asked for.
#[cfg(unix)]
struct Signals([Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn caught() -> std::io::Result<Self> {
        let [interrupt, terminate, hangup] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ok(Self([signal(interrupt)?, signal(terminate)?, signal(hangup)?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn caught() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
