//! The docker CLI's own configuration: what of `config.json` and of the environment is honoured.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Stdio;

use base64::Engine as _;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::address::{EnvLookup, config_folder};
use crate::text;

/// What becomes of a setting: it is honoured (how), or it is not (why that changes nothing, or what is missing).
pub type CliSetting = (&'static str, bool, &'static str);

/// Every setting of the CLI's `config.json` (docker/cli 28, `cli/config/configfile`).
pub const SETTINGS: &[CliSetting] = &[
    ("auths", true, "user and password, or token, for each registry, in builds and pulls"),
    ("credsStore", true, "the helper is asked for the credentials of each registry"),
    ("credHelpers", true, "the registry's own helper is asked first"),
    ("currentContext", true, "the engine, where neither DOCKER_HOST nor DOCKER_CONTEXT names one"),
    (
        "proxies",
        true,
        "variables of every container and arguments of every build, those of the engine's own address first",
    ),
    ("HttpHeaders", true, "sent to the engine with every request"),
    ("aliases", false, "commands of the CLI only"),
    ("cliPluginsExtraDirs", false, "dockwright runs no plugin of the CLI"),
    ("plugins", false, "dockwright runs no plugin of the CLI"),
    ("features", false, "commands of the CLI only"),
    ("experimental", false, "the CLI itself no longer looks at it"),
    ("stackOrchestrator", false, "the CLI itself no longer looks at it"),
    ("detachKeys", false, "dockwright attaches to no container"),
    ("pruneFilters", false, "dockwright removes only what it made"),
    ("psFormat", false, "output of the CLI only"),
    ("imagesFormat", false, "output of the CLI only"),
    ("networksFormat", false, "output of the CLI only"),
    ("pluginsFormat", false, "output of the CLI only"),
    ("volumesFormat", false, "output of the CLI only"),
    ("statsFormat", false, "output of the CLI only"),
    ("serviceInspectFormat", false, "output of the CLI only"),
    ("servicesFormat", false, "output of the CLI only"),
    ("tasksFormat", false, "output of the CLI only"),
    ("secretFormat", false, "output of the CLI only"),
    ("configFormat", false, "output of the CLI only"),
    ("nodesFormat", false, "output of the CLI only"),
];

/// The variables of the environment that the CLI looks at.
pub const VARIABLES: &[CliSetting] = &[
    ("DOCKER_HOST", true, "the engine: `unix://`, `tcp://`, `ssh://`, `npipe://`; no other is taken instead"),
    ("DOCKER_CONTEXT", true, "the context whose engine is used"),
    ("DOCKER_CONFIG", true, "the folder of `config.json` and of the contexts"),
    ("DOCKER_TLS_VERIFY", true, "TLS to a `tcp://` engine, whose certificate is checked"),
    ("DOCKER_CERT_PATH", true, "the folder of `ca.pem`, `cert.pem` and `key.pem`"),
    ("DOCKER_DEFAULT_PLATFORM", true, "the platform of builds, pulls and containers that name none"),
    ("DOCKER_AUTH_CONFIG", true, "credentials in the form of `auths`, before those of `config.json`"),
    ("DOCKER_CUSTOM_HEADERS", true, "sent to the engine with every request, instead of `HttpHeaders`"),
    ("DOCKER_TLS", false, "TLS whose certificate nobody checks is not spoken"),
    ("DOCKER_API_VERSION", false, "the newest version that both sides speak is used"),
    ("DOCKER_BUILDKIT", false, "the engine's own builder is used: BuildKit where it has it"),
    ("DOCKER_CONTENT_TRUST", false, "the CLI's `docker pull` only; Compose does not look at it, either"),
    ("DOCKER_CONTENT_TRUST_SERVER", false, "the CLI's `docker pull` only; Compose does not look at it, either"),
    ("DOCKER_HIDE_LEGACY_COMMANDS", false, "output of the CLI only"),
    ("BUILDKIT_PROGRESS", false, "output of the CLI only"),
    ("BUILDX_BUILDER", false, "builds run on the engine itself, where their images are needed"),
];

/// The CLI's `config.json`; nothing where it has none, or one that cannot be read.
pub(super) fn read(env: EnvLookup) -> Value {
    let path = config_folder(env).map(|folder| folder.join("config.json"));
    let bytes = path.and_then(|path| text::read(&path, text::SMALL).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The process' environment.
pub(super) fn process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The variables of a proxy, in both spellings, as the CLI gives them to what runs on the engine of an address.
pub(super) fn proxies(config: &Value, address: &str) -> BTreeMap<String, String> {
    const NAMES: [(&str, &str); 5] = [
        ("httpProxy", "HTTP_PROXY"),
        ("httpsProxy", "HTTPS_PROXY"),
        ("noProxy", "NO_PROXY"),
        ("ftpProxy", "FTP_PROXY"),
        ("allProxy", "ALL_PROXY"),
    ];
    let all = &config["proxies"];
    let own = if all[address].is_object() { &all[address] } else { &all["default"] };
    let said = NAMES.iter().filter_map(|(key, name)| {
        let value = own[key].as_str().filter(|value| !value.is_empty())?;
        Some([(*name).to_owned(), name.to_lowercase()].map(|name| (name, value.to_owned())))
    });
    said.flatten().collect()
}

/// All proxies that the configuration has, for whatever engine: they may contain a password.
#[must_use]
pub fn proxy_values() -> Vec<String> {
    let config = read(&process);
    let all = config["proxies"].as_object().into_iter().flat_map(|all| all.values());
    let values = all.filter_map(Value::as_object).flat_map(|one| one.values()).filter_map(Value::as_str);
    values.map(str::to_owned).collect()
}

/// Headers that a request to the engine has of its own.
const OURS: [&str; 6] = ["host", "content-type", "content-length", "transfer-encoding", "connection", "upgrade"];

/// The headers that every request to the engine gets. Those that would change what a request says are left out.
pub(super) fn headers(env: EnvLookup) -> Vec<(String, String)> {
    let said = env("DOCKER_CUSTOM_HEADERS").and_then(|value| value.into_string().ok()).filter(|text| !text.is_empty());
    let pairs: Vec<(String, String)> = match said {
        // One line of a CSV file, as the CLI reads it; a comma in quotes is rare enough to be left out.
        Some(line) => line.split(',').filter_map(|pair| pair.split_once('=')).map(owned).collect(),
        None => {
            let config = read(env);
            let own = config["HttpHeaders"].as_object().into_iter().flatten();
            own.filter_map(|(name, value)| Some(owned((name, value.as_str()?)))).collect()
        }
    };
    pairs.into_iter().filter(|(name, _)| !OURS.contains(&name.to_ascii_lowercase().as_str())).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.trim().trim_matches('"').to_owned(), value.trim_matches('"').to_owned())
}

/// User and secret for a registry; none to ask it anonymously. A token has no user.
pub(super) async fn credentials(host: &str) -> Option<(String, String)> {
    // The hub is kept under an address of its own.
    let key = if host.ends_with("docker.io") { "https://index.docker.io/v1/" } else { host };
    let said = std::env::var("DOCKER_AUTH_CONFIG").ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if let Some(found) = said.and_then(|said| stored(&said, key)) {
        return Some(found);
    }
    let config = read(&process);
    let helper = config["credHelpers"][key].as_str().or_else(|| config["credsStore"].as_str());
    match helper.filter(|helper| !helper.is_empty()) {
        // As the CLI does, who is not in the helper's store may be in the file.
        Some(helper) => ask(helper, key).await.or_else(|| stored(&config, key)),
        None => stored(&config, key),
    }
}

fn stored(config: &Value, key: &str) -> Option<(String, String)> {
    let auths = config["auths"].as_object()?;
    // `https://host/v1/` and `host` are one.
    let bare = |name: &str| {
        let name = name.trim_start_matches("https://").trim_start_matches("http://");
        name.split('/').next().unwrap_or_default().to_owned()
    };
    let exact = auths.get(key);
    let entry = exact.or_else(|| auths.iter().find(|(name, _)| bare(name) == bare(key)).map(|(_, entry)| entry))?;
    if let Some(token) = entry["identitytoken"].as_str().filter(|token| !token.is_empty()) {
        return Some((String::new(), token.to_owned()));
    }
    if let (Some(user), Some(secret)) = (entry["username"].as_str(), entry["password"].as_str())
        && !user.is_empty()
    {
        return Some((user.to_owned(), secret.to_owned()));
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
    let mut command = tokio::process::Command::new(format!("docker-credential-{helper}"));
    let asked = answer(command.arg("get"), key);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.ok()??;
    let answer: Value = serde_json::from_slice(&answer).ok()?;
    let user = answer["Username"].as_str()?;
    let secret = answer["Secret"].as_str()?.to_owned();
    // A token is told from a password by its user.
    Some((if user == "<token>" { String::new() } else { user.to_owned() }, secret))
}

/// What a program prints that is given a text.
async fn answer(command: &mut tokio::process::Command, text: &str) -> Option<Vec<u8>> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().ok()?;
    let mut input = child.stdin.take()?;
    // A helper of one registry need not read which one is meant, and may be gone by now.
    let _ = input.write_all(text.as_bytes()).await;
    drop(input);
    Some(child.wait_with_output().await.ok()?.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn stored_credentials_are_found_by_host() {
        let config = json(
            r#"{"auths":{"https://mirror.example/":{"auth":"bWU6cGE6c3M="},"t.example":{"identitytoken":"tok"},
                "https://old.example/v1/":{"username":"u","password":"p"},"127.0.0.1:5000":{"auth":"YTpi"}}}"#,
        );
        for (host, expected) in [
            ("mirror.example", Some(("me", "pa:ss"))),
            ("t.example", Some(("", "tok"))),
            ("old.example", Some(("u", "p"))),
            ("127.0.0.1:5000", Some(("a", "b"))),
            ("127.0.0.1:5001", None),
            ("other.example", None),
        ] {
            let expected = expected.map(|(user, secret): (&str, &str)| (user.to_owned(), secret.to_owned()));
            assert_eq!(stored(&config, host), expected, "{host}");
        }
    }

    #[tokio::test]
    async fn a_helper_need_not_read_what_it_is_asked() {
        // More than a pipe holds: it is never written whole.
        let long = "x".repeat(1 << 20);
        for script in ["exec <&-; echo me", "echo me"] {
            let mut command = tokio::process::Command::new("sh");
            assert_eq!(answer(command.args(["-c", script]), &long).await, Some(b"me\n".to_vec()), "{script}");
        }
        let mut command = tokio::process::Command::new("cat");
        assert_eq!(answer(&mut command, "registry.example").await, Some(b"registry.example".to_vec()));
    }

    #[test]
    fn a_proxy_is_the_engine_s_own_before_the_default() {
        let config = json(
            r#"{"proxies":{"default":{"httpProxy":"http://a:1","noProxy":"x"},"tcp://h:2375":{"httpsProxy":"http://b:2"}}}"#,
        );
        let names = |address: &str| proxies(&config, address).into_keys().collect::<Vec<_>>();
        assert_eq!(names("unix:///s"), ["HTTP_PROXY", "NO_PROXY", "http_proxy", "no_proxy"]);
        assert_eq!(names("tcp://h:2375"), ["HTTPS_PROXY", "https_proxy"]);
        assert_eq!(proxies(&json("{}"), "unix:///s"), BTreeMap::new());
    }

    #[test]
    fn headers_do_not_change_what_a_request_says() {
        let env = |name: &str| (name == "DOCKER_CUSTOM_HEADERS").then(|| "X-A=1,Host=evil,\"X-B=2\"".into());
        let expected = [("X-A", "1"), ("X-B", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers(&env), expected);
    }

    #[test]
    fn a_setting_is_named_once() {
        let names: Vec<&str> = SETTINGS.iter().chain(VARIABLES).map(|(name, ..)| *name).collect();
        let once: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(once.len(), names.len());
    }
}
