//! The service's user and port.

use std::sync::Arc;
use std::time::Duration;

use super::owner::is_init;
use super::read_only;
use super::reload::{command_place, publish};
use crate::compose::Service;
use crate::dockerfile;
use crate::engine::{ContainerSpec, Context, EntryKind, FileTree, ImageInfo};
use crate::subject::Target;
use crate::verify::bench::{Bench, Checked, Scene};
use crate::verify::http;
use crate::verify::images::build_in;
use crate::verify::outcome::{Verdict, fail, inconclusive, pass, skipped};

/// The port that a service answers on: what PORT says in its container, else the description, else the only
/// port that its image exposes or compose.yaml publishes.
pub(super) fn port_of(bench: &Bench, service: &Service, image: &ImageInfo) -> Checked<u16> {
    let own = service.environment.get("PORT").cloned().flatten();
    let own = own.or_else(|| image.config.env_value("PORT").map(ToOwned::to_owned));
    if let Some(port) = own.and_then(|port| port.parse().ok()) {
        return Ok(port);
    }
    if let Some(port) = bench.subject.project.service.port {
        return Ok(port.get());
    }
    let exposed = image.config.exposed_ports.iter().filter_map(|port| port.split('/').next()?.parse().ok());
    let mut ports: Vec<u16> = service.ports.iter().map(|port| port.target).chain(exposed).collect();
    ports.sort_unstable();
    ports.dedup();
    match ports.as_slice() {
        [port] => Ok(*port),
        _ => Err(inconclusive("which port it answers on is not said")
            .hint("give [service] in dockwright.toml a `port`")
            .at("dockwright.toml", None)
            .into()),
    }
}

/// A path to ask for, or the verdict that none is declared.
pub(super) fn health_path(bench: &Bench) -> Checked<String> {
    let health = bench.subject.project.verify.health.as_ref().map(|path| path.as_str().to_owned());
    health.ok_or_else(|| {
        inconclusive("[verify] health is not declared, so there is no path to ask for")
            .hint("say in [verify] of dockwright.toml which path answers 200 when the service is well")
            .at("dockwright.toml", None)
            .into()
    })
}

/// `service.non-root`.
pub(super) async fn non_root(bench: &Bench) -> Checked {
    let role = bench.role("service")?;
    let image = bench.container_image("service")?;
    let service = bench.subject.service(role);
    let (user, place) = match &service.user {
        Some(user) => (user.clone(), (bench.subject.compose_file(), service.at("user").line)),
        None => (image.config.user.clone(), (role.target.file.clone(), user_line(role))),
    };
    let name = user.split(':').next().unwrap_or_default();
    let refuse = |what: String| Ok(fail(what).expected("a uid other than 0").at(place.0.clone(), place.1));
    let uid = if name.is_empty() {
        return refuse("no user is set, so it runs as root".into());
    } else if let Ok(uid) = name.parse::<u32>() {
        uid
    } else {
        match account(bench, image, name).await? {
            Some(uid) => uid,
            None => return refuse(format!("the user {name} is not in the image's /etc/passwd")),
        }
    };
    if uid == 0 {
        return refuse(format!("the user is {user}, which is uid 0"));
    }
    if let Some(path) = added_setuid(bench, role, image).await? {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let line = naming_line(role, name).unwrap_or(role.target.line());
        return Ok(fail(format!("{path} is setuid or setgid root, and the base image does not have it"))
            .expected("no file that lets the service's user be root again")
            .at(role.target.file.clone(), line));
    }
    let scene = bench.start(role, |_| {}).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let shifted = bench.engine().info().rootless || bench.engine().info().userns;
    let processes = scene.container.top().await.unwrap_or_default();
    scene.end().await;
    if let Some(root) = processes.iter().find(|process| process.uid == Some(0) && !is_init(process) && !shifted) {
        return refuse(format!("`{}` runs as root", http::shorten(&root.command)));
    }
    Ok(pass(format!("it runs as uid {uid}, and no file added to the base image is setuid root")))
}

fn user_line(role: &crate::subject::RoleSubject) -> usize {
    use crate::dockerfile::Kind;
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.ancestry(role.target.stage);
    let mut users = stages.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev());
    let found = users.find(|one| matches!(one.kind, Kind::User(_))).map(|one| one.line);
    found.unwrap_or(role.target.line())
}

/// The last line of the Dockerfile, on the way to a role's stage, that names something.
fn naming_line(role: &crate::subject::RoleSubject, name: &str) -> Option<usize> {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.ancestry(role.target.stage);
    let instructions = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let named = |line: &usize| lines.get(line - 1).is_some_and(|text| text.contains(name));
    instructions.flat_map(|one| one.line..=one.end_line).filter(named).max()
}

/// The uid of an account of the image.
async fn account(bench: &Bench, image: &ImageInfo, name: &str) -> Checked<Option<u32>> {
    let container = bench.run.create_idle(&image.id).await?;
    let passwd = container.read_file("/etc/passwd", 1 << 20).await?.unwrap_or_default();
    container.remove().await?;
    let passwd = String::from_utf8_lossy(&passwd).into_owned();
    Ok(passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    }))
}

/// A setuid or setgid file of root's that the stage's outside base image does not have.
async fn added_setuid(bench: &Bench, role: &crate::subject::RoleSubject, image: &ImageInfo) -> Checked<Option<String>> {
    let tree = bench.tree(&image.id).await?;
    let set: Vec<&String> = tree
        .files
        .iter()
        .filter(|(_, entry)| {
            let root_by = (entry.mode & 0o4000 != 0 && entry.uid == 0) || (entry.mode & 0o2000 != 0 && entry.gid == 0);
            let root_by = root_by || entry.capability.as_deref().is_some_and(as_good_as_root);
            entry.kind == EntryKind::File && root_by && entry.mode & 0o111 != 0
        })
        .map(|(path, _)| path)
        .collect();
    if set.is_empty() {
        return Ok(None);
    }
    let Some(before) = base_tree(bench, role).await? else { return Ok(set.into_iter().next().cloned()) };
    let added = set.into_iter().find(|path| {
        let (now, old) = (&tree.files[*path], before.files.get(*path));
        old.is_none_or(|old| old.mode & 0o6000 != now.mode & 0o6000 || old.capability != now.capability)
    });
    Ok(added.cloned())
}

/// Whether a file's capabilities let whoever runs it become root or write what is root's. Those that only bind low
/// ports or open raw sockets do not.
fn as_good_as_root(capability: &[u8]) -> bool {
    // DAC_OVERRIDE FOWNER SETGID SETUID SETPCAP, SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE, SYS_ADMIN, MKNOD SETFCAP;
    // CHOWN, DAC_READ_SEARCH and FSETID.
    const STRONG: u32 = 1 << 1
        | 1 << 3
        | 1 << 6
        | 1 << 7
        | 1 << 8
        | 1 << 16
        | 1 << 17
        | 1 << 18
        | 1 << 19
        | 1 << 21
        | 1 << 27
        | 1 << 31
        | 1
        | 1 << 2
        | 1 << 4;
    // struct vfs_cap_data: a magic number, then permitted and inheritable, 32 bits each, twice.
    let permitted = capability.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    permitted.is_none_or(|permitted| permitted & STRONG != 0)
}

/// The files of the outside image that a role's stage starts from; none for scratch.
pub(super) async fn base_tree(bench: &Bench, role: &crate::subject::RoleSubject) -> Checked<Option<Arc<FileTree>>> {
    let Some(base) = role.target.base_image() else { return Ok(None) };
    if bench.engine().image_exists(&base).await? {
        return Ok(Some(bench.tree(&base).await?));
    }
    // The engine's builder may have it without the engine having it by name.
    let text = format!("FROM {base}\n");
    let target = Target {
        stage: 0,
        dockerfile: Arc::new(dockerfile::parse(&text, "Dockerfile".as_ref())?),
        ..role.target.clone()
    };
    match build_in(&bench.run, &Context::empty(), &target, text, target.args.clone(), "base").await? {
        Ok(image) => Ok(Some(bench.tree(&image.id).await?)),
        Err(why) => Err(inconclusive(format!("what the base image {base} brings cannot be seen: {why}")).into()),
    }
}

/// `service.port`.
pub(super) async fn port(bench: &Bench) -> Checked {
    let role = bench.role("service")?;
    let image = bench.container_image("service")?;
    let service = bench.subject.service(role);
    let path = health_path(bench)?;
    let usual = port_of(bench, service, image).ok();
    // Two ports that nothing has by default, so that an answer can only come of PORT; side by side.
    let [one, other] = [[18_473, 27_191], [27_191, 18_473]].map(|[port, other]| {
        let watched: Vec<u16> = [port, other].into_iter().chain(usual).collect();
        let path = path.as_str();
        async move {
            let tell = |spec: &mut ContainerSpec| {
                spec.env.retain(|(name, _)| name != "PORT");
                spec.env.push(("PORT".into(), port.to_string()));
                for port in &watched {
                    publish(spec, *port);
                }
            };
            let scene = bench.start(role, tell).await?;
            let verdict = answers_on(bench, &scene, port, &watched, path).await?;
            scene.end().await;
            Checked::Ok(verdict.map(|time| format!("{port} after {:.1} s", time.as_secs_f64())))
        }
    });
    let (one, other) = tokio::try_join!(one, other)?;
    Ok(match (one, other) {
        (Ok(one), Ok(other)) => {
            pass(format!("told by PORT, it answered GET {path} on {one} and on {other}, and on no other"))
        }
        (Err(verdict), _) | (_, Err(verdict)) => {
            let (file, line) = command_place(bench, role);
            read_only::cause(bench, service).await?.unwrap_or_else(|| verdict.at(file, line))
        }
    })
}

/// Whether a container answers on one port and on no other of those that are published.
async fn answers_on(
    bench: &Bench,
    scene: &Scene,
    port: u16,
    watched: &[u16],
    path: &str,
) -> Checked<Result<Duration, Verdict>> {
    let expected = format!("an answer to GET {path} on port {port}, which PORT names, from outside the container");
    let deadline = tokio::time::Instant::now() + bench.patience();
    let start = std::time::Instant::now();
    let mut last = String::new();
    let mut wrong_since: Option<std::time::Instant> = None;
    loop {
        let state = scene.container.inspect().await?;
        if !state.running {
            let what = format!("the container ended with exit code {}{}", state.exit_code, oom(state.oom_killed));
            return Ok(Err(fail(what).expected(expected).log(scene.log().await)));
        }
        let mut answered = Vec::new();
        for candidate in watched {
            let Some(host) = state.host_port(*candidate) else { continue };
            match http::get(host, path, Duration::from_secs(2)).await {
                Ok(answer) if *candidate != port || answer.ok() => answered.push(*candidate),
                Ok(answer) => last = format!("status {}: {}", answer.status, http::shorten(&answer.body)),
                Err(why) if *candidate == port => last = why,
                Err(_) => {}
            }
        }
        if answered == [port] {
            return Ok(Ok(start.elapsed()));
        }
        if let Some(other) = answered.iter().find(|answered| **answered != port) {
            // A moment, in case the right one is yet to come.
            if answered.len() > 1
                || wrong_since.get_or_insert_with(std::time::Instant::now).elapsed() > Duration::from_secs(2)
            {
                return Ok(Err(fail(format!("it answers on port {other}")).expected(expected).log(scene.log().await)));
            }
        }
        if tokio::time::Instant::now() > deadline {
            let what = format!("no answer on port {port} within {} s: {last}", bench.patience().as_secs());
            let hint = "Read PORT from the environment and listen on 0.0.0.0: what listens on 127.0.0.1 is not reached from outside.";
            return Ok(Err(fail(what).expected(expected).hint(hint).log(scene.log().await)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn oom(killed: bool) -> &'static str {
    if killed { ", killed for want of memory" } else { "" }
}

/// Starts the service on the port it has by default and waits until it is well; skipped if it never is, for
/// that is service.port's to say.
pub(super) async fn serving(bench: &Bench) -> Checked<(Scene, u16, u16)> {
    let role = bench.role("service")?;
    let image = bench.container_image("service")?;
    let port = port_of(bench, bench.subject.service(role), image)?;
    let path = health_path(bench)?;
    let scene = bench.start(role, |spec| publish(spec, port)).await?;
    let well = async {
        let host = scene.host_port(port).await.ok()?;
        let deadline = std::time::Instant::now() + bench.patience();
        while std::time::Instant::now() < deadline {
            if http::get(host, &path, Duration::from_secs(2)).await.is_ok_and(|answer| answer.ok()) {
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
            Err(skipped(format!(
                "the service does not answer GET {path} on port {port}; service.port or service.read-only says why"
            ))
            .into())
        }
    }
}
