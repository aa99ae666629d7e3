//! `service.shutdown`: what happens between the stop signal and the end.

use std::time::{Duration, Instant};

use super::read_only;
use crate::lab::ending::{SeenEnding, SlowPath, observe};
use crate::lab::halves::HalvesSeen;
use crate::lab::http::{Answer, NoAnswer};
use crate::lab::live::serving;
use crate::lab::pace::Watch;
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

/// What to do about a machine that was busy.
const AGAIN: &str = "verify again when the machine has less to do";

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
    let path = slow.as_deref().map(|path| SlowPath {
        path,
        took: usual.as_ref().map(|usual| usual.by_clock),
        at_once: usual.as_ref().map_or(2, |usual| usual.at_once),
    });
    let observed = observe(&scene.container, host, &health, path, &signal, grace).await?;
    let verdict = judge(&observed, usual.as_ref(), &signal, grace);
    let verdict = match verdict.outcome() {
        Outcome::Fail => {
            // An answer that takes longer than the declared grace period cannot be waited for by any command.
            let short = (observed.exit_code.is_none() || observed.by_clock > grace)
                && service.settings.stop_grace_period.is_some()
                && usual.as_ref().is_some_and(|usual| usual.took + MARGIN > grace);
            let place = match blame::stop_signal(&lab.subject, role) {
                _ if short => service.at("stop_grace_period").clone(),
                // A service that handles the usual signal need not handle another one, which then ends it by itself.
                Some(place) if signal_ended(&observed, &signal) => place,
                _ => blame::command(&lab.subject, role),
            };
            read_only::explains(service, verdict.at_place(&place).log(scene.log().await)).rules_out("service.port")
        }
        Outcome::Inconclusive if observed.by_clock <= grace && observed.accepted_by_clock.is_none() => {
            verdict.at("dockwright.toml", None)
        }
        _ => verdict,
    };
    scene.end().await;
    Ok(verdict)
}

/// Whether a signal that is not the usual one came to nothing good: the process was ended by it, as the exit code says
/// (128 and its number, `signal(7)`; a runtime that dumps its stacks has a code of its own, and answers nothing more), or did
/// not end at all.
fn signal_ended(observed: &SeenEnding, signal: &str) -> bool {
    let dropped = matches!(observed.slow, Some(Err(_)))
        || matches!(observed.second, Some(Err(_)))
        || matches!(observed.halves, Some(HalvesSeen::Dropped(_)));
    !is_usual(signal) && observed.exit_code.is_none_or(|code| code > 128 || code != 0 && dropped)
}

fn is_usual(signal: &str) -> bool {
    matches!(signal.to_ascii_uppercase().trim_start_matches("SIG"), "TERM" | "15")
}

/// The slow answer as it is when nothing disturbs it, and how long it took.
struct Undisturbed {
    answers: Vec<Answer>,
    /// How many were answered side by side, rather than one after the other.
    at_once: usize,
    /// By a watch.
    took: Duration,
    by_clock: Duration,
}

/// Asks three times at once, as many connections as there are when the signal comes; none if that is not answered: then no
/// answer can be told from another.
async fn undisturbed(host: u16, path: &str, grace: Duration) -> Option<Undisturbed> {
    let (start, clock) = (Watch::start(), Instant::now());
    let within = grace.max(GRACE) * 3;
    let ask = async || Ok::<_, NoAnswer>((http::get(host, path, within).await?, start.elapsed(), clock.elapsed()));
    let (one, two, three) = tokio::try_join!(ask(), ask(), ask()).ok()?;
    let mut asked = [one, two, three];
    asked.sort_by_key(|(.., by_clock)| *by_clock);
    let at_once = asked.iter().filter(|(.., by_clock)| *by_clock < asked[0].2.mul_f64(1.5)).count();
    // Where they wait for each other, the first says how long one takes.
    let (_, took, by_clock) = asked[if at_once > 2 { 2 } else { 0 }];
    Some(Undisturbed { answers: asked.into_iter().map(|(answer, ..)| answer).collect(), at_once, took, by_clock })
}

impl Undisturbed {
    /// How an answer is another than these; none if it may be one of them. Where they differ from each other, an answer is
    /// still not cut short.
    fn difference(&self, answer: &Answer) -> Option<String> {
        let [one, others @ ..] = self.answers.as_slice() else { return None };
        if others.iter().all(|other| other.status == one.status) && answer.status != one.status {
            return Some(format!("status {} instead of {}", answer.status, one.status));
        }
        let shortest = self.answers.iter().map(|one| one.body.len()).min().unwrap_or_default();
        let length = answer.body.len();
        if others.iter().all(|other| other.body == one.body) && answer.body != one.body {
            let (expected, found) = (http::shorten(&one.body), http::shorten(&answer.body));
            return Some(format!("{length} bytes ({found:?}) instead of {shortest} ({expected:?})"));
        }
        let is_json = |answer: &Answer| serde_json::from_str::<serde_json::Value>(&answer.body).is_ok();
        let cut = length < shortest / 2 || self.answers.iter().all(is_json) && !is_json(answer);
        cut.then(|| format!("{length} bytes ({:?}), and undisturbed it has {shortest}", http::shorten(&answer.body)))
    }
}

fn judge(observed: &SeenEnding, usual: Option<&Undisturbed>, signal: &str, grace: Duration) -> Verdict {
    let Some(code) = observed.exit_code else {
        return fail(format!("it was still running {} s after {signal} and had to be killed", grace.as_secs()));
    };
    for (which, answer) in [("the request", &observed.slow), ("one of two requests", &observed.second)] {
        match answer {
            Some(Err(why)) => {
                return fail(format!("{which} in flight got no complete answer: {why} (exit code {code})"));
            }
            Some(Ok(answer)) if !answer.ok() => {
                let body = http::shorten(&answer.body);
                return fail(format!("{which} in flight was answered with status {}: {body}", answer.status));
            }
            Some(Ok(answer)) => {
                if let Some(difference) = usual.and_then(|usual| usual.difference(answer)) {
                    return fail(format!("{which} in flight was not answered as without the signal: {difference}"));
                }
            }
            None => {}
        }
    }
    if let Some(HalvesSeen::Dropped(why)) = &observed.halves {
        return fail(format!(
            "a request whose body was still on its way got no complete answer: {why} (exit code {code})"
        ));
    }
    if let Some(when) = observed.accepted {
        return fail(format!("a new connection was still answered {:.1} s after {signal}", when.as_secs_f64()));
    }
    let ended = observed.by_clock.as_secs_f64();
    if code != 0 {
        return fail(format!("it exited with {code}, {ended:.1} s after {signal}"));
    }
    if let Some(freed) = observed.freed
        && observed.ended.saturating_sub(freed) < FREED
    {
        return fail(format!(
            "it ended only when an idle keep-alive connection was closed, {:.1} s after its last answer",
            observed.ended.saturating_sub(observed.slow_done.unwrap_or_default()).as_secs_f64()
        ));
    }
    let clock = observed.by_clock.as_secs_f64();
    if observed.by_clock > grace && usual.is_some_and(|usual| usual.took > grace) {
        let needs = usual.map_or(0.0, |usual| usual.took.as_secs_f64());
        return fail(format!(
            "it exited with {code}, {clock:.1} s after {signal}: an answer takes {needs:.1} s, and its grace period is {} s",
            grace.as_secs()
        ));
    }
    if let Some(when) = observed.accepted_by_clock {
        return inconclusive(format!(
            "it exited with {code}, and a new connection was still answered {:.1} s after {signal}; the machine was busy, so this \
             may be the load",
            when.as_secs_f64()
        ))
        .hint(AGAIN);
    }
    if observed.by_clock > grace {
        // An engine would have killed it. Whether the machine was slow, or the service, cannot be told.
        return inconclusive(format!(
            "it exited with {code}, but {clock:.1} s after {signal}, and its grace period is {} s; the machine was busy, so this \
             may be the load",
            grace.as_secs()
        ))
        .hint(AGAIN);
    }
    match (&observed.slow, observed.slow_done) {
        (Some(_), Some(_)) => {
            let what = if observed.second.is_some() { "the requests in flight were" } else { "the request in flight was" };
            pass(format!("after {signal} {what} answered completely, no new one was, and it exited with 0 after {ended:.1} s"))
        }
        (Some(_), None) => inconclusive(format!(
            "it exited with 0, {ended:.1} s after {signal}; the slow endpoint had answered before that, so no request was in flight"
        ))
        .hint("let [verify] slow of dockwright.toml name a path that takes two seconds or more to answer"),
        (None, _) if matches!(observed.halves, Some(HalvesSeen::Answered(_))) => pass(format!(
            "after {signal} a request that had been sent by half was answered completely, no new one was, and it exited with 0 after \
             {ended:.1} s"
        )),
        (None, _) => inconclusive(format!(
            "it exited with 0, {ended:.1} s after {signal}, and closed the connections on which no request was complete; with no slow endpoint no \
             other could be in flight"
        ))
        .hint("say in [verify] slow of dockwright.toml which path takes a second or two to answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::http::Answer;
    use crate::verify::Outcome;

    const TWO: Duration = Duration::from_secs(2);

    fn good() -> SeenEnding {
        SeenEnding {
            slow: Some(Ok(Answer { status: 200, body: String::new() })),
            second: None,
            halves: None,
            slow_done: Some(Duration::from_secs(2)),
            accepted: None,
            accepted_by_clock: None,
            exit_code: Some(0),
            ended: Duration::from_millis(2100),
            by_clock: Duration::from_millis(2100),
            freed: None,
        }
    }

    fn outcome(observed: &SeenEnding) -> Outcome {
        judge(observed, None, "SIGTERM", GRACE).outcome()
    }

    #[test]
    fn an_answer_that_is_cut_short_is_not_whole() {
        let answer = |status, body: &str| Answer { status, body: body.to_owned() };
        let usual =
            |answers: &[Answer]| Undisturbed { answers: answers.to_vec(), at_once: 3, took: TWO, by_clock: TWO };
        let same = usual(&[answer(200, "done"), answer(200, "done")]);
        assert_eq!(same.difference(&answer(200, "done")), None);
        for other in [answer(200, ""), answer(200, "do"), answer(202, "done"), answer(200, "gone")] {
            assert!(same.difference(&other).is_some(), "{other:?}");
        }
        let dated = usual(&[answer(200, r#"{"at": 1}"#), answer(200, r#"{"at": 22}"#)]);
        assert_eq!(dated.difference(&answer(200, r#"{"at": 3}"#)), None);
        for other in [answer(200, ""), answer(200, r#"{"at": "#), answer(500, r#"{"at": 4}"#)] {
            assert!(dated.difference(&other).is_some(), "{other:?}");
        }
        // An answer that takes longer than the grace period is no matter of the load.
        let long = Undisturbed { took: Duration::from_secs(11), ..usual(&[answer(200, "")]) };
        let late = SeenEnding { by_clock: Duration::from_secs(12), ..good() };
        assert_eq!(judge(&late, Some(&long), "SIGTERM", GRACE).outcome(), Outcome::Fail);
        assert_eq!(judge(&late, None, "SIGTERM", GRACE).outcome(), Outcome::Inconclusive);
        let observed = SeenEnding { slow: Some(Ok(answer(200, "do"))), ..good() };
        assert_eq!(judge(&observed, Some(&same), "SIGTERM", GRACE).outcome(), Outcome::Fail);
    }

    #[test]
    fn every_broken_promise_is_told_from_a_kept_one() {
        assert_eq!(outcome(&good()), Outcome::Pass);
        assert_eq!(outcome(&SeenEnding { slow: None, ..good() }), Outcome::Inconclusive);
        for (halves, wanted) in [
            (HalvesSeen::Answered("head"), Outcome::Pass),
            (HalvesSeen::TakenLeave, Outcome::Inconclusive),
            (HalvesSeen::None, Outcome::Inconclusive),
            (HalvesSeen::Dropped("closed".into()), Outcome::Fail),
        ] {
            let halved = SeenEnding { slow: None, halves: Some(halves), ..good() };
            assert_eq!(outcome(&halved), wanted);
            assert_eq!(outcome(&SeenEnding { exit_code: Some(143), ..halved }), Outcome::Fail);
        }
        assert_eq!(outcome(&SeenEnding { slow_done: None, ..good() }), Outcome::Inconclusive);
        assert_eq!(outcome(&SeenEnding { accepted_by_clock: Some(TWO), ..good() }), Outcome::Inconclusive);
        // Closing a database takes its time, whatever connections there are.
        let slowly = SeenEnding { ended: Duration::from_secs(8), freed: Some(Duration::from_millis(4500)), ..good() };
        assert_eq!(outcome(&slowly), Outcome::Pass);
        for broken in [
            SeenEnding { slow: Some(Err("closed".into())), ..good() },
            SeenEnding { second: Some(Err("closed".into())), ..good() },
            SeenEnding { slow: Some(Ok(Answer { status: 503, body: String::new() })), ..good() },
            SeenEnding { accepted: Some(Duration::from_secs(1)), ..good() },
            SeenEnding { exit_code: Some(143), ..good() },
            SeenEnding { exit_code: None, ..good() },
            SeenEnding { ended: Duration::from_millis(4700), freed: Some(Duration::from_millis(4500)), ..good() },
        ] {
            assert_eq!(outcome(&broken), Outcome::Fail);
        }
    }
}
