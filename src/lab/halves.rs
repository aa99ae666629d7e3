//! Requests that are in flight because only a half of each has been sent: for services that have no slow path to ask.
//!
//! Of one the body is in halves: a server that waits for it has begun to answer the request. Of the other the head: a server
//! may take leave of a connection on which there is no whole request (RFC 9112, 9.5), so only its answer says something.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::http::NoAnswer;
use super::pace;

/// How long a first half needs at most to arrive, and a request that nobody waits for to be answered.
const ARRIVES: Duration = Duration::from_millis(500);
/// An answer is read so far.
const LARGEST: usize = 1 << 20;

/// Two requests of which the first half has been sent; none where there was an answer to that already.
pub(crate) struct Halves {
    body: Option<Half>,
    head: Option<Half>,
}

struct Half {
    stream: TcpStream,
    rest: &'static str,
}

/// What became of the request that was in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HalvesSeen {
    /// It was answered to its end; the half that was sent after the signal.
    Answered(&'static str),
    /// It was begun to be answered, and was not.
    Dropped(NoAnswer),
    /// The connection was taken leave of before there was a whole request on it.
    TakenLeave,
    /// Nothing was in flight.
    None,
}

impl Halves {
    /// Sends the first halves.
    pub(crate) async fn begin(host: u16, path: &str) -> Self {
        let agent = concat!("User-Agent: dockwright/", env!("CARGO_PKG_VERSION"));
        let common = format!("HTTP/1.1\r\nHost: localhost\r\n{agent}");
        let with_body = format!(
            "POST {path} {common}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{"
        );
        let with_head = format!("GET {path} {common}");
        let body = Half::send(host, &with_body, "}");
        let head = Half::send(host, &with_head, "\r\nConnection: close\r\n\r\n");
        let (body, head) = tokio::join!(body, head);
        pace::pause(ARRIVES).await;
        Self { body: body.filter(Half::is_open), head: head.filter(Half::is_open) }
    }

    /// Sends the second halves and reads the answers.
    pub(crate) async fn end(self, within: Duration) -> HalvesSeen {
        if let Some(body) = self.body {
            return match body.finish(within).await {
                Ok(()) => HalvesSeen::Answered("body"),
                Err(why) => HalvesSeen::Dropped(why),
            };
        }
        let Some(head) = self.head else { return HalvesSeen::None };
        match head.finish(within).await {
            Ok(()) => HalvesSeen::Answered("head"),
            Err(_) => HalvesSeen::TakenLeave,
        }
    }
}

impl Half {
    async fn send(host: u16, first: &str, rest: &'static str) -> Option<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", host)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        stream.write_all(first.as_bytes()).await.ok()?;
        Some(Self { stream, rest })
    }

    /// Whether nothing has been answered, and nobody has hung up.
    fn is_open(&self) -> bool {
        let mut one = [0; 1];
        self.stream.try_read(&mut one).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    async fn finish(mut self, within: Duration) -> Result<(), NoAnswer> {
        let answered = async {
            self.stream.write_all(self.rest.as_bytes()).await.map_err(|error| error.to_string())?;
            let mut answer = Vec::new();
            let mut part = [0; 4096];
            while !is_whole(&answer) && answer.len() < LARGEST {
                match self.stream.read(&mut part).await {
                    Ok(0) => break,
                    Ok(read) => answer.extend_from_slice(&part[..read]),
                    Err(error) => return Err(error.to_string()),
                }
            }
            if is_whole(&answer) || ends_with_connection(&answer) {
                return Ok(());
            }
            Err(if answer.is_empty() {
                "the connection was closed".to_owned()
            } else {
                "the answer broke off".to_owned()
            })
        };
        pace::within(within, answered).await.unwrap_or_else(|| Err(format!("no answer within {within:?}")))
    }
}

/// The head of an answer, in lower case, and its body.
fn parts(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    head.starts_with("http/1.").then_some((head, &answer[end + 4..]))
}

/// Whether an answer is there to its last byte, as it says itself.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = parts(answer) else { return false };
    let field = |name: &str| head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()));
    let bodiless = head.split(' ').nth(1).is_some_and(|status| ["204", "304"].contains(&status));
    match (field("content-length").and_then(|length| length.parse::<usize>().ok()), field("transfer-encoding")) {
        (_, Some("chunked")) => body.ends_with(b"0\r\n\r\n"),
        (Some(length), _) => body.len() >= length,
        _ => bodiless,
    }
}

/// Whether an answer says of no length, so that the end of the connection is its end.
fn ends_with_connection(answer: &[u8]) -> bool {
    parts(answer).is_some_and(|(head, _)| !head.contains("\ncontent-length:") && !head.contains("\ntransfer-encoding:"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_that_breaks_off_is_not_whole() {
        for (answer, whole) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false),
            ("HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConte", false),
            ("", false),
        ] {
            assert_eq!(is_whole(answer.as_bytes()), whole, "{answer}");
        }
        assert!(ends_with_connection(b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello"));
        assert!(!ends_with_connection(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"));
    }

    /// A server that reads until it has seen `wanted`, and then answers or hangs up.
    async fn served(wanted: &'static [&'static str], answers: bool) -> HalvesSeen {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut seen = String::new();
                    let mut part = [0; 512];
                    while !wanted.iter().any(|wanted| seen.ends_with(wanted)) {
                        let read = stream.read(&mut part).await.unwrap_or(0);
                        if read == 0 {
                            return;
                        }
                        seen.push_str(&String::from_utf8_lossy(&part[..read]));
                    }
                    if answers {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                    }
                });
            }
        });
        let halves = Halves::begin(port, "/").await;
        let seen = halves.end(Duration::from_secs(2)).await;
        server.abort();
        seen
    }

    #[tokio::test]
    async fn what_becomes_of_a_half_is_seen() {
        // Waits for the whole body, and answers or not.
        assert_eq!(served(&["{}"], true).await, HalvesSeen::Answered("body"));
        assert!(matches!(served(&["{}"], false).await, HalvesSeen::Dropped(_)));
        // Answers a POST by its head, and waits for the rest of a head.
        assert_eq!(served(&["\r\n\r\n{", "close\r\n\r\n"], true).await, HalvesSeen::Answered("head"));
        assert_eq!(served(&["\r\n\r\n{", "close\r\n\r\n"], false).await, HalvesSeen::TakenLeave);
    }
}
