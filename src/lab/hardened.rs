//! The service with what an attacker could use taken away from it: a writable root, capabilities, new privileges.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::http::{self, Answer};
use super::obstacle::{Attempt, Obstacle};
use super::pace;
use super::ports::{health_path, port_of, publish};
use crate::engine::ContainerSpec;

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

/// What a service did that works.
struct Used {
    /// In words.
    seen: String,
    /// What it answered, twice each, by path.
    answers: Vec<(String, [Answer; 2])>,
    log: Vec<String>,
}

/// How the service takes it; found out once.
pub(crate) async fn hardened(lab: &Lab) -> Attempt<Arc<Hardened>> {
    lab.fact(observe(lab)).await
}

async fn observe(lab: &Lab) -> Attempt<Hardened> {
    let (with, without) = tokio::try_join!(attempt(lab, harden), attempt(lab, soften))?;
    let (used, usual) = match (with, without) {
        (Ok(used), Ok(usual)) => (used, usual),
        // Beside one that does not work without, what the restrictions change cannot be seen.
        (Ok(used), Err(_)) => return Ok(Hardened::Works(used.seen)),
        (Err(broken), Ok(_)) => return Ok(Hardened::Breaks(broken)),
        (Err(broken), Err(_)) => return Ok(Hardened::Broken(broken)),
    };
    // Answers that change by themselves, as a count does, may still say other things.
    let ways: [fn(&Answer, &Answer) -> bool; 2] = [Answer::eq, alike];
    if ways.into_iter().all(|same| others(&used, &usual, same).is_empty()) {
        return Ok(Hardened::Works(used.seen));
    }
    // What is another from one container to the next, such as its name, is so without restrictions, too.
    let Ok(again) = attempt(lab, soften).await? else { return Ok(Hardened::Works(used.seen)) };
    let told = ways.into_iter().find_map(|same| {
        let by_itself = others(&again, &usual, same);
        others(&used, &usual, same).into_iter().find(|(path, _)| !by_itself.contains_key(path))
    });
    Ok(match told {
        Some((_, why)) => Hardened::Breaks(Broken { why, log: used.log }),
        None => Hardened::Works(used.seen),
    })
}

/// How answers are others than they usually are, by path, where those are twice the same.
fn others(used: &Used, usual: &Used, same: fn(&Answer, &Answer) -> bool) -> BTreeMap<String, String> {
    let all = used.answers.iter().zip(&usual.answers);
    let differ = all.filter(|((_, [one, again]), (_, [first, second]))| {
        same(first, second) && !same(first, one) && !same(first, again)
    });
    differ
        .map(|((path, [one, _]), (_, [first, _]))| {
            let told = |answer: &Answer| format!("{} {:?}", answer.status, http::shorten(&answer.body));
            (path.clone(), format!("GET {path} is answered with {} instead of {}", told(one), told(first)))
        })
        .collect()
}

/// Whether two answers say the same in words: times, numbers and names of hosts have digits.
fn alike(one: &Answer, other: &Answer) -> bool {
    let part = |c: char| !(c.is_ascii_alphanumeric() || "_-+/=.:".contains(c));
    let words = |answer: &Answer| -> Vec<String> {
        let words = answer.body.split(part).filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
        words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
    };
    one.status == other.status && words(one) == words(other)
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
async fn attempt(lab: &Lab, edit: fn(&mut ContainerSpec)) -> Attempt<Result<Used, Broken>> {
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
        let ended = |code: i64| format!("the container exited with {code}");
        let host = state.host_port(port).ok_or_else(|| ended(state.exit_code))?;
        let answered = |why: String| format!("GET {path}: {why}");
        scene.answer(host, &path, lab.patience(), |answer| lab.is_well(answer)).await.map_err(answered)?;
        let mut answers = Vec::new();
        for other in &others {
            let failed = |why: String| format!("GET {other}: {why}");
            let (one, again) =
                tokio::try_join!(http::get(host, other, SLOW), http::get(host, other, SLOW)).map_err(failed)?;
            if let Some(wrong) = [&one, &again].into_iter().find(|answer| !answer.ok()) {
                return Err(failed(format!("status {}: {}", wrong.status, http::shorten(&wrong.body))));
            }
            answers.push((other.clone(), [one, again]));
        }
        pace::pause(STAYS).await;
        let state = scene.container.inspect().await.map_err(|error| error.to_string())?;
        if !state.running {
            return Err(ended(state.exit_code));
        }
        let one =
            scene.answer(host, &path, Duration::from_secs(5), |answer| lab.is_well(answer)).await.map_err(answered)?;
        let again =
            scene.answer(host, &path, Duration::from_secs(5), |answer| lab.is_well(answer)).await.map_err(answered)?;
        answers.push((path.clone(), [one.0, again.0]));
        let also = others.iter().map(|other| format!(" and GET {other}")).collect::<Vec<_>>().concat();
        let seen = format!(
            "with a read-only root, no capability and no new privileges it answered GET {path}{also} as without these, and stayed up"
        );
        Ok((seen, answers))
    };
    let used = used.await;
    let result = match used {
        Ok((seen, answers)) => Ok(Used { seen, answers, log: scene.log().await }),
        Err(why) => {
            // What the answer was wrong for is often logged after it.
            pace::pause(LOGGED).await;
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
    fn answers_that_say_the_same_are_told_from_others() {
        let used = |bodies: [&str; 2]| {
            let answer = |body: &str| Answer { status: 200, body: body.to_owned() };
            let answers = vec![("/".to_owned(), bodies.map(answer))];
            Used { seen: String::new(), answers, log: Vec::new() }
        };
        let usual =
            used([r#"{"at": 12, "host": "3f2a", "state": "fine"}"#, r#"{"at": 13, "host": "3f2a", "state": "fine"}"#]);
        let by_words = |bodies| others(&used(bodies), &usual, alike);
        assert!(by_words([r#"{"at": 99, "host": "b7c1", "state": "fine"}"#; 2]).is_empty());
        assert!(by_words([r#"{"at": 99, "host": "b7c1", "state": "degraded"}"#; 2]).contains_key("/"));
        assert!(others(&used(["3"; 2]), &used(["4"; 2]), Answer::eq).contains_key("/"));
        // What changes by itself is compared by its words.
        let counted = used([r#"{"at": 1, "visit": 1}"#, r#"{"at": 2, "visit": 2}"#]);
        let without = used([r#"{"at": 3}"#, r#"{"at": 4}"#]);
        assert!(
            others(&without, &counted, Answer::eq).is_empty() && others(&without, &counted, alike).contains_key("/")
        );
        // What differs anyway tells nothing.
        assert!(others(&used(["c", "d"]), &used(["a", "b"]), Answer::eq).is_empty());
    }

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
