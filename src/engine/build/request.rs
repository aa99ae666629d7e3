//! The build call itself: its address, and its answer line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bollard::models::BuildInfo;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response};

use super::model::BuildRequest;
use crate::engine::connect::Engine;
use crate::engine::failure::failed;
use crate::engine::tarball::ByteStream;
use crate::error::{Error, Result};
use crate::spec::Ulimit;

/// The query of a build; empty values are left out.
pub(super) fn query(request: &BuildRequest, reference: &str, dockerfile: &str, more: &[(&str, &str)]) -> String {
    let settings = &request.settings;
    let args = json(&request.args);
    let labels = json(&settings.labels);
    let shm_size = settings.shm_size.map(|size| size.to_string()).unwrap_or_default();
    let limits: Vec<_> = settings.ulimits.iter().map(|(name, limit)| limit_of(name, *limit)).collect();
    let ulimits = if limits.is_empty() { String::new() } else { serde_json::Value::from(limits).to_string() };
    let hosts: Vec<String> = settings.extra_hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect();
    let pairs = [
        ("t", reference),
        ("dockerfile", dockerfile),
        ("target", request.target.as_deref().filter(|stage| stage.parse::<usize>().is_err()).unwrap_or_default()),
        ("buildargs", &args),
        ("nocache", if request.no_cache { "1" } else { "" }),
        ("platform", settings.platform.as_deref().unwrap_or_default()),
        ("networkmode", settings.network.as_deref().unwrap_or_default()),
        ("labels", &labels),
        ("shmsize", &shm_size),
        ("ulimits", &ulimits),
        ("pull", if settings.pull { "1" } else { "" }),
        ("rm", "1"),
        ("forcerm", "1"),
    ];
    let mut query = String::from("/build?");
    let hosts = hosts.iter().map(|host| ("extrahosts", host.as_str()));
    for (name, value) in
        pairs.into_iter().chain(hosts).chain(more.iter().copied()).filter(|(_, value)| !value.is_empty())
    {
        let _ = write!(query, "{name}={}&", escaped(value));
    }
    query.pop();
    query
}

fn json(map: &BTreeMap<String, String>) -> String {
    if map.is_empty() { String::new() } else { serde_json::to_string(map).unwrap_or_default() }
}

fn limit_of(name: &str, limit: Ulimit) -> serde_json::Value {
    serde_json::json!({ "Name": name, "Soft": limit.soft, "Hard": limit.hard })
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/:,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Sends a build with its context, if it has one, and returns the answer's lines. They end without an error
/// also when the connection breaks: whoever reads them knows what must have come.
pub(super) async fn send(
    engine: &Engine,
    uri: String,
    body: Option<ByteStream>,
    what: &str,
) -> Result<impl Stream<Item = BuildInfo> + Send + Unpin + use<>> {
    let builder = Request::builder().method(Method::POST).uri(uri).header(CONTENT_TYPE, "application/x-tar");
    let wrong = |error| Error::engine(what).because(error);
    let transport = &engine.inner.transport;
    let answer = match body {
        Some(body) => {
            let body = StreamBody::new(body.map(|piece| piece.map(Frame::data)));
            transport.send(builder.body(BodyExt::boxed_unsync(body)).map_err(wrong)?).await
        }
        None => transport.send(builder.body(Empty::<Bytes>::new()).map_err(wrong)?).await,
    };
    let answer = answer.map_err(|error| failed(what, error))?;
    if answer.status().is_success() {
        return Ok(Box::pin(lines(answer)));
    }
    let status = answer.status();
    let text = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let message = serde_json::from_slice::<serde_json::Value>(&text).ok();
    let message = message.and_then(|value| value["message"].as_str().map(str::to_owned));
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned());
    Err(Refused { status: status.as_u16(), message: message.trim().to_owned() }.into_error(what))
}

/// Tells the engine to end a `BuildKit` build (`POST /build/cancel`). Best effort: one that it does not know is not
/// there, or not yet.
pub(super) async fn cancel(engine: &Engine, build_id: &str) {
    let request = Request::builder().method(Method::POST).uri(format!("/build/cancel?id={}", escaped(build_id)));
    if let Ok(request) = request.body(Empty::<Bytes>::new()) {
        let _ = engine.inner.transport.send(request).await;
    }
}

/// The engine's refusal of the whole build.
struct Refused {
    status: u16,
    message: String,
}

impl Refused {
    fn into_error(self, what: &str) -> Error {
        let Self { status, message } = self;
        Error::engine(if message.is_empty() {
            format!("{what}: status {status}")
        } else {
            format!("{what}: {message}")
        })
    }
}

fn lines(answer: Response<Incoming>) -> impl Stream<Item = BuildInfo> + Send {
    stream::unfold((answer.into_body(), BytesMut::new()), |(mut body, mut buffer)| async move {
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line = buffer.split_to(end + 1);
                match serde_json::from_slice::<BuildInfo>(&line) {
                    Ok(info) => return Some((info, (body, buffer))),
                    // What we cannot read (an unknown kind of note) tells us nothing.
                    Err(_) => continue,
                }
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        buffer.extend_from_slice(&data);
                    }
                }
                // The last line may lack its end.
                Some(Err(_)) | None if !buffer.is_empty() => buffer.extend_from_slice(b"\n"),
                Some(Err(_)) | None => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::BuildContext;

    #[test]
    fn values_are_escaped_and_empty_ones_left_out() {
        let last = BuildRequest::new("x", &BuildContext::empty(), "FROM scratch").target("0");
        assert!(!query(&last, "r/x:1", "Dockerfile", &[]).contains("target"));
        let mut request = BuildRequest::new("x", &BuildContext::empty(), "FROM scratch").target("dev");
        request.args.insert("A".into(), "b&c=d é".into());
        let query = query(&request, "r/x:1", "Dockerfile", &[("version", "2")]);
        assert_eq!(
            query,
            "/build?t=r/x:1&dockerfile=Dockerfile&target=dev&buildargs=%7B%22A%22:%22b%26c%3Dd%20%C3%A9%22%7D&rm=1&forcerm=1&version=2"
        );
    }
}
