//! The service's user and port.

use std::time::Duration;

use super::read_only;
use crate::engine::{ContainerSpec, EntryKind, FileTree, ImageInfo};
use crate::lab::at_work::settled;
use crate::lab::lineage::base_tree;
use crate::lab::listeners::{Listener, listeners};
use crate::lab::pace::Watch;
use crate::lab::ports::{exposed, health_path, port_of, publish};
use crate::lab::processes::is_init;
use crate::lab::{Lab, Scene, blame, http, written};
use crate::spec::Protocol;
use crate::stacks::ecosystem;
use crate::subject::RoleSubject;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// `service.non-root`.
pub(super) async fn non_root(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    let user = service.settings.user.clone().unwrap_or_else(|| image.config.user.clone());
    let place = blame::user(&lab.subject, role);
    let name = user.split(':').next().unwrap_or_default();
    let refuse = |what: String| Ok(fail(what).expected("a uid other than 0").at_place(&place));
    let uid = if name.is_empty() {
        return refuse("no user is set, so it runs as root".into());
    } else if let Ok(uid) = name.parse::<u32>() {
        uid
    } else {
        match account(lab, image, name).await? {
            Some(uid) => uid,
            None => return refuse(format!("the user {name} is not in the image's /etc/passwd")),
        }
    };
    if uid == 0 {
        return refuse(format!("the user is {user}, which is uid 0"));
    }
    if let Some(path) = added_setuid(lab, role, image).await? {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let place = match written::by_layer(lab, &role.target, image, &path).await {
            Some(place) => place,
            None => blame::naming(&role.target, name).unwrap_or(role.target.place(role.target.line())),
        };
        return Ok(fail(format!("{path} is setuid or setgid root, and the base image does not have it"))
            .expected("no file that lets the service's user be root again")
            .at_place(&place));
    }
    let port = port_of(lab, service, image).ok();
    let scene = lab.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    // Before it serves an entrypoint may still be at work, and what it starts is not there.
    let _ = settled(lab, &scene, port, |answer| lab.is_well(answer)).await;
    let shifted = lab.engine().info().rootless || lab.engine().info().userns;
    let processes = scene.container.top().await.unwrap_or_default();
    scene.end().await;
    if let Some(root) = processes.iter().find(|process| process.uid == Some(0) && !is_init(process) && !shifted) {
        return refuse(format!("`{}` runs as root", http::shorten(&root.command)));
    }
    Ok(pass(format!("it runs as uid {uid}, and no file added to the base image is setuid root")))
}

/// The uid of an account of the image.
async fn account(lab: &Lab, image: &ImageInfo, name: &str) -> Checked<Option<u32>> {
    let container = lab.run.create_idle(&image.id).await?;
    let passwd = container.read_file("/etc/passwd", 1 << 20).await?.unwrap_or_default();
    container.remove().await?;
    let passwd = String::from_utf8_lossy(&passwd).into_owned();
    Ok(passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    }))
}

/// A setuid or setgid file of root's that the stage's outside base image does not have.
async fn added_setuid(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Checked<Option<String>> {
    let tree = lab.tree(&image.id).await?;
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
    let Some(before) = base_tree(lab, role).await? else { return Ok(set.into_iter().next().cloned()) };
    // An update of the distribution's packages brings new programs in place of the base's.
    let packaged = ecosystem().managers.values().flat_map(|manager| &manager.databases).any(|database| {
        let sum = |tree: &FileTree| tree.files.get(database).and_then(|entry| entry.sha256);
        sum(&tree) != sum(&before)
    });
    let added = set.into_iter().find(|path| {
        let (now, old) = (&tree.files[*path], before.files.get(*path));
        old.is_none_or(|old| {
            let raised = old.mode & 0o6000 != now.mode & 0o6000 || old.capability != now.capability;
            raised || old.sha256 != now.sha256 && (!packaged || has_twin(&tree, path))
        })
    });
    Ok(added.cloned())
}

/// Whether a file is the copy of another one, as of a shell, that gives nobody another uid.
fn has_twin(tree: &FileTree, path: &str) -> bool {
    let sum = tree.files[path].sha256;
    tree.files
        .iter()
        .any(|(other, entry)| other != path && entry.mode & 0o6000 == 0 && sum.is_some() && entry.sha256 == sum)
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

/// `service.port`.
pub(super) async fn port(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    let path = health_path(lab)?;
    let Some(variable) = lab.subject.project.port_env() else { return fixed(lab, role, &path).await };
    let usual = port_of(lab, service, image).ok();
    // Two ports that nothing has by default, so that an answer can only come of PORT; side by side.
    let [one, other] = [[18_473, 27_191], [27_191, 18_473]].map(|[port, other]| {
        let watched: Vec<u16> = [port, other].into_iter().chain(usual).collect();
        let path = path.as_str();
        async move {
            let tell = |spec: &mut ContainerSpec| {
                spec.settings.environment.insert(variable.into(), Some(port.to_string()));
                for port in &watched {
                    publish(spec, *port);
                }
            };
            let scene = lab.start(role, tell).await?;
            let expected =
                format!("an answer to GET {path} on port {port}, which {variable} names, from outside the container");
            let verdict = answers_on(lab, &scene, port, &watched, path, expected).await?;
            scene.end().await;
            Checked::Ok(verdict.map(|time| format!("{port} after {:.1} s", time.as_secs_f64())))
        }
    });
    let (one, other) = tokio::try_join!(one, other)?;
    Ok(match (one, other) {
        (Ok(one), Ok(other)) => {
            pass(format!("with {variable} set, it answered GET {path} on {one} and on {other}, and on no other"))
        }
        (Err(verdict), _) | (_, Err(verdict)) => blamed(lab, role, verdict),
    })
}

/// `service.port` of a service that no variable tells its port: it answers on the one that it has, and on no other.
async fn fixed(lab: &Lab, role: &RoleSubject, path: &str) -> Checked {
    let service = lab.subject.service(role);
    let port = port_of(lab, service, lab.container_image("service")?)?;
    let scene = lab.start(role, |spec| publish(spec, port)).await?;
    let expected = format!("an answer to GET {path} on port {port}, from outside the container");
    let verdict = answers_on(lab, &scene, port, &[port], path, expected).await?;
    scene.end().await;
    Ok(match verdict {
        Ok(took) => pass(format!(
            "it answered GET {path} on {port} after {:.1} s, and on no other port; no variable is declared that names it",
            took.as_secs_f64()
        )),
        Err(verdict) => blamed(lab, role, verdict),
    })
}

/// A failure with what is to answer for it: the networks where they publish no port, else the command.
fn blamed(lab: &Lab, role: &RoleSubject, verdict: Verdict) -> Verdict {
    let service = lab.subject.service(role);
    if !service.ports.is_empty() && lab.is_shut_in(service) {
        return fail("it is in internal networks only, on which the engine publishes no port")
            .hint("Add a network that is not internal; if only other services ask it, leave `ports` out.")
            .at_place(service.at("networks"));
    }
    read_only::explains(service, verdict.at_place(&blame::command(&lab.subject, role)))
}

/// Whether a container answers on one port and on no other of those that are published.
async fn answers_on(
    lab: &Lab,
    scene: &Scene,
    port: u16,
    watched: &[u16],
    path: &str,
    expected: String,
) -> Checked<Result<Duration, Verdict>> {
    let start = Watch::start();
    let mut last = String::new();
    let mut wrong_since: Option<Watch> = None;
    loop {
        let state = scene.container.inspect().await?;
        if !state.running {
            let what = format!("the container exited with {}{}", state.exit_code, oom(state.oom_killed));
            return Ok(Err(fail(what).expected(expected).log(scene.log().await)));
        }
        let mut answered = Vec::new();
        for candidate in watched {
            let Some(host) = state.host_port(*candidate) else { continue };
            match http::get(host, path, Duration::from_secs(2)).await {
                Ok(answer) if *candidate != port || lab.is_well(&answer) => answered.push(*candidate),
                Ok(answer) => last = format!("status {}: {}", answer.status, http::shorten(&answer.body)),
                Err(why) if *candidate == port => last = why,
                Err(_) => {}
            }
        }
        if answered == [port] {
            let took = start.elapsed();
            return Ok(beside(lab, scene, port).await?.map(|()| took).map_err(|verdict| verdict.expected(expected)));
        }
        if let Some(other) = answered.iter().find(|answered| **answered != port) {
            // A moment, in case the right one is yet to come.
            if answered.len() > 1 || wrong_since.get_or_insert_with(Watch::start).elapsed() > Duration::from_secs(2) {
                return Ok(Err(fail(format!("it answers on port {other}")).expected(expected).log(scene.log().await)));
            }
        }
        if start.elapsed() > lab.patience() {
            let what = format!("no answer on port {port} within {} s: {last}", lab.patience().as_secs());
            let hint = "Read PORT from the environment and listen on 0.0.0.0: what listens on 127.0.0.1 is not reached from outside.";
            return Ok(Err(fail(what).expected(expected).hint(hint).log(scene.log().await)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Looks for another socket that the service waits on and that nothing declares.
async fn beside(lab: &Lab, scene: &Scene, port: u16) -> Checked<Result<(), Verdict>> {
    let role = lab.role("service")?;
    let service = lab.subject.service(role);
    // In a network that it shares, others' sockets are there, too.
    if service.settings.network_mode.is_some() {
        return Ok(Ok(()));
    }
    let Some(found) = listeners(lab, &scene.container).await? else {
        let what = "whether it listens on other ports cannot be seen: the engine is on another machine, and its image has no `cat`";
        return Ok(Err(inconclusive(what)));
    };
    let of_image = &lab.container_image("service")?.config.exposed_ports;
    let exposed = service.expose.iter().chain(of_image).filter_map(|text| exposed(text));
    let published = service.ports.iter().map(|port| (port.target..=port.target, Protocol::of(&port.protocol)));
    let declared: Vec<_> = exposed.chain(published).collect();
    let is_declared = |one: &Listener| {
        declared.iter().any(|(ports, protocol)| {
            ports.contains(&one.port)
                && protocol.is_none_or(|protocol| protocol.name().eq_ignore_ascii_case(one.protocol))
        })
    };
    let usual = port_of(lab, service, lab.container_image("service")?).ok();
    let other =
        found.iter().find(|one| one.is_open() && one.port != port && (Some(one.port) == usual || !is_declared(one)));
    Ok(match other {
        None => Ok(()),
        Some(other) => {
            let what = format!(
                "it listens not only on port {port}, but also on {} port {}, which nothing declares",
                other.protocol, other.port
            );
            let hint = "Close that port, bind it to 127.0.0.1, or declare it: EXPOSE in the Dockerfile, `expose` or `ports` in compose.yaml.";
            Err(fail(what).hint(hint).log(scene.log().await))
        }
    })
}

fn oom(killed: bool) -> &'static str {
    if killed { ", killed because it ran out of memory" } else { "" }
}
