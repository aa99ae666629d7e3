//! What `[verify]` and `[service]` need to know, from the Dockerfile, compose.yaml and the source.

use std::path::Path;

use regex::Regex;

use super::repository::AdoptedRepository;
use super::roles::{RoleScene, Seen, command_of};
use crate::compose::ComposeService;
use crate::dockerfile::{CommandForm, Dockerfile, InstructionKind};
use crate::spec::HealthTest;
use crate::stacks::{ecosystem, has_word, role_words};
use crate::text::{self, Place, line_of};

/// What was found.
#[derive(Default)]
pub(super) struct Probes {
    pub(super) health: Option<Seen>,
    pub(super) port: Option<Seen>,
    pub(super) port_env: Option<Seen>,
    /// The file and the text that the answer to `/` shows.
    pub(super) reload: Option<(String, Seen)>,
}

/// A text of the source with what it says, by its path.
struct Texts {
    health: Option<Seen>,
    port: Option<Seen>,
    port_env: Option<Seen>,
    reload: Option<(String, Seen)>,
}

/// Finds them; `dev` is the service that is dev, if one is.
pub(super) fn probes(scene: &RoleScene<'_>, dev: Option<&ComposeService>) -> Probes {
    let repository = scene.repository;
    let (production, _) = scene.production();
    let texts = texts(repository, &scene.chosen.built.context);
    let checked = healthcheck(scene.chosen.service, scene.shipped(), production);
    Probes {
        health: checked.or(texts.health),
        port: port(scene, production, texts.port),
        port_env: texts.port_env.or_else(|| shell_port(scene, production)),
        reload: texts.reload.filter(|_| dev.is_some()),
    }
}

/// The path that a healthcheck asks: compose.yaml's, else the image's.
fn healthcheck(service: Option<&ComposeService>, dockerfile: &Dockerfile, stage: usize) -> Option<Seen> {
    let own = service.and_then(|service| match service.settings.healthcheck.as_ref()?.test.as_ref()? {
        HealthTest::None => None,
        test => asked(&test.command(), service.at("healthcheck").clone(), "compose.yaml's healthcheck asks it"),
    });
    let chain = dockerfile.ancestry(stage);
    let mut all = chain.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev());
    own.or_else(|| {
        all.find_map(|one| match &one.kind {
            InstructionKind::Healthcheck(check) => {
                let command = match check.command.as_ref()? {
                    CommandForm::Shell(line) => line.clone(),
                    CommandForm::Exec(words) => words.join(" "),
                };
                asked(&command, Place::new(dockerfile.file.as_path(), one.line), "the image's healthcheck asks it")
            }
            _ => None,
        })
    })
}

fn asked(command: &str, place: Place, why: &str) -> Option<Seen> {
    let path = role_words().health.probe.0.captures(command)?.get(1)?.as_str().to_owned();
    Some(Seen { field: "health", value: path, place: Some(place), why: why.to_owned() })
}

/// The port, where neither compose.yaml nor the image leaves only one.
fn port(scene: &RoleScene<'_>, stage: usize, found: Option<Seen>) -> Option<Seen> {
    let dockerfile = scene.shipped();
    let exposed = exposed(dockerfile, stage);
    let published: Vec<u16> = scene.chosen.service.iter().flat_map(|one| &one.ports).map(|port| port.target).collect();
    let said: Vec<u16> = if exposed.is_empty() { published } else { exposed.iter().map(|(port, _)| *port).collect() };
    match said.as_slice() {
        [_] => None,
        [] => found.or_else(|| from_command(dockerfile, stage)),
        several => {
            let of_source = found.filter(|seen| several.iter().any(|port| port.to_string() == seen.value));
            of_source.or_else(|| {
                let (port, line) = exposed.first().copied().or_else(|| Some((*several.first()?, 0)))?;
                let place = (line > 0).then(|| Place::new(dockerfile.file.as_path(), line));
                let why = format!("the first of {} ports", several.len());
                Some(Seen { field: "port", value: port.to_string(), place, why })
            })
        }
    }
}

/// The ports that a stage declares, with their lines.
fn exposed(dockerfile: &Dockerfile, stage: usize) -> Vec<(u16, usize)> {
    let chain = dockerfile.ancestry(stage);
    let all = chain.iter().rev().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let ports = all
        .filter_map(|one| if let InstructionKind::Expose(ports) = &one.kind { Some((ports, one.line)) } else { None });
    let number = |text: &String| text.split('/').next()?.trim_matches('"').parse().ok();
    ports.flat_map(|(ports, line)| ports.iter().filter_map(move |port| Some((number(port)?, line)))).collect()
}

fn from_command(dockerfile: &Dockerfile, stage: usize) -> Option<Seen> {
    let command = command_of(dockerfile, stage)?;
    let port = role_words().port.number.0.captures(&command)?.get(1)?.as_str().to_owned();
    Some(Seen { field: "port", value: port, place: None, why: format!("the image's command says it: {command}") })
}

/// The image's command takes its port from a variable.
fn shell_port(scene: &RoleScene<'_>, stage: usize) -> Option<Seen> {
    let command = command_of(scene.shipped(), stage)?;
    let word = Regex::new(r"\$\{?(PORT)\b").expect("a fixed pattern");
    let found = word.captures(&command)?;
    let why = format!("the image's command reads it: {command}");
    Some(Seen { field: "port-env", value: found[1].to_owned(), place: None, why })
}

/// A text that the answer to `/` shows, near a route for it: its file, relative to `folder` and with `/`, its line and itself.
#[must_use]
pub fn answered(folder: &Path) -> Option<(String, usize, String)> {
    let mut found = None;
    text::each_text(folder, &is_left_out, &mut |path, text| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(one) = answer(text).filter(|_| is_source(&name)) {
            let file = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
            found = Some((file, line_of(&text.as_bytes()[..one.start()]), one.as_str().to_owned()));
        }
        found.is_none()
    });
    found
}

/// Whether a folder has nothing that says how the service works.
fn is_left_out(name: &str) -> bool {
    ecosystem().folders.is_no_source(name) || has_word(name, &role_words().words.test) || name.starts_with('.')
}

/// What the source says.
fn texts(repository: &AdoptedRepository, context: &Path) -> Texts {
    let words = role_words();
    let mut found = Texts { health: None, port: None, port_env: None, reload: None };
    text::each_text(context, &is_left_out, &mut |path, text| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !is_source(&name) {
            return true;
        }
        let at = |offset: usize| Some(Place::new(path, line_of(&text.as_bytes()[..offset])));
        let seen = |field, value: regex::Match<'_>, why: &str| {
            Some(Seen { field, value: value.as_str().to_owned(), place: at(value.start()), why: why.to_owned() })
        };
        let first = |pattern: &Regex| {
            let found = pattern.captures(text)?;
            found.iter().skip(1).flatten().next()
        };
        if found.health.is_none() {
            found.health = first(&words.health.paths.0).and_then(|one| seen("health", one, "the source has this path"));
        }
        if found.health.is_none() {
            let brought =
                words.health.brought.iter().find(|one| one.files.0.is_match(&name) && text.contains(&one.text));
            found.health = brought.map(|one| Seen {
                field: "health",
                value: one.path.clone(),
                place: at(text.find(&one.text).unwrap_or(0)),
                why: format!("{} brings this path", one.text),
            });
        }
        if found.port.is_none() {
            found.port = first(&words.port.number.0).and_then(|one| seen("port", one, "the source says it"));
        }
        if found.port_env.is_none() && !name.contains(".config.") {
            found.port_env = first(&words.port.variable.0).and_then(|one| seen("port-env", one, "the source reads it"));
        }
        if found.reload.is_none() {
            found.reload = answer(text).and_then(|one| {
                let file = repository.shown(path);
                Some((file, seen("reload", one, "the source answers it near a route for /")?))
            });
        }
        true
    });
    found
}

/// A text that is answered near a route for `/`, and that stands once in the file.
fn answer(text: &str) -> Option<regex::Match<'_>> {
    const NEAR: usize = 400;
    let words = &role_words().probe;
    let route = words.route.0.find(text)?;
    let found = words.text.0.captures_at(text, route.end())?.get(1)?;
    let near = found.start() - route.end() < NEAR;
    // The name of a file is answered by nobody.
    let is_name = found.as_str().rsplit_once('.').is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains(' '));
    (near && !is_name && text.matches(found.as_str()).count() == 1).then_some(found)
}

/// Whether a file may say how the service works: not what is for people, for tests or for other tools.
fn is_source(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_prose = [".md", ".rst", ".txt", ".lock", ".svg", ".css"].iter().any(|ending| lower.ends_with(ending));
    let is_container = lower.contains("compose") || lower.contains("dockerfile");
    !is_prose && !is_container && !has_word(&lower, &role_words().words.test)
}
