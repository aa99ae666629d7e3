//! `scaffold.pinned`: what comes from outside is named so that it is the same image tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::Error;
use crate::lab::Lab;
use crate::project::ImageRef;
use crate::stacks::ecosystem;
use crate::subject::{RoleSubject, Subject, Target};
use crate::text::read_text;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass, skipped};

/// The file with the digests of outside images.
const LOCK: &str = "dockwright.lock";

/// The build argument that names another frontend (docs.docker.com, "Custom Dockerfile syntax").
const FRONTEND: &str = "BUILDKIT_SYNTAX";

/// The largest that it is read with, in bytes.
const LARGEST: u64 = 1 << 20;

/// An image from outside, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Outside {
    file: String,
    line: usize,
    image: String,
}

/// What dockwright.lock holds.
#[derive(Debug, Deserialize)]
struct Lock {
    schema: i64,
    #[serde(default)]
    images: BTreeMap<String, String>,
}

/// `scaffold.pinned`.
pub(super) fn check(lab: &Lab) -> Checked {
    let images = outside(&lab.subject);
    let frontends = frontends(&lab.subject);
    let named = frontends.iter().chain(&images);
    let mut flaws: Vec<(&Outside, String)> = named.filter_map(|one| Some((one, flaw(&one.image)?))).collect();
    if flaws.is_empty() {
        match lock(lab)? {
            None => {}
            Some(lock) if lock.schema != 1 => {
                return Ok(inconclusive(format!("{LOCK} has the schema {}, and this version knows 1", lock.schema))
                    .at(LOCK, None));
            }
            Some(lock) => flaws.extend(images.iter().filter_map(|one| Some((one, unlocked(&one.image, &lock)?)))),
        }
    }
    let Some((first, _)) = flaws.first() else {
        // What has no value does not build either.
        if let Some(open) = images.iter().find(|one| one.image.contains('$')) {
            return Ok(skipped(format!("{}:{} names {}, which has no value", open.file, open.line, open.image)));
        }
        let names: BTreeSet<&str> = images.iter().map(|one| one.image.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        return Ok(pass(if names.is_empty() {
            "every stage starts from scratch, and nothing is taken from another image".to_owned()
        } else {
            format!("named exactly: {}", names.join(", "))
        }));
    };
    let told: Vec<String> = flaws.iter().map(|(one, why)| format!("{} {why}", one.image)).collect();
    Ok(fail(told.join("; ")).at(first.file.clone(), first.line))
}

/// Every outside image that a role's stage, or a service that the role depends on, is made of; in order of place.
fn outside(subject: &Subject) -> BTreeSet<Outside> {
    let mut found = BTreeSet::new();
    for role in &subject.roles {
        for target in [Some(&role.target), role.own.as_ref()].into_iter().flatten() {
            found.extend(of_target(subject, role, target));
        }
        found.extend(depended_on(subject, role));
    }
    found
}

/// The images that read the Dockerfiles: by the `syntax` directive, or by the build argument that stands for it.
fn frontends(subject: &Subject) -> BTreeSet<Outside> {
    let targets = subject.roles.iter().flat_map(|role| {
        let service = subject.service(role);
        [Some(&role.target), role.own.as_ref()].into_iter().flatten().map(move |target| (service, target))
    });
    let named = targets.filter_map(|(service, target)| {
        if let Some(image) = target.args.get(FRONTEND) {
            let place = service.at(&format!("build.args.{FRONTEND}"));
            return Some(Outside { file: subject.shown(&place.file), line: place.line, image: image.clone() });
        }
        let (image, line) = target.dockerfile.syntax()?;
        Some(Outside { file: target.file.clone(), line, image: image.to_owned() })
    });
    named.collect()
}

fn of_target(subject: &Subject, role: &RoleSubject, target: &Target) -> Vec<Outside> {
    let service = subject.service(role);
    let contexts = service.build.as_ref().map(|build| &build.additional_contexts);
    let mut found = Vec::new();
    for outside in target.dockerfile.outside_images(target.stage) {
        // FROM alone knows variables.
        let from = outside.line == target.dockerfile.stages[outside.stage].line;
        let image = if from { target.named(&outside.raw) } else { outside.image };
        match contexts.and_then(|contexts| contexts.get(&image)) {
            None => found.push(Outside { file: target.file.clone(), line: outside.line, image }),
            Some(context) => {
                if let Some(image) = context.strip_prefix("docker-image://") {
                    let line = service.at("build.additional_contexts").line;
                    found.push(Outside { file: subject.compose_file(), line, image: image.to_owned() });
                }
            }
        }
    }
    found
}

/// The images of services that are no role's and that a role's service waits for.
fn depended_on(subject: &Subject, role: &RoleSubject) -> Vec<Outside> {
    let services = &subject.compose.services;
    let mut open = vec![&role.service];
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(name) = open.pop() {
        let Some(service) = services.get(name).filter(|_| seen.insert(name)) else { continue };
        open.extend(service.depends_on.keys());
        if let (Some(image), None) = (&service.image, &service.build) {
            let place = service.at("image");
            found.push(Outside { file: subject.shown(&place.file), line: place.line, image: image.clone() });
        }
    }
    found
}

/// An image's name, tag and digest.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (named, digest) = image.split_once('@').map_or((image, None), |(named, digest)| (named, Some(digest)));
    let slash = named.rfind('/').map_or(0, |at| at + 1);
    match named[slash..].find(':') {
        Some(colon) => (&named[..slash + colon], Some(&named[slash + colon + 1..]), digest),
        None => (named, None, digest),
    }
}

/// Why a name is not exact; none if it is, or if it is no name at all, which does not build.
fn flaw(image: &str) -> Option<String> {
    if image.contains('$') || ImageRef::parse(image).is_err() {
        return None;
    }
    let (name, tag, digest) = parts(image);
    if digest.is_some() {
        return None;
    }
    let Some(tag) = tag else { return Some("has no tag, which means `latest`".into()) };
    let words: Vec<String> = tag.split(['-', '_']).map(str::to_ascii_lowercase).collect();
    if words.iter().any(|word| word == "latest") {
        return Some("follows `latest`".into());
    }
    let tags = &ecosystem().images;
    let is = |words: &[String], word: &str| words.iter().any(|own| own == word);
    let moving = words.iter().find(|word| is(&tags.moving, word));
    if let Some(word) = moving.filter(|_| !is_dated(tag)) {
        return Some(format!("follows `{word}`"));
    }
    let own = name.rsplit('/').next().unwrap_or(name);
    let program = is(&tags.programs, own);
    let says_nothing = |word: &String| {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        is(&tags.variants, word)
            || program && (is(&tags.releases, word) || word.as_str() != bare && is(&tags.variants, bare))
    };
    words.iter().all(says_nothing).then(|| format!("says with `{tag}` which variant is meant, and no version"))
}

/// Whether a tag holds a day, as 20260131 or 2026-01-31.
fn is_dated(tag: &str) -> bool {
    let digits: String = tag.chars().filter(|c| *c != '-').collect();
    digits.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 8 && run.starts_with("20"))
}

/// What is wrong with a name where there is a lock; none if it has the locked digest.
fn unlocked(image: &str, lock: &Lock) -> Option<String> {
    if image.contains('$') {
        return None;
    }
    let (name, tag, digest) = parts(image);
    let same_name = |key: &str| plain(parts(key).0) == plain(name);
    let mut entries = lock.images.iter().filter(|(key, _)| same_name(key));
    let locked = |key: &str| tag.is_none() || parts(key).1 == tag;
    let known: Vec<&str> = entries.by_ref().filter(|(key, _)| locked(key)).map(|(_, digest)| digest.as_str()).collect();
    match (digest, known.as_slice()) {
        (_, []) => Some(format!("is not in {LOCK}")),
        (Some(digest), known) if known.contains(&digest) => None,
        (Some(_), [other, ..]) => Some(format!("has another digest than {LOCK}, which has {other}")),
        (None, [other, ..]) => Some(format!("is named by its tag alone, and {LOCK} has {other}")),
    }
}

/// A name without what is left out for images of the Docker Hub.
fn plain(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").or_else(|| name.strip_prefix("index.docker.io/")).unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

/// Reads dockwright.lock, if there is one; one that cannot be read locks nothing.
fn lock(lab: &Lab) -> Checked<Option<Lock>> {
    let path = lab.subject.folder.join(LOCK);
    let text = match read_text(&path, LARGEST) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(Error::from(error).into()),
    };
    toml::from_str(&text).map(Some).map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        fail(format!("{LOCK} cannot be understood: {}", error.message())).at(LOCK, line).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_names_are_told_from_exact_ones() {
        for (image, exact) in [
            ("python:3.13-slim-trixie", true),
            ("node:24", true),
            ("debian:trixie-slim", true),
            ("ubuntu:noble", true),
            ("gcr.io/distroless/static-debian12:nonroot", true),
            ("registry:5000/x:1.2", true),
            ("debian:testing-20260112-slim", true),
            ("rustlang/rust:nightly-2026-01-12", true),
            ("ghcr.io/acme/base:trixie", true),
            ("golang:1.25-alpine3.22", true),
            ("alpine:3.22", true),
            ("python@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true),
            ("python:latest@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true),
            ("python", false),
            ("registry:5000/x", false),
            ("python:latest", false),
            ("python:slim", false),
            ("node:lts-slim", false),
            ("node:current-alpine3.22", false),
            ("python:slim-trixie", false),
            ("golang:alpine3.22", false),
            ("nginx:stable-alpine", false),
            ("alpine:edge", false),
            ("debian:stable-slim", false),
            ("docker.io/library/node:trixie-slim", false),
        ] {
            assert_eq!(flaw(image).is_none(), exact, "{image}: {:?}", flaw(image));
        }
    }

    #[test]
    fn the_lock_decides_where_it_is() {
        let (one, two) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
        let lock = Lock { schema: 1, images: [("python:3.13-slim".to_owned(), one.clone())].into() };
        for (image, fits) in [
            (format!("python:3.13-slim@{one}"), true),
            (format!("python@{one}"), true),
            (format!("docker.io/library/python:3.13-slim@{one}"), true),
            (format!("python:3.13-slim@{two}"), false),
            (format!("python:3.12-slim@{one}"), false),
            ("python:3.13-slim".to_owned(), false),
            (format!("node:24@{one}"), false),
        ] {
            assert_eq!(unlocked(&image, &lock).is_none(), fits, "{image}");
        }
    }
}
