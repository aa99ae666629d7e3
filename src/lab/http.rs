//! Asking a container over HTTP from outside, through a published port.
//!
//! The engine's proxy accepts connections with nothing behind it, so only an HTTP answer counts.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::pace::{self, Watch};

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// No more of an answer is read, in bytes: some never end.
const LONGEST: usize = 16 << 20;

/// Why there was no answer.
pub(crate) type NoAnswer = String;

/// One connection, kept open between requests.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    // Ends with the connection; dropping it closes that.
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Opens a connection to a port of the loopback interface.
    pub(crate) async fn open(port: u16, within: Duration) -> Result<Self, NoAnswer> {
        let connect = async {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
            let task = tokio::spawn(async move {
                // A broken connection shows itself to whoever waits for the answer.
                let _ = connection.await;
            });
            Ok(Self { sender, task })
        };
        pace::within(within, connect).await.unwrap_or_else(|| Err(format!("no connection within {within:?}")))
    }

    /// Whether the other side has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Asks and reads the whole answer.
    pub(crate) async fn get(&mut self, path: &str, within: Duration) -> Result<Answer, NoAnswer> {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("user-agent", concat!("dockwright/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let ask = async {
            let answer = self.sender.send_request(request).await.map_err(|error| reason(&error))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return format!("the answer is longer than {} MiB", LONGEST >> 20);
                }
                format!("the answer broke off: {}", reason(&*error))
            })?;
            Ok(Answer { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
        };
        pace::within(within, ask).await.unwrap_or_else(|| Err(format!("no answer within {within:?}")))
    }
}

/// The innermost cause: hyper's own texts say little.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// One request on a connection of its own.
pub(crate) async fn get(port: u16, path: &str, within: Duration) -> Result<Answer, NoAnswer> {
    Connection::open(port, within).await?.get(path, within).await
}

/// Asks again and again until an answer satisfies `wanted`; the error is the last thing seen.
pub(crate) async fn wait_for(
    port: u16,
    path: &str,
    within: Duration,
    wanted: impl Fn(&Answer) -> bool,
) -> Result<(Answer, Duration), NoAnswer> {
    const PAUSE: Duration = Duration::from_millis(50);
    let start = Watch::start();
    loop {
        let seen = match get(port, path, Duration::from_secs(5).min(within)).await {
            Ok(answer) if wanted(&answer) => return Ok((answer, start.elapsed())),
            Ok(answer) => format!("status {}: {}", answer.status, shorten(&answer.body)),
            Err(why) => why,
        };
        if start.elapsed() > within {
            return Err(seen);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The beginning of an answer, on one line.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
