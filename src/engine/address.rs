//! Where an engine may be: `DOCKER_HOST`, the docker context, the known sockets. Pure but for reading
//! the docker CLI's own files.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::text;

/// An address that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port`, unencrypted.
    Tcp(String),
    /// `host:port` with TLS.
    Tls(String, TlsFiles),
    /// A Windows named pipe.
    Pipe(String),
    /// Another host, over the user's own `ssh`: its arguments up to the host.
    Ssh(Vec<String>),
}

/// The certificates of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TlsFiles {
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, each optional.
    pub folder: Option<PathBuf>,
    /// Whether the server's certificate is not to be checked (as a docker context can say).
    pub skip_verify: bool,
}

/// An address to try, and who named it.
#[derive(Debug, Clone)]
pub(super) struct AddressCandidate {
    /// The address, or why it is none that we can use.
    pub address: Result<Address, String>,
    /// As it was written: `unix:///var/run/docker.sock`.
    pub name: String,
    /// `DOCKER_HOST`, `docker context "x"`, or empty for a known socket.
    pub origin: String,
}

impl fmt::Display for AddressCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.origin.is_empty() {
            write!(f, " ({})", self.origin)?;
        }
        Ok(())
    }
}

/// Looks a variable of the environment up.
pub(super) type EnvLookup<'a> = &'a (dyn Fn(&str) -> Option<OsString> + Sync);

/// All addresses to try, in order. An address the user named stands alone: as with the docker CLI, another
/// engine is not taken instead.
pub(super) fn candidates(env: EnvLookup) -> Result<Vec<AddressCandidate>> {
    let text = |name: &str| env(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty());
    if let Some(host) = text("DOCKER_HOST") {
        let tls = text("DOCKER_TLS_VERIFY").is_some().then(|| TlsFiles {
            folder: text("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| config_folder(env)),
            skip_verify: false,
        });
        return Ok(vec![AddressCandidate { address: parse(&host, tls), name: host, origin: "DOCKER_HOST".into() }]);
    }
    if let Some(folder) = config_folder(env) {
        let (name, origin) = match text("DOCKER_CONTEXT") {
            Some(name) => (Some(name), "DOCKER_CONTEXT"),
            None => (current_context(&folder), "the docker CLI's config.json"),
        };
        if let Some(name) = name.filter(|name| name != "default") {
            return Ok(vec![from_context(&folder, &name, origin)?]);
        }
    }
    Ok(known(env))
}

/// The docker CLI's folder: `$DOCKER_CONFIG`, else `~/.docker`.
pub(super) fn config_folder(env: EnvLookup) -> Option<PathBuf> {
    env("DOCKER_CONFIG")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(home(env)?.join(".docker")))
}

fn home(env: EnvLookup) -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    env(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// An address as `DOCKER_HOST` writes it; `tls` applies to tcp.
pub(super) fn parse(text: &str, tls: Option<TlsFiles>) -> Result<Address, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("not an address: expected unix://, tcp://, ssh:// or npipe://".into());
    };
    let host = |default_port: u16| {
        let host = rest.trim_end_matches('/');
        let host = if host.is_empty() { "localhost" } else { host };
        // A colon inside brackets belongs to an IPv6 address.
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']') && !port.is_empty());
        if has_port { host.to_owned() } else { format!("{host}:{default_port}") }
    };
    match scheme {
        "unix" => Ok(Address::Unix(PathBuf::from(rest))),
        "npipe" => Ok(Address::Pipe(rest.replace('/', "\\"))),
        "tcp" | "http" => Ok(match tls {
            Some(files) => Address::Tls(host(2376), files),
            None => Address::Tcp(host(2375)),
        }),
        "https" => Ok(Address::Tls(host(2376), tls.unwrap_or_default())),
        "ssh" => ssh(rest).map(Address::Ssh),
        other => Err(format!("scheme {other}:// is not supported: expected unix://, tcp://, ssh:// or npipe://")),
    }
}

/// What `ssh` is told of `[user@]host[:port][/socket]`; the socket belongs to what is run there.
fn ssh(rest: &str) -> Result<Vec<String>, String> {
    let (host, socket) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    let port = host.rsplit_once(':').filter(|(before, port)| {
        (!before.contains(':') || before.ends_with(']')) && port.chars().all(|c| c.is_ascii_digit())
    });
    let (host, port) = port.map_or((host, None), |(host, port)| (host, Some(port)));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_plain = |word: &str| !word.is_empty() && !word.starts_with('-') && !word.contains(char::is_whitespace);
    if !is_plain(host) || user.is_some_and(|user| !is_plain(user) || user.contains(':')) {
        return Err("not an address: expected ssh://user@host, with a port if it is not the usual one".into());
    }
    let mut words = vec!["-o".to_owned(), "ConnectTimeout=30".to_owned(), "-T".to_owned()];
    words.extend(user.into_iter().flat_map(|user| ["-l".to_owned(), user.to_owned()]));
    words.extend(port.into_iter().flat_map(|port| ["-p".to_owned(), port.to_owned()]));
    words.extend(["--".to_owned(), host.to_owned(), "docker".to_owned()]);
    if !socket.is_empty() {
        words.extend(["--host".to_owned(), format!("unix:///{socket}")]);
    }
    words.extend(["system", "dial-stdio"].map(ToOwned::to_owned));
    Ok(words)
}

fn current_context(folder: &Path) -> Option<String> {
    let config: Value = serde_json::from_slice(&text::read(&folder.join("config.json"), text::SMALL).ok()?).ok()?;
    config["currentContext"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The docker CLI keeps a context in `contexts/meta/<sha256 of its name>/meta.json`.
fn from_context(folder: &Path, name: &str, origin: &str) -> Result<AddressCandidate> {
    let digest = Sha256::digest(name.as_bytes());
    let id = hex::encode(digest);
    let path = folder.join("contexts/meta").join(&id).join("meta.json");
    let broken = |why: String| {
        Error::engine(format!("docker context \"{name}\", named by {origin}, {why}"))
            .hint("list the contexts with `docker context ls`, or set DOCKER_HOST")
    };
    let bytes = text::read(&path, text::SMALL).map_err(|error| {
        let what = if error.is_missing() { "does not exist" } else { "cannot be read" };
        broken(what.into()).because(error)
    })?;
    let meta: Value = serde_json::from_slice(&bytes)
        .map_err(|error| broken(format!("cannot be read from {}", path.display())).because(error))?;
    let endpoint = &meta["Endpoints"]["docker"];
    let Some(host) = endpoint["Host"].as_str() else {
        return Err(broken("names no docker endpoint".into()));
    };
    let tls_folder = folder.join("contexts/tls").join(&id).join("docker");
    let skip_verify = endpoint["SkipTLSVerify"].as_bool().unwrap_or(false);
    let tls = (tls_folder.is_dir() || skip_verify)
        .then(|| TlsFiles { folder: tls_folder.is_dir().then_some(tls_folder), skip_verify });
    Ok(AddressCandidate { address: parse(host, tls), name: host.into(), origin: format!("docker context \"{name}\"") })
}

/// Where Docker, Podman and their desktop relatives put their sockets.
fn known(env: EnvLookup) -> Vec<AddressCandidate> {
    if cfg!(windows) {
        return [
            "npipe:////./pipe/docker_engine",
            "npipe:////./pipe/dockerDesktopLinuxEngine",
            "npipe:////./pipe/podman-machine-default",
        ]
        .map(|name| AddressCandidate { address: parse(name, None), name: name.into(), origin: String::new() })
        .into();
    }
    let mut paths = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(home) = home(env) {
        paths.extend(
            [
                ".docker/run/docker.sock",
                ".docker/desktop/docker.sock",
                ".orbstack/run/docker.sock",
                ".colima/default/docker.sock",
                ".rd/docker.sock",
                ".lima/default/sock/docker.sock",
            ]
            .map(|path| home.join(path)),
        );
    }
    let runtime = env("XDG_RUNTIME_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(runtime) = &runtime {
        paths.extend([runtime.join("docker.sock"), runtime.join("podman/podman.sock")]);
    }
    paths.push("/run/podman/podman.sock".into());
    paths
        .into_iter()
        .map(|path| AddressCandidate {
            name: format!("unix://{}", path.display()),
            address: Ok(Address::Unix(path)),
            origin: String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + Sync + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn addresses_are_read_as_the_docker_cli_does() {
        let tls = TlsFiles { folder: Some("/certs".into()), skip_verify: false };
        for (text, tls, expected) in [
            ("unix:///run/x.sock", None, Address::Unix("/run/x.sock".into())),
            ("tcp://10.0.0.1:2375", None, Address::Tcp("10.0.0.1:2375".into())),
            ("tcp://host", None, Address::Tcp("host:2375".into())),
            ("tcp://[::1]", None, Address::Tcp("[::1]:2375".into())),
            ("tcp://[::1]:99", None, Address::Tcp("[::1]:99".into())),
            ("tcp://host", Some(tls.clone()), Address::Tls("host:2376".into(), tls)),
            ("npipe:////./pipe/docker_engine", None, Address::Pipe(r"\\.\pipe\docker_engine".into())),
        ] {
            assert_eq!(parse(text, tls), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("ssh://host", "-- host docker system dial-stdio"),
            ("ssh://me@host:22", "-l me -p 22 -- host docker system dial-stdio"),
            ("ssh://me@[::1]:2222", "-l me -p 2222 -- ::1 docker system dial-stdio"),
            ("ssh://host/run/x.sock", "-- host docker --host unix:///run/x.sock system dial-stdio"),
        ] {
            let Ok(Address::Ssh(words)) = parse(text, None) else { panic!("{text}") };
            assert_eq!(words[3..].join(" "), expected, "{text}");
        }
        for text in ["ssh://", "ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://a b"] {
            assert!(parse(text, None).is_err(), "{text}");
        }
        assert!(parse("/var/run/docker.sock", None).is_err());
    }

    #[test]
    fn docker_host_stands_alone() {
        let found = candidates(&env(&[("DOCKER_HOST", "unix:///x"), ("HOME", "/h")])).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "unix:///x (DOCKER_HOST)");
    }

    #[test]
    fn without_a_name_the_known_sockets_are_tried() {
        let found = candidates(&env(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")])).unwrap();
        let names: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(names.first().unwrap(), "unix:///var/run/docker.sock");
        assert!(names.contains(&"unix:///r/podman/podman.sock".to_owned()), "{names:?}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "builds a docker config folder to read")]
    fn the_current_context_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let id = "28a2a5a4bd75c9d6f9d2d7a7e17c4b0d7a4e4b1a2f2bd6a64ea4a5c6d5d0a4d3";
        let digest = hex::encode(Sha256::digest(b"remote"));
        assert_eq!(digest.len(), id.len());
        let meta = folder.path().join("contexts/meta").join(&digest);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::create_dir_all(folder.path().join("contexts/tls").join(&digest).join("docker")).unwrap();
        std::fs::write(folder.path().join("config.json"), r#"{"currentContext":"remote"}"#).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"remote","Endpoints":{"docker":{"Host":"tcp://10.1.1.1:2376","SkipTLSVerify":false}}}"#,
        )
        .unwrap();
        let config = folder.path().to_str().unwrap();
        let found = candidates(&env(&[("DOCKER_CONFIG", config)])).unwrap();
        assert!(
            matches!(&found[0].address, Ok(Address::Tls(host, files)) if host == "10.1.1.1:2376" && files.folder.is_some())
        );
        let missing = candidates(&env(&[("DOCKER_CONFIG", config), ("DOCKER_CONTEXT", "gone")])).unwrap_err();
        assert!(missing.message().contains("\"gone\""), "{missing}");
    }
}
