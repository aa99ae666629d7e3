//! `service.shutdown`: what happens between the stop signal and the end.

use std::time::{Duration, Instant};

use super::service::{health_path, serving};
use crate::engine::Container;
use crate::verify::bench::{Bench, Checked};
use crate::verify::http::{self, Answer, Connection, NoAnswer};
use crate::verify::outcome::{Verdict, fail, inconclusive, pass};

/// What the engine itself grants where nothing is said.
const GRACE: Duration = Duration::from_secs(10);
/// How long a server may need to close its listener.
const CLOSING: Duration = Duration::from_millis(800);
/// How long it may stay after its last answer: more means that an idle connection holds it up.
const IDLE: Duration = Duration::from_secs(4);

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
    let verdict = judge(&observed, &signal, grace, slow.is_some());
    let verdict = match verdict.outcome() {
        crate::verify::Outcome::Fail => verdict.at(role.target.file.clone(), command_line(role)).log(scene.log().await),
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
    /// When, after the signal, the slow answer had come.
    slow_done: Duration,
    /// When, after the signal, a new connection was still answered, counted from when it had to be closed.
    accepted: Option<Duration>,
    /// The exit code; none if it had to be killed.
    exit_code: Option<i64>,
    /// When, after the signal, it had ended.
    ended: Duration,
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
    // An idle keep-alive connection, as a load balancer holds them.
    let mut idle = Connection::open(host, patience).await.ok();
    if let Some(idle) = &mut idle {
        let _ = idle.get(health, patience).await;
    }
    let request = slow.map(ToOwned::to_owned).map(|path| {
        tokio::spawn(async move {
            let answer = http::get(host, &path, grace + Duration::from_secs(5)).await;
            (answer, Instant::now())
        })
    });
    if request.is_some() {
        // Until the request has surely arrived.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    container.kill(signal).await?;
    let start = Instant::now();
    let ended = async {
        let code = tokio::time::timeout(grace, container.wait()).await;
        (code, start.elapsed())
    };
    let knocking = async {
        let mut accepted = None;
        // Until it has ended; the other branch then stops this one.
        loop {
            let began = start.elapsed();
            let answer = http::get(host, health, Duration::from_secs(2)).await;
            if began > CLOSING && answer.is_ok() {
                accepted.get_or_insert(began);
            }
            if began > grace || accepted.is_some() {
                return accepted;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::pin!(ended, knocking);
    let mut accepted = None;
    let mut knocked = false;
    let (code, ended) = loop {
        tokio::select! {
            done = &mut ended => break done,
            answer = &mut knocking, if !knocked => { accepted = answer; knocked = true; }
        }
    };
    let exit_code = match code {
        Ok(code) => Some(code?),
        Err(_) => {
            let _ = container.kill("SIGKILL").await;
            None
        }
    };
    let (slow, slow_done) = match request {
        Some(request) => match request.await {
            Ok((answer, at)) => (Some(answer), at.saturating_duration_since(start)),
            Err(error) => (Some(Err(error.to_string())), Duration::ZERO),
        },
        None => (None, Duration::ZERO),
    };
    drop(idle);
    Ok(Observed { slow, slow_done, accepted, exit_code, ended })
}

fn judge(observed: &Observed, signal: &str, grace: Duration, slow_declared: bool) -> Verdict {
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
    if code != 0 {
        return fail(format!("it ended with exit code {code}, {:.1} s after {signal}", observed.ended.as_secs_f64()));
    }
    let lingered = observed.ended.saturating_sub(observed.slow_done);
    if lingered > IDLE {
        return fail(format!(
            "it stayed {:.1} s after its last answer, held up by an idle keep-alive connection",
            lingered.as_secs_f64()
        ));
    }
    let ended = observed.ended.as_secs_f64();
    if slow_declared {
        pass(format!(
            "after {signal} the request in flight was answered whole, no new one was, and it ended with 0 after {ended:.1} s"
        ))
    } else {
        inconclusive(format!(
            "it ended with 0, {ended:.1} s after {signal}; with no slow endpoint no request could be in flight"
        ))
        .hint("say in [verify] slow of dockwright.toml which path takes a second or two to answer")
    }
}

/// The line of the CMD or ENTRYPOINT that starts the service.
fn command_line(role: &crate::verify::subject::RoleSubject) -> usize {
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
            slow_done: Duration::from_secs(2),
            accepted: None,
            exit_code: Some(0),
            ended: Duration::from_millis(2100),
        }
    }

    fn outcome(observed: &Observed) -> Outcome {
        judge(observed, "SIGTERM", GRACE, observed.slow.is_some()).outcome()
    }

    #[test]
    fn every_broken_promise_is_told_from_a_kept_one() {
        assert_eq!(outcome(&good()), Outcome::Pass);
        assert_eq!(outcome(&Observed { slow: None, ..good() }), Outcome::Inconclusive);
        for broken in [
            Observed { slow: Some(Err("closed".into())), ..good() },
            Observed { slow: Some(Ok(Answer { status: 503, body: String::new() })), ..good() },
            Observed { accepted: Some(Duration::from_secs(1)), ..good() },
            Observed { exit_code: Some(143), ..good() },
            Observed { exit_code: None, ..good() },
            Observed { ended: Duration::from_secs(8), ..good() },
        ] {
            assert_eq!(outcome(&broken), Outcome::Fail);
        }
    }
}
