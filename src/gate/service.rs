//! What a service asks of the host for its container.

use std::path::Path;

use super::found::Look;
use super::power::{is_close_device, is_harmless, is_kernels, is_strong, is_unconfined, reaches_engine};
use super::{Ask, Trust};
use crate::compose::{Compose, ComposeMount, ComposeService};
use crate::spec::MountKind;
use crate::text::{Place, leads_to};

/// Fields that are not passed on to the engine, but asked for all the same.
const UNSUPPORTED: &[(&str, Trust)] = &[
    ("build.entitlements", Trust::BuildAccess),
    ("build.privileged", Trust::Privileged),
    ("cgroup_parent", Trust::HostNamespaces),
    ("credential_spec", Trust::HostFiles),
    ("deploy.resources.reservations.devices", Trust::Devices),
    ("device_cgroup_rules", Trust::Devices),
    ("gpus", Trust::Devices),
    ("use_api_socket", Trust::EngineSocket),
];

/// Folders of a host that hold the same on every host, and nobody's secrets.
const PUBLIC: &[&str] = &[
    "/etc/localtime",
    "/etc/pki/ca-trust",
    "/etc/ssl/certs",
    "/etc/timezone",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
];

/// How many files of a mounted folder are looked at for sockets.
const LOOKED_AT: usize = 20_000;

/// Adds what a service asks for.
pub(super) fn asks(look: &mut Look<'_>, compose: &Compose, service: &ComposeService) {
    let settings = &service.settings;
    let mut ask = |trust: Trust, what: String, field: &str, strong: bool| {
        look.add(Ask { strong, ..Ask::of(trust, &service.name, what, service.at(field)) });
    };
    if settings.privileged {
        ask(Trust::Privileged, "`privileged: true`".into(), "privileged", true);
    }
    let namespaces = [
        ("network_mode", &settings.network_mode),
        ("pid", &settings.pid),
        ("ipc", &settings.ipc),
        ("uts", &settings.uts),
        ("userns_mode", &settings.userns_mode),
        ("cgroup", &settings.cgroup),
    ];
    for (field, mode) in namespaces {
        let Some(mode) = mode else { continue };
        if mode.trim() == "host" || mode.trim().starts_with("container:") {
            ask(Trust::HostNamespaces, format!("`{field}: {mode}`"), field, true);
        }
    }
    for device in &settings.devices {
        ask(Trust::Devices, format!("the device {}", device.source), "devices", is_close_device(&device.source));
    }
    for name in settings.cap_add.iter().filter(|name| !is_harmless(name)) {
        ask(Trust::Capabilities, format!("the capability {name}"), "cap_add", is_strong(name));
    }
    for option in settings.security_opt.iter().filter(|option| !is_usual(option)) {
        ask(Trust::SecurityOpt, format!("`{option}`"), "security_opt", is_unconfined(option));
    }
    if let Some(runtime) = settings.runtime.as_ref().filter(|runtime| *runtime != "runc") {
        ask(Trust::Devices, format!("the runtime {runtime}"), "runtime", false);
    }
    for one in compose.unsupported.iter().filter(|one| one.service.as_ref() == Some(&service.name)) {
        let Some((field, trust)) = UNSUPPORTED.iter().find(|(field, _)| *field == one.field) else { continue };
        // The engine is never asked for it, and the service not started.
        look.add(Ask { strong: true, ..Ask::of(*trust, &service.name, format!("`{field}`"), &one.place) });
    }
    for mount in &service.volumes {
        volume(look, compose, service, mount);
    }
    for file in &service.env_files {
        look.file(Some(&service.name), "the environment file", &file.path, &file.place);
    }
}

/// An option that every container may have: it takes rights away, or says what holds anyhow.
fn is_usual(option: &str) -> bool {
    let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    name == "no-new-privileges" || matches!((name, value), ("seccomp", "builtin") | ("apparmor", "docker-default"))
}

fn volume(look: &mut Look<'_>, compose: &Compose, service: &ComposeService, mount: &ComposeMount) {
    let source = match (&mount.kind, &mount.source) {
        (MountKind::Bind(_), Some(source)) => source.clone(),
        // A volume may be a folder of the host by another name.
        (MountKind::Volume { .. }, Some(key)) => {
            let Some(volume) = compose.volumes.get(key) else { return };
            let device = volume.folder();
            let Some(device) = device else { return };
            folder(look, service, device, &volume.place);
            return;
        }
        _ => return,
    };
    folder(look, service, &source, &mount.place);
}

/// A folder or file of the host that a container gets.
fn folder(look: &mut Look<'_>, service: &ComposeService, source: &str, place: &Place) {
    let path = Path::new(source);
    let real = leads_to(path);
    let leads = real.as_deref().unwrap_or(path);
    let shown = match &real {
        Some(real) if real.as_path() != path => format!("{source}, which is {}", real.display()),
        _ => source.to_owned(),
    };
    if let Some((trust, why, strong)) = reach(look, path, leads) {
        let what = format!("the mount of {shown}, {why}");
        look.add(Ask { strong, path: Some(source.to_owned()), ..Ask::of(trust, &service.name, what, place) });
    }
}

/// What a mount of a path, which leads somewhere, reaches of the host; nothing, if that is the project's or everybody's.
fn reach(look: &Look<'_>, path: &Path, leads: &Path) -> Option<(Trust, &'static str, bool)> {
    let inside = look.bounds.hold_sources(path);
    let engines = [path, leads].iter().any(|one| reaches_engine(&one.to_string_lossy(), look.socket));
    // A file of the project that has such a name is only a file.
    if (engines || look_socket(look.socket, leads)) && (!inside || has_socket(leads)) {
        return Some((Trust::EngineSocket, "by which the engine is reached", true));
    }
    let is_public = PUBLIC.iter().any(|public| path.starts_with(public) || leads.starts_with(public));
    if inside || is_public || look.is_cache(leads) {
        return None;
    }
    Some(if is_kernels(leads) {
        (Trust::HostFolders, "which is the kernel's", true)
    } else if has_socket(leads) {
        (Trust::EngineSocket, "where a program of the host listens", true)
    } else {
        (Trust::HostFolders, "which is outside of the project", false)
    })
}

fn look_socket(own: Option<&str>, leads: &Path) -> bool {
    own.and_then(|own| leads_to(Path::new(own))).is_some_and(|own| own.starts_with(leads))
}

/// Whether a socket, pipe or device is there, or in a folder; yes, if there is too much to look at.
fn has_socket(path: &Path) -> bool {
    let mut left = LOOKED_AT;
    for entry in walkdir::WalkDir::new(path).max_depth(8) {
        if left == 0 {
            return true;
        }
        left -= 1;
        let Ok(entry) = entry else { continue };
        let kind = entry.file_type();
        if !(kind.is_dir() || kind.is_file() || kind.is_symlink()) {
            return true;
        }
    }
    false
}
