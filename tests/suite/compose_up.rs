//! The containers that `verify` starts are those that `docker compose up` starts, as the engine shows them. What differs
//! is named here, and is what verification is: a copy of the source, networks and volumes of its own, free ports of the
//! loopback, no second start, a log that comes to an end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::running::{Running, edit};
use super::support::{Ran, docker, docker_out, engine, service};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What verification sets by itself, by its path in the engine's answer.
const OWN: &[&str] = &[
    "Config.Image",
    "HostConfig.ContainerIDFile",
    "HostConfig.LogConfig",
    "HostConfig.NetworkMode",
    "HostConfig.RestartPolicy",
    // One is asked for by its attachments, the other by its streams; nothing of a container depends on it.
    "Config.AttachStderr",
    "Config.AttachStdout",
    // The same mounts are told below `Mounts`, however they were asked for.
    "HostConfig.Binds",
    "HostConfig.Mounts",
];

/// A project's compose.yaml with much of what dev and service may have.
const MORE: &str = "    environment: { GREETING: \"it's $$5\", EMPTY: '' }
    hostname: orders-host
    domainname: example.org
    extra_hosts: [\"db.internal:10.1.2.3\", \"cache.internal=10.1.2.4\"]
    dns: [10.9.9.9]
    dns_search: [example.org]
    dns_opt: [\"ndots:2\"]
    group_add: [\"4711\"]
    shm_size: 32m
    mem_limit: 512m
    mem_reservation: 128m
    cpus: 0.75
    pids_limit: 200
    ulimits: { nofile: { soft: 2048, hard: 4096 }, nproc: 512 }
    sysctls: { net.ipv4.ip_unprivileged_port_start: 0 }
    oom_score_adj: 100
    stop_signal: SIGINT
    labels: { com.example.team: orders }
    healthcheck: { test: [CMD, \"true\"], interval: 7s, timeout: 2s, retries: 5, start_period: 3s }
    stdin_open: true
    tty: true
    tmpfs: [\"/tmp:size=16m,mode=1777\", /scratch]
";

/// A container as the engine shows it, without what is each container's own.
fn shown(inspected: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for part in ["Config", "HostConfig"] {
        for (name, value) in inspected[part].as_object().unwrap() {
            let path = format!("{part}.{name}");
            if OWN.contains(&path.as_str()) {
                continue;
            }
            // Not said, and said to be nothing, is one.
            let empty =
                value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
            all.insert(path, if empty { Value::Null } else { value.clone() });
        }
    }
    let id = inspected["Id"].as_str().unwrap();
    all.entry("Config.Hostname".into()).and_modify(|name| {
        if name.as_str().is_some_and(|name| id.starts_with(name)) {
            *name = "its id".into();
        }
    });
    all.entry("Config.Labels".into()).and_modify(|labels| {
        let own = |name: &String| name.starts_with("com.docker.compose.") || name.starts_with("dev.dockwright.");
        labels.as_object_mut().unwrap().retain(|name, _| !own(name));
    });
    // Both spellings are one to the engine.
    all.entry("HostConfig.CapAdd".into()).and_modify(|value| {
        for name in value.as_array_mut().into_iter().flatten() {
            *name = json!(name.as_str().map(|name| name.trim_start_matches("CAP_")));
        }
    });
    for list in ["HostConfig.CapAdd", "Config.Env", "HostConfig.ExtraHosts", "HostConfig.Ulimits"] {
        all.entry(list.into()).and_modify(|value| {
            if let Some(items) = value.as_array_mut() {
                items.sort_by_key(ToString::to_string);
            }
        });
    }
    all.entry("HostConfig.PortBindings".into()).and_modify(|ports| {
        let names: BTreeSet<String> = ports.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        *ports = json!(names);
    });
    let mut mounts: Vec<Value> = inspected["Mounts"].as_array().into_iter().flatten().cloned().collect();
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    for mount in &mut mounts {
        let mount = mount.as_object_mut().unwrap();
        // Where the source is a copy, and what a volume is called, is the run's own; `z` and `rw` are how it was asked for.
        mount.retain(|key, _| !["Source", "Name", "Mode"].contains(&key.as_str()));
    }
    all.insert("Mounts".into(), json!(mounts));
    all.insert("networks".into(), networks(inspected));
    all
}

/// The networks that a container is in, what they are, and by what names others find it there.
fn networks(inspected: &Value) -> Value {
    let own = inspected["Name"].as_str().unwrap().trim_start_matches('/');
    let id = inspected["Id"].as_str().unwrap();
    let mut found = Vec::new();
    for (name, joined) in inspected["NetworkSettings"]["Networks"].as_object().unwrap() {
        let network: Value = serde_json::from_str(&docker_out(&["network", "inspect", name])).unwrap();
        let aliases = joined["Aliases"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let aliases: BTreeSet<&str> = aliases.filter(|name| *name != own && !id.starts_with(name)).collect();
        let what = ["Internal", "EnableIPv6", "Options", "Driver"].map(|field| network[0][field].clone());
        found.push(json!([name.rsplit(['-', '_']).next(), aliases, what]));
    }
    found.sort_by_key(ToString::to_string);
    json!(found)
}

/// What is not equal.
fn differences(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let pairs = names.into_iter().map(|name| (name, one.get(name), other.get(name)));
    let differ = pairs.filter(|(_, one, other)| one.unwrap_or(&Value::Null) != other.unwrap_or(&Value::Null));
    differ.map(|(name, one, other)| format!("{name}: compose {one:?}, verify {other:?}")).collect()
}

/// A service's container as `docker compose up` starts it.
fn by_compose(folder: &Path, project: &str, service: &str) -> BTreeMap<String, Value> {
    let compose = |args: &[&str]| {
        let mut command = docker().unwrap();
        command.current_dir(folder).args(["compose", "--project-name", project, "--profile", service]).args(args);
        command.envs([("DEV_PORT", "0"), ("SERVICE_PORT", "0")]);
        Ran::of(&mut command)
    };
    let up = compose(&["up", "--detach", "--no-deps", "--build", service]);
    let id = compose(&["ps", "--all", "--quiet", service]).out;
    let inspected = docker().unwrap().args(["inspect", id.trim()]).output().unwrap();
    let inspected: Option<Value> = serde_json::from_slice(&inspected.stdout).ok();
    let found = inspected.filter(|all| all[0].is_object()).map(|all| shown(&all[0]));
    compose(&["down", "--volumes", "--rmi", "local"]);
    let up = up.exits(0);
    found.unwrap_or_else(|| panic!("{}", up.err))
}

/// The first container of a service that `verify` starts for a contract.
fn by_verify(folder: &Path, contract: &str, service: &str) -> BTreeMap<String, Value> {
    let mut running = Running::start(folder, &["verify", "--fresh", contract]);
    let owner = format!("-{}-", running.pid());
    let mut found = None;
    running.until(&format!("the container of {service}"), || {
        let format = "{{.ID}} {{.Names}} {{.Label \"dev.dockwright.owner\"}}";
        let list = docker_out(&["ps", "--no-trunc", "--format", format]);
        let ours = list.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let ours = ours.filter(|words| words[2].contains(&owner) && words[1].ends_with(&format!("-{service}")));
        let ids: Vec<String> = ours.map(|words| words[0].to_owned()).collect();
        found = ids.iter().find_map(|id| {
            let inspected = Ran::of(docker().unwrap().args(["inspect", id]));
            let inspected: Value = serde_json::from_str(&inspected.out).ok()?;
            Some((inspected[0]["HostConfig"]["LogConfig"].clone(), shown(inspected.get(0)?)))
        });
        found.is_some()
    });
    running.end();
    let (log, shown) = found.unwrap();
    assert_eq!(log, json!({ "Type": "json-file", "Config": { "max-size": "64m", "max-file": "2" } }));
    shown
}

fn as_compose_has_them(stack: &str, change: impl FnOnce(&Path)) {
    if !engine() {
        return;
    }
    let (_home, folder) = service(stack, &[]);
    change(&folder);
    for (service, contract) in [("dev", "dev.owner"), ("service", "service.shutdown")] {
        // Tests run side by side, in threads of one process.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let project = format!("dockwright-test-{}-{stack}-{number}", std::process::id());
        let compose = by_compose(&folder, &project, service);
        let verify = by_verify(&folder, contract, service);
        assert_eq!(differences(&compose, &verify), [""; 0], "{stack}'s {service}");
        // The comparison sees something.
        assert_eq!(compose["HostConfig.Init"], true);
        assert!(!compose["Config.Env"].as_array().unwrap().is_empty());
    }
}

#[test]
fn what_verify_starts_is_what_compose_up_starts() {
    as_compose_has_them("python", |_| {});
}

#[test]
fn with_a_volume_of_artefacts_likewise() {
    as_compose_has_them("rust", |_| {});
}

#[test]
fn with_networks_of_its_own_likewise() {
    as_compose_has_them("python", |folder| {
        let joined = "    networks: { front: { aliases: [api, www], priority: 5 }, back: }\n    ports: [\"127.0.0.1:${";
        let file = folder.join("compose.yaml");
        for role in ["DEV_PORT", "SERVICE_PORT"] {
            edit(&file, &format!("    ports: [\"127.0.0.1:${{{role}"), &format!("{joined}{role}"));
        }
        let options = "{ driver: bridge, driver_opts: { com.docker.network.driver.mtu: 1400 } }";
        edit(
            &file,
            "volumes:\n  dev-home:\n",
            &format!("networks:\n  front: {options}\n  back: {{ internal: true }}\n\nvolumes:\n  dev-home:\n"),
        );
    });
}

#[test]
fn with_many_settings_likewise() {
    as_compose_has_them("python", |folder| {
        let file = folder.join("compose.yaml");
        edit(
            &file,
            "    tmpfs: [/tmp]\n    ports: [\"127.0.0.1:${DEV_PORT",
            &format!("{MORE}    ports: [\"127.0.0.1:${{DEV_PORT"),
        );
        edit(
            &file,
            "      - .:/srv/app\n",
            "      - .:/srv/app\n      - state:/var/lib/state\n      - { type: tmpfs, target: /fast, tmpfs: { size: 1048576 } }\n",
        );
        edit(&file, "volumes:\n  dev-home:\n", "volumes:\n  state:\n  dev-home:\n");
        edit(
            &file,
            "    ports: [\"127.0.0.1:${SERVICE_PORT",
            &format!("{}    ports: [\"127.0.0.1:${{SERVICE_PORT", MORE.replace("    dns", "    x-dns")),
        );
    });
}
