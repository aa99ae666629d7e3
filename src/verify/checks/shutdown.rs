//! `service.shutdown`: what happens between the stop signal and the end.

use std::time::{Duration, Instant};

use super::read_only;
use super::reload::command_place;
use super::service::{health_path, serving};
use crate::engine::Container;
use crate::verify::bench::{Bench, Checked};
use crate::verify::http::{self, Answer, Connection, NoAnswer};
use crate::verify::outcome::{Verdict, fail, inconclusive, pass};

/// What the engine itself grants where nothing is said.
const GRACE: Duration = Duration::from_secs(10);
/// How long a server may need to close its listener.
const CLOSING: Duration = Duration::from_millis(800);
/// How long after its last answer it may end with an idle connection still open; then that is closed.
const IDLE: Duration = Duration::from_millis(3500);
/// What ends so soon after the idle connection was closed, on a busy machine, has waited for it.
const FREED: Duration = Duration::from_secs(2);

/// `service.shutdown`.
pub(super) async fn check(bench: &Bench) -> Checked {
    let role = bench.role("service")?;
    let health = health_path(bench)?;
    let slow = bench.subject.project.verify.slow.as_ref().map(|path| path.as_str().to_owned());
    let service = bench.subject.service(role);
    let (scene, _, host) = serving(bench).await?;
    let grace = service.stop_grace_period.unwrap_or(GRACE);
    let image = bench.container_image("service")?;
    let signal = service.stop_signal.clone().unwrap_or_else(|| image.config.stop_signal.clone());
    let signal = if signal.is_empty() { "SIGTERM".to_owned() } else { signal };
    let observed = observe(&scene.container, host, &health, slow.as_deref(), &signal, grace).await?;
    let verdict = judge(&observed, &signal, grace);
    let verdict = match verdict.outcome() {
        crate::verify::Outcome::Fail => {
            let (file, line) = command_place(bench, role);
            let verdict = verdict.at(file, line).log(scene.log().await);
            read_only::cause(bench, service).await?.unwrap_or(verdict)
        }
        crate::verify::Outcome::Inconclusive => verdict.at("dockwright.toml", None),
        _ => verdict,
    };
    scene.end().await;
    Ok(verdict)
}

/// What was seen.
struct Observed {
    /// The answer to the slow request, if one was made.
    slow: Option<Result<Answer, NoAnswer>>,
    /// When, after the signal, the slow answer had come; none if that was before the signal.
    slow_done: Option<Duration>,
    /// When, after the signal, the last new connection was answered, if none was refused after it while the service
    /// still had work to do.
    accepted: Option<Duration>,
    /// The exit code; none if it had to be killed.
    exit_code: Option<i64>,
    /// When, after the signal, it had ended.
    ended: Duration,
    /// When, after the signal, we closed the idle connection; none if the service had closed it, or had ended.
    freed: Option<Duration>,
}

async fn observe(
    container: &Container,
    host: u16,
    health: &str,
    slow: Option<&str>,
    signal: &str,
    grace: Duration,
) -> Checked<Observed> {
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
    Ok(Observed { slow, slow_done, accepted, exit_code, ended, freed })
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

fn judge(observed: &Observed, signal: &str, grace: Duration) -> Verdict {
    let Some(code) = observed.exit_code else {
        return fail(format!("it was still running {} s after {signal} and had to be killed", grace.as_secs()));
    };
    match &observed.slow {
        Some(Err(why)) => return fail(format!("the request in flight got no whole answer: {why} (exit code {code})")),
        Some(Ok(answer)) if !answer.ok() => {
            return fail(format!(
                "the request in flight was answered with status {}: {}",
                answer.status,
                http::shorten(&answer.body)
            ));
        }
        _ => {}
    }
    if let Some(when) = observed.accepted {
        return fail(format!("a new connection was still answered {:.1} s after {signal}", when.as_secs_f64()));
    }
    let ended = observed.ended.as_secs_f64();
    if code != 0 {
        return fail(format!("it ended with exit code {code}, {ended:.1} s after {signal}"));
    }
    if let Some(freed) = observed.freed
        && observed.ended.saturating_sub(freed) < FREED
    {
        return fail(format!(
            "it ended only when an idle keep-alive connection was closed, {:.1} s after its last answer",
            observed.ended.saturating_sub(observed.slow_done.unwrap_or_default()).as_secs_f64()
        ));
    }
    match (&observed.slow, observed.slow_done) {
        (Some(_), Some(_)) => pass(format!(
            "after {signal} the request in flight was answered whole, no new one was, and it ended with 0 after {ended:.1} s"
        )),
        (Some(_), None) => inconclusive(format!(
            "it ended with 0, {ended:.1} s after {signal}; the slow endpoint had answered before that, so no request was in flight"
        ))
        .hint("let [verify] slow of dockwright.toml name a path that takes two seconds or more to answer"),
        (None, _) => inconclusive(format!(
            "it ended with 0, {ended:.1} s after {signal}; with no slow endpoint no request could be in flight"
        ))
        .hint("say in [verify] slow of dockwright.toml which path takes a second or two to answer"),
    }
}

/// The line of the CMD or ENTRYPOINT that starts the service.
pub(super) fn command_line(role: &crate::subject::RoleSubject) -> usize {
    use crate::dockerfile::Kind;
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.ancestry(role.target.stage);
    let mut instructions = stages.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev());
    let found = instructions.find(|one| matches!(one.kind, Kind::Cmd(_) | Kind::Entrypoint(_)));
    found.map_or(role.target.line(), |one| one.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Outcome;

    fn good() -> Observed {
        Observed {
            slow: Some(Ok(Answer { status: 200, body: String::new() })),
            slow_done: Some(Duration::from_secs(2)),
            accepted: None,
            exit_code: Some(0),
            ended: Duration::from_millis(2100),
            freed: None,
        }
    }

    fn outcome(observed: &Observed) -> Outcome {
        judge(observed, "SIGTERM", GRACE).outcome()
    }

    #[test]
    fn every_broken_promise_is_told_from_a_kept_one() {
        assert_eq!(outcome(&good()), Outcome::Pass);
        assert_eq!(outcome(&Observed { slow: None, ..good() }), Outcome::Inconclusive);
        assert_eq!(outcome(&Observed { slow_done: None, ..good() }), Outcome::Inconclusive);
        // Closing a database takes its time, whatever connections there are.
        let slowly = Observed { ended: Duration::from_secs(8), freed: Some(Duration::from_millis(4500)), ..good() };
        assert_eq!(outcome(&slowly), Outcome::Pass);
        for broken in [
            Observed { slow: Some(Err("closed".into())), ..good() },
            Observed { slow: Some(Ok(Answer { status: 503, body: String::new() })), ..good() },
            Observed { accepted: Some(Duration::from_secs(1)), ..good() },
            Observed { exit_code: Some(143), ..good() },
            Observed { exit_code: None, ..good() },
            Observed { ended: Duration::from_millis(4700), freed: Some(Duration::from_millis(4500)), ..good() },
        ] {
            assert_eq!(outcome(&broken), Outcome::Fail);
        }
    }

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
