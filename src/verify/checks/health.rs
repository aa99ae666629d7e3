//! `service.health`: the healthcheck tells a service that answers from one that does not.

use std::time::Duration;

use super::read_only;
use crate::engine::HealthStatus;
use crate::lab::pace::Watch;
use crate::lab::ports::{port_of, publish};
use crate::lab::probe::{BUSY, Found, ProbePlan, RETRIES, TIMED_OUT, effective, found, last};
use crate::lab::servers::servers;
use crate::lab::{Frozen, Lab, Scene, blame, freeze, freeze_some, http, is_at_hand};
use crate::verify::outcome::Outcome;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// A healthcheck that needs longer to notice is not waited for.
const LONGEST: Duration = Duration::from_mins(3);
/// So long after the first good probe the next ones are watched: some four of them.
const STEADY: Duration = Duration::from_secs(4);
/// `service.health`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    let place = blame::healthcheck(&lab.subject, role);
    let own = service.settings.healthcheck.as_ref();
    let Some(probe) = effective(own, image.config.healthcheck.as_ref()).map(ProbePlan::patient) else {
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

    /// Whether it goes on to answer: on a busy machine some of its threads still run for a moment after they were stopped.
    async fn goes_on(&self) -> bool {
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            if !self.answers().await {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }
}

async fn both_ways(lab: &Lab, scene: &Scene, probe: &ProbePlan, asked: Option<&Asked>) -> Checked {
    let start = Watch::start();
    if let Some(verdict) = until_healthy(lab, scene, probe, asked).await? {
        return Ok(verdict);
    }
    let healthy = start.by_clock();
    if let Some(asked) = asked
        && let Some(verdict) = falters(scene, asked).await?
    {
        return Ok(verdict);
    }
    if let Some(pid) = &lab.subject.service(lab.role("service")?).settings.pid {
        return Ok(inconclusive(format!(
            "it turns healthy; with `pid: {pid}` others' processes would be stopped together with its own, so what it says of \
             a service that does not answer was not seen"
        )));
    }
    if let Some(verdict) = without_servers(lab, scene, probe, asked, healthy).await? {
        return Ok(verdict);
    }
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
        Some(asked) => asked.goes_on().await,
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

/// The verdict where other processes than those that serve are there, which go on: a healthcheck may ask one of them. None where
/// there are no others, or it cannot be seen who serves.
async fn without_servers(
    lab: &Lab,
    scene: &Scene,
    probe: &ProbePlan,
    asked: Option<&Asked>,
    healthy: Duration,
) -> Checked<Option<Verdict>> {
    let Some(asked) = asked else { return Ok(None) };
    let Some(serving) = servers(lab, &scene.container, asked.port).await? else { return Ok(None) };
    let Some(frozen) = freeze_some(&scene.container, &serving).await? else { return Ok(None) };
    let verdict = if asked.goes_on().await {
        // Others serve it, too.
        None
    } else {
        Some(until_unhealthy(scene, probe, 0, healthy).await?)
    };
    frozen.release(&scene.container).await;
    Ok(verdict)
}

/// Waits until it is healthy; a verdict if it never is.
async fn until_healthy(lab: &Lab, scene: &Scene, probe: &ProbePlan, asked: Option<&Asked>) -> Checked<Option<Verdict>> {
    let place = asked.map(|asked| (asked.host, asked.path.as_str()));
    Ok(Some(match (found(lab, &scene.container, probe, place).await?, asked) {
        (Found::Healthy, _) => return Ok(None),
        (Found::Ended(code), _) => down(lab, asked, &format!("it exited with {code}"))?,
        (Found::Unprobed, _) => inconclusive("this engine starts no healthcheck through its API"),
        (Found::Busy { said, threads }, _) => inconclusive(format!(
            "it did not turn healthy{said}; meanwhile {threads:.0} threads wanted each processor of this machine, so it may be the load",
        )),
        (Found::Missed { said, answered: true, .. }, Some(asked)) => {
            fail(format!("it never turned healthy, though the service answers GET {}{said}", asked.path))
                .expected("healthy once the service answers")
        }
        (Found::Missed { .. }, Some(asked)) => down(lab, Some(asked), &format!("no answer to GET {}", asked.path))?,
        (Found::Missed { said, within, .. }, None) => {
            fail(format!("it did not turn healthy within {} s{said}", within.as_secs()))
                .expected("healthy once the service is up")
        }
    }))
}

/// The verdict on a healthcheck that has succeeded, and fails while the service still answers. On a busy machine a probe may
/// end by its timeout.
async fn falters(scene: &Scene, asked: &Asked) -> Checked<Option<Verdict>> {
    let start = Watch::start();
    while start.elapsed() < STEADY {
        let state = scene.container.inspect().await?;
        let health = state.health.unwrap_or_default();
        let timed_out = health.log.last().is_some_and(|probe| probe.exit_code == TIMED_OUT) && start.slowness() > BUSY;
        if health.failing_streak > 0 && !timed_out && asked.answers().await {
            let what = format!("it fails now and then, though the service answers GET {}{}", asked.path, last(&health));
            return Ok(Some(fail(what).expected("healthy as long as the service answers")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(None)
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
async fn until_unhealthy(scene: &Scene, probe: &ProbePlan, uncounted: i64, healthy: Duration) -> Checked {
    let start = Watch::start();
    let within = probe.notices().min(LONGEST);
    let enough = i64::from(probe.retries.unwrap_or(RETRIES)) + uncounted;
    loop {
        let health = scene.container.inspect().await?.health.unwrap_or_default();
        if health.status == HealthStatus::Unhealthy && health.failing_streak >= enough {
            return Ok(pass(format!(
                "healthy {:.1} s after its start, and unhealthy {:.1} s after the service stopped answering",
                healthy.as_secs_f64(),
                start.by_clock().as_secs_f64()
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
                let seconds = start.by_clock().as_secs();
                fail(format!("it is still healthy {seconds} s after the service stopped answering{}", last(&health)))
                    .expected("unhealthy once the service does not answer")
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What the probes printed.
async fn probes(scene: &Scene) -> Vec<String> {
    let state = scene.container.inspect().await.unwrap_or_default();
    let log = state.health.unwrap_or_default().log;
    let lines = log.last().map(|probe| probe.output.lines().map(|line| format!("healthcheck: {line}")).collect());
    lines.unwrap_or_default()
}
