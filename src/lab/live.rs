//! A role's container at work: start it, wait until it is well, see what an edit does.

use std::time::Duration;

use super::Lab;
use super::http;
use super::obstacle::{Attempt, Reason};
use super::pace::Watch;
use super::ports::{health_path, port_of, publish};
use super::scene::Scene;
use crate::engine::{ContainerState, Process};

/// Starts the service on the port it has by default and waits until it is well; returns its port and the host's for it.
pub(crate) async fn serving(lab: &Lab) -> Attempt<(Scene, u16, u16)> {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let port = port_of(lab, lab.subject.service(role), image)?;
    let path = health_path(lab)?;
    let scene = lab.start(role, |spec| publish(spec, port)).await?;
    let well = async {
        let host = scene.host_port(port).await.ok()?;
        let start = Watch::start();
        while start.elapsed() < lab.patience() {
            if http::get(host, &path, Duration::from_secs(2)).await.is_ok_and(|answer| lab.is_well(&answer)) {
                return Some(host);
            }
            if !scene.container.inspect().await.is_ok_and(|state| state.running) {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    };
    match well.await {
        Some(host) => Ok((scene, port, host)),
        None => {
            scene.end().await;
            Err(Reason::new(format!("the service does not answer GET {path} on port {port}")).unseen())
        }
    }
}

/// The host's port and dev's first good answer, or why there is none.
pub(crate) async fn first_answer(
    lab: &Lab,
    scene: &Scene,
    port: u16,
    path: &str,
) -> Attempt<Result<(u16, http::Answer), String>> {
    let state = scene.container.inspect().await?;
    let Some(host) = state.host_port(port) else {
        if state.running {
            return Err(Reason::new(format!("port {port} could not be published")).unseen());
        }
        return Ok(Err(format!("dev exited with {}", state.exit_code)));
    };
    let first = scene.answer(host, path, lab.patience(), |answer| lab.is_well(answer)).await;
    Ok(first.map(|(answer, _)| (host, answer)).map_err(|why| format!("no answer to GET {path} on port {port}: {why}")))
}

/// Waits until, after an edit, a process serves that was not there before, in the same container.
pub(crate) async fn reloaded(
    lab: &Lab,
    scene: &Scene,
    (host, health): (u16, &str),
    (before, state): (&[Process], &ContainerState),
) -> Attempt<Result<Duration, String>> {
    let start = Watch::start();
    let known = |pid: i64| before.iter().any(|process| process.pid == pid);
    loop {
        let now = scene.container.top().await.unwrap_or_default();
        let new = now.iter().any(|process| !known(process.pid));
        let answers = new && http::get(host, health, Duration::from_secs(5)).await.is_ok_and(|one| lab.is_well(&one));
        if !same_start(state, &scene.container.inspect().await?) {
            return Ok(Err("the container itself ended or was started again after an edit".into()));
        }
        if answers {
            return Ok(Ok(start.elapsed()));
        }
        if start.elapsed() > lab.patience() {
            let seconds = lab.patience().as_secs();
            return Ok(Err(format!("no new process served within {seconds} s of an edit to every source file")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether it is the same start of the same container.
pub(crate) fn same_start(before: &ContainerState, now: &ContainerState) -> bool {
    now.running && before.started_at == now.started_at && before.restart_count == now.restart_count
}
