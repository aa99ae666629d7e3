//! dev-tools.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::compose::Compose;
use crate::lab::pace::{self, Watch};
use crate::lab::versioned::is_unversioned;
use crate::lab::{Lab, Scene, blame, workcopy};
use crate::project::DevTool;
use crate::subject::Subject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass, skipped};

/// How long a tool may take to show that it runs.
const SHOWS: Duration = Duration::from_mins(1);

/// How long a container may take until its command runs as the owner of the source.
const TAKES_ON: Duration = Duration::from_secs(20);

/// How often that is looked at.
const OFTEN: Duration = Duration::from_millis(200);

/// How long a tool may work on the project; a compiler may have to begin from nothing.
const WORKS: Duration = Duration::from_mins(10);

/// `dev-tools.optional`.
pub(super) fn optional(lab: &Lab) -> Checked {
    let subject = &lab.subject;
    let tools = subject.service(lab.role("dev-tools")?);
    let refuse = |what: String, place: &Place| Ok(fail(what).at(subject.shown(&place.file), place.line));
    if let Ok(dev) = lab.role("dev") {
        let dev = subject.service(dev);
        if let Some(way) = way_to(&subject.compose, &dev.name, &tools.name) {
            let field = format!("depends_on.{}", way[1]);
            return refuse(
                format!("dev does not start without it: {}", way.join(" waits for ")),
                first_place(subject, &way[0], &field),
            );
        }
        if let Some(profile) = tools.profiles.iter().find(|profile| dev.profiles.contains(profile)) {
            return refuse(
                format!("its profile {profile} is dev's, too, so that both start together"),
                tools.at("profiles"),
            );
        }
    }
    if tools.profiles.is_empty() {
        return refuse("it is in no profile, so that `docker compose up` starts it".into(), tools.at("profiles"));
    }
    if let Some((names, place)) = &subject.compose.profiles
        // What git leaves out turns it on for one person.
        && !is_unversioned(&subject.folder, &place.file)
        && let Some(profile) = names.iter().find(|name| *name == "*" || tools.profiles.contains(name))
    {
        return refuse(format!("COMPOSE_PROFILES turns the profile {profile} on for every `docker compose up`"), place);
    }
    if let Some(port) = tools.ports.first() {
        return refuse(format!("it publishes port {}", port.target), &port.place);
    }
    Ok(pass(format!(
        "it is only in the profile {}, dev does not wait for it, and it publishes no port",
        tools.profiles.join(", ")
    )))
}

fn first_place<'a>(subject: &'a Subject, service: &str, field: &str) -> &'a Place {
    subject.compose.services[service].at(field)
}

/// The services by which one waits for another, both included; none if it does not. What is not required does not
/// keep a service from starting.
fn way_to(compose: &Compose, from: &str, to: &str) -> Option<Vec<String>> {
    let mut open = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        let last = way.last().expect("a way has a beginning");
        if last == to {
            return Some(way);
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        let service = compose.services.get(last);
        for (next, _) in service.into_iter().flat_map(|one| &one.depends_on).filter(|(_, one)| one.required) {
            open.push(way.iter().chain([next]).cloned().collect());
        }
    }
    None
}

/// `dev-tools.present`.
pub(super) async fn present(lab: &Lab) -> Checked {
    let tools = &lab.subject.project.roles.dev_tools.tools;
    if tools.is_empty() {
        lab.role("dev-tools")?;
        return Ok(skipped("no tool is declared in [roles.dev-tools.tools]"));
    }
    let ran = run(lab, tools, SHOWS, Who::Works).await?;
    ran.verdict(lab, "missing, or not running", |names| format!("each runs: {names}"))
}

/// `dev-tools.works`.
pub(super) async fn works(lab: &Lab) -> Checked {
    let work = &lab.subject.project.roles.dev_tools.work;
    if work.is_empty() {
        lab.role("dev-tools")?;
        return Ok(skipped("no work is declared in [roles.dev-tools.work]"));
    }
    let ran = run(lab, work, WORKS, Who::Owns).await?;
    ran.verdict(lab, "these did not do their work on the project", |names| {
        format!("on the project as it stands, each does its work: {names}")
    })
}

/// Who runs the tools.
#[derive(Clone, Copy)]
enum Who {
    /// The owner of the source.
    Owns,
    /// Whoever works there: the owner of the source, where the container's command takes on that user; else whoever its image
    /// says.
    Works,
}

impl Who {
    /// As containers name a user; none for the image's.
    async fn user(self, lab: &Lab, scene: &Scene) -> Checked<Option<String>> {
        let (uid, gid) = workcopy::owner();
        let owner = format!("{uid}:{gid}");
        if matches!(self, Who::Owns) {
            return Ok(Some(owner));
        }
        let start = Watch::start();
        while lab.subject.project.makes("dev-tools") && start.elapsed() < TAKES_ON {
            let processes = scene.container.top().await.unwrap_or_default();
            if processes.is_empty() {
                break;
            }
            if processes.iter().any(|process| process.uid == Some(uid)) {
                return Ok(Some(owner));
            }
            pace::pause(OFTEN).await;
        }
        Ok(None)
    }
}

/// What came of the tools' commands.
struct Ran<'a> {
    tools: &'a [DevTool],
    /// What each that failed did instead.
    failed: Vec<String>,
    log: Vec<String>,
    /// The exit code of the container, if it did not stay up.
    ended: Option<i64>,
}

impl Ran<'_> {
    fn verdict(self, lab: &Lab, broken: &str, good: impl Fn(&str) -> String) -> Checked {
        let role = lab.role("dev-tools")?;
        let what = match self.ended {
            Some(code) => {
                let what = format!("dev-tools does not stay up: it exited with {code}");
                return Ok(fail(what).at_place(&blame::command(&lab.subject, role)).log(self.log));
            }
            None if self.failed.is_empty() => {
                let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
                return Ok(pass(good(&names.join(", "))));
            }
            None => format!("{broken}: {}", self.failed.join(", ")),
        };
        Ok(fail(what).at(role.target.file.clone(), role.target.line()).log(self.log))
    }
}

/// Runs a command of each tool in a container of dev-tools, one after the other.
async fn run<'a>(lab: &Lab, tools: &'a [DevTool], within: Duration, who: Who) -> Checked<Ran<'a>> {
    let scene = lab.start(lab.role("dev-tools")?, |_| {}).await?;
    let user = who.user(lab, &scene).await?;
    let mut ran = Ran { tools, failed: Vec::new(), log: Vec::new(), ended: None };
    for tool in tools {
        let command: Vec<&str> = tool.command.words().iter().map(String::as_str).collect();
        let (name, shown) = (&tool.name, command.join(" "));
        let Ok(done) = tokio::time::timeout(within, scene.container.exec(&command, user.as_deref(), &[])).await else {
            ran.failed.push(format!("{name} (`{shown}` did not finish within {} s)", within.as_secs()));
            continue;
        };
        match done {
            Ok(done) if done.exit_code == 0 => {}
            Ok(done) => {
                ran.failed.push(format!("{name} (`{shown}` exited with {})", done.exit_code));
                ran.log.extend(done.output.lines().map(ToOwned::to_owned));
            }
            Err(error) => {
                let state = scene.container.inspect().await?;
                if !state.running {
                    (ran.ended, ran.log) = (Some(state.exit_code), scene.log().await);
                    break;
                }
                ran.failed.push(format!("{name} ({})", error.causes().join(": ")));
            }
        }
    }
    scene.end().await;
    Ok(ran)
}
