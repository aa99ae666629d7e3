//! One HTTP connection per call, over whatever the engine listens on.
//!
//! bollard gets its connections from here rather than making its own, so that build sessions, which
//! bollard does not offer, go the same way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::errors::Error as Bollard;
use hyper::body::{Body, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::{Address, TlsFiles};

/// A connection in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// How to reach the engine; cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    address: Address,
    tls: Option<TlsConnector>,
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
        Ok(Self { address, tls, met: Arc::default() })
    }

    /// Whether the engine runs on this machine, as far as its address tells.
    pub(super) fn is_local(&self) -> bool {
        match &self.address {
            Address::Unix(_) | Address::Pipe(_) => true,
            Address::Tcp(host) | Address::Tls(host, _) => {
                ["localhost:", "127.", "[::1]:"].iter().any(|local| host.starts_with(local))
            }
        }
    }

    async fn dial(&self) -> io::Result<Box<dyn Duplex>> {
        let limit = if self.met.load(Ordering::Relaxed) { DIAL } else { FIRST_DIAL };
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

async fn tcp(host: &str) -> io::Result<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn tls_config(files: &TlsFiles) -> io::Result<ClientConfig> {
    if files.skip_verify {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the docker context skips checking the server's certificate (SkipTLSVerify), which is not supported",
        ));
    }
    let path = |name| files.folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists());
    let pem = |path: &std::path::Path, error| io::Error::other(format!("cannot read {}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    if let Some(ca) = path("ca.pem") {
        let certificates = CertificateDer::pem_file_iter(&ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        roots.add_parsable_certificates(certificates.map_err(|error| pem(&ca, error))?);
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
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| pem(&certificate, error))?;
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|error| pem(&key, error))?;
    config.with_client_auth_cert(chain, secret).map_err(io::Error::other)
}
