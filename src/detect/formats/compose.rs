//! compose files as evidence: which of the services is the project's own.

use super::super::datum::Datum;
use crate::text::clean;

/// The service that is built from a folder (both relative to the repository; `""` is its root). Of several, the one whose
/// name or Dockerfile `passed_over` does not refuse; a service that is built from the root counts for a folder below it only if no
/// other one does.
pub(in super::super) fn own_service<'a>(
    compose: &'a Datum,
    folder_of_file: &str,
    member: &str,
    passed_over: &dyn Fn(&str) -> bool,
) -> Option<(&'a str, &'a Datum)> {
    let mut best: Option<(u32, &str, &Datum)> = None;
    for (name, service) in compose.at("services/*") {
        let Some(build) = service.first("build") else { continue };
        let context = build.text.as_deref().or_else(|| build.text_at("context")).unwrap_or(".");
        let file = build.text_at("dockerfile").unwrap_or_default();
        let context = folder(folder_of_file, context);
        let by_file = folder(&context, file.rsplit_once('/').map_or("", |(folder, _)| folder));
        let near = if context == member || by_file == member {
            0
        } else if member.starts_with(&format!("{context}/")) || context.is_empty() {
            2
        } else {
            continue;
        };
        let refused = passed_over(name) || passed_over(file) || build.text_at("target").is_some_and(passed_over);
        let quiet = service.first("ports").is_none() && service.first("expose").is_none();
        let rank = near * 4 + u32::from(refused) * 2 + u32::from(quiet);
        if best.as_ref().is_none_or(|(other, ..)| rank < *other) {
            best = Some((rank, name, service));
        }
    }
    best.map(|(_, name, service)| (name, service))
}

/// A service, and what it starts as `start`: entrypoint and command, each a text or a list of words.
pub(in super::super) fn started(service: &Datum) -> Datum {
    let mut service = service.clone();
    let words = |key: &str| {
        let datum = service.first(key)?;
        let list: Vec<&str> = datum.entries.iter().filter_map(|(_, word)| word.text.as_deref()).collect();
        let text = datum.text.clone().unwrap_or_else(|| super::line_of_words(&list));
        Some(Datum::scalar(datum.line, text))
            .filter(|datum| datum.text.as_deref().is_some_and(|text| !text.trim().is_empty()))
    };
    let start = match (words("entrypoint"), words("command")) {
        (Some(entry), Some(command)) => {
            let text = format!("{} {}", entry.text.unwrap_or_default(), command.text.unwrap_or_default());
            Some(Datum::scalar(command.line, text))
        }
        (entry, command) => command.or(entry),
    };
    service.entries.extend(start.map(|start| ("start".to_owned(), start)));
    service
}

/// A folder that is named from another, relative to the repository.
fn folder(from: &str, name: &str) -> String {
    let path = clean(&format!("{from}/{name}"));
    let path = path.trim_start_matches('/');
    if path == "." { String::new() } else { path.to_owned() }
}
