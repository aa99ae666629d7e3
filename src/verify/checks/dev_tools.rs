//! dev-tools.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::compose::Compose;
use crate::lab::Lab;
use crate::subject::Subject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass, skipped};

/// How long a tool may take to show that it runs.
const SHOWS: Duration = Duration::from_mins(1);

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
        return refuse("it is in no profile, so that `docker compose up` starts it".into(), &tools.place);
    }
    if let Some((names, place)) = &subject.compose.profiles
        && let Some(profile) = names.iter().find(|name| *name == "*" || tools.profiles.contains(name))
    {
        return refuse(format!("COMPOSE_PROFILES turns the profile {profile} on for every `docker compose up`"), place);
    }
    if let Some(port) = tools.ports.first() {
        return refuse(format!("it publishes port {}", port.target), &port.place);
    }
    Ok(pass(format!(
        "it is in the profile {} alone, dev does not wait for it, and it publishes no port",
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
    let role = lab.role("dev-tools")?;
    let tools = &lab.subject.project.roles.dev_tools.tools;
    if tools.is_empty() {
        return Ok(skipped("no tool is declared in [roles.dev-tools.tools]"));
    }
    let scene = lab.start(role, |_| {}).await?;
    let mut missing = Vec::new();
    let mut log = Vec::new();
    for tool in tools {
        let command: Vec<&str> = tool.shows.words().iter().map(String::as_str).collect();
        let Ok(done) = tokio::time::timeout(SHOWS, scene.container.exec(&command, None, &[])).await else {
            missing.push(format!("{} (`{}` did not end within {} s)", tool.name, command.join(" "), SHOWS.as_secs()));
            continue;
        };
        match done {
            Ok(done) if done.exit_code == 0 => {}
            Ok(done) => {
                missing.push(format!(
                    "{} (`{}` ended with exit code {})",
                    tool.name,
                    command.join(" "),
                    done.exit_code
                ));
                log.extend(done.output.lines().map(ToOwned::to_owned));
            }
            Err(error) => {
                let state = scene.container.inspect().await?;
                if !state.running {
                    log = scene.log().await;
                    scene.end().await;
                    let what = format!("dev-tools does not stay up: it ended with exit code {}", state.exit_code);
                    return Ok(fail(what).at(role.target.file.clone(), role.target.line()).log(log));
                }
                missing.push(format!("{} ({})", tool.name, error.causes().join(": ")));
            }
        }
    }
    scene.end().await;
    Ok(if missing.is_empty() {
        let names: Vec<String> = tools.iter().map(|tool| tool.name.to_string()).collect();
        pass(format!("{} run", names.join(", ")))
    } else {
        fail(format!("not there, or not running: {}", missing.join(", ")))
            .at(role.target.file.clone(), role.target.line())
            .log(log)
    })
}
