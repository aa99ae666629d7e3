//! One HTTP connection per call, over whatever the engine listens on.
//!
//! bollard gets its connections from here rather than making its own, so that build sessions, which
//! bollard does not offer, go the same way.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task;
use std::time::Duration;

use bollard::errors::Error as Bollard;
use hyper::body::{Body, Incoming};
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::{Address, TlsFiles};
use super::config;
use crate::text;

/// A connection in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// How to reach the engine; cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    address: Address,
    tls: Option<TlsConnector>,
    /// What the user's configuration adds to every request.
    headers: Arc<Vec<(HeaderName, HeaderValue)>>,
    /// Whether the engine has answered before: then a lost packet may be sent again.
    met: Arc<AtomicBool>,
}

/// A TCP connection takes one round trip; an engine that needs longer is not there.
const FIRST_DIAL: Duration = Duration::from_millis(750);
const DIAL: Duration = Duration::from_secs(15);

impl Transport {
    /// Prepares a transport; reads the certificates of a TLS address.
    pub(super) fn new(address: Address) -> io::Result<Self> {
        let tls = match &address {
            Address::Tls(_, files) => Some(TlsConnector::from(Arc::new(tls_config(files)?))),
            _ => None,
        };
        let headers = config::headers(&config::process)
            .into_iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
        Ok(Self { address, tls, headers: Arc::new(headers.collect()), met: Arc::default() })
    }

    /// Whether the engine runs on this machine, as far as its address tells.
    pub(super) fn is_local(&self) -> bool {
        match &self.address {
            Address::Unix(_) | Address::Pipe(_) => true,
            Address::Ssh(_) => false,
            Address::Tcp(host) | Address::Tls(host, _) => {
                ["localhost:", "127.", "[::1]:"].iter().any(|local| host.starts_with(local))
            }
        }
    }

    async fn dial(&self) -> io::Result<Box<dyn Duplex>> {
        // Over ssh a host is asked for its key first.
        let patient = self.met.load(Ordering::Relaxed) || matches!(self.address, Address::Ssh(_));
        let limit = if patient { DIAL } else { FIRST_DIAL };
        let dialled = tokio::time::timeout(limit, self.dial_unbounded()).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"));
        let dialled = dialled.unwrap_or_else(|_| Err(late()))?;
        self.met.store(true, Ordering::Relaxed);
        Ok(dialled)
    }

    async fn dial_unbounded(&self) -> io::Result<Box<dyn Duplex>> {
        match &self.address {
            #[cfg(unix)]
            Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
            #[cfg(windows)]
            Address::Pipe(name) => Ok(Box::new(tokio::net::windows::named_pipe::ClientOptions::new().open(name)?)),
            Address::Ssh(words) => Ok(Box::new(Piped::to("ssh", words)?)),
            Address::Tcp(host) => Ok(Box::new(tcp(host).await?)),
            Address::Tls(host, _) => {
                let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
                let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
                let connector = self.tls.as_ref().ok_or_else(|| io::Error::other("TLS is not set up"))?;
                Ok(Box::new(connector.connect(name, tcp(host).await?).await?))
            }
            #[allow(unreachable_patterns, reason = "each platform lacks one of the two")]
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not reachable from this operating system")),
        }
    }

    /// Sends one request on a connection of its own and returns the answer's head. Dropping this future,
    /// or the answer's body, closes the connection, and with it the call on the engine.
    pub(super) async fn send<B>(&self, mut request: Request<B>) -> Result<Response<Incoming>, Bollard>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // On the wire the path stands alone; the host only satisfies HTTP.
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = path.parse::<Uri>()?;
        let host = match &self.address {
            Address::Tcp(host) | Address::Tls(host, _) => host.as_str(),
            _ => "docker",
        };
        let host = HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("docker"));
        for (name, value) in self.headers.iter() {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        request.headers_mut().insert(HOST, host);
        let connection = self.dial().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
        // The task ends with the connection: when the answer is read to its end, dropped, or upgraded.
        let connection = tokio::spawn(connection.with_upgrades());
        match sender.send_request(request).await {
            Ok(answer) => Ok(answer),
            // The connection knows better why: a refused certificate, a file of the body that cannot be read.
            Err(error) => match tokio::time::timeout(Duration::from_millis(200), connection).await {
                Ok(Ok(Err(why))) => Err(why.into()),
                _ => Err(error.into()),
            },
        }
    }
}

/// A program that passes on what it gets, and ends with the connection.
struct Piped {
    _child: tokio::process::Child,
    reads: tokio::process::ChildStdout,
    writes: tokio::process::ChildStdin,
}

impl Piped {
    fn to(program: &str, words: &[String]) -> io::Result<Self> {
        let mut child = tokio::process::Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What it asks or complains of, the user is to see.
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start {program}: {error}")))?;
        let none = || io::Error::other(format!("{program} has no pipes"));
        let (reads, writes) = (child.stdout.take().ok_or_else(none)?, child.stdin.take().ok_or_else(none)?);
        Ok(Self { _child: child, reads, writes })
    }
}

impl AsyncRead for Piped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.reads).poll_read(context, buffer)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> task::Poll<io::Result<usize>> {
        Pin::new(&mut self.writes).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.writes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        Pin::new(&mut self.writes).poll_shutdown(context)
    }
}

async fn tcp(host: &str) -> io::Result<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn pem(path: &Path, error: &rustls_pki_types::pem::Error) -> io::Error {
    io::Error::other(format!("cannot read {}: {error}", path.display()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = text::read(path, text::SMALL)?;
    CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| pem(path, &error))
}

fn tls_config(files: &TlsFiles) -> io::Result<ClientConfig> {
    if files.skip_verify {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the docker context skips checking the server's certificate (SkipTLSVerify), which is not supported",
        ));
    }
    let path = |name| files.folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists());
    let mut roots = RootCertStore::empty();
    if let Some(ca) = path("ca.pem") {
        roots.add_parsable_certificates(certificates(&ca)?);
    } else {
        // Without an authority of its own the engine's certificate is one that the system trusts.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (path("cert.pem"), path("key.pem")) else {
        return Ok(config.with_no_client_auth());
    };
    let secret = PrivateKeyDer::from_pem_slice(&text::read(&key, text::SMALL)?).map_err(|error| pem(&key, &error))?;
    config.with_client_auth_cert(certificates(&certificate)?, secret).map_err(io::Error::other)
}
