//! `installation.port`: an installation answers where compose.yaml publishes it.

use std::time::Duration;

use crate::engine::ContainerSpec;
use crate::lab::listeners::listeners;
use crate::lab::pace::Watch;
use crate::lab::ports::{health_path, port_of, publish};
use crate::lab::probe::{Found, ProbePlan, effective, found};
use crate::lab::{Lab, Scene, blame, http};
use crate::spec::Protocol;
use crate::subject::RoleSubject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// How much later than on a port that is not published it may answer on one that is.
const LATER: Duration = Duration::from_secs(2);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(100);

/// `installation.port`.
pub(super) async fn check(lab: &Lab) -> Checked {
    // Any answer will do, and a server has one for any path.
    let path = health_path(lab).unwrap_or_else(|_| "/".to_owned());
    let mut seen = Vec::new();
    for role in lab.subject.installations() {
        let image = lab.container_image(&role.name)?;
        let service = lab.subject.service(role);
        if let Some(mode) = &service.settings.network_mode {
            let what = format!("{}: its network mode is {mode:?}, which publishes no port", role.name);
            if mode == "none" && !service.ports.is_empty() {
                return Ok(fail(what).at_place(service.at("network_mode")));
            }
            return Ok(inconclusive(what).at_place(service.at("network_mode")));
        }
        let published: Vec<u16> = service
            .ports
            .iter()
            .filter(|port| Protocol::of(&port.protocol) == Some(Protocol::Tcp))
            .map(|port| port.target)
            .collect();
        let own = port_of(lab, service, image).ok();
        if published.is_empty() && own.is_none() {
            let why = format!("{}: compose.yaml publishes no port, and its own port is not declared", role.name);
            return Ok(inconclusive(why).hint("give [service] in dockwright.toml a `port`"));
        }
        let probe =
            effective(service.settings.healthcheck.as_ref(), image.config.healthcheck.as_ref()).map(ProbePlan::patient);
        let start = |spec: &mut ContainerSpec| {
            if let Some(port) = own {
                publish(spec, port);
            }
            if let Some(probe) = &probe {
                spec.settings.healthcheck = Some(probe.often());
            }
        };
        let scene = lab.start(role, start).await?;
        let asked = Asked { lab, role, scene: &scene, published: &published, own, path: &path, probe };
        let verdict = asked.answers().await;
        let verdict = match verdict {
            Ok(Err(verdict)) => Ok(Err(verdict.log(scene.log().await))),
            other => other,
        };
        scene.end().await;
        match verdict? {
            Ok(how) => seen.push(how),
            Err(verdict) => return Ok(verdict),
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
    /// Its healthcheck, if it has one.
    probe: Option<ProbePlan>,
}

impl Asked<'_> {
    /// By what its answer was seen. Any answer shows where it listens: what it says may depend on the deployment, which is not
    /// here.
    async fn answers(&self) -> Checked<Result<String, Verdict>> {
        let name = &self.role.name;
        let start = Watch::start();
        let mut elsewhere: Option<Watch> = None;
        loop {
            let state = self.scene.container.inspect().await?;
            if !state.running {
                let what = format!(
                    "{name}: it exited with {}, so it answers nowhere; what it wants of its deployment may be missing here",
                    state.exit_code
                );
                return Ok(Err(inconclusive(what).at_place(self.place(None))));
            }
            for port in self.published.iter().chain(&self.own) {
                let Some(host) = state.host_port(*port) else { continue };
                let Ok(answer) = http::get(host, self.path, Duration::from_secs(2)).await else { continue };
                let open = self.published.is_empty() || self.published.contains(port);
                if open && let Some(silent) = self.silent(*port).await? {
                    return Ok(Err(self.wrong(&format!("nothing listens on port {silent}"), Some(silent))));
                }
                if open
                    && answer.ok()
                    && let Some(verdict) = self.missed(*port, host).await?
                {
                    return Ok(Err(verdict));
                }
                if open {
                    let (path, status) = (self.path, answer.status);
                    return Ok(Ok(format!("{name} answered GET {path} with {status} on port {port}")));
                }
                if elsewhere.get_or_insert_with(Watch::start).elapsed() > LATER {
                    return Ok(Err(self.wrong(&format!("it answers on port {port}"), None)));
                }
            }
            if start.elapsed() > self.lab.patience() {
                return self.never().await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The verdict on a healthcheck that does not find the service that answers: it asks the port of another deployment, say.
    async fn missed(&self, port: u16, host: u16) -> Checked<Option<Verdict>> {
        let Some(probe) = &self.probe else { return Ok(None) };
        let (name, path) = (&self.role.name, self.path);
        let verdict = match found(self.lab, &self.scene.container, probe, Some((host, path))).await? {
            // Whether an engine starts probes is its own affair: `service.health` says so.
            Found::Healthy | Found::Unprobed => return Ok(None),
            Found::Missed { said, .. } => fail(format!(
                "{name}: it answers GET {path} on port {port}, and its healthcheck does not find it{said}"
            ))
            .expected("the healthcheck asks the port that the deployment has"),
            Found::Ended(code) => {
                inconclusive(format!("{name}: it answered GET {path} on port {port}, and then exited with {code}"))
            }
            Found::Busy { said, threads } => inconclusive(format!(
                "{name}: it did not turn healthy{said}; meanwhile {threads:.0} threads wanted each processor of this machine, so it may be the load"
            )),
        };
        Ok(Some(verdict.at_place(&blame::healthcheck(&self.lab.subject, self.role))))
    }

    /// A published port beside the one that answers on which nothing waits.
    async fn silent(&self, answers: u16) -> Checked<Option<u16>> {
        let others: Vec<u16> = self.published.iter().copied().filter(|port| *port != answers).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let Some(found) = listeners(self.lab, &self.scene.container).await? else {
            let what = "whether something listens on each of its ports cannot be seen: the engine is on another machine, and its image has no `cat`";
            return Err(inconclusive(format!("{}: {what}", self.role.name)).into());
        };
        Ok(others.into_iter().find(|port| !found.iter().any(|one| one.port == *port && one.is_open())))
    }

    /// It runs, and has answered on no port that was asked.
    async fn never(&self) -> Checked<Result<String, Verdict>> {
        let seconds = self.lab.patience().as_secs();
        // The engine's own name server listens on the loopback of every container.
        let found = listeners(self.lab, &self.scene.container).await?.unwrap_or_default();
        let asked = |port: &u16| self.published.contains(port) || self.published.is_empty() && self.own == Some(*port);
        if let Some(one) = found.iter().find(|one| one.protocol == "TCP" && !one.is_open() && asked(&one.port)) {
            let what = format!("it listens only on the loopback of its container, port {}", one.port);
            return Ok(Err(self.wrong(&what, Some(one.port))));
        }
        if let Some(one) = found.iter().find(|one| one.protocol == "TCP" && one.is_open() && !asked(&one.port)) {
            return Ok(Err(self.wrong(&format!("it listens on port {}", one.port), None)));
        }
        if let Some(one) = found.iter().find(|one| one.protocol == "TCP" && one.is_open() && asked(&one.port)) {
            let what = format!("{}: it listens on port {}, but does not answer HTTP there", self.role.name, one.port);
            let hint = "dockwright asks in plain HTTP; TLS and other protocols cannot be observed";
            return Ok(Err(inconclusive(what).hint(hint).at_place(self.place(Some(one.port)))));
        }
        let what = format!("{}: it answers on no port within {seconds} s, and listens on none", self.role.name);
        let hint = "look at its log: it may wait for something that only its deployment has";
        Ok(Err(inconclusive(what).hint(hint).at_place(self.place(None))))
    }

    /// The failure, at what publishes a port, or at the first that it does not answer on.
    fn wrong(&self, what: &str, port: Option<u16>) -> Verdict {
        let name = &self.role.name;
        let listed: Vec<String> = self.published.iter().map(ToString::to_string).collect();
        match (listed.is_empty(), self.own) {
            (true, Some(own)) => fail(format!("{name}: {what}, and is to answer on {own}")),
            _ => fail(format!("{name}: {what}, and compose.yaml publishes {}", listed.join(", "))),
        }
        .expected("an answer, from outside of the container, on every port that compose.yaml publishes")
        .at_place(self.place(port))
    }

    fn place(&self, port: Option<u16>) -> &Place {
        let service = self.lab.subject.service(self.role);
        let named = service.ports.iter().find(|one| port.is_none_or(|port| one.target == port));
        named.map_or_else(|| service.at("ports"), |one| &one.place)
    }
}
