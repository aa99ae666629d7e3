//! The healthcheck of a container: what it is, done often, and what its last probe said.

use std::time::Duration;

use super::Lab;
use super::http;
use super::pace::{Watch, stretched};
use crate::engine::{Container, Health, HealthStatus, HealthTest, Healthcheck, Product};
use crate::error::Result;

/// Between two probes here, whatever the files say.
const INTERVAL: Duration = Duration::from_secs(1);
/// What the engine grants a probe, and how many may fail, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const RETRIES: u32 = 3;
/// How much later than its last probe the engine may say so, on a busy machine.
const SLACK: Duration = Duration::from_secs(10);
/// What the engine notes as the exit code of a probe that it ended (moby, `daemon/health.go`).
pub(crate) const TIMED_OUT: i64 = -1;
/// So many probes in a row that fail although the service answers are no accident of its start.
const WRONG_PROBES: i64 = 3;

/// An engine that has started no probe by then starts none: Podman leaves them to systemd, where there is one.
const FIRST_PROBE: Duration = Duration::from_secs(15);
/// So many times slower than a clock a machine's watch goes where a probe's end by its timeout says nothing.
pub(crate) const BUSY: f64 = 2.0;
/// How long a service that is asked beside its healthcheck has for an answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The healthcheck that the container has.
pub(crate) struct ProbePlan {
    pub(crate) test: HealthTest,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: Option<u32>,
    pub(crate) start_period: Option<Duration>,
}

impl ProbePlan {
    /// The same where other work is done on the machine: who serves has as long as the files say, on a machine of its own.
    pub(crate) fn patient(self) -> Self {
        Self { timeout: Some(stretched(self.timeout.unwrap_or(TIMEOUT))), ..self }
    }

    /// The same, done often, so that nobody waits for it.
    pub(crate) fn often(&self) -> Healthcheck {
        Healthcheck {
            test: Some(self.test.clone()),
            interval: Some(INTERVAL),
            timeout: self.timeout,
            retries: self.retries,
            start_period: self.start_period,
            start_interval: Some(INTERVAL),
        }
    }

    /// How long it takes to notice that nothing answers.
    pub(crate) fn notices(&self) -> Duration {
        (self.timeout.unwrap_or(TIMEOUT) + INTERVAL) * self.retries.unwrap_or(RETRIES).max(1) + SLACK
    }
}

/// compose.yaml's over the image's, field by field, as the engine merges them; none if there is nothing to run.
pub(crate) fn effective(own: Option<&Healthcheck>, image: Option<&Healthcheck>) -> Option<ProbePlan> {
    let off = |check: &&Healthcheck| check.test == Some(HealthTest::None);
    if own.as_ref().is_some_and(off) {
        return None;
    }
    let image = image.filter(|check| !off(check));
    let both = || own.into_iter().chain(image);
    let test = both().find_map(|check| check.test.clone()).filter(|test| !test.command().is_empty())?;
    Some(ProbePlan {
        test,
        timeout: both().find_map(|check| check.timeout),
        retries: both().find_map(|check| check.retries),
        start_period: both().find_map(|check| check.start_period),
    })
}

/// What a healthcheck makes of its service, and what its last probe said.
pub(crate) enum Found {
    Healthy,
    /// It did not find the service, whether that answers or not, in so much time.
    Missed {
        said: String,
        answered: bool,
        within: Duration,
    },
    /// Its probes took too long, on a machine on which so many threads wanted each processor.
    Busy {
        said: String,
        threads: f64,
    },
    /// The container exited with this code.
    Ended(i64),
    /// The engine starts no probes.
    Unprobed,
}

/// Waits until a container's healthcheck finds its service, which is asked beside it at a port of this host and a path. It is
/// given up when it is unhealthy although the service answers, and has failed some more times since then.
pub(crate) async fn found(
    lab: &Lab,
    container: &Container,
    plan: &ProbePlan,
    asked: Option<(u16, &str)>,
) -> Result<Found> {
    let start = Watch::start();
    let within = lab.patience() + plan.start_period.unwrap_or_default();
    // The failures in a row when the service first answered.
    let mut answered: Option<i64> = None;
    loop {
        let state = container.inspect().await?;
        let health = state.health.unwrap_or_default();
        if health.status == HealthStatus::Healthy {
            return Ok(Found::Healthy);
        }
        if !state.running {
            return Ok(Found::Ended(state.exit_code));
        }
        if lab.engine().info().product == Product::Podman && health.log.is_empty() && start.elapsed() > FIRST_PROBE {
            return Ok(Found::Unprobed);
        }
        if let (Some((host, path)), None) = (asked, answered)
            && http::get(host, path, ANSWER).await.is_ok_and(|answer| answer.ok())
        {
            answered = Some(health.failing_streak);
        }
        let wrong = health.status == HealthStatus::Unhealthy
            && answered.is_some_and(|before| health.failing_streak >= before + WRONG_PROBES);
        if wrong || start.elapsed() > within {
            let said = last(&health);
            let threads = start.slowness();
            let timed_out = health.log.last().is_some_and(|probe| probe.exit_code == TIMED_OUT);
            return Ok(if timed_out && threads > BUSY {
                Found::Busy { said, threads }
            } else {
                Found::Missed { said, answered: answered.is_some(), within }
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What the last probe came to.
pub(crate) fn last(health: &Health) -> String {
    match health.log.last() {
        None => String::new(),
        Some(probe) if probe.output.trim().is_empty() => format!("; its last probe exited with {}", probe.exit_code),
        Some(probe) => {
            format!("; its last probe exited with {}: {}", probe.exit_code, http::shorten(&probe.output))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(test: Option<HealthTest>, retries: Option<u32>) -> Healthcheck {
        Healthcheck { test, retries, ..Healthcheck::default() }
    }

    fn exec(words: &[&str]) -> HealthTest {
        HealthTest::Exec(words.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn compose_wins_over_the_image_field_by_field() {
        let image = check(Some(exec(&["probe"])), Some(5));
        let merged = |own: &Healthcheck, image: &Healthcheck| effective(Some(own), Some(image));
        let told = |probe: ProbePlan| (probe.test.words().join(" "), probe.retries);
        let found = merged(&check(None, Some(2)), &image).map(told);
        assert_eq!(found, Some(("CMD probe".into(), Some(2))));
        let found = merged(&check(Some(HealthTest::Shell("true".into())), None), &image).map(told);
        assert_eq!(found, Some(("CMD-SHELL true".into(), Some(5))));
        let off = check(Some(HealthTest::None), None);
        assert!(merged(&off, &image).is_none() && effective(None, Some(&off)).is_none());
        assert!(effective(None, None).is_none() && effective(None, Some(&check(Some(exec(&[])), None))).is_none());
        // compose.yaml can give one to an image that has turned its base's off.
        assert!(merged(&check(Some(exec(&["probe"])), None), &off).is_some());
    }

    #[test]
    fn a_healthcheck_notices_after_all_its_probes() {
        let probe = effective(None, Some(&check(Some(exec(&["probe"])), None))).unwrap();
        assert_eq!(probe.notices(), Duration::from_secs(31 * 3 + 10));
    }
}
