//! What happens between a container's stop signal and its end.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::halves::{Halves, HalvesSeen};
use super::http::{self, Answer, Connection, NoAnswer};
use super::pace::{self, Watch};
use crate::engine::Container;
use crate::error::Result;

/// How long a server may need to close its listener.
const CLOSING: Duration = Duration::from_millis(800);
/// How long after its last answer it may end with an idle connection still open; then that is closed.
const IDLE: Duration = Duration::from_millis(3500);
/// How long after the signal the second half of a request is sent.
const SECOND_HALF: Duration = Duration::from_millis(400);
/// How long a request may need to arrive.
const ARRIVES: Duration = Duration::from_millis(500);

/// A path that takes its time to answer.
#[derive(Clone, Copy)]
pub(crate) struct SlowPath<'a> {
    pub(crate) path: &'a str,
    /// How long it took when nothing disturbed it, by the clock; none if that is not known.
    pub(crate) took: Option<Duration>,
    /// How many of three requests are answered side by side.
    pub(crate) at_once: usize,
}

impl SlowPath<'_> {
    /// How long its request is given to arrive: longer on a busy machine, but the answer must not be there before.
    fn arrives(self) -> Duration {
        pace::stretched(ARRIVES).min(self.took.unwrap_or_default() / 2).max(ARRIVES)
    }
}

/// What was seen.
pub(crate) struct SeenEnding {
    /// The answer to the slow request, if one was made.
    pub(crate) slow: Option<Result<Answer, NoAnswer>>,
    /// The answer to a second one, which began a little later, where several are answered side by side.
    pub(crate) second: Option<Result<Answer, NoAnswer>>,
    /// What became of the requests that were sent in halves, if there is no slow one.
    pub(crate) halves: Option<HalvesSeen>,
    /// When, after the signal, the slow answers had come; none if that was before the signal.
    pub(crate) slow_done: Option<Duration>,
    /// When, after the signal, the last new connection was answered, if none was refused after it while the service
    /// still had work to do.
    pub(crate) accepted: Option<Duration>,
    /// The same, all by the clock: on a busy machine a listener that stays open for some seconds may be a slow one.
    pub(crate) accepted_by_clock: Option<Duration>,
    /// The exit code; none if it had to be killed.
    pub(crate) exit_code: Option<i64>,
    /// When, after the signal, it had ended, on a watch.
    pub(crate) ended: Duration,
    /// The same by the clock, which is what an engine goes by.
    pub(crate) by_clock: Duration,
    /// When, after the signal, we closed the idle connection; none if the service had closed it, or had ended.
    pub(crate) freed: Option<Duration>,
}

/// Sends a signal, with a request in flight to `slow` if there is one, else with requests of which only a half has been sent,
/// and watches until the container has ended or `grace`
/// is over, when it is killed.
pub(crate) async fn observe(
    container: &Container,
    host: u16,
    health: &str,
    slow: Option<SlowPath<'_>>,
    signal: &str,
    grace: Duration,
) -> Result<SeenEnding> {
    let patience = Duration::from_secs(5);
    let (request, second) = match slow {
        Some(slow) => {
            let (request, second) = in_flight(host, health, slow, grace).await;
            (Some(request), second)
        }
        None => (None, None),
    };
    let halves = if slow.is_some() { None } else { Some(Halves::begin(host, health).await) };
    // An idle keep-alive connection, as a load balancer holds them.
    // One that answers a single request at a time would only meet it after the slow one.
    let mut idle = match slow {
        Some(slow) if slow.at_once < 2 => None,
        _ => Connection::open(host, patience).await.ok(),
    };
    if let Some(idle) = &mut idle {
        let _ = idle.get(health, patience).await;
    }
    container.kill(signal).await?;
    let (signalled, start) = (Instant::now(), Watch::start());
    let answered = async {
        match request {
            Some(request) => {
                let (answer, at) = request.await.unwrap_or_else(|error| (Err(error.to_string()), Instant::now()));
                let second = match second {
                    Some(second) => Some(second.await.unwrap_or_else(|error| Err(error.to_string()))),
                    None => None,
                };
                ((Some(answer), second), (at >= signalled).then(|| Moment::since(&start, signalled)))
            }
            None => ((None, None), Some(Moment::default())),
        }
    };
    let halved = async {
        let halves = halves?;
        pace::pause(SECOND_HALF).await;
        Some(halves.end(grace).await)
    };
    let busy = async {
        let ((slow, slow_done), halves) = tokio::join!(answered, halved);
        let slow_done = slow_done.map(|done| if halves.is_some() { Moment::since(&start, signalled) } else { done });
        // Services that end themselves after some time go by the clock, and are not to do so before.
        let _ = tokio::time::timeout(IDLE.mul_f64(1.5), pace::pause(IDLE)).await;
        let open = idle.as_ref().is_some_and(|idle| !idle.is_closed());
        drop(idle);
        ((slow, halves), slow_done, open.then(|| start.elapsed()))
    };
    let knocks = std::sync::Mutex::new(Vec::new());
    let knocking = async {
        loop {
            let began = Moment::since(&start, signalled);
            let answer = http::get(host, health, Duration::from_secs(2)).await;
            knocks.lock().expect("nobody panics with it").push((began, answer.is_ok()));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = async {
        let code = pace::within(grace, container.wait()).await;
        (code, start.elapsed(), signalled.elapsed())
    };
    tokio::pin!(busy, knocking, ended);
    let mut done = None;
    let (code, ended, by_clock) = loop {
        tokio::select! {
            end = &mut ended => break end,
            answer = &mut busy, if done.is_none() => done = Some(answer),
            () = &mut knocking => {}
        }
    };
    let exit_code = match code {
        Some(code) => Some(code?),
        None => {
            let _ = container.kill("SIGKILL").await;
            None
        }
    };
    let freed = done.as_ref().and_then(|(.., at)| *at);
    let (((slow, second), halves), slow_done, _) = match done {
        Some(done) => done,
        None => busy.await,
    };
    let knocks = knocks.lock().expect("nobody panics with it").clone();
    let accepted = |time: fn(Moment) -> Duration| {
        let knocks: Vec<_> = knocks.iter().map(|(began, answered)| (time(*began), *answered)).collect();
        accepting(&knocks, time(slow_done.unwrap_or_default()))
    };
    let (accepted, accepted_by_clock) = (accepted(|moment| moment.by_watch), accepted(|moment| moment.by_clock));
    let slow_done = slow_done.map(|done| done.by_watch);
    Ok(SeenEnding { slow, second, halves, slow_done, accepted, accepted_by_clock, exit_code, ended, by_clock, freed })
}

/// A time after the signal.
#[derive(Clone, Copy, Default)]
struct Moment {
    by_watch: Duration,
    by_clock: Duration,
}

impl Moment {
    fn since(watch: &Watch, signalled: Instant) -> Self {
        Self { by_watch: watch.elapsed(), by_clock: signalled.elapsed() }
    }
}

/// Sends the slow request and waits until it has surely arrived: on a connection that was answered before, where the
/// server keeps one open, as nothing tells how long a new one waits to be accepted.
async fn in_flight(
    host: u16,
    health: &str,
    slow: SlowPath<'_>,
    grace: Duration,
) -> (JoinHandle<(Result<Answer, NoAnswer>, Instant)>, Option<JoinHandle<Result<Answer, NoAnswer>>>) {
    let within = grace + Duration::from_secs(5);
    let arrive = async || {
        tokio::time::sleep(slow.arrives() / 2).await;
        let path = slow.path.to_owned();
        let second = (slow.at_once > 2).then(|| tokio::spawn(async move { http::get(host, &path, within).await }));
        tokio::time::sleep(slow.arrives() / 2).await;
        second
    };
    if let Ok(mut connection) = Connection::open(host, within).await
        && connection.get(health, within).await.is_ok()
    {
        let path = slow.path.to_owned();
        let request = tokio::spawn(async move { (connection.get(&path, within).await, Instant::now()) });
        let second = arrive().await;
        // Finished already: the server closes each connection after its answer.
        if !request.is_finished() {
            return (request, second);
        }
    }
    let path = slow.path.to_owned();
    let request = tokio::spawn(async move { (http::get(host, &path, within).await, Instant::now()) });
    let second = arrive().await;
    (request, second)
}

/// When the last new connection was answered, if that is how the service met them until its work was done: one that
/// closes its listener a moment late has refused one before.
fn accepting(knocks: &[(Duration, bool)], busy_until: Duration) -> Option<Duration> {
    let late = knocks.iter().filter(|(began, _)| *began > CLOSING);
    let while_busy = late.clone().rfind(|(began, _)| *began <= busy_until.max(CLOSING * 2));
    // On a busy machine the one before may have taken all that time.
    let told = while_busy.or_else(|| late.clone().next());
    told.and_then(|(began, answered)| answered.then_some(*began))
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
        let seldom = |last| [(Duration::from_millis(100), true), (Duration::from_millis(2200), last)];
        assert_eq!(accepting(&seldom(true), busy), Some(Duration::from_millis(2200)));
        assert_eq!(accepting(&seldom(false), busy), None);
    }
}
