//! The service with what an attacker could use taken away from it: a writable root, capabilities, new privileges.

use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::http;
use super::obstacle::{Attempt, Obstacle};
use super::ports::{health_path, port_of, publish};
use crate::engine::ContainerSpec;

/// A service that is not up by then may be missing something: the other start, for comparison, begins.
const HEAD_START: Duration = Duration::from_secs(10);
/// How long a slow answer may take.
const SLOW: Duration = Duration::from_secs(30);
/// How long after a wrong answer its reason may be logged.
const LOGGED: Duration = Duration::from_millis(500);
/// It stays up at least so long after it has answered.
const STAYS: Duration = Duration::from_secs(1);

/// How the service takes it.
#[derive(Debug)]
pub(crate) enum Hardened {
    /// It works, by what was seen.
    Works(String),
    /// It works only without.
    Breaks(Broken),
    /// It works neither way.
    Broken(Broken),
}

/// What did not work, and the end of the log.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) why: String,
    pub(crate) log: Vec<String>,
}

/// How the service takes it; found out once.
pub(crate) async fn hardened(lab: &Lab) -> Attempt<Arc<Hardened>> {
    lab.fact(observe(lab)).await
}

async fn observe(lab: &Lab) -> Attempt<Hardened> {
    let hardened = attempt(lab, harden);
    tokio::pin!(hardened);
    let (with, without) = match tokio::time::timeout(HEAD_START, &mut hardened).await {
        Ok(ended) => (ended?, None),
        Err(_) => {
            let (with, without) = tokio::try_join!(hardened, attempt(lab, soften))?;
            (with, Some(without))
        }
    };
    let broken = match with {
        Ok(seen) => return Ok(Hardened::Works(seen)),
        Err(broken) => broken,
    };
    let without = match without {
        Some(without) => without,
        None => attempt(lab, soften).await?,
    };
    Ok(match without {
        Ok(_) => Hardened::Breaks(broken),
        Err(broken) => Hardened::Broken(broken),
    })
}

/// As compose.yaml says, and harder.
fn harden(spec: &mut ContainerSpec) {
    spec.settings.read_only = true;
    spec.settings.privileged = false;
    spec.settings.cap_add.clear();
    spec.settings.cap_drop = vec!["ALL".into()];
    spec.settings.security_opt.retain(|option| !option.starts_with("no-new-privileges"));
    spec.settings.security_opt.push("no-new-privileges:true".into());
}

/// As compose.yaml says, without what it takes away.
fn soften(spec: &mut ContainerSpec) {
    spec.settings.read_only = false;
    spec.settings.cap_drop.clear();
    spec.settings.security_opt.retain(|option| !option.starts_with("no-new-privileges"));
}

/// Starts it and uses it: the health path, the other paths that are declared, and the health path again.
async fn attempt(lab: &Lab, edit: fn(&mut ContainerSpec)) -> Attempt<Result<String, Broken>> {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let port = port_of(lab, lab.subject.service(role), image)?;
    let path = health_path(lab)?;
    let verify = &lab.subject.project.verify;
    let slow = verify.slow.as_ref().map(|path| path.as_str().to_owned());
    // What dev reloads is a page of the service, too.
    let page = verify.reload.as_ref().map(|probe| probe.path.as_str().to_owned());
    let others: Vec<String> = slow.into_iter().chain(page).filter(|other| *other != path).collect();
    let started = lab
        .start(role, |spec| {
            edit(spec);
            publish(spec, port);
        })
        .await;
    let scene = match started {
        Ok(scene) => scene,
        Err(Obstacle::Refused(reason)) => return Ok(Err(Broken { why: reason.why, log: Vec::new() })),
        Err(obstacle) => return Err(obstacle),
    };
    let used = async {
        let state = scene.container.inspect().await.map_err(|error| error.to_string())?;
        let ended = |code: i64| format!("the container ended with exit code {code}");
        let host = state.host_port(port).ok_or_else(|| ended(state.exit_code))?;
        let answers = |why: String| format!("GET {path}: {why}");
        scene.answer(host, &path, lab.patience(), http::Answer::ok).await.map_err(answers)?;
        for other in &others {
            match http::get(host, other, SLOW).await {
                Ok(answer) if answer.ok() => {}
                Ok(answer) => {
                    return Err(format!("GET {other}: status {}: {}", answer.status, http::shorten(&answer.body)));
                }
                Err(why) => return Err(format!("GET {other}: {why}")),
            }
        }
        tokio::time::sleep(STAYS).await;
        let state = scene.container.inspect().await.map_err(|error| error.to_string())?;
        if !state.running {
            return Err(ended(state.exit_code));
        }
        scene.answer(host, &path, Duration::from_secs(5), http::Answer::ok).await.map_err(answers)?;
        let also = others.iter().map(|other| format!(" and GET {other}")).collect::<Vec<_>>().concat();
        Ok(format!(
            "with a read-only root, no capability and no new privileges it answered GET {path}{also}, and stayed up"
        ))
    };
    let used = used.await;
    let result = match used {
        Ok(seen) => Ok(seen),
        Err(why) => {
            // What the answer was wrong for is often logged after it.
            tokio::time::sleep(LOGGED).await;
            Err(Broken { why, log: scene.log().await })
        }
    };
    scene.end().await;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Settings;

    #[test]
    fn what_compose_says_otherwise_is_overruled() {
        let settings = Settings {
            cap_add: vec!["NET_ADMIN".into()],
            security_opt: vec!["no-new-privileges:false".into(), "label:disable".into()],
            privileged: true,
            ..Settings::default()
        };
        let mut spec = ContainerSpec { settings, ..ContainerSpec::default() };
        harden(&mut spec);
        assert!(spec.settings.read_only && !spec.settings.privileged && spec.settings.cap_add.is_empty());
        assert_eq!(spec.settings.security_opt, ["label:disable", "no-new-privileges:true"]);
    }
}
