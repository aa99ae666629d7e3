//! `scaffold.unprivileged`: what compose.yaml asks the engine for, and what serving processes keep of it.

use std::path::Path;

use crate::compose::{ComposeScalar, ComposeService, LaidFrom};
use crate::engine::{EntryKind, ImageInfo};
use crate::gate;
use crate::lab::at_work::{self, settled};
use crate::lab::mount::source_mount;
use crate::lab::ports::{port_of, publish};
use crate::lab::processes::foreign;
use crate::lab::rights::{Rights, look, names};
use crate::lab::{Lab, blame, http};
use crate::spec::Device;
use crate::subject::{RoleSubject, Subject};
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

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
    let engine = lab.engine().info().address.strip_prefix("unix://");
    if let Some(verdict) = written(&lab.subject, engine) {
        return Ok(verdict);
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

/// The failure that the files alone show; `engine` is the path of the engine's own socket, if it has one.
pub(in crate::verify) fn written(subject: &Subject, engine: Option<&str>) -> Option<Verdict> {
    let mut asked = subject.roles.iter().filter_map(|role| Some((role, asked(subject, role, engine)?)));
    let (role, (what, place)) = asked.next()?;
    let verdict = fail(format!("{}: {what}", role.name))
        .expected("no role is privileged, joins a namespace of the host or reaches the engine");
    Some(verdict.at(subject.shown(&place.file), place.line))
}

/// What a service of compose.yaml asks for that no role may have, and where.
fn asked<'a>(subject: &'a Subject, role: &'a RoleSubject, engine: Option<&str>) -> Option<(String, &'a Place)> {
    let service = subject.service(role);
    let told = |what: String, field: &str| Some((what, service.at(field)));
    if service.settings.privileged {
        return told("it is privileged".into(), "privileged");
    }
    let joined = NAMESPACES.iter().find_map(|(field, mode)| Some((*field, joins_host(subject, service, *mode)?)));
    if let Some((field, other)) = joined {
        let what = if other == service.name {
            format!("`{field}: host` joins a namespace of the host")
        } else {
            format!("`{field}` joins a namespace of the host, through the service {other}")
        };
        return told(what, field);
    }
    if let Some((what, place)) = said(subject, service) {
        return Some((what, place));
    }
    if let Some((source, place)) = engine_mount(subject, service, engine) {
        return Some((format!("{source} of the host is mounted, and gives access to the engine"), place));
    }
    if let Some(name) = service.settings.cap_add.iter().find(|name| gate::is_strong(name)) {
        let name = gate::bare_capability(name);
        return told(format!("the capability {name} gives access to the host itself"), "cap_add");
    }
    let close = |device: &&Device| gate::is_close_device(&device.source);
    if let Some(Device { source, target, permissions }) = service.settings.devices.iter().find(close) {
        return told(format!("the device {source}:{target}:{permissions} gives access to the host itself"), "devices");
    }
    let option = service.settings.security_opt.iter().find(|option| gate::is_unconfined(option))?;
    told(format!("`{option}` turns the engine's confinement off"), "security_opt")
}

/// What a service says of a namespace.
type Mode = fn(&ComposeService) -> Option<&str>;

/// The namespaces that a container can have of another one, and what a service says of them.
const NAMESPACES: &[(&str, Mode)] = &[
    ("network_mode", |service| service.settings.network_mode.as_deref()),
    ("pid", |service| service.settings.pid.as_deref()),
    ("ipc", |service| service.settings.ipc.as_deref()),
    ("uts", |service| service.settings.uts.as_deref()),
    ("userns_mode", |service| service.settings.userns_mode.as_deref()),
    ("cgroup", |service| service.settings.cgroup.as_deref()),
];

/// The service through which another one is in a namespace of the host: itself, or one whose namespace it joins; none if it
/// joins none of the host's.
fn joins_host<'a>(subject: &'a Subject, service: &'a ComposeService, mode: Mode) -> Option<&'a str> {
    let mut one = service;
    // Services that name each other in a circle are refused elsewhere.
    for _ in 0..subject.compose.services.len() {
        match mode(one)?.strip_prefix("service:") {
            None => return (mode(one) == Some("host")).then_some(&one.name),
            Some(other) => one = subject.compose.services.get(other)?,
        }
    }
    None
}

/// What a service asks for in fields that dockwright does not pass on to the engine.
fn said<'a>(subject: &'a Subject, service: &'a ComposeService) -> Option<(String, &'a Place)> {
    let field = |said: &ComposeScalar| {
        said.field.split('.').filter(|part| part.parse::<u32>().is_err()).collect::<Vec<_>>().join(".")
    };
    if let Some(one) = subject.compose.unsupported_of(&service.name).find(|one| one.field == "use_api_socket") {
        return Some(("`use_api_socket` gives access to the engine".to_owned(), &one.place));
    }
    service.said.iter().find_map(|one| {
        let strong = match (field(one).as_str(), one.text.as_str()) {
            ("build.privileged" | "post_start.privileged" | "pre_stop.privileged", "true") => true,
            ("build.entitlements", what) => what == "security.insecure" || what == "device",
            // All devices, or all of a kind (kernel documentation, cgroup-v1/devices: type, major:minor, access).
            ("device_cgroup_rules", rule) => {
                rule.split_whitespace().take(2).any(|word| word == "a" || word.starts_with('*'))
            }
            _ => false,
        };
        strong.then(|| (format!("`{}: {}` gives access to the host itself", field(one), one.text), &one.place))
    })
}

/// What compose.yaml puts over a path of the container and gives access to the engine: its source, and where it is written.
fn engine_mount<'a>(
    subject: &'a Subject,
    service: &'a ComposeService,
    engine: Option<&str>,
) -> Option<(String, &'a Place)> {
    subject.compose.laid(service).into_iter().find_map(|one| {
        let LaidFrom::Host(source) = one.from else { return None };
        // The project's own folder is dev.mount's to judge, whatever lies in it.
        let own = Path::new(source).starts_with(&subject.folder);
        (!own && gate::reaches_engine(source, engine)).then(|| (source.to_owned(), one.place))
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
    // Whether a release is well may depend on what its deployment has.
    let serves = |answer: &http::Answer| lab.is_well(answer) || role.role == "installation";
    let served = settled(lab, &scene, port, serves).await;
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
    let place = blame::capability(&lab.subject, role, kept.uid);
    Ok(Seen::Kept(
        fail(format!("{}: `{}` serves with {}", role.name, http::shorten(&kept.command), names(kept.mask)))
            .expected("no process that serves keeps a capability")
            .at_place(&place),
    ))
}

/// Where processes cannot be looked at: what the settings leave them.
async fn by_settings(lab: &Lab, role: &RoleSubject, service: &ComposeService, image: &ImageInfo) -> Checked<Seen> {
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
