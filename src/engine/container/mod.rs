//! A container: its life, its processes, its output, its files.

mod exec;
mod files;
mod state;

use std::time::Duration;

use bollard::query_parameters::{
    KillContainerOptions, RemoveContainerOptions, RestartContainerOptions, StatsOptions, StopContainerOptions,
    TopOptions, WaitContainerOptions,
};
use futures_util::StreamExt;

use super::connect::Engine;
use super::failure::{failed, is_missing};
pub use super::tarball::ByteStream;
use crate::error::{Error, Result};
pub use exec::ExecResult;
pub(super) use files::stream_failed;
pub use files::{PathStat, TarEdit};
pub use state::{ContainerState, Health, HealthProbe, HealthStatus, HostPort, Status};

/// A container on the engine; cheap to clone. Dropping it leaves the container as it is.
#[derive(Debug, Clone)]
pub struct Container {
    engine: Engine,
    id: String,
    name: String,
}

/// A process inside a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id as the engine's host counts.
    pub pid: i64,
    /// Its parent's id.
    pub ppid: i64,
    /// Its user's number on the engine's host; none if the host's `ps` tells only a name.
    pub uid: Option<u32>,
    /// Its user as `ps` tells it.
    pub user: String,
    /// When it began, in seconds before the call; none where it cannot be told.
    pub age: Option<u64>,
    /// Its command line.
    pub command: String,
}

impl Container {
    pub(super) fn new(engine: Engine, id: String, name: String) -> Self {
        Self { engine, id, name }
    }

    /// The engine's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name on the engine, which is also its host name on the run's networks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn what(&self, doing: &str) -> String {
        format!("cannot {doing} container {}", self.name)
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the engine cannot, as for a command that is not in the image.
    pub async fn start(&self) -> Result<()> {
        let started = self.engine.docker().start_container(&self.id, None).await;
        started.map_err(|error| failed(self.what("start"), error))
    }

    /// Sends its stop signal and, when it has not ended within `grace` (rounded up to seconds; none for its
    /// own stop timeout), kills it. Returns when it has ended.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn stop(&self, grace: Option<Duration>) -> Result<()> {
        let t = grace.map(|grace| i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX));
        let stopped =
            self.engine.docker().stop_container(&self.id, Some(StopContainerOptions { t, signal: None })).await;
        stopped.map_err(|error| failed(self.what("stop"), error))
    }

    /// Sends a signal, as `SIGTERM`, and returns at once.
    ///
    /// # Errors
    /// When the engine refuses, as for a container that does not run.
    pub async fn kill(&self, signal: &str) -> Result<()> {
        let killed =
            self.engine.docker().kill_container(&self.id, Some(KillContainerOptions { signal: signal.into() })).await;
        killed.map_err(|error| failed(format!("{} with {signal}", self.what("signal")), error))
    }

    /// Stops and starts it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn restart(&self, grace: Option<Duration>) -> Result<()> {
        let t = grace.map(|grace| i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX));
        let options = RestartContainerOptions { t, signal: None };
        let restarted = self.engine.docker().restart_container(&self.id, Some(options)).await;
        restarted.map_err(|error| failed(self.what("restart"), error))
    }

    /// Freezes all its processes.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn pause(&self) -> Result<()> {
        self.engine.docker().pause_container(&self.id).await.map_err(|error| failed(self.what("pause"), error))
    }

    /// Thaws its processes.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn unpause(&self) -> Result<()> {
        self.engine.docker().unpause_container(&self.id).await.map_err(|error| failed(self.what("unpause"), error))
    }

    /// Waits until it does not run, and returns its exit code; without an end if it runs for ever.
    ///
    /// # Errors
    /// When the engine refuses, or the container is removed meanwhile.
    pub async fn wait(&self) -> Result<i64> {
        let options = WaitContainerOptions { condition: "not-running".into() };
        let mut answers = self.engine.docker().wait_container(&self.id, Some(options));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            // bollard takes every non-zero exit for an error; the engine's own errors come with a text.
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, error })) if error.is_empty() => Ok(code),
            Some(Err(error)) => Err(failed(self.what("wait for"), error)),
            None => Err(Error::engine(format!("{}: the engine gave no answer", self.what("wait for")))),
        }
    }

    /// The processor time that its processes have used since it started; none where the engine does not count it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn processor_time(&self) -> Result<Option<Duration>> {
        let options = StatsOptions { stream: false, one_shot: true };
        let mut answers = self.engine.docker().stats(&self.id, Some(options));
        let Some(answer) = answers.next().await else { return Ok(None) };
        let answer = answer.map_err(|error| failed(self.what("ask for the processor time of"), error))?;
        let nanoseconds = answer.cpu_stats.and_then(|stats| stats.cpu_usage).and_then(|usage| usage.total_usage);
        Ok(nanoseconds.filter(|time| *time > 0).map(Duration::from_nanos))
    }

    /// The processes inside, as the engine's host sees them.
    ///
    /// # Errors
    /// When it does not run, or the engine's host has no `ps`.
    pub async fn top(&self) -> Result<Vec<Process>> {
        // Numeric users: names would be looked up in the host's passwd, not in the image's.
        let ask = async |arguments: &str| {
            self.engine.docker().top_processes(&self.id, Some(TopOptions { ps_args: arguments.into() })).await
        };
        let answer = match ask("-eo pid,ppid,uid,etimes,args").await {
            // Podman has names of its own for the columns.
            Err(_) if self.engine.info().product == super::Product::Podman => ask("pid,ppid,huser,etime,args").await,
            answer => answer,
        };
        let answer = answer.map_err(|error| failed(self.what("list the processes of"), error))?;
        Ok(state::processes(&answer.titles.unwrap_or_default(), answer.processes.unwrap_or_default()))
    }

    /// Removes it with its own volumes, running or not; nothing if it is gone already.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn remove(&self) -> Result<()> {
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        match self.engine.docker().remove_container(&self.id, Some(options)).await {
            Err(error) if !is_missing(&error) => Err(failed(self.what("remove"), error)),
            _ => Ok(()),
        }
    }
}
