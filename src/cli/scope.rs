//! An engine, a run on it, and the guarantee that nothing of the run is left, however it ends.

use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, EngineRun};
use crate::error::{Error, ErrorKind, Result};

/// The main thread's usual stack, for what is done beside it.
const STACK: usize = 8 << 20;

/// Work that is waiting for something ends at once when it is told to; so long is waited for what computes.
const GRACE: Duration = Duration::from_secs(2);

/// An engine that answers nothing for so long hangs: while there is work to do, and when somebody wants to go.
const SILENT: Duration = Duration::from_mins(1);
const SILENT_AT_THE_END: Duration = Duration::from_secs(3);

/// What a command that works on an engine runs in. A signal that asks it to end is noticed from the moment this is made,
/// whatever is being done: the work has threads of its own.
pub(super) struct EngineScope {
    runtime: Runtime,
    signals: Signals,
}

impl EngineScope {
    /// # Errors
    ///
    /// Kind `Io` if threads or signal handlers cannot be set up.
    pub(super) fn new() -> Result<Self> {
        let runtime = runtime()?;
        let signals = {
            let _inside = runtime.enter();
            Signals::caught().map_err(|error| Error::new(ErrorKind::Io, "cannot listen for signals").because(error))?
        };
        Ok(Self { runtime, signals })
    }

    /// Does what needs no engine.
    pub(super) fn compute<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { runtime, signals } = self;
        let done = beside(work)?;
        runtime.block_on(async {
            tokio::select! {
                // First, as a signal may have come before this.
                biased;
                () = signals.next() => Err(Error::new(ErrorKind::Interrupted, "interrupted before anything was made on an engine")),
                done = done => done.unwrap_or_else(|_| Err(panicked())),
            }
        })
    }

    /// Connects, sweeps what killed runs left, does `work` in a run of its own and removes what that made,
    /// also when it fails or is interrupted.
    pub(super) fn with_run<T: Send + 'static>(
        self,
        purpose: &str,
        work: impl AsyncFnOnce(EngineRun) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { runtime, mut signals } = self;
        let done = runtime.block_on(async {
            let engine = tokio::select! {
                biased;
                () = signals.next() => return Err(Error::new(ErrorKind::Interrupted, "interrupted before anything was made on an engine")),
                engine = Engine::connect() => engine?,
            };
            // Beside the work: what dead runs left is nothing that this one uses.
            let sweep = tokio::spawn({
                let engine = engine.clone();
                async move { engine.sweep().await }
            });
            let run = engine.run(purpose);
            let stop = CancellationToken::new();
            let mut worker = beside({
                let (run, stop, handle) = (run.clone(), stop.clone(), Handle::current());
                move || {
                    handle.block_on(async {
                        tokio::select! {
                            biased;
                            () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
                            done = work(run) => done,
                        }
                    })
                }
            })?;
            let mut ended = false;
            let done = tokio::select! {
                done = &mut worker => {
                    ended = true;
                    done.unwrap_or_else(|_| Err(panicked()))
                }
                () = signals.next() => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
                () = silence(&engine, SILENT) => Err(hangs(SILENT)),
            };
            if !ended {
                stop.cancel();
                // What it holds goes with it; a second signal must not stop the clean-up half-way.
                let _ = tokio::time::timeout(GRACE, worker).await;
            }
            let patience = if done.is_ok() { SILENT } else { SILENT_AT_THE_END };
            let finished = tokio::select! {
                finished = run.finish() => finished,
                () = silence(&engine, patience) => Err(hangs(patience)),
            };
            let value = match done {
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(interrupted(finished)),
                done => done?,
            };
            finished?;
            let swept = tokio::select! {
                swept = sweep => swept,
                () = silence(&engine, SILENT) => return Err(hangs(SILENT)),
            };
            swept.map_err(|error| Error::engine("cannot remove what killed runs left behind").because(error))??;
            Ok(value)
        });
        // Threads that still compute end with the process.
        runtime.shutdown_background();
        done
    }
}

/// The runtime of everything that talks to an engine.
pub(super) fn runtime() -> Result<Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Error::new(ErrorKind::Io, "cannot start threads").because(error))
}

/// Does the work, unless the engine hangs meanwhile.
pub(super) async fn while_it_answers<T>(engine: &Engine, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        () = silence(engine, SILENT) => Err(hangs(SILENT)),
    }
}

/// Does work on a thread of its own. It must not wait for this one: whoever waits for the work can go away.
fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<oneshot::Receiver<Result<T>>> {
    let (send, receive) = oneshot::channel();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        // Nobody may wait for it any more.
        let _ = send.send(work());
    });
    thread.map(|_| receive).map_err(|error| Error::new(ErrorKind::Io, "cannot start threads").because(error))
}

/// Ends when the engine says nothing to a greeting for so long. One that refuses is not silent.
async fn silence(engine: &Engine, patience: Duration) {
    while tokio::time::timeout(patience, engine.ping()).await.is_ok() {
        tokio::time::sleep(patience / 4).await;
    }
}

fn hangs(patience: Duration) -> Error {
    Error::engine(format!("the engine has not answered for {} s", patience.as_secs()))
        .hint("restart the engine; then `dockwright clean` removes what is left on it")
}

fn panicked() -> Error {
    Error::new(ErrorKind::Io, "dockwright stopped because of a defect of its own, which is described above")
}

/// What is said of an interruption depends on what became of the clean-up.
fn interrupted(finished: Result<crate::engine::Swept>) -> Error {
    match finished {
        Ok(swept) if swept.failed.is_empty() => {
            Error::new(ErrorKind::Interrupted, "interrupted; what dockwright made on the engine is removed")
        }
        Ok(swept) => {
            let why = swept.failed.iter().map(|(what, why)| format!("{}: {why}", what.name)).collect();
            Error::new(ErrorKind::Interrupted, "interrupted; some of what dockwright made on the engine is still there")
                .because_all(why)
                .hint("`dockwright clean` removes it")
        }
        Err(error) => {
            Error::new(ErrorKind::Interrupted, "interrupted; what dockwright made on the engine is still there")
                .because_all(std::iter::once(error.message().to_owned()).chain(error.causes()).collect())
                .hint("once the engine answers, `dockwright clean` removes it")
        }
    }
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
