//! One service's mapping → the model.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::keys::{self, check};
use super::model::{Place, Service, Unsupported};
use super::mounts::{devices, file_refs, mounts};
use super::network::{networks, ports};
use super::parts::{
    Build, Condition, Dependency, EnvFile, HealthTest, Healthcheck, Limits, Ulimit,
};
use super::paths::resolve;
use super::values::{
    boolean, bytes, duration, entries, float, integer, items, pairs, scalars, shell_words, text,
    texts,
};
use super::yaml::{Key, Node, Value};

/// What decoding a service needs to know and to tell.
pub(super) struct Context<'a> {
    pub service: &'a str,
    pub env: &'a BTreeMap<String, String>,
    pub unsupported: &'a mut Vec<Unsupported>,
}

impl Context<'_> {
    /// Checks a mapping's keys; `prefix` is its dotted path with a dot at the end, or empty.
    pub(super) fn check(
        &mut self,
        node: &Node,
        keys: &keys::Keys,
        prefix: &str,
        where_: &str,
    ) -> Result<(), Fault> {
        let entries = entries(node, prefix.trim_end_matches('.'))?;
        check(entries, keys, where_, &mut |key, why| {
            self.tell(&format!("{prefix}{}", key.text), &key.place, why)
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
        env_files: at("env_file")
            .map(|node| env_files(node, context))
            .transpose()?
            .unwrap_or_default(),
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
        stop_grace_period: at("stop_grace_period")
            .map(|node| duration(node, "stop_grace_period"))
            .transpose()?,
        depends_on: at("depends_on")
            .map(|node| depends_on(node, context))
            .transpose()?
            .unwrap_or_default(),
        restart: word("restart")?,
        secrets: at("secrets")
            .map(|node| file_refs(node, "secrets", context))
            .transpose()?
            .unwrap_or_default(),
        configs: at("configs")
            .map(|node| file_refs(node, "configs", context))
            .transpose()?
            .unwrap_or_default(),
        ulimits: at("ulimits").map(|node| ulimits(node, context)).transpose()?.unwrap_or_default(),
        sysctls: at("sysctls").map(|node| map(node, "sysctls")).transpose()?.unwrap_or_default(),
        shm_size: at("shm_size").map(|node| bytes(node, "shm_size")).transpose()?,
        limits: limits(node, &deploy.limits)?,
        extra_hosts: at("extra_hosts")
            .map(|node| extra_hosts(node, "extra_hosts"))
            .transpose()?
            .unwrap_or_default(),
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
    Ok(pairs(node, field)?
        .into_iter()
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

/// `name=address`, `name:address`, or a mapping, also to a list of addresses; IPv6 in brackets too.
fn extra_hosts(node: &Node, field: &str) -> Result<Vec<(String, String)>, Fault> {
    let bare = |address: &str| {
        address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(address)
            .to_owned()
    };
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
                let Some((name, address)) = line.split_once('=').or_else(|| line.split_once(':'))
                else {
                    return Err(Fault::new(
                        &node.place,
                        format!("`{line}` in `{field}` has no address"),
                    )
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

fn build(node: &Node, context: &mut Context<'_>) -> Result<Build, Fault> {
    let long = matches!(node.value, Value::Map(_));
    if long {
        context.check(node, keys::BUILD, "build.", "`build`")?;
    }
    let at = |field: &str| node.get(field);
    let word = |field: &str| at(field).map(|node| text(node, field)).transpose();
    let flag = |field: &str| at(field).map(|node| boolean(node, field)).transpose();
    let list = |field: &str| -> Result<Vec<String>, Fault> {
        Ok(unique(at(field).map(|node| texts(node, field)).transpose()?.unwrap_or_default()))
    };
    let written = if long { at("context") } else { Some(node) };
    let place = written.map_or(&node.place, |node| &node.place);
    let raw = written.map(|node| text(node, "build.context")).transpose()?;
    let inline = word("dockerfile_inline")?;
    if inline.is_some()
        && let Some(file) = at("dockerfile")
    {
        return Err(Fault::new(
            &file.place,
            "`dockerfile` and `dockerfile_inline` cannot both be set",
        ));
    }
    let mut args = BTreeMap::new();
    for (name, value) in
        at("args").map(|node| pairs(node, "build.args")).transpose()?.unwrap_or_default()
    {
        let value = value.or_else(|| context.env.get(&name).cloned());
        args.insert(name, value);
    }
    let additional = at("additional_contexts")
        .map(|node| map(node, "build.additional_contexts"))
        .transpose()?
        .unwrap_or_default();
    Ok(Build {
        context: context_path(raw.as_deref().unwrap_or("."), place, context),
        dockerfile: match (word("dockerfile")?, &inline) {
            (None, Some(_)) => None,
            (file, _) => Some(file.unwrap_or_else(|| "Dockerfile".to_owned())),
        },
        dockerfile_inline: inline,
        target: word("target")?,
        args,
        additional_contexts: additional
            .into_iter()
            .map(|(name, value)| {
                let value = context_path(&value, place, context);
                (name, value)
            })
            .collect(),
        no_cache: flag("no_cache")?.unwrap_or_default(),
        pull: flag("pull")?.unwrap_or_default(),
        platforms: at("platforms")
            .map(|node| texts(node, "build.platforms"))
            .transpose()?
            .unwrap_or_default(),
        secrets: at("secrets")
            .map(|node| file_refs(node, "build.secrets", context))
            .transpose()?
            .unwrap_or_default(),
        ssh: at("ssh")
            .map(|node| pairs(node, "build.ssh"))
            .transpose()?
            .unwrap_or_default()
            .into_iter()
            .map(|(id, path)| path.map_or(id.clone(), |path| format!("{id}={path}")))
            .collect(),
        labels: at("labels").map(|node| map(node, "build.labels")).transpose()?.unwrap_or_default(),
        network: word("network")?,
        cache_from: list("cache_from")?,
        cache_to: list("cache_to")?,
        tags: list("tags")?,
        extra_hosts: at("extra_hosts")
            .map(|node| extra_hosts(node, "build.extra_hosts"))
            .transpose()?
            .unwrap_or_default(),
        shm_size: at("shm_size").map(|node| bytes(node, "build.shm_size")).transpose()?,
        place: node.place.clone(),
    })
}

/// A build context: a folder made absolute, anything with a scheme as it is.
fn context_path(raw: &str, place: &Place, context: &Context<'_>) -> String {
    let remote = raw.contains("://") || raw.starts_with("git@") || raw.starts_with("github.com/");
    // Of another service's image, or a named one.
    if remote || raw.starts_with("service:") {
        return raw.to_owned();
    }
    resolve(raw, place, context.env)
}

fn healthcheck(node: &Node, context: &mut Context<'_>) -> Result<Healthcheck, Fault> {
    context.check(node, keys::HEALTHCHECK, "healthcheck.", "`healthcheck`")?;
    let at = |field: &str| node.get(field);
    let time = |field: &str| {
        at(field).map(|node| duration(node, &format!("healthcheck.{field}"))).transpose()
    };
    let disabled = at("disable").map(|node| boolean(node, "healthcheck.disable")).transpose()?;
    let test = match at("test") {
        _ if disabled == Some(true) => Some(HealthTest::None),
        None => None,
        Some(node) => Some(match &node.value {
            Value::Text(line) => HealthTest::Shell(line.clone()),
            _ => {
                let mut words = texts(node, "healthcheck.test")?;
                let form = if words.is_empty() { String::new() } else { words.remove(0) };
                match form.as_str() {
                    "NONE" => HealthTest::None,
                    "CMD" => HealthTest::Exec(words),
                    "CMD-SHELL" => HealthTest::Shell(words.join(" ")),
                    _ => {
                        return Err(Fault::new(
                            &node.place,
                            "`healthcheck.test` does not begin with its form",
                        )
                        .hint("begin the list with CMD, CMD-SHELL or NONE"));
                    }
                }
            }
        }),
    };
    let retries = at("retries").map(|node| integer(node, "healthcheck.retries")).transpose()?;
    Ok(Healthcheck {
        test,
        interval: time("interval")?,
        timeout: time("timeout")?,
        start_period: time("start_period")?,
        start_interval: time("start_interval")?,
        retries: retries.and_then(|count| u64::try_from(count).ok()),
        place: node.place.clone(),
    })
}

fn depends_on(
    node: &Node,
    context: &mut Context<'_>,
) -> Result<BTreeMap<String, Dependency>, Fault> {
    let mut found = BTreeMap::new();
    if let Value::List(_) = node.value {
        for name in texts(node, "depends_on")? {
            let dependency =
                Dependency { condition: Condition::Started, restart: false, required: true };
            found.insert(name, dependency);
        }
        return Ok(found);
    }
    for (key, node) in entries(node, "depends_on")? {
        context.check(
            node,
            keys::DEPENDENCY,
            &format!("depends_on.{}.", key.text),
            "`depends_on`",
        )?;
        let flag = |field: &str| node.get(field).map(|node| boolean(node, field)).transpose();
        let condition = match node.get("condition").and_then(Node::scalar).as_deref() {
            Some("service_started") => Condition::Started,
            Some("service_healthy") => Condition::Healthy,
            Some("service_completed_successfully") => Condition::Completed,
            other => {
                let shown = other.map_or("nothing".to_owned(), |other| format!("`{other}`"));
                let message = format!("{shown} is no condition of `depends_on`");
                return Err(Fault::new(&node.place, message)
                    .hint("service_started, service_healthy or service_completed_successfully"));
            }
        };
        let dependency = Dependency {
            condition,
            restart: flag("restart")?.unwrap_or_default(),
            required: flag("required")?.unwrap_or(true),
        };
        found.insert(key.text.clone(), dependency);
    }
    Ok(found)
}

fn env_files(node: &Node, context: &mut Context<'_>) -> Result<Vec<EnvFile>, Fault> {
    let one = std::slice::from_ref(node);
    let nodes = if matches!(node.value, Value::List(_)) { items(node, "env_file")? } else { one };
    let mut found: Vec<EnvFile> = Vec::new();
    for node in nodes {
        let long = matches!(node.value, Value::Map(_));
        if long {
            context.check(node, keys::ENV_FILE, "env_file.", "`env_file`")?;
        }
        let path = if long { node.get("path") } else { Some(node) };
        let Some(path) = path else {
            return Err(Fault::new(&node.place, "`env_file` needs a `path`"));
        };
        let file = EnvFile {
            path: resolve(&text(path, "env_file")?, &path.place, context.env).into(),
            required: node
                .get("required")
                .map_or(Ok(true), |node| boolean(node, "env_file.required"))?,
            format: node.get("format").map(|node| text(node, "env_file.format")).transpose()?,
            place: path.place.clone(),
        };
        match found.iter_mut().find(|other| other.path == file.path) {
            Some(same) => *same = file,
            None => found.push(file),
        }
    }
    Ok(found)
}

fn ulimits(node: &Node, context: &mut Context<'_>) -> Result<BTreeMap<String, Ulimit>, Fault> {
    let mut found = BTreeMap::new();
    for (key, node) in entries(node, "ulimits")? {
        let field = format!("ulimits.{}", key.text);
        let limit = if let Value::Map(_) = node.value {
            context.check(node, keys::ULIMIT, &format!("{field}."), "`ulimits`")?;
            let of = |side: &str| {
                let node = node.get(side);
                let missing = || Fault::new(&key.place, format!("`{field}` needs `{side}`"));
                node.ok_or_else(missing).and_then(|node| integer(node, &format!("{field}.{side}")))
            };
            Ulimit { soft: of("soft")?, hard: of("hard")? }
        } else {
            let both = integer(node, &field)?;
            Ulimit { soft: both, hard: both }
        };
        found.insert(key.text.clone(), limit);
    }
    Ok(found)
}

#[derive(Default)]
struct Deploy {
    limits: Limits,
    replicas: Option<i64>,
}

fn deploy(node: Option<&Node>, context: &mut Context<'_>) -> Result<Deploy, Fault> {
    let Some(node) = node else { return Ok(Deploy::default()) };
    context.check(node, keys::DEPLOY, "deploy.", "`deploy`")?;
    let mut found = Deploy {
        replicas: node.get("replicas").map(|node| integer(node, "deploy.replicas")).transpose()?,
        ..Deploy::default()
    };
    let Some(resources) = node.get("resources") else { return Ok(found) };
    context.check(resources, keys::RESOURCES, "deploy.resources.", "`deploy.resources`")?;
    if let Some(node) = resources.get("limits") {
        context.check(
            node,
            keys::LIMITS,
            "deploy.resources.limits.",
            "`deploy.resources.limits`",
        )?;
        found.limits.memory = node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
        found.limits.cpus = node.get("cpus").map(|node| float(node, "cpus")).transpose()?;
        found.limits.pids = node.get("pids").map(|node| integer(node, "pids")).transpose()?;
    }
    if let Some(node) = resources.get("reservations") {
        let path = "deploy.resources.reservations";
        context.check(node, keys::RESERVATIONS, &format!("{path}."), &format!("`{path}`"))?;
        found.limits.memory_reservation =
            node.get("memory").map(|node| bytes(node, "memory")).transpose()?;
    }
    Ok(found)
}

/// The service's own fields; where they are silent, `deploy`'s.
fn limits(node: &Node, deploy: &Limits) -> Result<Limits, Fault> {
    let at = |field: &str| node.get(field);
    let size = |field: &str| at(field).map(|node| bytes(node, field)).transpose();
    let number = |field: &str| at(field).map(|node| integer(node, field)).transpose();
    let cpus = at("cpus").map(|node| float(node, "cpus")).transpose()?;
    Ok(Limits {
        memory: size("mem_limit")?.or(deploy.memory),
        memory_swap: size("memswap_limit")?,
        memory_reservation: size("mem_reservation")?.or(deploy.memory_reservation),
        cpus: cpus.or(deploy.cpus),
        pids: number("pids_limit")?.or(deploy.pids),
        cpu_shares: number("cpu_shares")?,
        cpuset: at("cpuset").map(|node| text(node, "cpuset")).transpose()?,
    })
}
