//! What happens between a container's stop signal and its end.

use std::time::{Duration, Instant};

use super::http::{self, Answer, Connection, NoAnswer};
use crate::engine::Container;
use crate::error::Result;

/// How long a server may need to close its listener.
const CLOSING: Duration = Duration::from_millis(800);
/// How long after its last answer it may end with an idle connection still open; then that is closed.
const IDLE: Duration = Duration::from_millis(3500);
/// What was seen.
pub(crate) struct Ending {
    /// The answer to the slow request, if one was made.
    pub(crate) slow: Option<Result<Answer, NoAnswer>>,
    /// When, after the signal, the slow answer had come; none if that was before the signal.
    pub(crate) slow_done: Option<Duration>,
    /// When, after the signal, the last new connection was answered, if none was refused after it while the service
    /// still had work to do.
    pub(crate) accepted: Option<Duration>,
    /// The exit code; none if it had to be killed.
    pub(crate) exit_code: Option<i64>,
    /// When, after the signal, it had ended.
    pub(crate) ended: Duration,
    /// When, after the signal, we closed the idle connection; none if the service had closed it, or had ended.
    pub(crate) freed: Option<Duration>,
}

/// Sends a signal, with a request in flight to `slow` if there is one, and watches until the container has ended or `grace`
/// is over, when it is killed.
pub(crate) async fn observe(
    container: &Container,
    host: u16,
    health: &str,
    slow: Option<&str>,
    signal: &str,
    grace: Duration,
) -> Result<Ending> {
    let patience = Duration::from_secs(5);
    let request = match slow {
        Some(path) => Some(in_flight(host, health, path, grace).await),
        None => None,
    };
    // An idle keep-alive connection, as a load balancer holds them.
    let mut idle = Connection::open(host, patience).await.ok();
    if let Some(idle) = &mut idle {
        let _ = idle.get(health, patience).await;
    }
    container.kill(signal).await?;
    let start = Instant::now();
    let answered = async {
        match request {
            Some(request) => {
                let (answer, at) = request.await.unwrap_or_else(|error| (Err(error.to_string()), Instant::now()));
                (Some(answer), at.checked_duration_since(start))
            }
            None => (None, Some(Duration::ZERO)),
        }
    };
    let busy = async {
        let (slow, slow_done) = answered.await;
        tokio::time::sleep(IDLE).await;
        let open = idle.as_ref().is_some_and(|idle| !idle.is_closed());
        drop(idle);
        (slow, slow_done, open.then(|| start.elapsed()))
    };
    let knocks = std::sync::Mutex::new(Vec::new());
    let knocking = async {
        loop {
            let began = start.elapsed();
            let answer = http::get(host, health, Duration::from_secs(2)).await;
            knocks.lock().expect("nobody panics with it").push((began, answer.is_ok()));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = async {
        let code = tokio::time::timeout(grace, container.wait()).await;
        (code, start.elapsed())
    };
    tokio::pin!(busy, knocking, ended);
    let mut done = None;
    let (code, ended) = loop {
        tokio::select! {
            end = &mut ended => break end,
            answer = &mut busy, if done.is_none() => done = Some(answer),
            () = &mut knocking => {}
        }
    };
    let exit_code = match code {
        Ok(code) => Some(code?),
        Err(_) => {
            let _ = container.kill("SIGKILL").await;
            None
        }
    };
    let freed = done.as_ref().and_then(|(.., at)| *at);
    let (slow, slow_done, _) = match done {
        Some(done) => done,
        None => busy.await,
    };
    let accepted = accepting(&knocks.lock().expect("nobody panics with it"), slow_done.unwrap_or_default());
    Ok(Ending { slow, slow_done, accepted, exit_code, ended, freed })
}

/// Sends the slow request and waits until it has surely arrived: on a connection that was answered before, where the
/// server keeps one open, as nothing tells how long a new one waits to be accepted.
async fn in_flight(
    host: u16,
    health: &str,
    path: &str,
    grace: Duration,
) -> tokio::task::JoinHandle<(Result<Answer, NoAnswer>, Instant)> {
    const ARRIVES: Duration = Duration::from_millis(500);
    let within = grace + Duration::from_secs(5);
    if let Ok(mut connection) = Connection::open(host, within).await
        && connection.get(health, within).await.is_ok()
    {
        let path = path.to_owned();
        let request = tokio::spawn(async move { (connection.get(&path, within).await, Instant::now()) });
        tokio::time::sleep(ARRIVES).await;
        // Finished already: the server closes each connection after its answer.
        if !request.is_finished() {
            return request;
        }
    }
    let path = path.to_owned();
    let request = tokio::spawn(async move { (http::get(host, &path, within).await, Instant::now()) });
    tokio::time::sleep(ARRIVES).await;
    request
}

/// When the last new connection was answered, if that is how the service met them until its work was done: one that
/// closes its listener a moment late has refused one before.
fn accepting(knocks: &[(Duration, bool)], busy_until: Duration) -> Option<Duration> {
    let mut while_busy = knocks.iter().filter(|(began, _)| *began > CLOSING && *began <= busy_until.max(CLOSING * 2));
    while_busy.next_back().and_then(|(began, answered)| answered.then_some(*began))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_closes_late_is_told_from_one_that_stays() {
        let knocks = |answered: &[bool]| -> Vec<(Duration, bool)> {
            (1_u32..).map(|index| Duration::from_millis(300) * index).zip(answered.iter().copied()).collect()
        };
        let busy = Duration::from_secs(2);
        assert_eq!(accepting(&knocks(&[true, true, true, false, false, false]), busy), None);
        assert_eq!(accepting(&knocks(&[true; 6]), busy), Some(Duration::from_millis(1800)));
        assert_eq!(accepting(&knocks(&[true, true]), busy), None);
        assert_eq!(accepting(&[], Duration::ZERO), None);
    }
}
