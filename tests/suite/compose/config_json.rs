//! The model in the shape of `docker compose config --format json`, to hold the one against the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use dockwright::compose::{Build, Compose, ComposeMount, ComposePort, ComposeService, Condition, Definition, FileRef};
use dockwright::spec::{Device, HealthTest, Healthcheck, MountKind, Settings, Tmpfs};

/// The whole project, services of every profile included, top-level resources that nothing uses left out.
pub(super) fn to_config_json(compose: &Compose) -> Value {
    let mut out = Map::new();
    put(&mut out, "name", json!(compose.name));
    let services: Map<String, Value> =
        compose.services.iter().map(|(name, one)| (name.clone(), service(one))).collect();
    put(&mut out, "services", Value::Object(services));
    let used = |names: &dyn Fn(&ComposeService) -> Vec<String>| -> BTreeSet<String> {
        compose.services.values().flat_map(names).collect()
    };
    let networks = used(&|one| one.networks.keys().cloned().collect());
    let volumes = used(&|one| {
        let volume = |mount: &&ComposeMount| matches!(mount.kind, MountKind::Volume { .. });
        one.volumes.iter().filter(volume).filter_map(|mount| mount.source.clone()).collect()
    });
    let secrets = used(&|one| {
        let build = one.build.iter().flat_map(|build| &build.secrets);
        one.secrets.iter().chain(build).map(|secret| secret.source.clone()).collect()
    });
    let configs = used(&|one| one.configs.iter().map(|config| config.source.clone()).collect());
    for (section, all, used) in [
        ("networks", &compose.networks, networks),
        ("volumes", &compose.volumes, volumes),
        ("secrets", &compose.secrets, secrets),
        ("configs", &compose.configs, configs),
    ] {
        let kept: Map<String, Value> = all
            .values()
            .filter(|one| used.contains(&one.key))
            .map(|one| (one.key.clone(), definition(one, section == "networks")))
            .collect();
        put(&mut out, section, Value::Object(kept));
    }
    Value::Object(out)
}

/// Sets a key, unless the value says nothing: `omitempty` of Go.
fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if !empty {
        out.insert(key.to_owned(), value);
    }
}

fn definition(one: &Definition, network: bool) -> Value {
    let mut out = Map::new();
    put(&mut out, "name", json!(one.name));
    put(&mut out, "external", json!(one.external));
    put(&mut out, "driver", json!(one.driver));
    put(&mut out, "driver_opts", json!(one.driver_opts));
    put(&mut out, "labels", json!(one.labels));
    put(&mut out, "file", json!(one.file_path));
    put(&mut out, "environment", json!(one.environment));
    put(&mut out, "content", json!(one.content));
    put(&mut out, "internal", json!(one.internal));
    put(&mut out, "attachable", json!(one.attachable));
    if let Some(on) = one.enable_ipv6 {
        out.insert("enable_ipv6".to_owned(), json!(on));
    }
    if network {
        out.insert("ipam".to_owned(), json!({}));
    }
    Value::Object(out)
}

fn service(one: &ComposeService) -> Value {
    let mut out = Map::new();
    let said = &one.settings;
    // These two are always there.
    out.insert("command".to_owned(), json!(said.command));
    out.insert("entrypoint".to_owned(), json!(said.entrypoint));
    for (key, value) in [
        ("image", &one.image),
        ("user", &said.user),
        ("working_dir", &said.working_dir),
        ("pid", &said.pid),
        ("ipc", &said.ipc),
        ("uts", &said.uts),
        ("userns_mode", &said.userns_mode),
        ("cgroup", &said.cgroup),
        ("network_mode", &said.network_mode),
        ("stop_signal", &said.stop_signal),
        ("restart", &said.restart),
        ("hostname", &said.hostname),
        ("domainname", &said.domainname),
        ("container_name", &one.container_name),
        ("runtime", &said.runtime),
        ("platform", &said.platform),
        ("pull_policy", &one.pull_policy),
        ("cpuset", &said.limits.cpuset),
    ] {
        put(&mut out, key, json!(value));
    }
    let tmpfs: Vec<String> = said.tmpfs.iter().map(written).collect();
    let link = |(service, name): &(String, String)| {
        if service == name { service.clone() } else { format!("{service}:{name}") }
    };
    let links: Vec<String> = one.links.iter().map(link).collect();
    for (key, value) in [
        ("profiles", &one.profiles),
        ("tmpfs", &tmpfs),
        ("links", &links),
        ("cap_add", &said.cap_add),
        ("cap_drop", &said.cap_drop),
        ("security_opt", &said.security_opt),
        ("expose", &one.expose),
        ("dns", &said.dns),
        ("dns_search", &said.dns_search),
        ("dns_opt", &said.dns_opt),
        ("group_add", &said.group_add),
    ] {
        put(&mut out, key, json!(value));
    }
    for (key, value) in [
        ("read_only", said.read_only),
        ("privileged", said.privileged),
        ("tty", said.tty),
        ("stdin_open", said.stdin_open),
    ] {
        put(&mut out, key, json!(value));
    }
    put(&mut out, "build", one.build.as_ref().map_or(Value::Null, build));
    put(&mut out, "environment", json!(said.environment));
    put(&mut out, "volumes", one.volumes.iter().map(mount).collect());
    put(&mut out, "ports", one.ports.iter().map(port).collect());
    put(&mut out, "secrets", file_refs(&one.secrets));
    put(&mut out, "configs", file_refs(&one.configs));
    put(&mut out, "healthcheck", said.healthcheck.as_ref().map_or(Value::Null, |check| healthcheck(check, one)));
    put(&mut out, "sysctls", json!(said.sysctls));
    put(&mut out, "labels", json!(said.labels));
    if let Some(init) = said.init {
        out.insert("init".to_owned(), json!(init));
    }
    if let Some(period) = said.stop_grace_period {
        out.insert("stop_grace_period".to_owned(), json!(go_duration(period)));
    }
    put(&mut out, "networks", networks(one));
    put(&mut out, "depends_on", depends_on(one));
    put(&mut out, "ulimits", ulimits(one));
    let hosts = said.extra_hosts.iter().map(|(name, address)| format!("{name}={address}"));
    put(&mut out, "extra_hosts", hosts.collect());
    put(&mut out, "devices", devices(said));
    put(&mut out, "oom_score_adj", json!(said.oom_score_adj));
    limits(one, &mut out);
    Value::Object(out)
}

/// Limits, each where it was said.
fn limits(one: &ComposeService, out: &mut Map<String, Value>) {
    let limits = &one.settings.limits;
    let said = |field: &str| one.places.contains_key(field);
    let bytes = |size: Option<i64>| json!(size.map(|size| size.to_string()));
    put(out, "shm_size", bytes(one.settings.shm_size));
    put(out, "memswap_limit", bytes(limits.memory_swap));
    put(out, "cpu_shares", json!(limits.cpu_shares));
    let mut caps = Map::new();
    let mut reserved = Map::new();
    let mut deploy = Map::new();
    for (field, inner, value) in [
        ("mem_limit", "memory", bytes(limits.memory)),
        ("cpus", "cpus", json!(limits.cpus)),
        ("pids_limit", "pids", json!(limits.pids)),
    ] {
        if said(field) {
            put(out, field, value.clone());
        }
        if said(&format!("deploy.resources.limits.{inner}")) {
            put(&mut caps, inner, value);
        }
    }
    if said("mem_reservation") {
        put(out, "mem_reservation", bytes(limits.memory_reservation));
    }
    if said("deploy.resources.reservations.memory") {
        put(&mut reserved, "memory", bytes(limits.memory_reservation));
    }
    if said("scale") {
        put(out, "scale", json!(one.scale));
    }
    if said("deploy.replicas") {
        put(&mut deploy, "replicas", json!(one.scale));
    }
    let mut resources = Map::new();
    put(&mut resources, "limits", Value::Object(caps));
    put(&mut resources, "reservations", Value::Object(reserved));
    put(&mut deploy, "resources", Value::Object(resources));
    put(out, "deploy", Value::Object(deploy));
}

fn networks(one: &ComposeService) -> Value {
    one.networks
        .iter()
        .map(|(name, network)| {
            let mut out = Map::new();
            put(&mut out, "aliases", json!(network.aliases));
            put(&mut out, "ipv4_address", json!(network.ipv4_address));
            put(&mut out, "ipv6_address", json!(network.ipv6_address));
            put(&mut out, "mac_address", json!(network.mac_address));
            put(&mut out, "priority", json!(network.priority));
            (name.clone(), if out.is_empty() { Value::Null } else { Value::Object(out) })
        })
        .collect::<Map<_, _>>()
        .into()
}

fn depends_on(one: &ComposeService) -> Value {
    one.depends_on
        .iter()
        .map(|(name, dependency)| {
            let condition = match dependency.condition {
                Condition::Started => "service_started",
                Condition::Healthy => "service_healthy",
                Condition::Completed => "service_completed_successfully",
            };
            let mut out = Map::new();
            put(&mut out, "restart", json!(dependency.restart));
            out.insert("condition".to_owned(), json!(condition));
            out.insert("required".to_owned(), json!(dependency.required));
            (name.clone(), Value::Object(out))
        })
        .collect::<Map<_, _>>()
        .into()
}

fn ulimits(one: &ComposeService) -> Value {
    one.settings
        .ulimits
        .iter()
        .map(|(name, limit)| {
            let long = one.places.contains_key(&format!("ulimits.{name}.soft"));
            let value = if long { json!({"soft": limit.soft, "hard": limit.hard}) } else { json!(limit.soft) };
            (name.clone(), value)
        })
        .collect::<Map<_, _>>()
        .into()
}

fn devices(said: &Settings) -> Value {
    let device = |one: &Device| json!({"source": one.source, "target": one.target, "permissions": one.permissions});
    said.devices.iter().map(device).collect()
}

/// A tmpfs as the file has it.
fn written(tmpfs: &Tmpfs) -> String {
    let colon = if tmpfs.options.is_empty() { "" } else { ":" };
    format!("{}{colon}{}", tmpfs.target, tmpfs.options.join(","))
}

fn build(one: &Build) -> Value {
    let mut out = Map::new();
    put(&mut out, "context", json!(one.context));
    put(&mut out, "dockerfile", json!(one.dockerfile));
    put(&mut out, "dockerfile_inline", json!(one.dockerfile_inline));
    put(&mut out, "target", json!(one.target));
    // An argument with no value anywhere is left out.
    let args: BTreeMap<_, _> = one.args.iter().filter(|(_, value)| value.is_some()).collect();
    put(&mut out, "args", json!(args));
    put(&mut out, "additional_contexts", json!(one.additional_contexts));
    put(&mut out, "no_cache", json!(one.no_cache));
    put(&mut out, "pull", json!(one.pull));
    put(&mut out, "platforms", json!(one.platforms));
    put(&mut out, "secrets", file_refs(&one.secrets));
    put(&mut out, "ssh", json!(one.ssh));
    put(&mut out, "labels", json!(one.labels));
    put(&mut out, "network", json!(one.network));
    put(&mut out, "cache_from", json!(one.cache_from));
    put(&mut out, "cache_to", json!(one.cache_to));
    put(&mut out, "tags", json!(one.tags));
    let hosts = one.extra_hosts.iter().map(|(name, address)| format!("{name}={address}"));
    put(&mut out, "extra_hosts", hosts.collect());
    put(&mut out, "shm_size", json!(one.shm_size.map(|size| size.to_string())));
    // Both are written as they were, a number or two.
    let limits: Map<String, Value> = one
        .ulimits
        .iter()
        .map(|(name, limit)| {
            let pair = json!({"soft": limit.soft, "hard": limit.hard});
            (name.clone(), if limit.soft == limit.hard { json!(limit.soft) } else { pair })
        })
        .collect();
    put(&mut out, "ulimits", Value::Object(limits));
    Value::Object(out)
}

fn mount(one: &ComposeMount) -> Value {
    let mut out = Map::new();
    put(&mut out, "source", json!(one.source));
    put(&mut out, "target", json!(one.target));
    put(&mut out, "read_only", json!(one.read_only));
    let mut inner = Map::new();
    let kind = match &one.kind {
        MountKind::Bind(bind) => {
            put(&mut inner, "propagation", json!(bind.propagation));
            put(&mut inner, "create_host_path", json!(bind.create_host_path));
            put(&mut inner, "selinux", json!(bind.selinux));
            put(&mut inner, "recursive", json!(bind.recursive));
            "bind"
        }
        MountKind::Volume { nocopy, subpath } => {
            put(&mut inner, "nocopy", json!(nocopy));
            put(&mut inner, "subpath", json!(subpath));
            "volume"
        }
        MountKind::Tmpfs { size, mode } => {
            put(&mut inner, "size", json!(size.map(|size| size.to_string())));
            put(&mut inner, "mode", json!(mode));
            "tmpfs"
        }
    };
    put(&mut out, "type", json!(kind));
    put(&mut out, kind, Value::Object(inner));
    Value::Object(out)
}

fn port(one: &ComposePort) -> Value {
    let mut out = Map::new();
    put(&mut out, "name", json!(one.name));
    put(&mut out, "mode", json!(one.mode));
    put(&mut out, "host_ip", json!(one.host_ip));
    put(&mut out, "target", json!(one.target));
    put(&mut out, "published", json!(one.published));
    put(&mut out, "protocol", json!(one.protocol));
    put(&mut out, "app_protocol", json!(one.app_protocol));
    Value::Object(out)
}

fn file_refs(all: &[FileRef]) -> Value {
    all.iter()
        .map(|one| {
            let mut out = Map::new();
            put(&mut out, "source", json!(one.source));
            // A config's default is left out, a secret's is not.
            let target = one.target.as_ref().filter(|target| **target != format!("/{}", one.source));
            put(&mut out, "target", json!(target));
            put(&mut out, "uid", json!(one.uid));
            put(&mut out, "gid", json!(one.gid));
            put(&mut out, "mode", json!(one.mode));
            Value::Object(out)
        })
        .collect()
}

fn healthcheck(one: &Healthcheck, service: &ComposeService) -> Value {
    let mut out = Map::new();
    match &one.test {
        Some(HealthTest::None) if service.places.contains_key("healthcheck.disable") => {
            put(&mut out, "disable", json!(true));
        }
        test => put(&mut out, "test", json!(test.as_ref().map(HealthTest::words))),
    }
    for (key, time) in [
        ("interval", one.interval),
        ("timeout", one.timeout),
        ("start_period", one.start_period),
        ("start_interval", one.start_interval),
    ] {
        put(&mut out, key, json!(time.map(go_duration)));
    }
    put(&mut out, "retries", json!(one.retries));
    Value::Object(out)
}

/// Go's way of writing a duration: `1h0m0.5s`, `1m30s`, `500ms`.
fn go_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let fraction = |whole: u128, unit: u128| {
        let rest = format!("{:0width$}", whole % unit, width = unit.ilog10() as usize);
        let rest = rest.trim_end_matches('0');
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{}{dot}{rest}", whole / unit)
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(nanos, 1_000_000)),
        _ => {
            let minutes = nanos / 60_000_000_000;
            let seconds = fraction(nanos % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}
