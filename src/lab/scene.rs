//! Containers while they run.

use std::sync::Arc;
use std::time::Duration;

use super::http::{self, Answer, NoAnswer};
use super::obstacle::{Attempt, Reason};
use super::workcopy::WorkCopy;
use crate::engine::Container;

/// Containers started together: a role's and those that it depends on.
pub(crate) struct Scene {
    pub(crate) container: Container,
    /// The containers that it depends on, in the order of their start.
    pub(crate) others: Vec<(String, Container)>,
    pub(crate) copy: Arc<WorkCopy>,
}

impl Scene {
    /// The host's port for a port of the container, or what there is to say if it is not running.
    pub(crate) async fn host_port(&self, port: u16) -> Attempt<u16> {
        let state = self.container.inspect().await?;
        match state.host_port(port) {
            Some(host) => Ok(host),
            None if state.running => Err(Reason::new(format!("port {port} could not be published")).unseen()),
            None => {
                let why = format!("the container ended with exit code {}", state.exit_code);
                Err(Reason::new(why).log(self.log().await).refused())
            }
        }
    }

    /// Asks until an answer satisfies `wanted`, no longer than `within` and no longer than the container runs; the
    /// error is the last thing seen.
    pub(crate) async fn answer(
        &self,
        port: u16,
        path: &str,
        within: Duration,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Result<(Answer, Duration), NoAnswer> {
        let ended = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                match self.container.inspect().await {
                    Ok(state) if !state.running => return state.exit_code,
                    _ => {}
                }
            }
        };
        tokio::select! {
            answer = http::wait_for(port, path, within, wanted) => {
                answer.map_err(|last| format!("after {} s still {last}", within.as_secs()))
            }
            code = ended => Err(format!("the container ended with exit code {code}")),
        }
    }

    /// The end of the container's log.
    pub(crate) async fn log(&self) -> Vec<String> {
        self.container.logs(Some(30)).await.unwrap_or_default()
    }

    /// Ends it.
    pub(crate) async fn end(self) {
        self.remove().await;
    }

    /// Removes the containers; what is left is removed with the run.
    pub(super) async fn remove(&self) {
        for container in [&self.container].into_iter().chain(self.others.iter().map(|(_, container)| container)) {
            let _ = container.remove().await;
        }
    }
}
