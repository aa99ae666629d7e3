//! The project's own tests, run as compose.yaml says.

use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::obstacle::Attempt;

/// How long a suite may run.
pub(crate) const SUITE: Duration = Duration::from_mins(20);

/// How a suite ended.
pub(crate) struct Suite {
    /// The container's exit code; none if it did not end in time.
    pub(crate) code: Option<i64>,
    /// The end of what it printed.
    pub(crate) log: Vec<String>,
}

/// The suite as it is; run once.
pub(crate) async fn suite(lab: &Lab) -> Attempt<Arc<Suite>> {
    lab.fact(async {
        let scene = lab.start(lab.role("test")?, |_| {}).await?;
        let ended = tokio::time::timeout(SUITE, scene.container.wait()).await;
        let log = scene.log().await;
        scene.end().await;
        Attempt::Ok(Suite { code: ended.ok().transpose()?, log })
    })
    .await
}
