//! What the engine says of itself.

use bollard::Docker;
use bollard::models::{SystemInfo, SystemVersion};
use schemars::JsonSchema;
use serde::Serialize;

use super::failure::failed;
use crate::error::Result;

/// Whose engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Docker's own, or one that is built from it.
    Docker,
    /// Podman, through its Docker-compatible socket.
    Podman,
}

/// The engine, as far as checks and reports need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, told as they are")]
pub struct EngineInfo {
    /// Docker or Podman.
    pub product: Product,
    /// The engine's version, as "28.5.2".
    pub version: String,
    /// The newest API version it speaks, as "1.51".
    pub api_version: String,
    /// The operating system of its containers, as "linux".
    pub os: String,
    /// The architecture in Go's words, as "amd64".
    pub arch: String,
    /// The kernel's release.
    pub kernel: String,
    /// As "overlay2" or "overlayfs".
    pub storage_driver: String,
    /// Whether images are in containerd's store, where an image's id is its manifest's digest.
    pub containerd_store: bool,
    /// Whether the engine runs without root.
    pub rootless: bool,
    /// Whether containers' users are mapped (`userns-remap`).
    pub userns: bool,
    /// Whether it builds with `BuildKit`.
    pub buildkit: bool,
    /// Where it answered, as "<unix:///var/run/docker.sock>".
    pub address: String,
    /// Whether that address is on this machine.
    pub local: bool,
    /// Processors it can use.
    pub cpus: u64,
    /// Memory it can use, in bytes.
    pub memory: u64,
    /// Where it keeps its data, on its own machine.
    pub root: String,
    /// Its warnings about its own set-up.
    pub warnings: Vec<String>,
}

impl EngineInfo {
    /// Whether the API is at least `1.minor`.
    #[must_use]
    pub fn api_at_least(&self, minor: u32) -> bool {
        let mut parts = self.api_version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1_u32, minor)
    }
}

pub(super) async fn read(docker: &Docker, address: String, local: bool) -> Result<EngineInfo> {
    let ask = |error| failed(format!("the engine at {address} does not say what it is"), error);
    let version = docker.version().await.map_err(ask)?;
    let info = docker.info().await.map_err(ask)?;
    Ok(describe(version, info, address.clone(), local))
}

fn describe(version: SystemVersion, info: SystemInfo, address: String, local: bool) -> EngineInfo {
    let components = version.components.unwrap_or_default();
    let podman = components.iter().any(|component| component.name.contains("Podman"));
    let product = if podman { Product::Podman } else { Product::Docker };
    let status = info.driver_status.unwrap_or_default();
    let security = info.security_options.unwrap_or_default();
    let option =
        |name: &str| security.iter().any(|option| option.split(',').any(|part| part == format!("name={name}")));
    let os = version.os.or(info.os_type).unwrap_or_default();
    EngineInfo {
        buildkit: !podman && os == "linux",
        product,
        version: version.version.or(info.server_version).unwrap_or_default(),
        api_version: version.api_version.unwrap_or_default(),
        arch: version.arch.unwrap_or_default(),
        kernel: version.kernel_version.or(info.kernel_version).unwrap_or_default(),
        storage_driver: info.driver.unwrap_or_default(),
        containerd_store: status.iter().any(|row| row.iter().any(|cell| cell.contains("io.containerd.snapshotter"))),
        rootless: option("rootless"),
        userns: option("userns"),
        address,
        local,
        cpus: info.ncpu.and_then(|cpus| cpus.try_into().ok()).unwrap_or(0),
        memory: info.mem_total.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0),
        root: info.docker_root_dir.unwrap_or_default(),
        warnings: info.warnings.unwrap_or_default(),
        os,
    }
}
