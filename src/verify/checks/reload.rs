//! `dev.reload`: edits on the host, and the answers that show them.

use std::time::{Duration, Instant};

use super::dev::held_mount;
use super::leavings::is_program;
use super::read_only;
use crate::engine::{ContainerState, Process};
use crate::project::Reload;
use crate::verify::bench::{Bench, Checked, Scene};
use crate::verify::http;
use crate::verify::outcome::{Outcome, Verdict, fail, inconclusive, pass};
use crate::verify::subject::RoleSubject;

/// How long a reloader has at least to see a file that is broken or gone.
const SEEN: Duration = Duration::from_millis(1500);

/// How far apart two edits are: reloaders that poll know a file's time to the second.
const APART: Duration = Duration::from_millis(1100);

/// `dev.reload`.
pub(super) async fn check(bench: &Bench) -> Checked {
    let role = bench.role("dev")?;
    held_mount(bench)?;
    let Some(probe) = bench.subject.project.verify.reload.clone() else {
        return without_probe(bench).await;
    };
    let port = service_port(bench)?;
    let scene = bench.start(role, |spec| publish(spec, port)).await?;
    let verdict = edits(bench, &scene, &probe, port).await;
    scene.end().await;
    let verdict = verdict?;
    if verdict.outcome() == Outcome::Fail
        && let Some(verdict) = read_only::cause(bench, bench.subject.service(role)).await?
    {
        return Ok(verdict);
    }
    Ok(verdict)
}

/// The port that the service answers on in dev: what PORT says there, else the description, else the only exposed one.
pub(super) fn service_port(bench: &Bench) -> Checked<u16> {
    let role = bench.role("dev")?;
    let service = bench.subject.service(role);
    let image = bench.container_image("dev")?;
    super::service::port_of(bench, service, image)
}

pub(super) fn publish(spec: &mut crate::engine::ContainerSpec, port: u16) {
    if !spec.ports.iter().any(|one| one.container == port) {
        spec.ports.push(crate::engine::Port { container: port, ..Default::default() });
    }
}

/// One way to change a file.
struct Edit {
    name: &'static str,
    word: &'static str,
}

const EDITS: &[Edit] = &[
    Edit { name: "written in place", word: "Inplaced" },
    Edit { name: "saved by rename", word: "Renamed" },
    Edit { name: "deleted and made anew", word: "Recreated" },
    Edit { name: "saved again after a syntax error", word: "Recovered" },
];

async fn edits(bench: &Bench, scene: &Scene, probe: &Reload, port: u16) -> Checked {
    let file = probe.file.as_str();
    let path = probe.path.as_str();
    let role = bench.role("dev")?;
    let (started_in, started_at) = command_place(bench, role);
    let broken = |what: String| fail(what).at(started_in.clone(), started_at);
    let original = match std::fs::read_to_string(scene.copy.path().join(file)) {
        Ok(text) if text.contains(&probe.text) => text,
        Ok(_) => {
            return Ok(inconclusive(format!("[verify.reload]: {file} does not hold the text {:?}", probe.text))
                .at("dockwright.toml", None));
        }
        Err(error) => {
            return Ok(
                inconclusive(format!("[verify.reload]: {file} cannot be read: {error}")).at("dockwright.toml", None)
            );
        }
    };
    let (host, answer) = match first_answer(bench, scene, port, path).await? {
        Ok(first) => first,
        Err(why) => return Ok(with_logs(scene, broken(why)).await),
    };
    if !answer.body.contains(&probe.text) {
        return Ok(inconclusive(format!(
            "[verify.reload]: the answer to GET {path} does not hold the text {:?}: {}",
            probe.text,
            http::shorten(&answer.body)
        ))
        .at("dockwright.toml", None));
    }
    let before = scene.container.inspect().await?;
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
            "deleted and made anew" => {
                scene.copy.remove(file)?;
                until_seen(scene, host, path, slowest).await;
                scene.copy.write(file, text.as_bytes())?;
            }
            _ => {
                scene.copy.write(file, format!("{text}\n)]}} this is no program (((\n").as_bytes())?;
                until_seen(scene, host, path, slowest).await;
                scene.copy.write(file, text.as_bytes())?;
            }
        }
        let start = Instant::now();
        saved = Some(start);
        // A compiler may be at work: as long as a start may take.
        let served = scene.answer(host, path, bench.patience(), |answer| answer.body.contains(edit.word)).await;
        if let Err(why) = served {
            let what = format!("{file}, {}, was not served: {why}", edit.name);
            return Ok(with_logs(scene, broken(what)).await);
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
    Ok(pass(format!("served after {}", times.join(", "))))
}

/// The host's port and dev's first good answer, or why there is none.
async fn first_answer(
    bench: &Bench,
    scene: &Scene,
    port: u16,
    path: &str,
) -> Checked<Result<(u16, http::Answer), String>> {
    let state = scene.container.inspect().await?;
    let Some(host) = state.host_port(port) else {
        if state.running {
            return Err(inconclusive(format!("port {port} could not be published")).into());
        }
        return Ok(Err(format!("dev ended with exit code {}", state.exit_code)));
    };
    let first = scene.answer(host, path, bench.patience(), http::Answer::ok).await;
    Ok(first.map(|(answer, _)| (host, answer)).map_err(|why| format!("no answer to GET {path} on port {port}: {why}")))
}

/// Waits until a file that is broken or gone has surely been seen: until the service shows it, else longer than
/// the slowest edit so far took to be served.
async fn until_seen(scene: &Scene, host: u16, path: &str, slowest: Duration) {
    let start = Instant::now();
    while start.elapsed() < SEEN.max(slowest * 3 / 2) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let down = !http::get(host, path, Duration::from_secs(5)).await.is_ok_and(|answer| answer.ok());
        if down && start.elapsed() > SEEN || !scene.container.inspect().await.is_ok_and(|state| state.running) {
            return;
        }
    }
}

/// The file and line that start a role's process: compose.yaml's `command`, else the image's.
pub(super) fn command_place(bench: &Bench, role: &RoleSubject) -> (String, usize) {
    let service = bench.subject.service(role);
    if service.command.is_some() {
        return (bench.subject.compose_file(), service.at("command").line);
    }
    if service.entrypoint.is_some() {
        return (bench.subject.compose_file(), service.at("entrypoint").line);
    }
    (role.target.file.clone(), super::shutdown::command_line(role))
}

fn same_start(before: &ContainerState, now: &ContainerState) -> bool {
    now.running && before.started_at == now.started_at && before.restart_count == now.restart_count
}

async fn with_logs(scene: &Scene, verdict: Verdict) -> Verdict {
    let mut log = scene.log().await;
    for (name, container) in &scene.others {
        let lines = container.logs(Some(10)).await.unwrap_or_default();
        log.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
    }
    verdict.log(log)
}

/// Without knowing what answer to expect: a file of the source is written again, and the serving process
/// must be another one in the same container, with the health path answering after it.
async fn without_probe(bench: &Bench) -> Checked {
    let missing = "[verify.reload] is not declared, so there is no answer to wait for";
    let Some(health) = bench.subject.project.verify.health.clone() else {
        return Ok(inconclusive(missing)
            .at("dockwright.toml", None)
            .hint("say in [verify.reload] which text of which file shows in which answer"));
    };
    let role = bench.role("dev")?;
    let port = service_port(bench)?;
    let (started_in, started_at) = command_place(bench, role);
    let fail = |what: String| fail(what).at(started_in.clone(), started_at);
    let scene = bench.start(role, |spec| publish(spec, port)).await?;
    let host = match first_answer(bench, &scene, port, health.as_str()).await? {
        Ok((host, _)) => host,
        Err(why) => {
            let verdict = with_logs(&scene, fail(why)).await;
            scene.end().await;
            return Ok(verdict);
        }
    };
    let before = scene.container.top().await?;
    let state = scene.container.inspect().await?;
    let sources = programs(bench)?;
    if sources.is_empty() {
        scene.end().await;
        return Ok(inconclusive(format!("{missing}, and no source file was recognised")));
    }
    for file in &sources {
        if let Ok(mut text) = std::fs::read(scene.copy.path().join(file)) {
            text.push(b'\n');
            scene.copy.write(file, &text)?;
        }
    }
    let verdict = match reloaded(bench, &scene, (host, health.as_str()), (&before, &state)).await? {
        Ok(time) => pass(format!(
            "after an edit a new process served, in the same container, {:.1} s later",
            time.as_secs_f64()
        )),
        Err(why) => with_logs(&scene, fail(why)).await,
    };
    scene.end().await;
    Ok(verdict)
}

/// Waits until, after an edit, a process serves that was not there before, in the same container.
pub(super) async fn reloaded(
    bench: &Bench,
    scene: &Scene,
    (host, health): (u16, &str),
    (before, state): (&[Process], &ContainerState),
) -> Checked<Result<Duration, String>> {
    let start = Instant::now();
    let known = |pid: i64| before.iter().any(|process| process.pid == pid);
    loop {
        let now = scene.container.top().await.unwrap_or_default();
        let new = now.iter().any(|process| !known(process.pid));
        let answers = new && http::get(host, health, Duration::from_secs(5)).await.is_ok_and(|answer| answer.ok());
        if !same_start(state, &scene.container.inspect().await?) {
            return Ok(Err("the container itself ended or was started again after an edit".into()));
        }
        if answers {
            return Ok(Ok(start.elapsed()));
        }
        if start.elapsed() > bench.patience() {
            let seconds = bench.patience().as_secs();
            return Ok(Err(format!("no new process served within {seconds} s of an edit to every source file")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The files of the project that are programs.
pub(super) fn programs(bench: &Bench) -> Checked<Vec<String>> {
    let context = crate::engine::Context::open(&bench.subject.folder)?;
    let files = context.files()?;
    let programs = files.iter().filter(|file| file.size > 0 && is_program(&file.path));
    Ok(programs.map(|file| file.path.clone()).collect())
}
