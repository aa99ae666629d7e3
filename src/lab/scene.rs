//! Containers while they run.

use std::sync::Arc;
use std::time::Duration;

use super::http::{self, Answer, NoAnswer};
use super::obstacle::{Attempt, Reason};
use super::workcopy::WorkCopy;
use crate::engine::{Container, Network};

/// So many lines of a log are looked at for what went wrong.
pub(super) const LINES: usize = 2000;

/// Containers started together: a role's and those that it depends on.
pub(crate) struct Scene {
    pub(crate) container: Container,
    pub(super) around: Around,
    pub(crate) copy: Arc<WorkCopy>,
}

/// What a container needs to be there.
#[derive(Default)]
pub(super) struct Around {
    /// The containers that it depends on, in the order of their start.
    pub(super) others: Vec<(String, Container)>,
    pub(super) networks: Vec<Network>,
}

impl Around {
    /// Removes it; what is left is removed with the run.
    pub(super) async fn remove(&self) {
        for (_, container) in &self.others {
            let _ = container.remove().await;
        }
        // An engine has room for some thirty only.
        for network in &self.networks {
            let _ = network.remove().await;
        }
    }
}

impl Scene {
    /// The containers that it depends on, in the order of their start.
    pub(crate) fn others(&self) -> &[(String, Container)] {
        &self.around.others
    }

    /// The host's port for a port of the container, or what there is to say if it is not running.
    pub(crate) async fn host_port(&self, port: u16) -> Attempt<u16> {
        let state = self.container.inspect().await?;
        match state.host_port(port) {
            Some(host) => Ok(host),
            None if state.running => Err(Reason::new(format!("port {port} could not be published")).unseen()),
            None => {
                let why = format!("the container exited with {}", state.exit_code);
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
            code = ended => Err(format!("the container exited with {code}")),
        }
    }

    /// The end of the container's log.
    pub(crate) async fn log(&self) -> Vec<String> {
        self.container.logs(Some(LINES)).await.unwrap_or_default()
    }

    /// Ends it.
    pub(crate) async fn end(self) {
        self.remove().await;
    }

    /// Removes the containers and their networks; what is left is removed with the run.
    pub(super) async fn remove(&self) {
        let _ = self.container.remove().await;
        self.around.remove().await;
    }
}
