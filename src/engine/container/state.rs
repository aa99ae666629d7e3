//! What the engine says of a container.

use std::collections::BTreeMap;

use bollard::models;
use bollard::query_parameters::InspectContainerOptions;

use super::super::failure::failed;
use super::{Container, Process};
use crate::error::Result;
use crate::spec::Protocol;

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Never started.
    #[default]
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// Between two starts.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Ended, and the engine could not clean up.
    Dead,
}

/// What a healthcheck found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HealthStatus {
    /// Not decided yet.
    #[default]
    Starting,
    /// The last probe succeeded.
    Healthy,
    /// Too many probes in a row failed.
    Unhealthy,
}

/// One probe of a healthcheck.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthProbe {
    /// The probe's exit code.
    pub exit_code: i64,
    /// What it printed.
    pub output: String,
}

/// The health of a container that has a healthcheck.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// What was found.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    pub log: Vec<HealthProbe>,
}

/// A container's port on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// The container's port.
    pub container: u16,
    /// What travels through it.
    pub protocol: Protocol,
    /// The host's address.
    pub host_ip: String,
    /// The host's port.
    pub host_port: u16,
}

/// What a container is and does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// Where it is in its life.
    pub status: Status,
    /// Whether its process lives.
    pub running: bool,
    /// How its process ended; 0 as long as it lives.
    pub exit_code: i64,
    /// Whether the kernel killed it for want of memory.
    pub oom_killed: bool,
    /// Why it could not be started.
    pub error: String,
    /// Its first process' id on the engine's host.
    pub pid: i64,
    /// When it was last started, in RFC 3339.
    pub started_at: String,
    /// When it last ended, in RFC 3339.
    pub finished_at: String,
    /// How often the engine started it again.
    pub restart_count: i64,
    /// None without a healthcheck.
    pub health: Option<Health>,
    /// Its published ports.
    pub ports: Vec<HostPort>,
    /// Its addresses, by network.
    pub addresses: BTreeMap<String, String>,
    /// The id of its image.
    pub image: String,
}

impl ContainerState {
    /// The host's port for a TCP port of the container.
    #[must_use]
    pub fn host_port(&self, container: u16) -> Option<u16> {
        let mut ports = self.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
        ports.find(|port| port.container == container).map(|port| port.host_port)
    }
}

impl Container {
    /// What it is and does now.
    ///
    /// # Errors
    /// When the engine refuses, as for a container that is gone.
    pub async fn inspect(&self) -> Result<ContainerState> {
        let answer = self.engine.docker().inspect_container(&self.id, None::<InspectContainerOptions>).await;
        Ok(describe(answer.map_err(|error| failed(self.what("inspect"), error))?))
    }
}

fn describe(answer: models::ContainerInspectResponse) -> ContainerState {
    use models::ContainerStateStatusEnum as Named;
    let state = answer.state.unwrap_or_default();
    let network = answer.network_settings.unwrap_or_default();
    let status = match state.status {
        Some(Named::RUNNING) => Status::Running,
        Some(Named::PAUSED) => Status::Paused,
        Some(Named::RESTARTING) => Status::Restarting,
        Some(Named::REMOVING) => Status::Removing,
        Some(Named::EXITED | Named::STOPPING) => Status::Exited,
        Some(Named::DEAD) => Status::Dead,
        _ => Status::Created,
    };
    let mut ports: Vec<_> =
        network.ports.unwrap_or_default().into_iter().flat_map(|(key, hosts)| host_ports(&key, hosts)).collect();
    ports.sort_by_key(|port| (port.container, port.protocol, port.host_port));
    let addresses = network.networks.unwrap_or_default().into_iter();
    ContainerState {
        status,
        running: state.running.unwrap_or(false),
        exit_code: state.exit_code.unwrap_or(0),
        oom_killed: state.oom_killed.unwrap_or(false),
        error: state.error.unwrap_or_default(),
        pid: state.pid.unwrap_or(0),
        started_at: state.started_at.unwrap_or_default(),
        finished_at: state.finished_at.unwrap_or_default(),
        restart_count: answer.restart_count.unwrap_or(0),
        health: state.health.and_then(health),
        ports,
        addresses: addresses
            .filter_map(|(name, end)| Some((name, end.ip_address.filter(|address| !address.is_empty())?)))
            .collect(),
        image: answer.image.unwrap_or_default(),
    }
}

fn host_ports(key: &str, hosts: Option<Vec<models::PortBinding>>) -> Vec<HostPort> {
    let (port, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    let protocol = match protocol {
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let Ok(container) = port.parse() else { return Vec::new() };
    let hosts = hosts.unwrap_or_default().into_iter();
    let read = |host: models::PortBinding| {
        let host_port = host.host_port?.parse().ok()?;
        Some(HostPort { container, protocol, host_ip: host.host_ip.unwrap_or_default(), host_port })
    };
    hosts.filter_map(read).collect()
}

fn health(health: models::Health) -> Option<Health> {
    use models::HealthStatusEnum as Named;
    let status = match health.status? {
        Named::HEALTHY => HealthStatus::Healthy,
        Named::UNHEALTHY => HealthStatus::Unhealthy,
        Named::STARTING => HealthStatus::Starting,
        Named::NONE | Named::EMPTY => return None,
    };
    let log = health
        .log
        .unwrap_or_default()
        .into_iter()
        .map(|probe| HealthProbe { exit_code: probe.exit_code.unwrap_or(0), output: probe.output.unwrap_or_default() });
    Some(Health { status, failing_streak: health.failing_streak.unwrap_or(0), log: log.collect() })
}

/// Reads `top`'s table; the columns are found by their titles.
pub(super) fn processes(titles: &[String], rows: Vec<Vec<String>>) -> Vec<Process> {
    let column =
        |names: &[&str]| titles.iter().position(|title| names.iter().any(|name| title.eq_ignore_ascii_case(name)));
    let (own, parent) = (column(&["PID"]), column(&["PPID"]));
    let user = column(&["UID", "USER", "HUSER"]);
    let age = column(&["ELAPSED", "ETIME", "ETIMES"]);
    let command = column(&["COMMAND", "CMD", "ARGS"]);
    let read = |row: Vec<String>| {
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column)).map_or("", String::as_str);
        Process {
            pid: cell(own).parse().unwrap_or(0),
            ppid: cell(parent).parse().unwrap_or(0),
            uid: cell(user).parse().ok(),
            user: cell(user).to_owned(),
            age: cell(age).parse().ok(),
            command: cell(command).to_owned(),
        }
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_read_by_their_titles() {
        let titles = ["PID", "PPID", "UID", "ELAPSED", "COMMAND"].map(String::from);
        let rows = vec![["71", "1", "1000", "12", "python -m app"].map(String::from).to_vec()];
        let found = processes(&titles, rows);
        assert_eq!(
            found[0],
            Process {
                pid: 71,
                ppid: 1,
                uid: Some(1000),
                user: "1000".into(),
                age: Some(12),
                command: "python -m app".into()
            }
        );
    }

    #[test]
    fn published_ports_are_found() {
        let hosts = vec![models::PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some("32768".into()) }];
        assert_eq!(host_ports("8000/tcp", Some(hosts))[0].host_port, 32768);
        assert!(host_ports("8000/tcp", None).is_empty());
    }
}
