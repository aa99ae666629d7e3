//! `scaffold.pinned`: what comes from outside is named so that it is the same image tomorrow.

use std::collections::BTreeSet;

use crate::lab::Lab;
use crate::project::{ImageLock, ImageRef, LOCK};
use crate::stacks::ecosystem;
use crate::subject::external::{ExternalImage, frontends, outside};
use crate::text::ImageName;
use crate::verify::stop::{Checked, Stop};
use crate::verify::verdict::{fail, inconclusive, pass, skipped};

/// `scaffold.pinned`.
pub(super) fn check(lab: &Lab) -> Checked {
    let images = outside(&lab.subject);
    let frontends = frontends(&lab.subject);
    let named = frontends.iter().chain(&images);
    let mut flaws: Vec<(&ExternalImage, String)> = named.filter_map(|one| Some((one, flaw(&one.image)?))).collect();
    if flaws.is_empty() {
        let locked = ImageLock::read(&lab.subject.folder).map_err(|error| {
            let line = error.location().and_then(|at| at.line);
            Stop::from(fail(error.one_line()).at(LOCK, line))
        })?;
        match locked {
            None => {}
            Some(lock) if lock.schema != ImageLock::SCHEMA => {
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

/// Why a name is not exact; none if it is, or if it is no name at all, which does not build.
fn flaw(image: &str) -> Option<String> {
    if image.contains('$') || ImageRef::parse(image).is_err() {
        return None;
    }
    let ImageName { name, tag, digest } = ImageName::of(image);
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
    words.iter().all(says_nothing).then(|| format!("has the tag `{tag}`, which names a variant and no version"))
}

/// Whether a tag holds a day, as 20260131 or 2026-01-31.
fn is_dated(tag: &str) -> bool {
    let digits: String = tag.chars().filter(|c| *c != '-').collect();
    digits.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 8 && run.starts_with("20"))
}

/// What is wrong with a name where there is a lock; none if it has the locked digest.
fn unlocked(image: &str, lock: &ImageLock) -> Option<String> {
    if image.contains('$') {
        return None;
    }
    let named = ImageName::of(image);
    let ImageName { tag, digest, .. } = named;
    let same_name = |key: &str| ImageName::of(key).familiar() == named.familiar();
    let mut entries = lock.images.iter().filter(|(key, _)| same_name(key));
    let locked = |key: &str| tag.is_none() || ImageName::of(key).tag == tag;
    let known: Vec<&str> = entries.by_ref().filter(|(key, _)| locked(key)).map(|(_, digest)| digest.as_str()).collect();
    match (digest, known.as_slice()) {
        (_, []) => Some(format!("is not in {LOCK}")),
        (Some(digest), known) if known.contains(&digest) => None,
        (Some(_), [other, ..]) => Some(format!("has another digest than {LOCK}, which has {other}")),
        (None, [other, ..]) => Some(format!("is named only by its tag, and {LOCK} has {other}")),
    }
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
            ("docker/dockerfile:1.7-labs", true),
            ("docker/dockerfile:labs", false),
            ("busybox:musl", false),
            ("eclipse-temurin:25-jre", true),
            ("eclipse-temurin:jre", false),
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
        let lock = ImageLock { schema: 1, images: [("python:3.13-slim".to_owned(), one.clone())].into() };
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
