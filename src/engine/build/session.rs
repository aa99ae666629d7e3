//! `BuildKit`'s session: a connection over which the engine asks us for files, secrets and credentials.
//!
//! One session serves all builds of one context in a run, so that the engine takes their context for the same
//! and asks for it once.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::health::health_check_response::ServingStatus;
use bollard::health::health_server::{Health, HealthServer};
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard::moby::filesync::v1::auth_server::AuthServer;
use bollard::moby::filesync::v1::file_sync_server::FileSyncServer;
use bollard::models::BuildInfo;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::Empty;
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tonic::{Response, Status};

use super::auth::Credentials;
use super::sync::{Files, Served};
use super::trace::Trace;
use super::{BuildEvent, BuildRequest, Ended, request};
use crate::engine::connect::Engine;
use crate::engine::context::Context;
use crate::engine::failure::failed;
use crate::engine::run::{Run, nonce};
use crate::error::{Error, Kind, Result};

/// A run's sessions, by context.
#[derive(Default)]
pub(in crate::engine) struct Sessions {
    open: tokio::sync::Mutex<HashMap<Key, Arc<Session>>>,
}

/// A context's id, and a digest of the secrets.
type Key = (u64, Vec<u8>);

/// An open session; dropping it closes its connection.
pub(in crate::engine) struct Session {
    id: String,
    files: Arc<Served>,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Sessions {
    async fn of(&self, engine: &Engine, request: &BuildRequest) -> Result<Arc<Session>> {
        // Secrets are a session's, too: builds with others must not see them.
        let mut secrets = Sha256::new();
        for (name, value) in &request.secrets {
            secrets.update((name.len() as u64).to_le_bytes());
            secrets.update(name);
            secrets.update((value.len() as u64).to_le_bytes());
            secrets.update(value);
        }
        let key = (request.context.id(), secrets.finalize().to_vec());
        let mut open = self.open.lock().await;
        if let Some(session) = open.get(&key).filter(|session| !session.connection.is_finished()) {
            return Ok(session.clone());
        }
        let session = Arc::new(start(engine, &request.context, request.secrets.clone()).await?);
        open.insert(key, session.clone());
        Ok(session)
    }

    /// Closes all sessions.
    pub(in crate::engine) async fn close(&self) {
        self.open.lock().await.clear();
    }
}

/// Builds with `BuildKit`.
pub(super) async fn build(
    run: &Run,
    wanted: &BuildRequest,
    reference: &str,
    events: &mut (impl FnMut(BuildEvent) + Send),
) -> Result<Ended> {
    let what = format!("cannot build {}", wanted.name);
    check_names(&wanted.context)?;
    let session = run.sessions().of(run.engine(), wanted).await?;
    let dockerfile = session.files.add_dockerfile(&wanted.dockerfile);
    let build_id = format!("{}-{}", run.id(), nonce());
    let more = [
        ("version", "2"),
        ("remote", "client-session"),
        ("session", session.id.as_str()),
        ("buildid", build_id.as_str()),
    ];
    let uri = request::query(wanted, reference, &dockerfile, &more);
    let sent_before = session.files.sent();
    let (tell, mut answers) = mpsc::unbounded_channel();
    let going = run.shielded(send(run.engine().clone(), uri, what, build_id, tell));
    let mut trace = Trace::new(super::lines::only_stage(&wanted.dockerfile));
    let hear = async {
        while let Some(answer) = answers.recv().await {
            trace.add(answer, events);
            let sent = session.files.sent() - sent_before;
            trace.context_sent(sent, events);
        }
    };
    tokio::join!(going, hear).0?;
    match (trace.end(), session.files.trouble()) {
        (Ended::Failed(_) | Ended::BrokenOff, Some(trouble)) => Err(trouble),
        (ended, _) => Ok(ended),
    }
}

/// Sends a build and tells its answers. Where nobody hears them any more, the engine is told to end the build, and this
/// ends when that has: what the engine tags at the last moment is the run's to remove.
async fn send(
    engine: Engine,
    uri: String,
    what: String,
    build_id: String,
    tell: mpsc::UnboundedSender<BuildInfo>,
) -> Result<()> {
    let cancel = async {
        tell.closed().await;
        loop {
            // The engine may not know the build yet.
            request::cancel(&engine, &build_id).await;
            tokio::time::sleep(CANCEL_AGAIN).await;
        }
    };
    tokio::pin!(cancel);
    let mut answers = tokio::select! {
        sent = request::send(&engine, uri, None, &what) => sent?,
        () = &mut cancel => return Ok(()),
    };
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            () = &mut cancel => return Ok(()),
        };
        let Some(answer) = answer else { return Ok(()) };
        let _ = tell.send(answer);
    }
}

/// How soon the engine is told again.
const CANCEL_AGAIN: Duration = Duration::from_millis(300);

/// The protocol takes UTF-8 alone.
fn check_names(context: &Context) -> Result<()> {
    let files = context.files()?;
    match files.iter().find(|file| !file.is_utf8()) {
        Some(file) => Err(Error::new(
            Kind::Io,
            format!("the name of {} is not UTF-8, which the engine's builder requires", file.path),
        )
        .hint("rename it, or name it in .dockerignore with a pattern that fits it")),
        None => Ok(()),
    }
}

async fn start(engine: &Engine, context: &Context, secrets: BTreeMap<String, Vec<u8>>) -> Result<Session> {
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
    for method in METHODS {
        request = request.header("X-Docker-Expose-Session-Grpc-Method", method);
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

/// A lock whose content is never left half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
