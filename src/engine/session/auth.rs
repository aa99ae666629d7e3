//! Credentials for registries, out of the docker CLI's own configuration.

use std::process::Stdio;

use base64::Engine as _;
use bollard::moby::filesync::v1::auth_server::Auth;
use bollard::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tonic::{Request, Response, Status};

use crate::engine::address::config_folder;
use crate::text;

/// The service; it reads the configuration anew for every question.
pub(super) struct Credentials;

#[tonic::async_trait]
impl Auth for Credentials {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        let (username, secret) = look_up(&host).await.unwrap_or_default();
        Ok(Response::new(CredentialsResponse { username, secret }))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("not served"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not served"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not served"))
    }
}

/// User and secret for a registry; none to ask it anonymously.
async fn look_up(host: &str) -> Option<(String, String)> {
    let path = config_folder(&|name| std::env::var_os(name))?.join("config.json");
    let config: Value = serde_json::from_slice(&text::read(&path, text::SMALL).ok()?).ok()?;
    // The hub is kept under an address of its own.
    let key = if host.ends_with("docker.io") { "https://index.docker.io/v1/" } else { host };
    let helper = config["credHelpers"][key].as_str().or_else(|| config["credsStore"].as_str());
    match helper.filter(|helper| !helper.is_empty()) {
        Some(helper) => ask(helper, key).await,
        None => stored(&config, key),
    }
}

fn stored(config: &Value, key: &str) -> Option<(String, String)> {
    let auths = config["auths"].as_object()?;
    let bare =
        |name: &str| name.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (_, entry) = auths.iter().find(|(name, _)| *name == key || bare(name) == bare(key))?;
    if let Some(token) = entry["identitytoken"].as_str().filter(|token| !token.is_empty()) {
        return Some((String::new(), token.to_owned()));
    }
    let pair = base64::engine::general_purpose::STANDARD.decode(entry["auth"].as_str()?).ok()?;
    let (user, secret) =
        String::from_utf8(pair).ok()?.split_once(':').map(|(user, secret)| (user.to_owned(), secret.to_owned()))?;
    Some((user, secret.trim_end_matches('\0').to_owned()))
}

/// Asks a credential helper, as `docker-credential-desktop`.
async fn ask(helper: &str, key: &str) -> Option<(String, String)> {
    if !helper.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return None;
    }
    let mut child = tokio::process::Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    input.write_all(key.as_bytes()).await.ok()?;
    drop(input);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), child.wait_with_output()).await.ok()?.ok()?;
    let answer: Value = serde_json::from_slice(&answer.stdout).ok()?;
    let user = answer["Username"].as_str()?;
    let secret = answer["Secret"].as_str()?.to_owned();
    // A token is told from a password by its user.
    Some((if user == "<token>" { String::new() } else { user.to_owned() }, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_credentials_are_found_by_host() {
        let config: Value = serde_json::from_str(
            r#"{"auths":{"https://mirror.example/":{"auth":"bWU6cGE6c3M="},"t.example":{"identitytoken":"tok"}}}"#,
        )
        .unwrap();
        assert_eq!(stored(&config, "mirror.example"), Some(("me".into(), "pa:ss".into())));
        assert_eq!(stored(&config, "t.example"), Some((String::new(), "tok".into())));
        assert_eq!(stored(&config, "other.example"), None);
    }
}
