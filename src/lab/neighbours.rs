//! The services that a role needs and that are no role themselves: their images, and when they can be talked to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Lab;
use super::fetched::{Fetched, MissingImage};
use super::images::{Building, build_neighbour};
use super::listeners::listeners;
use super::obstacle::{Attempt, Reason};
use super::pace::Watch;
use crate::compose::{ComposeService, Condition, DependsOn};
use crate::engine::{Container, EngineRun, HealthStatus};
use crate::error::Result;
use crate::stacks::{Says, ecosystem};
use crate::subject::{RoleSubject, Subject};

/// How long a container that is to listen, and has no healthcheck, is waited for.
const LISTENS: Duration = Duration::from_secs(20);

/// The image of a service that is a role's, that compose.yaml builds, or that it names.
pub(super) async fn image(lab: &Lab, service: &ComposeService) -> Attempt<String> {
    if let Some(role) = lab.subject.roles.iter().find(|role| role.is_service(&service.name)) {
        return Ok(lab.container_image(&role.name)?.id.clone());
    }
    let mut images = lab.fetched.images().await;
    if !images.contains_key(&service.name) {
        let found = found(&lab.run, &lab.subject, service, &|_| {}).await?;
        images.insert(service.name.clone(), found);
    }
    let unseen = |missing: MissingImage| Reason::new(missing.why).at(missing.place).unseen();
    images[&service.name].clone().map_err(unseen)
}

/// Gets the images of all services that some roles need and that are none themselves, side by side: those that compose.yaml
/// builds are built, and what the engine does not have is pulled. `hear` hears of both.
///
/// # Errors
/// When the engine fails. An image that cannot be had is in what is returned.
pub(crate) async fn fetch(
    run: &EngineRun,
    subject: &Subject,
    roles: &[String],
    hear: &(dyn Fn(Building<'_>) + Sync),
) -> Result<Fetched> {
    let needed = needed(subject, roles).into_iter().map(|service| async move {
        let found = found(run, subject, service, hear).await?;
        Ok::<_, crate::error::Error>((service.name.clone(), found))
    });
    let found: BTreeMap<_, _> = futures_util::future::try_join_all(needed).await?.into_iter().collect();
    Ok(Fetched::of(found))
}

/// The services that roles need, directly or through others. One that nobody has trusted is not started, and needs no image.
fn needed<'a>(subject: &'a Subject, roles: &[String]) -> Vec<&'a ComposeService> {
    let mut needed = subject.around(subject.roles.iter().filter(|role| roles.contains(&role.name)));
    needed.retain(|service| {
        let name = &service.name;
        let is_role = subject.roles.iter().any(|role| role.is_service(name));
        !is_role && !subject.compose.unsupported_of(name).any(|one| one.untrusted)
    });
    needed
}

async fn found(
    run: &EngineRun,
    subject: &Subject,
    service: &ComposeService,
    hear: &(dyn Fn(Building<'_>) + Sync),
) -> Result<std::result::Result<String, MissingImage>> {
    let name = &service.name;
    if let Some(target) = subject.neighbours.get(name) {
        return Ok(match build_neighbour(run, name, target, hear).await? {
            Ok(image) => Ok(image.id),
            Err(failed) => {
                let why = format!("{name}, which it needs, did not build: {}", failed.failure.message);
                Err(MissingImage { failed: Some(failed), ..MissingImage::of(why, service.at("build")) })
            }
        });
    }
    let place = service.at("image");
    let Some(image) = &service.image else {
        return Ok(Err(MissingImage::of(format!("the service {name} is no role's and names no image"), place)));
    };
    let policy = service.pull_policy.as_deref().unwrap_or("missing");
    let there = run.engine().image_exists(image).await?;
    if there && policy != "always" {
        return Ok(Ok(image.clone()));
    }
    if policy == "never" {
        let why = format!(
            "{name}, which it needs, has no image: the engine does not have {image}, and `pull_policy` is never"
        );
        return Ok(Err(MissingImage::of(why, place)));
    }
    let start = Instant::now();
    let platform = service.settings.platform.as_ref().or(subject.compose.default_platform.as_ref());
    let tell = |step: String| hear(Building::Step { role: name, step });
    tell(format!("pulling {image}"));
    let pulled = run.engine().pull(image, platform.map(String::as_str), &tell).await;
    let failure = pulled.as_ref().err().map(crate::error::Error::one_line);
    let seconds = start.elapsed().as_secs_f64();
    hear(Building::Pulled { service: name, image, seconds, failure });
    let Err(error) = pulled else { return Ok(Ok(image.clone())) };
    let words = error.one_line();
    let says = &ecosystem().says;
    // Who is refused, or reaches nothing, does not know what is there.
    let absent =
        Says::any(&says.absent, &words) && !Says::any(&says.network, &words) && !Says::any(&says.denied, &words);
    let missing = MissingImage::of(format!("{name}, which it needs, has no image: {words}"), place);
    Ok(Err(MissingImage { absent, fault: (!absent).then(|| error.into()), ..missing }))
}

/// What a service waits for, by the services that are started before it: what it says, and of those that it only names by
/// their hosts, that they are there.
pub(super) fn waits_for(
    lab: &Lab,
    service: &ComposeService,
    role: Option<&RoleSubject>,
) -> BTreeMap<String, Condition> {
    let said = service.depends_on.iter().map(|(name, DependsOn { condition, .. })| (name.clone(), *condition));
    let mut all: BTreeMap<String, Condition> = said.collect();
    for name in role.iter().flat_map(|role| &role.mentions) {
        let other = &lab.subject.compose.services[name];
        let checked = other.settings.healthcheck.is_some();
        all.entry(name.clone()).or_insert(if checked { Condition::Healthy } else { Condition::Started });
    }
    all
}

/// Waits until a container that another one needs has got so far.
pub(super) async fn wait(lab: &Lab, name: &str, container: &Container, condition: Condition) -> Attempt<()> {
    let start = Watch::start();
    let restarts = lab.subject.compose.services.get(name).is_some_and(|service| service.settings.restart.is_some());
    loop {
        let state = container.inspect().await?;
        let healthy = state.health.as_ref().is_some_and(|health| health.status == HealthStatus::Healthy);
        match condition {
            Condition::Started => return listening(lab, name, container).await,
            Condition::Healthy if healthy => return Ok(()),
            Condition::Completed if !state.running && state.exit_code == 0 => return Ok(()),
            _ if !state.running && !restarts || start.elapsed() > lab.patience() => {
                let log = container.logs(Some(20)).await.unwrap_or_default();
                let got = match condition {
                    Condition::Healthy => "turn healthy",
                    _ => "end with 0",
                };
                let how = if state.running { String::new() } else { format!(" (exit code {})", state.exit_code) };
                let why = format!("{name}, which it depends on, did not {got}{how}");
                return Err(Reason::new(why).log(log).unseen());
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Waits until a container that says on which ports it listens does so. Compose does not wait: who starts too early is started
/// again by it, or by a person. Nothing comes of it if it never does.
async fn listening(lab: &Lab, name: &str, container: &Container) -> Attempt<()> {
    let Some(service) = lab.subject.compose.services.get(name) else { return Ok(()) };
    if lab.subject.roles.iter().any(|role| role.is_service(name)) {
        return Ok(());
    }
    let image = lab.engine().image(&image(lab, service).await?).await?;
    if image.config.exposed_ports.is_empty() && service.ports.is_empty() && service.expose.is_empty() {
        return Ok(());
    }
    let start = Watch::start();
    while start.elapsed() < LISTENS && container.inspect().await?.running {
        match listeners(lab, container).await {
            Ok(Some(found)) if found.iter().all(|one| !one.is_open()) => {}
            _ => return Ok(()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
