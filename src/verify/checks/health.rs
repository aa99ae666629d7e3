//! `service.health`: the healthcheck tells a service that answers from one that does not.

use std::time::{Duration, Instant};

use super::read_only;
use crate::engine::{Health, HealthStatus, HealthTest, Healthcheck, Product};
use crate::lab::ports::{port_of, publish};
use crate::lab::{Frozen, Lab, Scene, blame, freeze, http, is_at_hand};
use crate::verify::outcome::Outcome;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// Between two probes here, whatever the files say.
const INTERVAL: Duration = Duration::from_secs(1);
/// What the engine grants a probe, and how many may fail, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;
/// How much later than its last probe the engine may say so, on a busy machine.
const SLACK: Duration = Duration::from_secs(10);
/// A healthcheck that needs longer to notice is not waited for.
const LONGEST: Duration = Duration::from_mins(3);
/// An engine that has started no probe by then starts none: Podman leaves them to systemd, where there is one.
const FIRST_PROBE: Duration = Duration::from_secs(15);
/// So many probes in a row that fail although the service answers are no accident of its start.
const WRONG_PROBES: i64 = 3;

/// `service.health`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    let place = blame::healthcheck(&lab.subject, role);
    let own = service.settings.healthcheck.as_ref();
    let Some(probe) = effective(own, image.config.healthcheck.as_ref()) else {
        return Ok(fail("it has no healthcheck")
            .expected("a healthcheck that asks the service itself, in the Dockerfile or in compose.yaml")
            .at_place(&place)
            .by_itself());
    };
    let port = port_of(lab, service, image).ok();
    let path = lab.subject.project.verify.health.as_ref().map(|path| path.as_str().to_owned());
    let scene = lab
        .start(role, |spec| {
            if let Some(port) = port {
                publish(spec, port);
            }
            spec.settings.healthcheck = Some(probe.often());
            if !is_at_hand(lab.engine()) {
                // As process 1 it can be stopped through the engine.
                spec.settings.init = Some(false);
            }
        })
        .await?;
    let asked = match (port, path) {
        (Some(port), Some(path)) => {
            scene.container.inspect().await?.host_port(port).map(|host| Asked { host, port, path })
        }
        _ => None,
    };
    let verdict = both_ways(lab, &scene, &probe, asked.as_ref()).await;
    let verdict = match verdict {
        Ok(verdict) if verdict.outcome() == Outcome::Fail => {
            let mut log = probes(&scene).await;
            log.extend(scene.log().await);
            Ok(verdict.at_place(&place).log(log).by_itself())
        }
        other => other,
    };
    scene.end().await;
    verdict
}

/// The healthcheck that the container has.
struct Probe {
    test: HealthTest,
    timeout: Option<Duration>,
    retries: Option<u32>,
    start_period: Option<Duration>,
}

impl Probe {
    /// The same, done often, so that nobody waits for it.
    fn often(&self) -> Healthcheck {
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
    fn notices(&self) -> Duration {
        (self.timeout.unwrap_or(TIMEOUT) + INTERVAL) * self.retries.unwrap_or(RETRIES).max(1) + SLACK
    }
}

/// compose.yaml's over the image's, field by field, as the engine merges them; none if there is nothing to run.
fn effective(own: Option<&Healthcheck>, image: Option<&Healthcheck>) -> Option<Probe> {
    let off = |check: &&Healthcheck| check.test == Some(HealthTest::None);
    if own.as_ref().is_some_and(off) {
        return None;
    }
    let image = image.filter(|check| !off(check));
    let both = || own.into_iter().chain(image);
    let test = both().find_map(|check| check.test.clone()).filter(|test| !test.command().is_empty())?;
    Some(Probe {
        test,
        timeout: both().find_map(|check| check.timeout),
        retries: both().find_map(|check| check.retries),
        start_period: both().find_map(|check| check.start_period),
    })
}

/// Where the service is asked from outside.
struct Asked {
    host: u16,
    port: u16,
    path: String,
}

impl Asked {
    async fn answers(&self) -> bool {
        http::get(self.host, &self.path, Duration::from_secs(2)).await.is_ok_and(|answer| answer.ok())
    }
}

async fn both_ways(lab: &Lab, scene: &Scene, probe: &Probe, asked: Option<&Asked>) -> Checked {
    let start = Instant::now();
    if let Some(verdict) = until_healthy(lab, scene, probe, asked).await? {
        return Ok(verdict);
    }
    let healthy = start.elapsed();
    let Some(frozen) = freeze(&scene.container).await? else {
        return Ok(inconclusive(
            "it turns healthy; its processes cannot be stopped from here, and no `kill` in the image stops them, so \
             what it says of a service that does not answer was not seen",
        )
        .hint("run verify on the engine's own machine, as root or as a member of the user's group"));
    };
    // The probe under way while they were stopped may have been stopped with them: it says nothing.
    let uncounted = i64::from(!matches!(frozen, Frozen::FromHost(_)));
    let answers = match asked {
        Some(asked) => asked.answers().await,
        None => uncounted > 0,
    };
    let verdict = if answers {
        inconclusive(
            "it turns healthy; what it says of a service that does not answer was not seen, for none could be made to stop answering",
        )
    } else {
        until_unhealthy(scene, probe, uncounted, healthy).await?
    };
    frozen.release(&scene.container).await;
    Ok(verdict)
}

/// Waits until it is healthy; a verdict if it never is.
async fn until_healthy(lab: &Lab, scene: &Scene, probe: &Probe, asked: Option<&Asked>) -> Checked<Option<Verdict>> {
    let start = Instant::now();
    let within = lab.patience() + probe.start_period.unwrap_or_default();
    // The failures in a row when the service first answered.
    let mut answered: Option<i64> = None;
    loop {
        let state = scene.container.inspect().await?;
        let health = state.health.unwrap_or_default();
        if health.status == HealthStatus::Healthy {
            return Ok(None);
        }
        if !state.running {
            return down(lab, asked, &format!("it ended with exit code {}", state.exit_code)).map(Some);
        }
        if lab.engine().info().product == Product::Podman && health.log.is_empty() && start.elapsed() > FIRST_PROBE {
            return Ok(Some(inconclusive("this engine starts no healthcheck through its API")));
        }
        if let (Some(asked), None) = (asked, answered)
            && asked.answers().await
        {
            answered = Some(health.failing_streak);
        }
        let wrong = health.status == HealthStatus::Unhealthy
            && answered.is_some_and(|before| health.failing_streak >= before + WRONG_PROBES);
        if wrong || start.elapsed() > within {
            let said = last(&health);
            return match (asked, answered) {
                (Some(asked), Some(_)) => Ok(Some(
                    fail(format!("it never turned healthy, though the service answers GET {}{said}", asked.path))
                        .expected("healthy once the service answers"),
                )),
                (Some(asked), None) => down(lab, Some(asked), &format!("no answer to GET {}", asked.path)).map(Some),
                (None, _) => Ok(Some(
                    fail(format!("it did not turn healthy within {} s{said}", within.as_secs()))
                        .expected("healthy once the service is up"),
                )),
            };
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The verdict on a service that does not serve: what its healthcheck says of one that does cannot be seen.
fn down(lab: &Lab, asked: Option<&Asked>, why: &str) -> Checked<Verdict> {
    let what = match asked {
        Some(asked) => format!("the service does not serve on port {}: {why}", asked.port),
        None => format!("the service does not stay up: {why}"),
    };
    Ok(read_only::explains(lab.subject.service(lab.role("service")?), inconclusive(what)))
}

/// Waits until it is unhealthy, more probes than count having failed.
async fn until_unhealthy(scene: &Scene, probe: &Probe, uncounted: i64, healthy: Duration) -> Checked {
    let start = Instant::now();
    let within = probe.notices().min(LONGEST);
    let enough = i64::from(probe.retries.unwrap_or(RETRIES)) + uncounted;
    loop {
        let health = scene.container.inspect().await?.health.unwrap_or_default();
        if health.status == HealthStatus::Unhealthy && health.failing_streak >= enough {
            return Ok(pass(format!(
                "healthy {:.1} s after its start, and unhealthy {:.1} s after the service stopped answering",
                healthy.as_secs_f64(),
                start.elapsed().as_secs_f64()
            )));
        }
        if start.elapsed() > within {
            return Ok(if within < probe.notices() {
                inconclusive(format!(
                    "it turns healthy; to notice that nothing answers it needs up to {} s, which is not waited for",
                    probe.notices().as_secs()
                ))
                .hint("give the healthcheck a shorter timeout or fewer retries")
            } else {
                let seconds = start.elapsed().as_secs();
                fail(format!("it is still healthy {seconds} s after the service stopped answering{}", last(&health)))
                    .expected("unhealthy once the service does not answer")
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What the last probe came to.
fn last(health: &Health) -> String {
    match health.log.last() {
        None => String::new(),
        Some(probe) if probe.output.trim().is_empty() => format!("; its last probe ended with {}", probe.exit_code),
        Some(probe) => {
            format!("; its last probe ended with {}: {}", probe.exit_code, http::shorten(&probe.output))
        }
    }
}

/// What the probes printed.
async fn probes(scene: &Scene) -> Vec<String> {
    let state = scene.container.inspect().await.unwrap_or_default();
    let log = state.health.unwrap_or_default().log;
    let lines = log.last().map(|probe| probe.output.lines().map(|line| format!("healthcheck: {line}")).collect());
    lines.unwrap_or_default()
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
        let told = |probe: Probe| (probe.test.words().join(" "), probe.retries);
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
