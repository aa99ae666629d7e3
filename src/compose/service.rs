//! One service's mapping → the model.

use std::collections::BTreeMap;

use super::build::build;
use super::details::{depends_on, env_files, healthcheck, ulimits};
use super::fault::Fault;
use super::keys::{self, check};
use super::limits::{deploy, limits};
use super::model::{Service, Unsupported};
use super::mounts::{devices, file_refs, mounts};
use super::network::{networks, ports};
use super::parts::{Condition, Dependency};
use super::values::{boolean, bytes, duration, entries, integer, items, pairs, scalars, shell_words, text, texts};
use super::yaml::{Key, Node, Value};
use crate::text::Place;

/// What decoding a service needs to know and to tell.
pub(super) struct Context<'a> {
    pub service: &'a str,
    pub env: &'a BTreeMap<String, String>,
    pub unsupported: &'a mut Vec<Unsupported>,
}

impl Context<'_> {
    /// Checks a mapping's keys; `prefix` is its dotted path with a dot at the end, or empty.
    pub(super) fn check(&mut self, node: &Node, keys: &keys::Keys, prefix: &str, where_: &str) -> Result<(), Fault> {
        let entries = entries(node, prefix.trim_end_matches('.'))?;
        check(entries, keys, where_, &mut |key, why| {
            self.tell(&format!("{prefix}{}", key.text), &key.place, why);
        })
    }

    pub(super) fn tell(&mut self, field: &str, place: &Place, why: &str) {
        self.unsupported.push(Unsupported {
            service: Some(self.service.to_owned()),
            field: field.to_owned(),
            place: place.clone(),
            why: why.to_owned(),
        });
    }
}

/// Decodes a service; environment files are named, not read.
pub(super) fn service(key: &Key, node: &Node, context: &mut Context<'_>) -> Result<Service, Fault> {
    let name = key.text.clone();
    context.check(node, keys::SERVICE, "", &format!("the service `{name}`"))?;
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    let flag = |field: &str| at(field).map(|node| boolean(node, field)).transpose();
    let number = |field: &str| at(field).map(|node| integer(node, field)).transpose();
    let list = |field: &str| -> Result<Vec<String>, Fault> {
        Ok(unique(at(field).map(|node| texts(node, field)).transpose()?.unwrap_or_default()))
    };
    let mixed = |field: &str| -> Result<Vec<String>, Fault> {
        Ok(unique(at(field).map(|node| scalars(node, field)).transpose()?.unwrap_or_default()))
    };
    // Of a service, Compose takes null for command, entrypoint and deploy alone.
    let deploy = deploy(at("deploy").filter(|node| node.value != Value::Null), context)?;
    let environment = match at("environment") {
        Some(node) => pairs(node, "environment")?,
        None => Vec::new(),
    };
    let network_mode = word("network_mode")?;
    if network_mode.is_some() && at("networks").is_some() {
        let place = at("networks").map_or(&key.place, |node| &node.place);
        return Err(Fault::new(place, "`networks` and `network_mode` cannot both be set"));
    }
    let mut service = Service {
        place: key.place.clone(),
        places: places(node),
        image: word("image")?.filter(|image| !image.is_empty()),
        build: at("build").map(|node| build(node, context)).transpose()?,
        profiles: list("profiles")?,
        command: command(node.get("command"), "command")?,
        entrypoint: command(node.get("entrypoint"), "entrypoint")?,
        user: word("user")?,
        working_dir: word("working_dir")?,
        environment_from_host: environment
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.clone())
            .collect(),
        environment: environment
            .into_iter()
            .map(|(name, value)| {
                let value = value.or_else(|| context.env.get(&name).cloned());
                (name, value)
            })
            .collect(),
        env_files: at("env_file").map(|node| env_files(node, context)).transpose()?.unwrap_or_default(),
        volumes: at("volumes").map(|node| mounts(node, context)).transpose()?.unwrap_or_default(),
        tmpfs: list("tmpfs")?,
        read_only: flag("read_only")?.unwrap_or_default(),
        cap_add: list("cap_add")?,
        cap_drop: list("cap_drop")?,
        security_opt: list("security_opt")?,
        privileged: flag("privileged")?.unwrap_or_default(),
        init: flag("init")?,
        pid: word("pid")?,
        ipc: word("ipc")?,
        uts: word("uts")?,
        userns_mode: word("userns_mode")?,
        cgroup: word("cgroup")?,
        networks: networks(at("networks"), network_mode.is_some(), context)?,
        network_mode,
        ports: at("ports").map(|node| ports(node, context)).transpose()?.unwrap_or_default(),
        expose: mixed("expose")?,
        healthcheck: at("healthcheck").map(|node| healthcheck(node, context)).transpose()?,
        stop_signal: word("stop_signal")?,
        stop_grace_period: at("stop_grace_period").map(|node| duration(node, "stop_grace_period")).transpose()?,
        depends_on: at("depends_on").map(|node| depends_on(node, context)).transpose()?.unwrap_or_default(),
        restart: word("restart")?,
        secrets: at("secrets").map(|node| file_refs(node, "secrets", context)).transpose()?.unwrap_or_default(),
        configs: at("configs").map(|node| file_refs(node, "configs", context)).transpose()?.unwrap_or_default(),
        ulimits: at("ulimits").map(|node| ulimits(node, context)).transpose()?.unwrap_or_default(),
        sysctls: at("sysctls").map(|node| map(node, "sysctls")).transpose()?.unwrap_or_default(),
        shm_size: at("shm_size").map(|node| bytes(node, "shm_size")).transpose()?,
        limits: limits(node, &deploy.limits)?,
        extra_hosts: at("extra_hosts").map(|node| extra_hosts(node, "extra_hosts")).transpose()?.unwrap_or_default(),
        dns: list("dns")?,
        dns_search: list("dns_search")?,
        dns_opt: list("dns_opt")?,
        group_add: mixed("group_add")?,
        hostname: word("hostname")?,
        domainname: word("domainname")?,
        container_name: word("container_name")?,
        labels: at("labels").map(|node| map(node, "labels")).transpose()?.unwrap_or_default(),
        tty: flag("tty")?.unwrap_or_default(),
        stdin_open: flag("stdin_open")?.unwrap_or_default(),
        devices: at("devices").map(|node| devices(node, context)).transpose()?.unwrap_or_default(),
        runtime: word("runtime")?,
        platform: word("platform")?,
        pull_policy: word("pull_policy")?,
        scale: number("scale")?.or(deploy.replicas),
        oom_score_adj: number("oom_score_adj")?,
        name,
    };
    implied_dependencies(&mut service, node);
    Ok(service)
}

/// Whose namespace, name or volumes a service shares, it waits for.
fn implied_dependencies(service: &mut Service, node: &Node) {
    let mut wait = |name: &str, restart: bool| {
        let dependency = Dependency { condition: Condition::Started, restart, required: true };
        service.depends_on.entry(name.to_owned()).or_insert(dependency);
    };
    for field in ["network_mode", "ipc", "pid"] {
        let mode = node.get(field).and_then(Node::scalar);
        if let Some(name) = mode.as_deref().and_then(|mode| mode.strip_prefix("service:")) {
            wait(name, true);
        }
    }
    for (field, restart) in [("links", true), ("volumes_from", false)] {
        for item in node.get(field).and_then(|node| items(node, field).ok()).unwrap_or_default() {
            let item = item.scalar().unwrap_or_default();
            let name = item.split(':').next().unwrap_or_default();
            if name != "container" {
                wait(name, restart);
            }
        }
    }
}

/// Each value once, in its first place.
pub(super) fn unique(values: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// The place of every field, nested mappings dotted.
fn places(node: &Node) -> BTreeMap<String, Place> {
    fn walk(node: &Node, prefix: &str, found: &mut BTreeMap<String, Place>) {
        let Value::Map(entries) = &node.value else { return };
        for (key, value) in entries {
            let path = format!("{prefix}{}", key.text);
            walk(value, &format!("{path}."), found);
            found.insert(path, key.place.clone());
        }
    }
    let mut found = BTreeMap::new();
    walk(node, "", &mut found);
    found
}

fn command(node: Option<&Node>, field: &str) -> Result<Option<Vec<String>>, Fault> {
    let Some(node) = node else { return Ok(None) };
    match &node.value {
        Value::Null => Ok(None),
        Value::List(_) => texts(node, field).map(Some),
        Value::Text(line) => shell_words(line).map(Some).map_err(|why| {
            Fault::new(&node.place, format!("`{field}` cannot be split into words: {why}"))
                .hint("write it as a list, or run a shell: [\"sh\", \"-c\", \"…\"]")
        }),
        _ => Err(Fault::new(&node.place, format!("`{field}` takes a string or a list"))),
    }
}

pub(super) fn map(node: &Node, field: &str) -> Result<BTreeMap<String, String>, Fault> {
    Ok(pairs(node, field)?.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// `name=address`, `name:address`, or a mapping, also to a list of addresses; IPv6 in brackets too.
pub(super) fn extra_hosts(node: &Node, field: &str) -> Result<Vec<(String, String)>, Fault> {
    let bare =
        |address: &str| address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address).to_owned();
    let mut found = Vec::new();
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                for address in texts(value, field)? {
                    found.push((key.text.clone(), bare(&address)));
                }
            }
        }
        _ => {
            for line in texts(node, field)? {
                let Some((name, address)) = line.split_once('=').or_else(|| line.split_once(':')) else {
                    return Err(Fault::new(&node.place, format!("`{line}` in `{field}` has no address"))
                        .hint("write name=address"));
                };
                found.push((name.to_owned(), bare(address)));
            }
        }
    }
    // Compose holds them in a map: by name.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup();
    Ok(found)
}
