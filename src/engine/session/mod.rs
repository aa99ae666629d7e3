//! `BuildKit`'s session: a connection over which the engine asks us for files, secrets and credentials.
//!
//! One session serves all builds of one context in a run, so that the engine takes their context for the same
//! and asks for it once.

mod agent;
mod auth;
mod sync;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bollard::health::health_check_response::ServingStatus;
use bollard::health::health_server::{Health, HealthServer};
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard::moby::filesync::v1::auth_server::AuthServer;
use bollard::moby::filesync::v1::file_sync_server::FileSyncServer;
use bollard::moby::sshforward::v1::ssh_server::SshServer;
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::Empty;
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use sha2::{Digest, Sha256};
use tonic::{Response, Status};

use self::agent::Agents;
use self::auth::Credentials;
use self::sync::{Files, Served};
use super::connect::Engine;
use super::context::BuildContext;
use super::failure::failed;
use super::names::nonce;
use crate::error::{Error, Result};

/// A run's sessions, by context.
#[derive(Default)]
pub(super) struct Sessions {
    open: tokio::sync::Mutex<HashMap<Key, Arc<Session>>>,
}

/// A context's id, and a digest of the secrets and of the agents.
type Key = (u64, Vec<u8>);

/// An open session; dropping it closes its connection.
pub(super) struct Session {
    id: String,
    files: Arc<Served>,
    connection: tokio::task::JoinHandle<()>,
}

impl Session {
    /// What the engine knows it by.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What is served through it.
    pub(super) fn files(&self) -> &Served {
        &self.files
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Sessions {
    /// The session of a context and secrets, opened if it is not.
    pub(super) async fn of(
        &self,
        engine: &Engine,
        context: &BuildContext,
        secrets: &BTreeMap<String, Vec<u8>>,
        agents: &BTreeMap<String, PathBuf>,
    ) -> Result<Arc<Session>> {
        // Secrets are a session's, too: builds with others must not see them.
        let mut digest = Sha256::new();
        for (name, value) in secrets {
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update((value.len() as u64).to_le_bytes());
            digest.update(value);
        }
        digest.update(format!("{agents:?}"));
        let key = (context.id(), digest.finalize().to_vec());
        let mut open = self.open.lock().await;
        if let Some(session) = open.get(&key).filter(|session| !session.connection.is_finished()) {
            return Ok(session.clone());
        }
        let session = Arc::new(start(engine, context, secrets.clone(), agents.clone()).await?);
        open.insert(key, session.clone());
        Ok(session)
    }

    /// Closes all sessions.
    pub(super) async fn close(&self) {
        self.open.lock().await.clear();
    }
}

async fn start(
    engine: &Engine,
    context: &BuildContext,
    secrets: BTreeMap<String, Vec<u8>>,
    agents: BTreeMap<String, PathBuf>,
) -> Result<Session> {
    let what = "the engine opens no build session";
    let id = format!("dockwright{}{}{}{}", nonce(), nonce(), nonce(), nonce());
    let files = Arc::new(Served::new(context.files()?, context.ignore().text()));
    // The engine keeps what it got under this key and later asks only for what changed.
    let root = context.root().map(|root| root.display().to_string()).unwrap_or_default();
    let key = format!("dockwright:{}", hex::encode(&Sha256::digest(root)[..12]));
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/session")
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "h2c")
        .header("X-Docker-Expose-Session-Uuid", &id)
        .header("X-Docker-Expose-Session-Name", "dockwright")
        .header("X-Docker-Expose-Session-Sharedkey", key);
    // A build that asks for an agent fails by itself where there is none.
    for method in METHODS.iter().chain(AGENT.iter().filter(|_| !agents.is_empty())) {
        request = request.header("X-Docker-Expose-Session-Grpc-Method", *method);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| Error::engine(what).because(error))?;
    let answer = engine.inner.transport.send(request).await.map_err(|error| failed(what, error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::engine(format!("{what}: status {}", answer.status())));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| Error::engine(what).because(error))?;
    let services = tonic::service::Routes::new(HealthServer::new(Healthy))
        .add_service(
            FileSyncServer::new(Files::new(files.clone()))
                .max_decoding_message_size(LARGEST)
                .max_encoding_message_size(LARGEST),
        )
        .add_service(SecretsServer::new(Store(secrets)))
        .add_service(SshServer::new(Agents(agents)))
        .add_service(AuthServer::new(Credentials));
    let connection = tokio::spawn(async move {
        let service = TowerToHyperService::new(services.prepare());
        let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.max_concurrent_streams(1024);
        // However it ends, the engine's answer to the build tells what came of it.
        let _ = server.serve_connection(upgraded, service).await;
    });
    Ok(Session { id, files, connection })
}

const LARGEST: usize = 16 * 1024 * 1024;

/// What the engine may call.
const METHODS: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.filesync.v1.Auth/Credentials",
];

/// What it may call where it is given an SSH agent.
const AGENT: [&str; 2] = ["/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"];

struct Healthy;

#[tonic::async_trait]
impl Health for Healthy {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, _: tonic::Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: tonic::Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("not served"))
    }

    async fn watch(&self, _: tonic::Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not served"))
    }
}

struct Store(BTreeMap<String, Vec<u8>>);

#[tonic::async_trait]
impl Secrets for Store {
    async fn get_secret(
        &self,
        request: tonic::Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        match self.0.get(&id) {
            Some(data) => Ok(Response::new(GetSecretResponse { data: data.clone() })),
            None => Err(Status::not_found(format!("secret {id} not found"))),
        }
    }
}
