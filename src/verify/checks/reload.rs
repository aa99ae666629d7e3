//! `dev.reload`: edits on the host, and the answers that show them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::read_only;
use crate::lab::leavings::{ending, is_foreign, is_program, is_test};
use crate::lab::live::{first_answer, reloaded, same_start};
use crate::lab::mount::source_mount;
use crate::lab::pace::Watch;
use crate::lab::ports::{dev_port, health_path, publish};
use crate::lab::servers::{servers, servers_soon};
use crate::lab::{Lab, Scene, blame, http};
use crate::project::Reload;
use crate::stacks::Shape;
use crate::text::{Place, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// How long a reloader has at least to see a file that is broken or gone.
const SEEN: Duration = Duration::from_millis(1500);

/// So many new answers in a row are of a service that has no old server left.
const ROW: usize = 10;

/// What no language takes for its own.
const NO_PROGRAM: &str = "\n)]} this is no program (((\n";

/// So often programs are edited where new processes may still be owed to edits before.
const ROUNDS: usize = 3;

/// How far apart two edits are: reloaders that poll know a file's time to the second.
const APART: Duration = Duration::from_millis(1100);

/// `dev.reload`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("dev")?;
    source_mount(lab)?;
    let Some(probe) = lab.subject.project.verify.reload.clone() else {
        return without_probe(lab).await;
    };
    let port = dev_port(lab)?;
    let scene = lab.start(role, |spec| publish(spec, port)).await?;
    let verdict = edits(lab, &scene, &probe, port).await;
    scene.end().await;
    Ok(read_only::explains(lab.subject.service(role), verdict?))
}

/// One way to change a file.
struct Edit {
    name: &'static str,
    word: &'static str,
}

/// The words are of one length, so that a reloader that looks at sizes alone misses all edits but the first.
const EDITS: &[Edit] = &[
    Edit { name: "written in place", word: "Inplaced1" },
    Edit { name: "saved by rename", word: "Renamed12" },
    Edit { name: "deleted and created again", word: "Recreated" },
    Edit { name: "saved again after a syntax error", word: "Recovered" },
];

async fn edits(lab: &Lab, scene: &Scene, probe: &Reload, port: u16) -> Checked {
    let file = probe.file.as_str();
    let path = probe.path.as_str();
    let role = lab.role("dev")?;
    let started = blame::command(&lab.subject, role);
    let broken = |what: String| fail(what).at_place(&started);
    let original = match scene.copy.read_text(file) {
        Ok(text) if text.contains(&probe.text) => text,
        Ok(_) => {
            return Ok(inconclusive(format!("[verify.reload]: {file} does not contain the text {:?}", probe.text))
                .at("dockwright.toml", None));
        }
        Err(error) => {
            return Ok(
                inconclusive(format!("[verify.reload]: {file} cannot be read: {error}")).at("dockwright.toml", None)
            );
        }
    };
    let (host, answer) = match first_answer(lab, scene, port, path).await? {
        Ok(first) => first,
        Err(why) => return Ok(with_logs(scene, broken(why)).await),
    };
    if !answer.body.contains(&probe.text) {
        return Ok(inconclusive(format!(
            "[verify.reload]: the answer to GET {path} does not contain the text {:?}: {}",
            probe.text,
            http::shorten(&answer.body)
        ))
        .at("dockwright.toml", None));
    }
    let before = scene.container.inspect().await?;
    let serving = servers(lab, &scene.container, port).await?;
    let mut restarts = false;
    let mut times = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut saved: Option<Instant> = None;
    for edit in EDITS {
        if let Some(saved) = saved {
            tokio::time::sleep_until((saved + APART).into()).await;
        }
        let text = original.replace(&probe.text, edit.word);
        match edit.name {
            "written in place" => scene.copy.write(file, text.as_bytes())?,
            "saved by rename" => scene.copy.replace(file, text.as_bytes())?,
            "deleted and created again" => {
                scene.copy.remove(file)?;
                until_seen(scene, host, path, slowest).await;
                scene.copy.write(file, text.as_bytes())?;
            }
            _ => {
                scene.copy.write(file, format!("{text}{NO_PROGRAM}").as_bytes())?;
                until_seen(scene, host, path, slowest).await;
                scene.copy.write(file, text.as_bytes())?;
            }
        }
        let start = Instant::now();
        saved = Some(start);
        // A compiler may be at work: as long as a start may take.
        let served = scene.answer(host, path, lab.patience(), |answer| answer.body.contains(edit.word)).await;
        if let Err(why) = served {
            let what = format!("{file}, {}, was not served: {why}", edit.name);
            let place = idle(lab, scene, file, &text).await?.unwrap_or_else(|| started.clone());
            return Ok(with_logs(scene, fail(what).at_place(&place)).await);
        }
        if let Some(old) = still_old(lab, host, path, edit.word).await {
            let what = format!("{file}, {}, is in one answer and not in the next: {}", edit.name, http::shorten(&old));
            return Ok(with_logs(scene, broken(what)).await);
        }
        if let Some(before) = &serving
            && let Some(now) = servers_soon(lab, &scene.container, port).await?
        {
            restarts |= !now.is_subset(before);
        }
        slowest = slowest.max(start.elapsed());
        times.push(format!("{} {:.1} s", edit.name, start.elapsed().as_secs_f64()));
        let now = scene.container.inspect().await?;
        if !same_start(&before, &now) {
            return Ok(with_logs(
                scene,
                broken(format!("{file}, {}: the container itself was started again", edit.name)),
            )
            .await);
        }
    }
    // What an edit of a program comes to is known where it starts the service again; of a file that is none, nothing is.
    if (restarts || is_no_program(lab, file))
        && let Some(verdict) = only_the_probe(lab, scene, probe, (host, port)).await?
    {
        return Ok(with_logs(scene, verdict.at_place(&started)).await);
    }
    Ok(pass(format!("served after {}", times.join(", "))))
}

/// An answer that is still the old one, after a new one: of a server beside the one that was started again. One that takes
/// leave gets as long as a start may take.
async fn still_old(lab: &Lab, host: u16, path: &str, word: &str) -> Option<String> {
    let start = Watch::start();
    let mut old = None;
    let mut row = 0;
    while row < ROW {
        match http::get(host, path, Duration::from_secs(5)).await {
            Ok(answer) if answer.body.contains(word) => row += 1,
            Ok(answer) => (row, old) = (0, Some(answer.body)),
            Err(why) => (row, old) = (0, Some(why)),
        }
        if start.elapsed() > lab.patience() {
            return old;
        }
    }
    None
}

/// Whether a file is none of a service's programs, as a template is; a site is made of such files.
fn is_no_program(lab: &Lab, file: &str) -> bool {
    let stack = lab.subject.project.stack.as_ref();
    !is_program(file) && stack.is_some_and(|stack| stack.shape != Shape::StaticSite)
}

/// An edit of the service's other programs starts it again; else what there is to say. They are of the same kind as the probe's
/// file, if that is a program. All are edited at once, as a reloader may watch only those that are in use. What is read at each
/// request is served before the reloader has done with it: the first new processes may be owed to that, so more are asked for.
async fn only_the_probe(
    lab: &Lab,
    scene: &Scene,
    probe: &Reload,
    (host, port): (u16, u16),
) -> Checked<Option<Verdict>> {
    let (file, path) = (probe.file.as_str(), probe.path.as_str());
    let mut others = programs(lab)?;
    let is_alike = |other: &str| !is_program(file) || ending(other) == ending(file);
    others.retain(|other| other != file && is_alike(other) && !is_test(other) && !is_foreign(other));
    if others.is_empty() {
        return Ok(None);
    }
    let mut edited = Vec::new();
    let mut starts = true;
    for _ in 0..if is_program(file) { 1 } else { ROUNDS } {
        tokio::time::sleep(APART).await;
        let Some(before) = servers_soon(lab, &scene.container, port).await? else { return Ok(None) };
        edited = edit_all(scene, &others);
        starts = edited.is_empty() || starts_anew(lab, scene, &before, (host, port, path)).await?;
        if !starts {
            break;
        }
    }
    if starts {
        return Ok(None);
    }
    let (seconds, listed) = (lab.patience().as_secs(), listed(&edited, 3));
    if is_program(file) {
        let what =
            format!("an edit of {file} starts the service again, and within {seconds} s one of {listed} does not");
        return Ok(Some(fail(what)));
    }
    if shows_errors(scene, &edited, (host, path)).await {
        return Ok(None);
    }
    let what = format!(
        "an edit of {file} is served, but an edit of {listed} starts no new process within {seconds} s, and an error in them \
         changes no answer"
    );
    // What serves them may not be what was asked.
    Ok(Some(if lab.subject.project.is_starter() { fail(what) } else { inconclusive(what) }))
}

/// Edits programs, each by a line more at the top, which is in what compilers make, too; those that were edited. A first line that
/// names a program stays the first.
fn edit_all<'a>(scene: &Scene, programs: &'a [String]) -> Vec<&'a str> {
    let edit = |program: &&String| {
        let text = scene.copy.read_text(program).ok().filter(|text| !text.starts_with("#!"));
        text.is_some_and(|text| scene.copy.write(program, format!("\n{text}").as_bytes()).is_ok())
    };
    programs.iter().filter(edit).map(String::as_str).collect()
}

/// Whether a process that was not there before comes to serve, and answers well.
async fn starts_anew(
    lab: &Lab,
    scene: &Scene,
    before: &BTreeSet<i64>,
    (host, port, path): (u16, u16, &str),
) -> Checked<bool> {
    let start = Watch::start();
    while start.elapsed() <= lab.patience() {
        let now = servers(lab, &scene.container, port).await?.unwrap_or_default();
        let new = !now.is_subset(before);
        if new && http::get(host, path, Duration::from_secs(5)).await.is_ok_and(|answer| answer.ok()) {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(false)
}

/// Whether programs with an error in them change an answer: then they are taken in without a new process.
async fn shows_errors(scene: &Scene, programs: &[&str], (host, path): (u16, &str)) -> bool {
    for program in programs {
        if let Ok(text) = scene.copy.read_text(program) {
            let _ = scene.copy.write(program, format!("{text}{NO_PROGRAM}").as_bytes());
        }
    }
    let start = Watch::start();
    let mut shows = false;
    while !shows && start.elapsed() < SEEN * 2 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        shows = !http::get(host, path, Duration::from_secs(5)).await.is_ok_and(|answer| answer.ok());
    }
    shows
}

/// What starts a container beside dev's that has the source mounted, is running, and says nothing when a file is edited once
/// more: a builder that does not see edits. What it said since the first edit may be of its last build.
async fn idle(lab: &Lab, scene: &Scene, file: &str, text: &str) -> Checked<Option<Place>> {
    let source = source_mount(lab)?.source.as_ref();
    let is_on_source =
        |name: &str| lab.subject.compose.services[name].volumes.iter().any(|mount| mount.source.as_ref() == source);
    let builders: Vec<_> = scene.others().iter().filter(|(name, _)| is_on_source(name)).collect();
    let mut before = Vec::new();
    for (_, container) in &builders {
        before.push(container.logs(None).await.unwrap_or_default().len());
    }
    scene.copy.write(file, format!("{text}\n").as_bytes())?;
    let start = Watch::start();
    for ((name, container), before) in builders.into_iter().zip(before) {
        // It may say nothing before it is done.
        while container.logs(None).await.unwrap_or_default().len() == before {
            if !container.inspect().await.is_ok_and(|state| state.running) {
                break;
            }
            if start.elapsed() > lab.patience() {
                let role = lab.subject.roles.iter().find(|role| lab.subject.service(role).name == *name);
                let command = || lab.subject.compose.services[name].at("command").clone();
                return Ok(Some(role.map_or_else(command, |role| blame::command(&lab.subject, role))));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(None)
}

/// Waits until a file that is broken or gone has surely been seen: until the service shows it, else longer than
/// the slowest edit so far took to be served.
async fn until_seen(scene: &Scene, host: u16, path: &str, slowest: Duration) {
    let start = Watch::start();
    while start.elapsed() < SEEN.max(slowest * 3 / 2) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let down = !http::get(host, path, Duration::from_secs(5)).await.is_ok_and(|answer| answer.ok());
        if down && start.elapsed() > SEEN || !scene.container.inspect().await.is_ok_and(|state| state.running) {
            return;
        }
    }
}

async fn with_logs(scene: &Scene, verdict: Verdict) -> Verdict {
    let mut log = scene.log().await;
    for (name, container) in scene.others() {
        let lines = container.logs(Some(10)).await.unwrap_or_default();
        log.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
    }
    verdict.log(log)
}

/// Without knowing what answer to expect: a file of the source is written again, and the serving process
/// must be another one in the same container, with the health path answering after it.
async fn without_probe(lab: &Lab) -> Checked {
    let missing = "[verify.reload] is not declared, so there is no answer to wait for";
    let undeclared = |what: &str| {
        inconclusive(what)
            .at("dockwright.toml", None)
            .hint("say in [verify.reload] which text of which file shows in which answer")
    };
    let Ok(health) = health_path(lab) else { return Ok(undeclared(missing)) };
    let role = lab.role("dev")?;
    let port = dev_port(lab)?;
    let started = blame::command(&lab.subject, role);
    let fail = |what: String| fail(what).at_place(&started);
    let scene = lab.start(role, |spec| publish(spec, port)).await?;
    let host = match first_answer(lab, &scene, port, &health).await? {
        Ok((host, _)) => host,
        Err(why) => {
            let verdict = with_logs(&scene, fail(why)).await;
            scene.end().await;
            return Ok(verdict);
        }
    };
    let before = scene.container.top().await?;
    let state = scene.container.inspect().await?;
    let sources = programs(lab)?;
    if sources.is_empty() {
        scene.end().await;
        return Ok(inconclusive(format!("{missing}, and no source file was recognised")));
    }
    for file in &sources {
        if let Ok(mut text) = scene.copy.read(file) {
            text.push(b'\n');
            scene.copy.write(file, &text)?;
        }
    }
    let verdict = match reloaded(lab, &scene, (host, &health), (&before, &state)).await? {
        Ok(time) => pass(format!(
            "after an edit a new process served, in the same container, {:.1} s later",
            time.as_secs_f64()
        )),
        // A reloader may take an edit in without a new process, which only an answer shows.
        Err(why) if !lab.subject.project.is_starter() && scene.container.inspect().await?.running => {
            with_logs(&scene, undeclared(&format!("{why}, and {missing}"))).await
        }
        Err(why) => with_logs(&scene, fail(why)).await,
    };
    scene.end().await;
    Ok(verdict)
}

/// The files of the project that are programs.
pub(super) fn programs(lab: &Lab) -> Checked<Vec<String>> {
    let context = crate::engine::BuildContext::open(&lab.subject.folder)?;
    let files = context.files()?;
    let programs = files.iter().filter(|file| file.size > 0 && is_program(&file.path));
    Ok(programs.map(|file| file.path.clone()).collect())
}
