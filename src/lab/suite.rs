//! The project's own tests, run as compose.yaml says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::obstacle::Attempt;
use super::pace::Watch;
use super::proc::{Environ, environs_during};
use super::scene::LINES;
use super::summary;
use crate::engine::Container;
use crate::error::Result;

/// How long a suite may run.
const LONGEST: Duration = Duration::from_mins(20);

/// How long a suite may do nothing where dockwright.toml does not say how long containers are waited for.
const QUIET: Duration = Duration::from_mins(2);

/// The share of a processor that is nothing, in percent: what waits for requests, or looks at its files, takes as much.
const NOTHING: u32 = 5;

/// How often a suite is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// How a suite ended.
pub(crate) struct Suite {
    pub(crate) ending: SuiteEnding,
    /// The end of what it printed.
    pub(crate) log: Vec<String>,
    /// The line by which it skipped all of its tests, if a runner printed one.
    pub(crate) skipped_all: Option<String>,
    /// The variables that its program had; none where that cannot be seen.
    pub(crate) environs: Option<BTreeSet<Environ>>,
}

/// Whether a suite ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuiteEnding {
    /// With an exit code.
    Code(i64),
    /// It neither printed nor computed for so long.
    Quiet(Duration),
    /// It still ran after so long.
    Long(Duration),
}

impl SuiteEnding {
    /// The exit code of one that ended by itself.
    pub(crate) fn code(self) -> Option<i64> {
        match self {
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// What happened, as what the suite did.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Code(code) => format!("exited with {code}"),
            Self::Quiet(time) => {
                format!(
                    "did not finish: for {} s it neither printed a line nor computed, as a server does",
                    time.as_secs()
                )
            }
            Self::Long(time) => format!("did not finish within {} minutes", time.as_secs() / 60),
        }
    }
}

/// The suite as it is; run once.
pub(crate) async fn suite(lab: &Lab) -> Attempt<Arc<Suite>> {
    lab.fact(async {
        let scene = lab.start(lab.role("test")?, |_| {}).await?;
        let (ending, environs) = environs_during(lab, &scene.container, ended(lab, &scene.container)).await?;
        let mut log = scene.container.logs(None).await.unwrap_or_default();
        // Of several suites the first may have ended long before the end of the log.
        let skipped_all = summary::of_none(&log);
        log.drain(..log.len().saturating_sub(LINES));
        scene.end().await;
        Attempt::Ok(Suite { ending: ending?, log, skipped_all, environs })
    })
    .await
}

/// Waits for the end of a suite: as long as it works, but no longer than that.
pub(crate) async fn ended(lab: &Lab, container: &Container) -> Result<SuiteEnding> {
    let quiet = lab.subject.project.verify.timeout.unwrap_or(QUIET);
    let begun = Watch::start();
    let end = container.wait();
    tokio::pin!(end);
    let (mut since, mut spent, mut said) = (Watch::start(), Duration::ZERO, Vec::new());
    loop {
        if let Ok(code) = tokio::time::timeout(PAUSE, &mut end).await {
            return Ok(SuiteEnding::Code(code?));
        }
        if begun.elapsed() > LONGEST {
            return Ok(SuiteEnding::Long(LONGEST));
        }
        let lines = container.logs(Some(3)).await?;
        // An engine that does not count it says nothing of its work, either.
        let Some(time) = container.processor_time().await? else { continue };
        if lines != said || time.saturating_sub(spent) * 100 > since.elapsed().max(PAUSE) * NOTHING {
            (since, spent, said) = (Watch::start(), time, lines);
        } else if since.elapsed() > quiet {
            return Ok(SuiteEnding::Quiet(quiet));
        }
    }
}
