//! `scaffold.unprivileged`: what compose.yaml asks the engine for, and what serving processes keep of it.

use std::path::Path;

use crate::compose::Service;
use crate::engine::{EntryKind, ImageInfo};
use crate::lab::at_work::{self, SETTLES};
use crate::lab::mount::source_mount;
use crate::lab::ports::{health_path, port_of, publish};
use crate::lab::processes::foreign;
use crate::lab::rights::{Rights, look, names};
use crate::lab::{Lab, blame, http};
use crate::spec::{Device, MountKind};
use crate::subject::RoleSubject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// Who can talk to one of these has the host.
const SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/var/run/containerd/containerd.sock",
    "/run/containerd/containerd.sock",
    "/var/run/podman/podman.sock",
    "/run/podman/podman.sock",
    "/var/run/crio/crio.sock",
    "/run/crio/crio.sock",
    "/var/lib/docker/volumes",
];

/// Names of engines' sockets, wherever they lie (rootless engines have theirs in a user's folder).
const SOCKET_NAMES: &[&str] = &["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];

/// Capabilities with which a container has the host, or nearly; taking on an owner needs none of them.
const STRONG: &[&str] = &["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "MAC_ADMIN", "BPF"];

/// Devices with the host's memory, disks, kernel, screens or keys in them: how their names begin (the kernel's
/// Documentation/admin-guide/devices.txt). What is a sensor, a screen card or a serial line is not among them.
const DEVICES: &[&str] = &[
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/dev/sd",
    "/dev/hd",
    "/dev/vd",
    "/dev/xvd",
    "/dev/nvme",
    "/dev/dm-",
    "/dev/mapper",
    "/dev/disk",
    "/dev/loop",
    "/dev/mmcblk",
    "/dev/md",
    "/dev/zd",
    "/dev/nbd",
    "/dev/rbd",
    "/dev/ram",
    "/dev/bcache",
    "/dev/sg",
    "/dev/bsg",
    "/dev/sr",
    "/dev/kmsg",
    "/dev/cpu",
    "/dev/nvram",
    "/dev/vfio",
    "/dev/uio",
    "/dev/vhost-",
    "/dev/watchdog",
    "/dev/btrfs-control",
    "/dev/console",
    "/dev/vcs",
    "/dev/input",
    "/dev/uinput",
    "/dev/uhid",
];

/// Switches the engine's own confinement off.
const UNCONFINED: &[&str] = &["seccomp", "apparmor", "systempaths"];

/// Ports below this one are bound with a capability, by a service that chooses to.
const LOW_PORTS: u16 = 1024;
const NET_BIND_SERVICE: u64 = 1 << 10;

/// What one container showed.
enum Seen {
    /// Nothing is kept; by what that was seen.
    Clean(String),
    /// Another contract tells why it could not be looked at.
    Elsewhere(String),
    /// It could not be seen here.
    Unseen(String),
    Kept(Verdict),
}

/// `scaffold.unprivileged`.
pub(super) async fn check(lab: &Lab) -> Checked {
    for role in &lab.subject.roles {
        if let Some((what, place)) = asked(lab, role) {
            return Ok(fail(format!("{}: {what}", role.name))
                .expected("no role is privileged, joins a namespace of the host or reaches the engine")
                .at(lab.subject.shown(&place.file), place.line));
        }
    }
    let mut seen = vec![dev(lab).await?];
    for role in lab.subject.roles.iter().filter(|role| matches!(role.role, "service" | "installation")) {
        seen.push(serving(lab, role).await?);
        // An installation of a service that does not serve does not serve either.
        if matches!(seen.last(), Some(Seen::Elsewhere(_))) {
            break;
        }
    }
    let (mut clean, mut elsewhere, mut unseen) = (Vec::new(), None, None);
    for one in seen {
        match one {
            Seen::Kept(verdict) => return Ok(verdict.by_itself()),
            Seen::Clean(how) => clean.push(how),
            Seen::Elsewhere(why) => elsewhere = elsewhere.or(Some(why)),
            Seen::Unseen(why) => unseen = unseen.or(Some(why)),
        }
    }
    Ok(match (elsewhere, unseen) {
        (Some(why), _) => inconclusive(why),
        (None, Some(why)) => inconclusive(why).by_itself(),
        (None, None) => pass(format!("compose.yaml asks for nothing of the host; {}", clean.join(", "))),
    })
}

/// What a service of compose.yaml asks for that no role may have, and where.
fn asked<'a>(lab: &'a Lab, role: &RoleSubject) -> Option<(String, &'a Place)> {
    let service = lab.subject.service(role);
    let told = |what: String, field: &str| Some((what, service.at(field)));
    if service.settings.privileged {
        return told("it is privileged".into(), "privileged");
    }
    let joins = [
        ("network_mode", &service.settings.network_mode),
        ("pid", &service.settings.pid),
        ("ipc", &service.settings.ipc),
        ("uts", &service.settings.uts),
        ("userns_mode", &service.settings.userns_mode),
        ("cgroup", &service.settings.cgroup),
    ];
    if let Some((field, _)) = joins.iter().find(|(_, mode)| mode.as_deref() == Some("host")) {
        return told(format!("`{field}: host` joins a namespace of the host"), field);
    }
    if let Some((source, place)) = engine_mount(lab, service) {
        return Some((format!("{source} of the host is mounted, by which the engine is reached"), place));
    }
    let bare = |name: &String| name.to_ascii_uppercase().trim_start_matches("CAP_").to_owned();
    if let Some(name) = service.settings.cap_add.iter().map(bare).find(|name| STRONG.contains(&name.as_str())) {
        return told(format!("the capability {name} is as good as the host"), "cap_add");
    }
    let close = |device: &&Device| {
        device.source.trim_end_matches('/') == "/dev" || DEVICES.iter().any(|start| device.source.starts_with(start))
    };
    if let Some(Device { source, target, permissions }) = service.settings.devices.iter().find(close) {
        return told(format!("the device {source}:{target}:{permissions} gives access to the host itself"), "devices");
    }
    let off = |option: &&String| {
        let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        value == "unconfined" && UNCONFINED.contains(&name) || name == "label" && value == "disable"
    };
    let option = service.settings.security_opt.iter().find(off)?;
    told(format!("`{option}` switches the engine's confinement off"), "security_opt")
}

/// A mount through which the engine is reached: its source, and where it is written.
fn engine_mount<'a>(lab: &'a Lab, service: &'a Service) -> Option<(String, &'a Place)> {
    let compose = &lab.subject.compose;
    if let Some(one) = compose.unsupported_of(&service.name).find(|one| one.field == "use_api_socket") {
        return Some(("the engine's socket".into(), &one.place));
    }
    let own = lab.engine().info().address.strip_prefix("unix://").map(ToOwned::to_owned);
    service.volumes.iter().find_map(|mount| {
        let source = match &mount.kind {
            MountKind::Bind(_) => mount.source.clone()?,
            // A volume may be a folder of the host by another name.
            MountKind::Volume { .. } => compose.volumes.get(mount.source.as_ref()?)?.driver_opts.get("device")?.clone(),
            MountKind::Tmpfs { .. } => return None,
        };
        // The project's own folder is dev.mount's to judge, whatever lies in it.
        if Path::new(&source).starts_with(&lab.subject.folder) {
            return None;
        }
        let reaches = |socket: &str| Path::new(socket).starts_with(&source);
        let named = SOCKET_NAMES.contains(&source.rsplit('/').next().unwrap_or_default());
        let found = named || SOCKETS.iter().any(|socket| reaches(socket)) || own.as_deref().is_some_and(reaches);
        found.then_some((source, &mount.place))
    })
}

/// dev, which may start as root to take on the owner of its source.
async fn dev(lab: &Lab) -> Checked<Seen> {
    let Some(role) = lab.subject.role("dev") else { return Ok(Seen::Clean("dev is off".into())) };
    if source_mount(lab).is_err() {
        return Ok(Seen::Elsewhere("dev does not have the source mounted".into()));
    }
    let work = at_work::dev(lab).await?;
    if let Err(why) = &work.served {
        return Ok(Seen::Elsewhere(format!("dev does not serve: {why}")));
    }
    let info = lab.engine().info();
    let shifted = info.rootless || info.userns;
    let owner = work.scene.copy.uid();
    if let Some(other) = work.processes.as_ref().and_then(|all| foreign(all, owner)).filter(|_| !shifted) {
        let command = http::shorten(&other.command);
        return Ok(Seen::Elsewhere(format!("`{command}` of dev runs as uid {}", other.user)));
    }
    // A launcher above those that serve may be root; with that it does nothing but wait.
    let judged = work.rights.as_ref().map(|all| all.iter().filter(|one| shifted || one.uid != 0).cloned().collect());
    judge(lab, role, judged).await
}

/// The service, or an installation of it.
async fn serving(lab: &Lab, role: &RoleSubject) -> Checked<Seen> {
    let image = lab.container_image(&role.name)?;
    let port = port_of(lab, lab.subject.service(role), image).ok();
    let scene = lab.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    let host = match port {
        Some(port) => scene.container.inspect().await?.host_port(port),
        None => None,
    };
    let served = match (host, health_path(lab)) {
        (Some(host), Ok(path)) => {
            // Whether a release is well may depend on what its deployment has.
            let serves = |answer: &http::Answer| answer.ok() || role.role == "installation";
            scene.answer(host, &path, lab.patience(), serves).await.map(drop)
        }
        _ => {
            tokio::time::sleep(SETTLES).await;
            Ok(())
        }
    };
    let rights = look(lab, &scene.container).await.ok().and_then(|(_, rights)| rights);
    scene.end().await;
    if let Err(why) = served {
        let name = &role.name;
        return Ok(Seen::Elsewhere(format!("{name} does not serve: {why}")));
    }
    let root = rights.as_ref().and_then(|all| all.iter().find(|one| one.uid == 0 && one.mask != 0));
    // What runs as root in every container of the image is the image's defect; in one alone, compose.yaml's.
    let own = lab.subject.service(role).settings.user.is_none() || role.role == "service";
    if let Some(root) = root.filter(|_| own) {
        let command = http::shorten(&root.command);
        return Ok(Seen::Elsewhere(format!("`{command}` of {} runs as root", role.name)));
    }
    judge(lab, role, rights).await
}

async fn judge(lab: &Lab, role: &RoleSubject, rights: Option<Vec<Rights>>) -> Checked<Seen> {
    let service = lab.subject.service(role);
    let image = lab.container_image(&role.name)?;
    let Some(rights) = rights else { return by_settings(lab, role, service, image).await };
    let low = port_of(lab, service, image).is_ok_and(|port| port < LOW_PORTS);
    let allowed = if low { NET_BIND_SERVICE } else { 0 };
    let Some(kept) = rights.iter().find(|one| one.mask & !allowed != 0) else {
        return Ok(Seen::Clean(format!("no process of {} keeps a capability", role.name)));
    };
    let place = place(lab, role, service, kept.uid);
    Ok(Seen::Kept(
        fail(format!("{}: `{}` serves with {}", role.name, http::shorten(&kept.command), names(kept.mask)))
            .expected("no process that serves keeps a capability")
            .at_place(&place),
    ))
}

/// Where a capability comes from: a file that has it, the user that compose.yaml sets, or what starts the process.
fn place(lab: &Lab, role: &RoleSubject, service: &Service, uid: u32) -> Place {
    if let Some(line) = role.target.line_with(&["setcap"]) {
        return role.target.place(line);
    }
    if let Some(user) = service.settings.user.as_ref().filter(|_| uid == 0) {
        return service.at(if user.is_empty() { "cap_add" } else { "user" }).clone();
    }
    if service.settings.entrypoint.is_none() && service.settings.command.is_none() {
        let entry = |kind: &crate::dockerfile::Kind| matches!(kind, crate::dockerfile::Kind::Entrypoint(_));
        if let Some(one) = role.target.instructions().find(|one| entry(&one.kind)) {
            return role.target.place(one.line);
        }
    }
    blame::command(&lab.subject, role)
}

/// Where processes cannot be looked at: what the settings leave them.
async fn by_settings(lab: &Lab, role: &RoleSubject, service: &Service, image: &ImageInfo) -> Checked<Seen> {
    let dropped = service.settings.cap_drop.iter().any(|name| name.eq_ignore_ascii_case("ALL"))
        && service.settings.cap_add.is_empty();
    if dropped {
        return Ok(Seen::Clean(format!("{} drops all capabilities", role.name)));
    }
    let user = service.settings.user.as_deref().unwrap_or(&image.config.user);
    let number = user.split(':').next().unwrap_or_default().parse::<u32>();
    let tree = lab.tree(&image.id).await?;
    let given = tree.files.values().any(|entry| entry.kind == EntryKind::File && entry.capability.is_some());
    Ok(if number.is_ok_and(|uid| uid != 0) && !given {
        Seen::Clean(format!("{} runs as uid {user}, and no file gives it a capability", role.name))
    } else {
        Seen::Unseen(format!("the processes of {} cannot be looked at on this engine's machine", role.name))
    })
}
