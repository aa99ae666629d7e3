//! `service.shutdown`: what happens between the stop signal and the end.

use std::time::{Duration, Instant};

use super::read_only;
use crate::lab::ending::{Ending, observe};
use crate::lab::http::Answer;
use crate::lab::live::serving;
use crate::lab::ports::health_path;
use crate::lab::{Lab, blame, http};
use crate::verify::outcome::Outcome;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// What the engine itself grants where nothing is said.
const GRACE: Duration = Duration::from_secs(10);
/// What ends so soon after the idle connection was closed, on a busy machine, has waited for it.
const FREED: Duration = Duration::from_secs(2);
/// What a service needs beside its slowest answer to come to its end.
const MARGIN: Duration = Duration::from_millis(500);

/// `service.shutdown`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let health = health_path(lab)?;
    let slow = lab.subject.project.verify.slow.as_ref().map(|path| path.as_str().to_owned());
    let service = lab.subject.service(role);
    let (scene, _, host) = serving(lab).await?;
    let grace = service.settings.stop_grace_period.unwrap_or(GRACE);
    let image = lab.container_image("service")?;
    let signal = service.settings.stop_signal.clone().unwrap_or_else(|| image.config.stop_signal.clone());
    let signal = if signal.is_empty() { "SIGTERM".to_owned() } else { signal };
    let usual = match &slow {
        Some(path) => undisturbed(host, path, grace).await,
        None => None,
    };
    let observed = observe(&scene.container, host, &health, slow.as_deref(), &signal, grace).await?;
    let verdict = judge(&observed, usual.as_ref(), &signal, grace);
    let verdict = match verdict.outcome() {
        Outcome::Fail => {
            // An answer that takes longer than the declared grace period cannot be waited for by any command.
            let short = observed.exit_code.is_none()
                && service.settings.stop_grace_period.is_some()
                && usual.as_ref().is_some_and(|usual| usual.took + MARGIN > grace);
            let place =
                if short { service.at("stop_grace_period").clone() } else { blame::command(&lab.subject, role) };
            read_only::explains(service, verdict.at_place(&place).log(scene.log().await)).rules_out("service.port")
        }
        Outcome::Inconclusive => verdict.at("dockwright.toml", None),
        _ => verdict,
    };
    scene.end().await;
    Ok(verdict)
}

/// The slow answer as it is when nothing disturbs it, twice, and how long it took.
struct Undisturbed {
    answers: [Answer; 2],
    took: Duration,
}

/// Asks twice at once; none if that is not answered: then no answer can be told from another.
async fn undisturbed(host: u16, path: &str, grace: Duration) -> Option<Undisturbed> {
    let start = Instant::now();
    let within = grace.max(GRACE) * 2;
    let (one, other) = tokio::try_join!(http::get(host, path, within), http::get(host, path, within)).ok()?;
    Some(Undisturbed { answers: [one, other], took: start.elapsed() })
}

impl Undisturbed {
    /// How an answer is another than these; none if it may be one of them. Where they differ from each other, an answer is
    /// still not cut short.
    fn difference(&self, answer: &Answer) -> Option<String> {
        let [one, other] = &self.answers;
        if one.status == other.status && answer.status != one.status {
            return Some(format!("status {} instead of {}", answer.status, one.status));
        }
        let (length, shortest) = (answer.body.len(), one.body.len().min(other.body.len()));
        if one.body == other.body && answer.body != one.body {
            let (expected, found) = (http::shorten(&one.body), http::shorten(&answer.body));
            return Some(format!("{length} bytes ({found:?}) instead of {shortest} ({expected:?})"));
        }
        let is_json = |body: &str| serde_json::from_str::<serde_json::Value>(body).is_ok();
        let cut = length < shortest / 2 || is_json(&one.body) && is_json(&other.body) && !is_json(&answer.body);
        cut.then(|| format!("{length} bytes ({:?}), and undisturbed it has {shortest}", http::shorten(&answer.body)))
    }
}

fn judge(observed: &Ending, usual: Option<&Undisturbed>, signal: &str, grace: Duration) -> Verdict {
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
        Some(Ok(answer)) => {
            if let Some(difference) = usual.and_then(|usual| usual.difference(answer)) {
                return fail(format!("the request in flight was not answered as without the signal: {difference}"));
            }
        }
        None => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::http::Answer;
    use crate::verify::Outcome;

    fn good() -> Ending {
        Ending {
            slow: Some(Ok(Answer { status: 200, body: String::new() })),
            slow_done: Some(Duration::from_secs(2)),
            accepted: None,
            exit_code: Some(0),
            ended: Duration::from_millis(2100),
            freed: None,
        }
    }

    fn outcome(observed: &Ending) -> Outcome {
        judge(observed, None, "SIGTERM", GRACE).outcome()
    }

    #[test]
    fn an_answer_that_is_cut_short_is_not_whole() {
        let answer = |status, body: &str| Answer { status, body: body.to_owned() };
        let same = Undisturbed { answers: [answer(200, "done"), answer(200, "done")], took: Duration::from_secs(2) };
        assert_eq!(same.difference(&answer(200, "done")), None);
        for other in [answer(200, ""), answer(200, "do"), answer(202, "done"), answer(200, "gone")] {
            assert!(same.difference(&other).is_some(), "{other:?}");
        }
        let dated = [answer(200, r#"{"at": 1}"#), answer(200, r#"{"at": 22}"#)];
        let dated = Undisturbed { answers: dated, took: Duration::from_secs(2) };
        assert_eq!(dated.difference(&answer(200, r#"{"at": 3}"#)), None);
        for other in [answer(200, ""), answer(200, r#"{"at": "#), answer(500, r#"{"at": 4}"#)] {
            assert!(dated.difference(&other).is_some(), "{other:?}");
        }
        let observed = Ending { slow: Some(Ok(answer(200, "do"))), ..good() };
        assert_eq!(judge(&observed, Some(&same), "SIGTERM", GRACE).outcome(), Outcome::Fail);
    }

    #[test]
    fn every_broken_promise_is_told_from_a_kept_one() {
        assert_eq!(outcome(&good()), Outcome::Pass);
        assert_eq!(outcome(&Ending { slow: None, ..good() }), Outcome::Inconclusive);
        assert_eq!(outcome(&Ending { slow_done: None, ..good() }), Outcome::Inconclusive);
        // Closing a database takes its time, whatever connections there are.
        let slowly = Ending { ended: Duration::from_secs(8), freed: Some(Duration::from_millis(4500)), ..good() };
        assert_eq!(outcome(&slowly), Outcome::Pass);
        for broken in [
            Ending { slow: Some(Err("closed".into())), ..good() },
            Ending { slow: Some(Ok(Answer { status: 503, body: String::new() })), ..good() },
            Ending { accepted: Some(Duration::from_secs(1)), ..good() },
            Ending { exit_code: Some(143), ..good() },
            Ending { exit_code: None, ..good() },
            Ending { ended: Duration::from_millis(4700), freed: Some(Duration::from_millis(4500)), ..good() },
        ] {
            assert_eq!(outcome(&broken), Outcome::Fail);
        }
    }
}
