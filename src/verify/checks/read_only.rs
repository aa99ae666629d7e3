//! `service.read-only`: the service works with what an attacker could use taken away from it.

use std::time::Duration;

use super::reload::publish;
use super::service::{health_path, port_of};
use crate::compose::Service;
use crate::engine::ContainerSpec;
use crate::verify::bench::{Bench, Checked, Stop};
use crate::verify::http;
use crate::verify::outcome::{Outcome, fail, pass, skipped};

/// A service that is not up by then may be missing something: the other start, for comparison, begins.
const HEAD_START: Duration = Duration::from_secs(10);
/// How long a slow answer may take.
const SLOW: Duration = Duration::from_secs(30);
/// How long after a wrong answer its reason may be logged.
const LOGGED: Duration = Duration::from_millis(500);
/// It stays up at least so long after it has answered.
const STAYS: Duration = Duration::from_secs(1);

/// How the service takes it; found out once, as other contracts fail by the same defect.
#[derive(Debug)]
pub(in crate::verify) enum Hardened {
    /// It works, by what was seen.
    Works(String),
    /// It works only without.
    Breaks(Broken),
    /// It works neither way.
    Broken(Broken),
}

/// What did not work, and the end of the log.
#[derive(Debug)]
pub(in crate::verify) struct Broken {
    why: String,
    log: Vec<String>,
}

/// `service.read-only`.
pub(super) async fn check(bench: &Bench) -> Checked {
    let role = bench.role("service")?;
    let service = bench.subject.service(role);
    Ok(match observed(bench).await? {
        Hardened::Works(seen) => pass(seen.clone()),
        Hardened::Broken(broken) => skipped(format!(
            "the service does not work with a writable root and all capabilities either: {}",
            broken.why
        )),
        Hardened::Breaks(broken) => {
            let missing = missing_path(&broken.log);
            let what = match &missing {
                Some(path) => format!("{} (it wants to write {path})", broken.why),
                None => broken.why.clone(),
            };
            let verdict = fail(format!("with a writable root and the usual capabilities it works, without them not: {what}"))
                .expected("it works with a read-only root, no capability and no new privileges, writing only to declared tmpfs and volumes")
                .at(bench.subject.compose_file(), service.at("tmpfs").line)
                .log(broken.log.clone());
            match missing {
                Some(path) => verdict.hint(format!(
                    "Let the service write below a folder that compose.yaml declares as `tmpfs` or as a volume, or declare the folder of {path} so."
                )),
                None => verdict,
            }
        }
    })
}

/// Skipped, with the cause, where what compose.yaml takes away from a container of the service is what breaks it.
pub(super) async fn cause(bench: &Bench, service: &Service) -> Checked<Option<crate::verify::outcome::Verdict>> {
    let no_new = service.settings.security_opt.iter().any(|option| option.starts_with("no-new-privileges"));
    if !(service.settings.read_only || no_new || !service.settings.cap_drop.is_empty()) {
        return Ok(None);
    }
    match observed(bench).await {
        Ok(Hardened::Breaks(broken)) => Ok(Some(skipped(format!(
            "the service works only with a writable root or with capabilities, which service.read-only tells: {}",
            broken.why
        )))),
        Ok(_) | Err(Stop::Verdict(_)) => Ok(None),
        Err(stop) => Err(stop),
    }
}

async fn observed(bench: &Bench) -> Checked<&Hardened> {
    // On the heap: most checks wait for it only when they fail.
    Box::pin(bench.seen.hardened.get_or_try_init(|| observe(bench))).await
}

async fn observe(bench: &Bench) -> Checked<Hardened> {
    let hardened = attempt(bench, harden);
    tokio::pin!(hardened);
    let (with, without) = match tokio::time::timeout(HEAD_START, &mut hardened).await {
        Ok(ended) => (ended?, None),
        Err(_) => {
            let (with, without) = tokio::try_join!(hardened, attempt(bench, soften))?;
            (with, Some(without))
        }
    };
    let broken = match with {
        Ok(seen) => return Ok(Hardened::Works(seen)),
        Err(broken) => broken,
    };
    let without = match without {
        Some(without) => without,
        None => attempt(bench, soften).await?,
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

/// Starts it and uses it: the health path, the slow one, and the health path again.
async fn attempt(bench: &Bench, edit: fn(&mut ContainerSpec)) -> Checked<Result<String, Broken>> {
    let role = bench.role("service")?;
    let image = bench.container_image("service")?;
    let port = port_of(bench, bench.subject.service(role), image)?;
    let path = health_path(bench)?;
    let slow = bench.subject.project.verify.slow.as_ref().map(|path| path.as_str().to_owned());
    let started = bench
        .start(role, |spec| {
            edit(spec);
            publish(spec, port);
        })
        .await;
    let scene = match started {
        Ok(scene) => scene,
        Err(Stop::Verdict(verdict)) if verdict.outcome() == Outcome::Fail => {
            return Ok(Err(Broken { why: verdict.observed().to_owned(), log: Vec::new() }));
        }
        Err(stop) => return Err(stop),
    };
    let used = async {
        let state = scene.container.inspect().await.map_err(|error| error.to_string())?;
        let ended = |code: i64| format!("the container ended with exit code {code}");
        let host = state.host_port(port).ok_or_else(|| ended(state.exit_code))?;
        let answers = |why: String| format!("GET {path}: {why}");
        scene.answer(host, &path, bench.patience(), http::Answer::ok).await.map_err(answers)?;
        if let Some(slow) = &slow {
            match http::get(host, slow, SLOW).await {
                Ok(answer) if answer.ok() => {}
                Ok(answer) => {
                    return Err(format!("GET {slow}: status {}: {}", answer.status, http::shorten(&answer.body)));
                }
                Err(why) => return Err(format!("GET {slow}: {why}")),
            }
        }
        tokio::time::sleep(STAYS).await;
        let state = scene.container.inspect().await.map_err(|error| error.to_string())?;
        if !state.running {
            return Err(ended(state.exit_code));
        }
        scene.answer(host, &path, Duration::from_secs(5), http::Answer::ok).await.map_err(answers)?;
        let also = slow.as_ref().map_or_else(String::new, |slow| format!(" and GET {slow}"));
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

/// The path that a log says could not be written.
fn missing_path(log: &[String]) -> Option<String> {
    const SAYS: &str = "read-only file system";
    let (line, at) = log.iter().rev().find_map(|line| Some((line, line.to_ascii_lowercase().find(SAYS)?)))?;
    let path = |word: &&str| word.starts_with('/') && word.len() > 1;
    let words = |text: &'_ str| -> Vec<String> {
        let words = text.split(['\'', '"', '`', ' ', ':', ',', ')', '\\']);
        words.filter(path).map(ToOwned::to_owned).collect()
    };
    // Most name it behind the reason, shells before it.
    words(line.get(at..)?).into_iter().next().or_else(|| words(line.get(..at)?).pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Settings;

    #[test]
    fn what_could_not_be_written_is_read_from_the_log() {
        for (line, path) in [
            ("OSError: [Errno 30] Read-only file system: '/srv/app/cache'", Some("/srv/app/cache")),
            ("Error: EROFS: read-only file system, mkdir '/srv/app/cache'", Some("/srv/app/cache")),
            ("/bin/start.sh: 3: cannot create /var/run/x.pid: Read-only file system", Some("/var/run/x.pid")),
            ("Os { code: 30, kind: ReadOnlyFilesystem, message: \"Read-only file system\" }", None),
            ("listening on /tmp/x", None),
        ] {
            assert_eq!(missing_path(&[line.to_owned()]).as_deref(), path, "{line}");
        }
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
