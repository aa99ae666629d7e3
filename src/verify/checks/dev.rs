//! dev's mount, and that its image holds no source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::compose::Mount;
use crate::engine::{Context, EntryKind, ImageInfo};
use crate::verify::artefact;
use crate::verify::bench::{Bench, Checked, Stop};
use crate::verify::outcome::{Outcome, fail, pass, skipped};
use crate::verify::workcopy::WorkCopy;

/// Files of fewer bytes are alike by chance.
const TELLING: u64 = 24;

/// The working directory of dev's container.
fn workdir(bench: &Bench) -> Checked<String> {
    let service = bench.subject.service(bench.role("dev")?);
    let image = bench.container_image("dev")?;
    let workdir = service.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    Ok(if workdir.is_empty() { "/".into() } else { workdir })
}

/// dev's bind mount of the project at or above the working directory, or the verdict that it has none.
fn source_mount(bench: &Bench) -> Checked<&Mount> {
    let service = bench.subject.service(bench.role("dev")?);
    let workdir = workdir(bench)?;
    let file = bench.subject.compose_file();
    let expected = format!("a writable bind mount of the project's folder at {workdir}");
    let refuse = |what: String, line: usize| -> Checked<&Mount> {
        Err(fail(what).expected(expected.clone()).at(file.clone(), line).into())
    };
    // The innermost mount is what the container sees.
    let covering = service.volumes.iter().filter(|mount| Path::new(&workdir).starts_with(&mount.target));
    let Some(mount) = covering.max_by_key(|mount| mount.target.len()) else {
        let targets: Vec<String> = service.volumes.iter().map(|mount| mount.target.clone()).collect();
        let seen = if targets.is_empty() {
            "nothing is mounted".to_owned()
        } else {
            format!("mounted at {}", targets.join(", "))
        };
        // One that was meant for it, if there is any.
        let meant = service.volumes.iter().find(|mount| mount.bind().is_some());
        return refuse(seen, meant.map_or(service.at("volumes").line, |mount| mount.place.line));
    };
    let line = mount.place.line;
    if mount.bind().is_none() {
        return refuse(format!("{} is a volume, not a bind mount of the project", mount.target), line);
    }
    let source = PathBuf::from(mount.source.clone().unwrap_or_default());
    let shown = bench.subject.shown(&source);
    let shown = if shown.is_empty() { ".".to_owned() } else { shown };
    if !source.starts_with(&bench.subject.folder) {
        return refuse(format!("{shown} is mounted there, which is not the project's folder"), line);
    }
    if !source.exists() {
        return refuse(format!("{shown} is mounted there, and does not exist"), line);
    }
    if !source.is_dir() {
        return refuse(format!("{shown} is mounted there, which is a single file"), line);
    }
    if mount.read_only {
        return refuse(format!("{shown} is mounted there read-only"), line);
    }
    Ok(mount)
}

/// The same for checks that build on it: what is wrong with it is `dev.mount`'s to say.
pub(super) fn held_mount(bench: &Bench) -> Checked<&Mount> {
    source_mount(bench).map_err(|stop| match stop {
        Stop::Verdict(verdict) if verdict.outcome() == Outcome::Fail => {
            skipped("dev.mount does not hold, so nothing passes between the container and the source").into()
        }
        other => other,
    })
}

/// `dev.mount`.
pub(super) async fn mount(bench: &Bench) -> Checked {
    const PROBE: &str = ".dockwright-probe";
    let role = bench.role("dev")?;
    let mount = source_mount(bench)?;
    let workdir = workdir(bench)?;
    let source = PathBuf::from(mount.source.clone().unwrap_or_default());
    let inside = source.strip_prefix(&bench.subject.folder).unwrap_or(Path::new("")).to_owned();
    // What stands at the mount on the host is to stand there in the container.
    let copy = WorkCopy::of(&bench.subject.folder)?;
    copy.write(&inside.join(PROBE).to_string_lossy(), b"probe")?;
    // Created, and not started: whether its command runs is another contract's business.
    let container = bench.create_on(role, &copy).await?;
    let seen = container.stat(&format!("{}/{PROBE}", mount.target.trim_end_matches('/'))).await?;
    container.remove().await?;
    let verdict = if seen.is_some() {
        pass(format!(
            "{} of the host is {workdir} of the container",
            if inside.as_os_str().is_empty() { "the project's folder".into() } else { inside.display().to_string() }
        ))
    } else {
        fail(format!("a file put into the project's folder does not show at {}", mount.target))
            .at(bench.subject.compose_file(), mount.place.line)
    };
    Ok(verdict)
}

/// `dev.no-source`.
pub(super) async fn no_source(bench: &Bench) -> Checked {
    let role = bench.role("dev")?;
    let image = bench.container_image("dev")?;
    let sources = sources(bench, image)?;
    let tree = bench.tree(&image.id).await?;
    let mut copied: Vec<(&str, &str)> = Vec::new();
    for (path, entry) in &tree.files {
        let Some(hash) = entry.sha256.filter(|_| entry.kind == EntryKind::File) else { continue };
        if let Some(source) = sources.get(&hash) {
            copied.push((source, path));
        }
    }
    if copied.is_empty() {
        return Ok(pass(format!(
            "none of {} source files is among the image's {} files",
            sources.len(),
            tree.files.len()
        )));
    }
    let shown: Vec<String> = copied.iter().take(5).map(|(source, path)| format!("{source} as {path}")).collect();
    let more = copied.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let line = copying_line(role, copied[0].0).unwrap_or(role.target.line());
    Ok(fail(format!("the image holds {}{more}", shown.join(", "))).at(role.target.file.clone(), line))
}

/// The hashes of the project's source files, dependency manifests and entry scripts aside.
fn sources(bench: &Bench, image: &ImageInfo) -> Checked<BTreeMap<[u8; 32], String>> {
    let manifests = artefact::manifests(bench);
    let context = Context::open(&bench.subject.folder)?;
    let mut sources = BTreeMap::new();
    for file in context.files()?.iter() {
        if file.kind != EntryKind::File
            || file.size < TELLING
            || manifests.is_match(&file.path)
            || is_scaffold(&file.path)
        {
            continue;
        }
        let content = file.read()?;
        if starts_the_image(&file.path, &content, image) {
            continue;
        }
        sources.insert(Sha256::digest(&content).into(), file.path.clone());
    }
    Ok(sources)
}

/// What makes the containers is no source of the service; nor is what every repository has, and packaging tools
/// want beside a manifest.
fn is_scaffold(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("docker/")
        || path.starts_with(".d")
        || ["LICENSE", "COPYING", "README", "CHANGELOG"].iter().any(|start| name.starts_with(start))
}

/// Whether it is a script that the image's own entrypoint, command or healthcheck names: it has to be there
/// before any mount is.
fn starts_the_image(path: &str, content: &[u8], image: &ImageInfo) -> bool {
    let shell = [&b"#!/bin/sh"[..], b"#!/bin/bash", b"#!/usr/bin/env sh", b"#!/usr/bin/env bash", b"#!/bin/dash"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let config = &image.config;
    let mut words = config.entrypoint.iter().chain(&config.cmd).flat_map(|word| word.split_whitespace());
    shell.iter().any(|start| content.starts_with(start)) && words.any(|word| word.rsplit('/').next() == Some(name))
}

/// The line of the COPY or ADD that brings a file of the context, if one names it or a folder above it.
fn copying_line(role: &crate::subject::RoleSubject, source: &str) -> Option<usize> {
    use crate::dockerfile::Kind;
    let dockerfile = &role.target.dockerfile;
    let chain = dockerfile.ancestry(role.target.stage);
    let instructions = chain.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let mut copies = instructions.filter_map(|instruction| match &instruction.kind {
        Kind::Copy(copy) | Kind::Add(copy) => Some((instruction.line, copy)),
        _ => None,
    });
    let names = |from: &str| {
        let from = from.trim_start_matches("./").trim_end_matches('/');
        from.is_empty() || from == "." || source.starts_with(from) || from.contains('*')
    };
    copies.find(|(_, copy)| copy.from.is_some() || copy.sources.iter().any(|from| names(from))).map(|(line, _)| line)
}
