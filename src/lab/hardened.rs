//! The service with what an attacker could use taken away from it: a writable root, capabilities, new privileges.

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
/// So many times in a row answers have to be others: two words by lot are so, by chance, once in two thousand.
const ROUNDS: usize = 3;
/// It stays up at least so long after it has answered.
const STAYS: Duration = Duration::from_secs(1);

/// How the service takes it.
#[derive(Debug)]
pub(crate) enum Hardened {
    /// It works, by what was seen.
    Works(String),
    /// It works only without.
    Breaks(Broken),
    /// It works neither way, but for root: a page of it needs what its user may not do.
    Denied(Broken),
    /// It works neither way.
    Broken(Broken),
}

/// What did not work, and the end of the log.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) why: String,
    /// The status of the answer, where it answers, and is well.
    pub(crate) status: Option<u16>,
    pub(crate) log: Vec<String>,
}

impl Broken {
    fn by(why: String) -> Self {
        Self { why, status: None, log: Vec::new() }
    }
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
        (Err(_), Err(broken)) => {
            let is_denied = broken.status.is_some() && attempt(lab, as_root).await?.is_ok();
            return Ok(if is_denied { Hardened::Denied(broken) } else { Hardened::Broken(broken) });
        }
    };
    // Answers that change by themselves, as a count does, may still say other things.
    let ways: [fn(&Answer, &Answer) -> bool; 2] = [Answer::eq, alike];
    let mut rounds = vec![[used, usual]];
    while let Some(why) = ways.into_iter().find_map(|same| differs(&rounds, same)) {
        if rounds.len() == ROUNDS {
            let [[used, _], ..] = &mut rounds[..] else { unreachable!("there is a first round") };
            return Ok(Hardened::Breaks(Broken { log: std::mem::take(&mut used.log), ..Broken::by(why) }));
        }
        // What is another from one container to the next, as its name is, or is so by lot, is not always so with restrictions,
        // and never without.
        let round = tokio::try_join!(attempt(lab, harden), attempt(lab, soften))?;
        let (Ok(used), Ok(usual)) = round else { break };
        rounds.push([used, usual]);
    }
    let [used, _] = rounds.swap_remove(0);
    Ok(Hardened::Works(used.seen))
}

/// How answers with restrictions are others than those without, where these are always the same; each round has both, and
/// each of them twice.
fn differs(rounds: &[[Used; 2]], same: fn(&Answer, &Answer) -> bool) -> Option<String> {
    let [[used, usual], ..] = rounds else { return None };
    usual.answers.iter().enumerate().find_map(|(index, (path, [first, _]))| {
        let all = |which: usize| rounds.iter().flat_map(move |round| &round[which].answers[index].1);
        let is_so = all(1).all(|answer| same(first, answer)) && !all(0).any(|answer| same(first, answer));
        let told = |answer: &Answer| format!("{} {:?}", answer.status, http::shorten(&answer.body));
        let (_, [one, _]) = &used.answers[index];
        is_so.then(|| format!("GET {path} is answered with {} instead of {}", told(one), told(first)))
    })
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

/// As root, with nothing taken away.
fn as_root(spec: &mut ContainerSpec) {
    soften(spec);
    spec.settings.user = Some("0:0".to_owned());
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
        Err(Obstacle::Refused(reason)) => return Ok(Err(Broken::by(reason.why))),
        Err(obstacle) => return Err(obstacle),
    };
    let used = async {
        let state = scene.container.inspect().await.map_err(|error| Broken::by(error.to_string()))?;
        let ended = |code: i64| Broken::by(format!("the container exited with {code}"));
        let host = state.host_port(port).ok_or_else(|| ended(state.exit_code))?;
        let answered = |why: String| Broken::by(format!("GET {path}: {why}"));
        scene.answer(host, &path, lab.patience(), |answer| lab.is_well(answer)).await.map_err(answered)?;
        let mut answers = Vec::new();
        for other in &others {
            let failed = |why: String| Broken::by(format!("GET {other}: {why}"));
            let (one, again) =
                tokio::try_join!(http::get(host, other, SLOW), http::get(host, other, SLOW)).map_err(failed)?;
            if let Some(wrong) = [&one, &again].into_iter().find(|answer| !answer.ok()) {
                let broken = failed(format!("status {}: {}", wrong.status, http::shorten(&wrong.body)));
                return Err(Broken { status: Some(wrong.status), ..broken });
            }
            answers.push((other.clone(), [one, again]));
        }
        pace::pause(STAYS).await;
        let state = scene.container.inspect().await.map_err(|error| Broken::by(error.to_string()))?;
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
        Err(broken) => {
            // What the answer was wrong for is often logged after it.
            pace::pause(LOGGED).await;
            Err(Broken { log: scene.log().await, ..broken })
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
        let differ =
            |with: [&str; 2], without: [&str; 2], same| differs(&[[used(with), used(without)]], same).is_some();
        let usual = [12, 13].map(|at| format!(r#"{{"at": {at}, "host": "3f2a", "state": "fine"}}"#));
        let usual = [usual[0].as_str(), usual[1].as_str()];
        assert!(!differ([r#"{"at": 99, "host": "b7c1", "state": "fine"}"#; 2], usual, alike));
        assert!(differ([r#"{"at": 99, "host": "b7c1", "state": "degraded"}"#; 2], usual, alike));
        assert!(differ(["3"; 2], ["4"; 2], Answer::eq));
        // What changes by itself is compared by its words.
        let (counted, without) =
            ([r#"{"at": 1, "visit": 1}"#, r#"{"at": 2, "visit": 2}"#], [r#"{"at": 3}"#, r#"{"at": 4}"#]);
        assert!(!differ(without, counted, Answer::eq) && differ(without, counted, alike));
        // What differs anyway tells nothing.
        assert!(!differ(["c", "d"], ["a", "b"], Answer::eq));
        // By lot: it has to be so each time.
        let round = |with: [&str; 2], without: [&str; 2]| [used(with), used(without)];
        let first = || round(["b", "b"], ["a", "a"]);
        for next in [round(["b", "b"], ["a", "b"]), round(["a", "b"], ["a", "a"])] {
            assert!(differs(&[first(), next], Answer::eq).is_none());
        }
        assert!(differs(&[first(), round(["b", "c"], ["a", "a"])], Answer::eq).is_some());
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
