//! `volumes`, `devices`, `secrets` and `configs` of a service.

use std::collections::{HashMap, HashSet};

use super::context::Decoding;
use super::fault::ComposeFault;
use super::keys;
use super::parts::{ComposeMount, FileRef};
use super::paths::resolve;
use super::values::{boolean, bytes, items, mode, text};
use super::yaml::{YamlNode, YamlValue};
use crate::spec::{self, Bind, Device, MountKind};
use crate::text::{Placed, clean};

/// All mounts; of two on one target the later one takes the place of the first, as Compose does.
pub(super) fn mounts(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Vec<ComposeMount>, ComposeFault> {
    let mut found: Vec<ComposeMount> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    for item in items(node, "volumes")? {
        let mount = if let YamlValue::Map(_) = item.value {
            long(item, context)?
        } else {
            Some(short(item, &text(item, "volumes")?, context)?)
        };
        let Some(mount) = mount else { continue };
        match at.get(&mount.target) {
            Some(same) => found[*same] = mount,
            None => {
                at.insert(mount.target.clone(), found.len());
                found.push(mount);
            }
        }
    }
    Ok(found)
}

/// `[SOURCE:]TARGET[:OPTIONS]` (spec 05, "volumes", "Short syntax").
fn short(node: &YamlNode, spec: &str, context: &mut Decoding<'_>) -> Result<ComposeMount, ComposeFault> {
    let fault = |why: &str| {
        ComposeFault::new(&node.place, format!("`{spec}` is not a volume: {why}"))
            .hint("write source:target, or source:target:options")
    };
    let parts = sections(spec);
    let (source, target, options) = match parts.as_slice() {
        [""] => return Err(fault("it is empty")),
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return Err(fault("it has too many colons")),
    };
    if target.is_empty() || source == Some("") {
        return Err(fault("a part of it is empty"));
    }
    let mut bind = Bind { create_host_path: true, ..Bind::default() };
    let (mut read_only, mut nocopy) = (false, false);
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            "nocopy" => nocopy = true,
            "z" | "Z" => bind.selinux = Some(option.to_owned()),
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
                bind.propagation = Some(option.to_owned());
            }
            // Compose takes no notice of what it does not know here, `cached` and `delegated` included.
            _ => {}
        }
    }
    let is_path = source.is_some_and(|source| source.starts_with(['.', '/', '~']));
    let path = |source: &str| if is_path { resolve(source, &node.place, context.env) } else { source.to_owned() };
    let value = spec::MountSpec {
        kind: if is_path { MountKind::Bind(bind) } else { MountKind::Volume { nocopy, subpath: None } },
        source: source.map(path),
        target: clean(target),
        read_only,
    };
    Ok(Placed { value, place: node.place.clone() })
}

/// What stands between the colons. The colon behind a single letter is a Windows drive's, so that to
/// Compose even `d:/data` is one path.
fn sections(spec: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut start = 0;
    for (at, _) in spec.match_indices(':') {
        let drive = at - start == 1 && spec[start..at].chars().all(|c| c.is_ascii_alphabetic());
        if !drive {
            found.push(&spec[start..at]);
            start = at + 1;
        }
    }
    found.push(&spec[start..]);
    found
}

/// The mapping; none for a kind that is not made.
fn long(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Option<ComposeMount>, ComposeFault> {
    context.check(node, keys::MOUNT, "volumes.", "`volumes`")?;
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    let place = match &node.value {
        YamlValue::Map(entries) => entries.first().map_or(&node.place, |(key, _)| &key.place),
        _ => &node.place,
    };
    let kind = word("type")?.ok_or_else(|| {
        ComposeFault::new(place, "a volume in long syntax needs a `type`").hint("bind, volume or tmpfs")
    })?;
    let target = word("target")?.ok_or_else(|| ComposeFault::new(place, "a volume in long syntax needs a `target`"))?;
    let source = word("source")?;
    for (field, keys) in [("bind", keys::MOUNT_BIND), ("volume", keys::MOUNT_VOLUME), ("tmpfs", keys::MOUNT_TMPFS)] {
        if let Some(node) = at(field) {
            context.check(node, keys, &format!("volumes.{field}."), &format!("`volumes.{field}`"))?;
        }
    }
    let inner = |part: &str, field: &str| at(part).and_then(|node| node.get(field));
    let inner_word = |part: &str, field: &str| inner(part, field).map(|node| text(node, field)).transpose();
    let flag = |part: &str, field: &str| inner(part, field).map_or(Ok(false), |node| boolean(node, field));
    let kind = match kind.as_str() {
        "bind" => MountKind::Bind(Bind {
            propagation: inner_word("bind", "propagation")?,
            create_host_path: flag("bind", "create_host_path")?,
            selinux: inner_word("bind", "selinux")?,
            recursive: inner_word("bind", "recursive")?,
        }),
        "volume" => MountKind::Volume { nocopy: flag("volume", "nocopy")?, subpath: inner_word("volume", "subpath")? },
        "tmpfs" => MountKind::Tmpfs {
            size: inner("tmpfs", "size").map(|node| bytes(node, "volumes.tmpfs.size")).transpose()?,
            mode: inner("tmpfs", "mode").map(|node| mode(node, "volumes.tmpfs.mode")).transpose()?,
        },
        "npipe" | "cluster" | "image" => {
            context.tell("volumes", place, &format!("dockwright does not create mounts of type {kind}"));
            return Ok(None);
        }
        other => {
            return Err(ComposeFault::new(place, format!("`{other}` is not a type of volume"))
                .hint("bind, volume, tmpfs, npipe, cluster or image"));
        }
    };
    if matches!(kind, MountKind::Bind(_)) && source.is_none() {
        return Err(ComposeFault::new(place, "a bind mount needs a `source`"));
    }
    let is_bind = matches!(kind, MountKind::Bind(_));
    let source_place = at("source").map_or(place, |node| &node.place);
    let value = spec::MountSpec {
        source: source.map(|source| if is_bind { resolve(&source, source_place, context.env) } else { source }),
        kind,
        target: clean(&target),
        read_only: at("read_only").map_or(Ok(false), |node| boolean(node, "volumes.read_only"))?,
    };
    Ok(Some(Placed { value, place: place.clone() }))
}

/// `HOST[:CONTAINER[:rwm]]`, or the mapping.
pub(super) fn devices(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Vec<Device>, ComposeFault> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for item in items(node, "devices")? {
        let (source, target, rights) = if let YamlValue::Map(_) = item.value {
            context.check(item, keys::DEVICE, "devices.", "`devices`")?;
            let word = |field: &str| item.get(field).map(|node| text(node, field)).transpose();
            (word("source")?.unwrap_or_default(), word("target")?, word("permissions")?)
        } else {
            let line = text(item, "devices")?;
            let mut parts = line.splitn(3, ':').map(str::to_owned);
            (parts.next().unwrap_or_default(), parts.next(), parts.next())
        };
        let device = Device {
            target: target.unwrap_or_else(|| source.clone()),
            source,
            permissions: rights.unwrap_or_else(|| "rwm".to_owned()),
        };
        if seen.insert((device.source.clone(), device.target.clone(), device.permissions.clone())) {
            found.push(device);
        }
    }
    Ok(found)
}

/// Secrets or configs of a service or a build: a name, or a mapping with `source`.
pub(super) fn file_refs(
    node: &YamlNode,
    field: &str,
    context: &mut Decoding<'_>,
) -> Result<Vec<FileRef>, ComposeFault> {
    let mut found = Vec::new();
    for item in items(node, field)? {
        let long = matches!(item.value, YamlValue::Map(_));
        if long {
            context.check(item, keys::FILE_REF, &format!("{field}."), &format!("`{field}`"))?;
        }
        let word = |name: &str| item.get(name).map(|node| text(node, name)).transpose();
        let source = if long { word("source")? } else { Some(text(item, field)?) };
        let place = match &item.value {
            YamlValue::Map(entries) => entries.first().map_or(&item.place, |(key, _)| &key.place),
            _ => &item.place,
        };
        let source =
            source.ok_or_else(|| ComposeFault::new(place, format!("an entry of `{field}` needs a `source`")))?;
        found.push(FileRef {
            target: if long { word("target")? } else { None }.or_else(|| match field {
                "secrets" => Some(format!("/run/secrets/{source}")),
                "configs" => Some(format!("/{source}")),
                _ => None,
            }),
            source,
            uid: if long { word("uid")? } else { None },
            gid: if long { word("gid")? } else { None },
            mode: item.get("mode").map(|node| mode(node, field)).transpose()?,
            place: place.clone(),
        });
    }
    Ok(found)
}
