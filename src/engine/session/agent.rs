//! The user's SSH agent, for `RUN --mount=type=ssh`: what the build says to it, and what it answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;

use bollard::moby::sshforward::v1::ssh_server::Ssh;
use bollard::moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use futures_util::Stream;
use tonic::{Request, Response, Status, Streaming};

/// The sockets of agents, by the ids that builds know them by.
pub(super) struct Agents(pub(super) BTreeMap<String, PathBuf>);

/// The id of an agent that none is said of.
const DEFAULT: &str = "default";

impl Agents {
    fn socket(&self, id: &str) -> Result<&PathBuf, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        self.0.get(id).ok_or_else(|| Status::not_found(format!("compose.yaml gives this build no SSH agent {id}")))
    }
}

#[cfg(unix)]
const CHUNK: usize = 32 << 10;

#[tonic::async_trait]
impl Ssh for Agents {
    type ForwardAgentStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn check_agent(&self, request: Request<CheckAgentRequest>) -> Result<Response<CheckAgentResponse>, Status> {
        self.socket(&request.into_inner().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    #[cfg(unix)]
    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        use futures_util::stream;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        // BuildKit names the agent in a header (moby/buildkit, session/sshforward).
        let id = request.metadata().get("buildkit.ssh.id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let agent = tokio::net::UnixStream::connect(self.socket(id)?).await;
        let agent = agent.map_err(|error| Status::unavailable(format!("the SSH agent does not answer: {error}")))?;
        let (answers, mut questions) = agent.into_split();
        let mut asked = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(message)) = asked.message().await {
                if questions.write_all(&message.data).await.is_err() {
                    break;
                }
            }
            // The agent sees the end of what it is asked.
            let _ = questions.shutdown().await;
        });
        let answers = stream::unfold(answers, |mut answers| async move {
            let mut part = vec![0; CHUNK];
            match answers.read(&mut part).await {
                Ok(0) | Err(_) => None,
                Ok(length) => {
                    part.truncate(length);
                    Some((Ok(BytesMessage { data: part }), answers))
                }
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }

    #[cfg(not(unix))]
    async fn forward_agent(
        &self,
        _: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        Err(Status::unimplemented("agents are sockets of Unix"))
    }
}
