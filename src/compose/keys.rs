//! What Compose knows, as data: every key of the schema of Compose 2.40 (compose-spec.json) and what
//! dockwright does with it.

use super::fault::ComposeFault;
use super::yaml::{YamlKey, YamlNode, YamlValue};
use crate::text::nearest;

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is in the model.
    Read,
    /// It changes nothing in a container that is started alone, so that leaving it out is honest: Compose itself leaves it to
    /// swarm, or it is about restarts and logs, which verification has its own way with.
    Harmless,
    /// A container without it is another one: why it cannot be honoured.
    Unsupported(&'static str),
}

use Use::{Harmless, Read, Unsupported};

/// A table: keys and what becomes of them.
pub(super) type Keys = [(&'static [&'static str], Use)];

const SWARM: Use = Unsupported("only swarm looks at it");
const NEWER: Use = Unsupported("dockwright does not read it yet");
const TUNING: Use = Unsupported("dockwright does not pass this limit on");
const OTHER_SERVICE: Use = Unsupported("it uses another service's container");

pub(super) const TOP: &Keys = &[
    (&["name", "services", "networks", "volumes", "secrets", "configs"], Read),
    (&["version"], Harmless),
    (&["include"], Unsupported("files on other hosts are not fetched")),
    (&["models"], NEWER),
];

/// Beside those that are read into [`Settings`](crate::spec::Settings), see `settings.rs`.
pub(super) const SERVICE: &Keys = &[
    (
        &[
            "build",
            "configs",
            "container_name",
            "depends_on",
            "env_file",
            "expose",
            "extends",
            "image",
            "links",
            "networks",
            "ports",
            "profiles",
            "pull_policy",
            "scale",
            "secrets",
            "volumes",
        ],
        Read,
    ),
    (&["annotations", "attach", "develop", "logging", "pull_refresh_after"], Harmless),
    (
        &[
            "blkio_config",
            "cpu_count",
            "cpu_percent",
            "cpu_period",
            "cpu_quota",
            "cpu_rt_period",
            "cpu_rt_runtime",
            "mem_swappiness",
            "oom_kill_disable",
            "storage_opt",
        ],
        TUNING,
    ),
    (&["external_links", "volumes_from"], OTHER_SERVICE),
    (&["cgroup_parent", "device_cgroup_rules", "gpus", "mac_address"], NEWER),
    (&["label_file", "models", "post_start", "pre_stop", "provider", "use_api_socket"], NEWER),
    (&["credential_spec", "isolation"], Unsupported("it is for Windows containers")),
];

pub(super) const BUILD: &Keys = &[
    (
        &[
            "additional_contexts",
            "args",
            "cache_from",
            "cache_to",
            "context",
            "dockerfile",
            "dockerfile_inline",
            "extra_hosts",
            "labels",
            "network",
            "no_cache",
            "platforms",
            "pull",
            "secrets",
            "shm_size",
            "ssh",
            "tags",
            "target",
            "ulimits",
        ],
        Read,
    ),
    (&["provenance", "sbom"], Harmless),
    (&["entitlements", "privileged"], Unsupported("dockwright does not pass it on to the build")),
    (&["isolation"], Unsupported("it is for Windows containers")),
];

pub(super) const HEALTHCHECK: &Keys =
    &[(&["disable", "interval", "retries", "start_interval", "start_period", "test", "timeout"], Read)];

pub(super) const DEPLOY: &Keys = &[
    (&["replicas", "resources"], Read),
    (&["endpoint_mode", "labels", "mode", "placement", "restart_policy", "rollback_config", "update_config"], Harmless),
];

pub(super) const RESOURCES: &Keys = &[(&["limits", "reservations"], Read)];
pub(super) const LIMITS: &Keys = &[(&["cpus", "memory", "pids"], Read)];
pub(super) const RESERVATIONS: &Keys =
    &[(&["memory"], Read), (&["cpus", "generic_resources"], Harmless), (&["devices"], NEWER)];

pub(super) const PORT: &Keys =
    &[(&["app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"], Read)];

pub(super) const MOUNT: &Keys = &[
    (&["bind", "consistency", "read_only", "source", "target", "tmpfs", "type", "volume"], Read),
    (&["image"], Unsupported("dockwright does not create image mounts")),
];
pub(super) const MOUNT_BIND: &Keys = &[(&["create_host_path", "propagation", "recursive", "selinux"], Read)];
pub(super) const MOUNT_VOLUME: &Keys = &[(&["nocopy", "subpath"], Read), (&["labels"], Harmless)];
pub(super) const MOUNT_TMPFS: &Keys = &[(&["mode", "size"], Read)];

pub(super) const NETWORK_USE: &Keys = &[
    (&["aliases"], Read),
    (&["priority"], Harmless),
    (&["ipv4_address", "ipv6_address", "mac_address"], Unsupported("the run's network has addresses of its own")),
    (&["driver_opts", "gw_priority", "interface_name", "link_local_ips"], NEWER),
];

pub(super) const DEPENDENCY: &Keys = &[(&["condition", "required", "restart"], Read)];
pub(super) const ENV_FILE: &Keys = &[(&["format", "path", "required"], Read)];
pub(super) const FILE_REF: &Keys = &[(&["gid", "mode", "source", "target", "uid"], Read)];
pub(super) const ULIMIT: &Keys = &[(&["hard", "soft"], Read)];
pub(super) const DEVICE: &Keys = &[(&["permissions", "source", "target"], Read)];
pub(super) const INCLUDE: &Keys = &[(&["env_file", "path", "project_directory"], Read)];
pub(super) const EXTENDS: &Keys = &[(&["file", "service"], Read)];

pub(super) const NETWORK: &Keys = &[
    (&["attachable", "driver", "driver_opts", "enable_ipv6", "external", "internal", "labels", "name"], Read),
    // The run's networks have subnets of their own; a fixed address in one is what cannot be had.
    (&["ipam"], Harmless),
    (&["enable_ipv4"], Unsupported("dockwright gives its networks subnets of its own")),
];
pub(super) const VOLUME: &Keys = &[(&["driver", "driver_opts", "external", "labels", "name"], Read)];
pub(super) const SECRET: &Keys = &[
    (&["environment", "external", "file", "labels", "name"], Read),
    (&["driver", "driver_opts", "template_driver"], SWARM),
];
pub(super) const CONFIG: &Keys =
    &[(&["content", "environment", "external", "file", "labels", "name"], Read), (&["template_driver"], SWARM)];

/// Looks every key of a mapping up, in the table and in the names of `more` that are read: an unknown one is an error, an
/// unsupported one is told to `tell`.
pub(super) fn check(
    entries: &[(YamlKey, YamlNode)],
    keys: &Keys,
    more: &[&str],
    where_: &str,
    tell: &mut dyn FnMut(&YamlKey, &'static str),
) -> Result<(), ComposeFault> {
    for (key, value) in entries.iter().filter(|(key, _)| !key.text.starts_with("x-")) {
        let known = keys.iter().find(|(names, _)| names.contains(&key.text.as_str()));
        match known {
            // `links:` with nothing behind it says nothing.
            Some((_, Unsupported(why))) if value.value != YamlValue::Null => tell(key, why),
            Some(_) => {}
            None if more.contains(&key.text.as_str()) => {}
            None => return Err(unknown(key, keys, more, where_)),
        }
    }
    Ok(())
}

fn unknown(key: &YamlKey, keys: &Keys, more: &[&str], where_: &str) -> ComposeFault {
    let fault = ComposeFault::new(&key.place, format!("Compose knows no `{}` in {where_}", key.text));
    let known = keys.iter().flat_map(|(names, _)| names.iter()).chain(more).copied();
    match nearest(&key.text, known) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("what Compose is to leave alone begins with `x-`"),
    }
}
