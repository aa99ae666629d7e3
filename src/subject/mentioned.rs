//! Services that a service reaches by their names without saying that it depends on them: `docker compose up` starts them
//! all the same.

use std::collections::BTreeSet;

use regex::RegexSet;

use super::target::Target;
use crate::compose::{Compose, ComposeService};
use crate::project::FILE;
use crate::stacks::ecosystem;
use crate::text;

/// The services of the default profile on a network of this one that its environment, its command or a file of its build
/// context names as a host, and that do not wait for it.
pub(super) fn mentioned(compose: &Compose, service: &ComposeService, target: &Target) -> Vec<String> {
    let mut needed = BTreeSet::from([service.name.clone()]);
    needed.extend(reached(compose, &service.name));
    needed.extend(service.depends_on.keys().cloned());
    let is_near = |other: &ComposeService| {
        let shares = other.networks.keys().any(|network| service.networks.contains_key(network));
        let waits = other.name == service.name || reached(compose, &other.name).contains(&service.name);
        shares && !waits && !needed.contains(&other.name)
    };
    let near: Vec<&ComposeService> = compose.in_default_profile().filter(|other| is_near(other)).collect();
    if near.is_empty() {
        return Vec::new();
    }
    let host = |other: &&ComposeService| {
        let name = regex::escape(&other.name);
        format!(r#"(?:["'`]{name}["'`:]|//{name}[:/"'`\s]|@{name}[:/"'`\s]|[=\s]{name}:[0-9])"#)
    };
    let hosts = RegexSet::new(near.iter().map(host)).expect("escaped names");
    let mut found: BTreeSet<usize> = BTreeSet::new();
    for value in service.settings.environment.values() {
        let value = value.as_deref().unwrap_or_default();
        found.extend(near.iter().enumerate().filter(|(_, other)| other.name == value).map(|(index, _)| index));
        found.extend(hosts.matches(&format!("{value} ")).iter());
    }
    let words = [&service.settings.command, &service.settings.entrypoint].into_iter().flatten().flatten();
    words.for_each(|word| found.extend(hosts.matches(&format!(" {word} ")).iter()));
    // The compose files name every service, and dockwright.toml those that play a role.
    text::each_text(&target.context, &|name| ecosystem().folders.is_no_source(name), &mut |path, text| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !compose.files.iter().any(|file| file == path) && name != FILE && !is_prose(&name) {
            found.extend(hosts.matches(text).iter());
        }
        found.len() < near.len()
    });
    found.into_iter().map(|index| near[index].name.clone()).collect()
}

/// The services that one waits for, and those that they wait for.
fn reached(compose: &Compose, name: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(service) = open.pop().and_then(|name| compose.services.get(&name)) {
        open.extend(service.depends_on.keys().filter(|other| found.insert((*other).clone())).cloned());
    }
    found
}

/// Whether a file is for people, or describes other ways of starting.
fn is_prose(name: &str) -> bool {
    let lower = name.to_lowercase();
    [".md", ".txt", ".rst", ".lock"].iter().any(|ending| lower.ends_with(ending)) || lower.contains("compose")
}
