//! Finding an engine and holding on to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};

use super::address::{self, AddressCandidate};
use super::config;
use super::failure::failed;
use super::info::{self, EngineInfo};
use super::transport::Transport;
use crate::error::{Error, Result};

/// A container engine that answered; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub docker: Docker,
    pub transport: Transport,
    pub info: EngineInfo,
    pub proxies: BTreeMap<String, String>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("info", &self.inner.info).finish_non_exhaustive()
    }
}

/// bollard bounds every call by one timeout, builds and waits included, so it gets one that never
/// matters; calls that must end have their own.
const FOREVER: u64 = 7 * 24 * 3600;

/// A socket that takes the connection and then says nothing belongs to a hanging engine.
const GREETING: Duration = Duration::from_secs(15);

impl Engine {
    /// Connects to the engine that `DOCKER_HOST` names, else the current docker context, else the first
    /// of the known sockets that answers.
    ///
    /// # Errors
    /// Without an engine, within a second: names every address tried and why it failed.
    pub async fn connect() -> Result<Self> {
        Self::connect_as(&|name| std::env::var_os(name)).await
    }

    async fn connect_as(env: address::EnvLookup<'_>) -> Result<Self> {
        let candidates = address::candidates(env)?;
        let mut tried = Vec::new();
        for candidate in &candidates {
            match reach(candidate).await {
                Ok(engine) => return Ok(engine),
                Err(why) => tried.push(format!("{candidate}: {why}")),
            }
        }
        Err(none(&tried))
    }

    /// What the engine is.
    #[must_use]
    pub fn info(&self) -> &EngineInfo {
        &self.inner.info
    }

    /// The variables by which the docker CLI's configuration gives builds and containers of this engine a proxy.
    #[must_use]
    pub fn proxies(&self) -> BTreeMap<String, String> {
        self.inner.proxies.clone()
    }

    /// Asks the engine for a sign of life.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<()> {
        self.docker().ping().await.map(drop).map_err(|error| failed("the engine does not answer", error))
    }

    pub(super) fn docker(&self) -> &Docker {
        &self.inner.docker
    }

    /// A GET that bollard has no faithful type for.
    pub(super) async fn get_json(&self, path: &str) -> Result<serde_json::Value> {
        let what = || format!("the engine refuses GET {path}");
        let request = Request::builder().method(Method::GET).uri(path).body(Full::<Bytes>::default());
        let request = request.map_err(|error| Error::engine(what()).because(error))?;
        let answer = self.inner.transport.send(request).await.map_err(|error| failed(what(), error))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| failed(what(), error.into()))?.to_bytes();
        let value: serde_json::Value =
            serde_json::from_slice(&body).map_err(|error| Error::engine(what()).because(error))?;
        if status.is_success() {
            return Ok(value);
        }
        Err(Error::engine(format!("{}: {}", what(), value["message"].as_str().unwrap_or(status.as_str()))))
    }
}

async fn reach(candidate: &AddressCandidate) -> Result<Engine, String> {
    let address = candidate.address.clone()?;
    let transport = Transport::new(address).map_err(|error| error.to_string())?;
    let carrier = transport.clone();
    let docker = Docker::connect_with_custom_transport(
        move |request| {
            let carrier = carrier.clone();
            async move { carrier.send(request).await }
        },
        Some("http://docker"),
        FOREVER,
        API_DEFAULT_VERSION,
    )
    .map_err(|error| error.to_string())?;
    let greeting = async {
        docker.ping().await.map_err(|error| reason(&error))?;
        let docker = docker.negotiate_version().await.map_err(|error| reason(&error))?;
        let info = info::read(&docker, candidate.name.clone(), transport.is_local()).await;
        let info = info.map_err(|error| error.to_string())?;
        let proxies = config::proxies(&config::read(&config::process), &candidate.name);
        Ok(Engine { inner: Arc::new(Inner { docker, transport: transport.clone(), info, proxies }) })
    };
    tokio::time::timeout(GREETING, greeting)
        .await
        .unwrap_or_else(|_| Err(format!("it accepts connections but did not answer in {} s", GREETING.as_secs())))
}

/// Why an address failed: the innermost cause, in the words of the operating system where it is its.
fn reason(error: &bollard::errors::Error) -> String {
    match error {
        bollard::errors::Error::IOError { err } => match err.kind() {
            std::io::ErrorKind::NotFound => "no such socket".into(),
            std::io::ErrorKind::PermissionDenied => "permission denied".into(),
            std::io::ErrorKind::ConnectionRefused => "connection refused".into(),
            _ => err.to_string(),
        },
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(error) = cause {
                text = error.to_string();
                cause = error.source();
            }
            text
        }
    }
}

fn none(tried: &[String]) -> Error {
    let mut error = Error::engine("no container engine answers").because(format!("tried {}", tried.join("\n      ")));
    if tried.iter().any(|line| line.contains("permission denied")) {
        error = error
            .hint("you may not use the socket: join its group (`sudo usermod -aG docker $USER`, then log in again)");
    }
    if tried.iter().any(|line| line.starts_with("tcp://")) {
        error =
            error.hint("does the engine want TLS? Set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to its certificates");
    }
    let start = match std::env::consts::OS {
        "linux" => "start Docker (`sudo systemctl start docker`) or Podman (`systemctl --user start podman.socket`)",
        "macos" => "start Docker Desktop, OrbStack or Colima (`colima start`), or Podman (`podman machine start`)",
        _ => "start Docker Desktop, or Podman (`podman machine start`)",
    };
    error
        .hint(start)
        .hint("or set DOCKER_HOST to the engine's address, such as unix:///run/docker.sock or tcp://host:2375")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::time::Instant;

    #[tokio::test]
    async fn no_engine_is_told_at_once_with_all_that_was_tried() {
        let home = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let path = home.path().to_owned();
        let env = move |name: &str| match name {
            "DOCKER_HOST" => Some(OsString::from(format!("unix://{}/none.sock", path.display()))),
            _ => None,
        };
        let error = Engine::connect_as(&env).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_millis(500));
        assert!(error.causes()[0].contains("none.sock (DOCKER_HOST): no such socket"), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("DOCKER_HOST")));
    }

    #[tokio::test]
    async fn a_host_that_drops_packets_is_given_up_within_a_second() {
        let begun = Instant::now();
        // 192.0.2.0/24 is reserved for documentation: nothing answers there.
        let env = |name: &str| (name == "DOCKER_HOST").then(|| OsString::from("tcp://192.0.2.1:2375"));
        assert!(Engine::connect_as(&env).await.is_err());
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
