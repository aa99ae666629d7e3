//! `installation.port`: an installation answers where compose.yaml publishes it.

use std::time::{Duration, Instant};

use crate::lab::listeners::listeners;
use crate::lab::ports::{health_path, port_of, publish};
use crate::lab::{Lab, Scene, http};
use crate::spec::Protocol;
use crate::subject::RoleSubject;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// How much later than on a port that is not published it may answer on one that is.
const LATER: Duration = Duration::from_secs(2);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(100);

/// `installation.port`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let path = health_path(lab)?;
    let mut seen = Vec::new();
    for role in lab.subject.installations() {
        let image = lab.container_image(&role.name)?;
        let service = lab.subject.service(role);
        let published: Vec<u16> = service
            .ports
            .iter()
            .filter(|port| Protocol::of(&port.protocol) == Some(Protocol::Tcp))
            .map(|port| port.target)
            .collect();
        let own = port_of(lab, service, image).ok();
        if published.is_empty() && own.is_none() {
            let why = format!("{}: compose.yaml publishes no port, and which one it answers on is not said", role.name);
            return Ok(inconclusive(why).hint("give [service] in dockwright.toml a `port`"));
        }
        let scene = lab.start(role, |spec| own.into_iter().for_each(|port| publish(spec, port))).await?;
        let asked = Asked { lab, role, scene: &scene, published: &published, own, path: &path };
        let verdict = asked.answers().await;
        let verdict = match verdict {
            Ok(Err(verdict)) => Ok(Err(verdict.log(scene.log().await))),
            other => other,
        };
        scene.end().await;
        match verdict? {
            Ok(how) => seen.push(how),
            Err(verdict) => return Ok(verdict.at_place(service.at("ports"))),
        }
    }
    Ok(pass(seen.join("; ")))
}

/// An installation that is asked.
struct Asked<'a> {
    lab: &'a Lab,
    role: &'a RoleSubject,
    scene: &'a Scene,
    /// The ports of the container that compose.yaml publishes.
    published: &'a [u16],
    /// The one that it is to answer on by its own configuration.
    own: Option<u16>,
    path: &'a str,
}

impl Asked<'_> {
    /// By what its answer was seen. Any answer shows where it listens: what it says may depend on the deployment, which is not
    /// here.
    async fn answers(&self) -> Checked<Result<String, Verdict>> {
        let name = &self.role.name;
        let deadline = Instant::now() + self.lab.patience();
        let mut elsewhere: Option<Instant> = None;
        loop {
            let state = self.scene.container.inspect().await?;
            if !state.running {
                return Ok(Err(inconclusive(format!(
                    "{name}: it ended with exit code {}, so it answers nowhere; what it wants of its deployment may be missing here",
                    state.exit_code
                ))));
            }
            for port in self.published.iter().chain(&self.own) {
                let Some(host) = state.host_port(*port) else { continue };
                let Ok(answer) = http::get(host, self.path, Duration::from_secs(2)).await else { continue };
                let open = self.published.is_empty() || self.published.contains(port);
                if open && let Some(silent) = self.silent(*port).await? {
                    return Ok(Err(self.wrong(&format!("nothing listens on port {silent}"))));
                }
                if open {
                    let (path, status) = (self.path, answer.status);
                    return Ok(Ok(format!("{name} answered GET {path} with {status} on port {port}")));
                }
                if elsewhere.get_or_insert_with(Instant::now).elapsed() > LATER {
                    return Ok(Err(self.wrong(&format!("it answers on port {port}"))));
                }
            }
            if Instant::now() > deadline {
                return self.never().await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A published port beside the one that answers on which nothing waits.
    async fn silent(&self, answers: u16) -> Checked<Option<u16>> {
        let others: Vec<u16> = self.published.iter().copied().filter(|port| *port != answers).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let Some(found) = listeners(self.lab, &self.scene.container).await? else { return Ok(None) };
        Ok(others.into_iter().find(|port| !found.iter().any(|one| one.port == *port && one.is_open())))
    }

    /// It runs, and has answered on no port that was asked.
    async fn never(&self) -> Checked<Result<String, Verdict>> {
        let seconds = self.lab.patience().as_secs();
        // The engine's own name server listens on the loopback of every container.
        let found = listeners(self.lab, &self.scene.container).await?.unwrap_or_default();
        let asked = |port: &u16| self.published.contains(port) || self.published.is_empty() && self.own == Some(*port);
        if let Some(one) = found.iter().find(|one| one.protocol == "TCP" && !one.is_open() && asked(&one.port)) {
            return Ok(Err(
                self.wrong(&format!("it listens on the loopback of its container alone, port {}", one.port))
            ));
        }
        if let Some(one) = found.iter().find(|one| one.protocol == "TCP" && one.is_open() && !asked(&one.port)) {
            return Ok(Err(self.wrong(&format!("it listens on port {}", one.port))));
        }
        let what = format!("{}: it answers on no port within {seconds} s, and listens on none", self.role.name);
        Ok(Err(inconclusive(what).hint("look at its log: it may wait for what its deployment has")))
    }

    fn wrong(&self, what: &str) -> Verdict {
        let name = &self.role.name;
        let listed: Vec<String> = self.published.iter().map(ToString::to_string).collect();
        match (listed.is_empty(), self.own) {
            (true, Some(own)) => fail(format!("{name}: {what}, and is to answer on {own}")),
            _ => fail(format!("{name}: {what}, and compose.yaml publishes {}", listed.join(", "))),
        }
        .expected("an answer, from outside of the container, on every port that compose.yaml publishes")
    }
}
