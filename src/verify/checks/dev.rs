//! dev's mount, and that its image holds no source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::compose::Mount;
use crate::engine::{Context, EntryKind, FileTree, ImageInfo};
use crate::lab::mount::{source_mount, workdir};
use crate::lab::workcopy::is_left_out;
use crate::lab::{Lab, WorkCopy, blame, rebuild};
use crate::text::{join, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, pass};

/// Files of fewer bytes are alike by chance.
const TELLING: u64 = 24;
/// Files of more bytes are no source.
const LARGEST: u64 = 1 << 24;

/// `dev.mount`.
pub(super) async fn mount(lab: &Lab) -> Checked {
    const PROBE: &str = ".dockwright-probe";
    let role = lab.role("dev")?;
    let mount = source_mount(lab)?;
    let workdir = workdir(lab)?;
    let source = PathBuf::from(mount.source.clone().unwrap_or_default());
    let inside = source.strip_prefix(&lab.subject.folder).unwrap_or(Path::new("")).to_owned();
    if let Some(verdict) = covered(lab, mount, &source)? {
        return Ok(verdict);
    }
    // What stands at the mount on the host is to stand there in the container.
    let copy = WorkCopy::of(&lab.subject.folder)?;
    copy.write(&inside.join(PROBE).to_string_lossy(), b"probe")?;
    // Created, and not started: whether its command runs is another contract's business.
    let container = lab.create_on(role, &copy).await?;
    let seen = container.stat(&format!("{}/{PROBE}", mount.target.trim_end_matches('/'))).await?;
    container.remove().await?;
    let verdict = if seen.is_some() {
        pass(format!(
            "{} of the host is {workdir} of the container",
            if inside.as_os_str().is_empty() { "the project's folder".into() } else { inside.display().to_string() }
        ))
    } else {
        fail(format!("a file put into the project's folder does not show at {}", mount.target)).at_place(&mount.place)
    };
    Ok(verdict)
}

/// Another mount that lies over a part of the source, so that edits there do not arrive. Folders that tools fill are not
/// the source, and what the project mounts of itself at its own place hides nothing.
fn covered(lab: &Lab, mount: &Mount, source: &Path) -> Checked<Option<Verdict>> {
    let service = lab.subject.service(lab.role("dev")?);
    let over = service.volumes.iter().map(|other| (other.target.as_str(), other.source.as_deref(), &other.place));
    let memory = service.settings.tmpfs.iter().map(|other| (other.target.as_str(), None, service.at("tmpfs")));
    for (target, from, place) in over.chain(memory) {
        let Ok(below) = Path::new(target).strip_prefix(&mount.target) else { continue };
        let own = source.join(below);
        let filled = below.iter().any(|part| is_left_out(Path::new(part)));
        if below.as_os_str().is_empty()
            || filled
            || from.is_some_and(|from| Path::new(from) == own)
            || !holds_files(&own)
        {
            continue;
        }
        let folder = lab.subject.shown(&own);
        return Ok(Some(
            fail(format!("{target} is another mount, so that edits in {folder} do not arrive in the container"))
                .at(lab.subject.shown(&place.file), place.line)
                .hint(format!("Remove the mount at {target}, or put it where no source is.")),
        ));
    }
    Ok(None)
}

/// Whether a path of the project is a file, or a folder with a file in it.
fn holds_files(path: &Path) -> bool {
    let files = walkdir::WalkDir::new(path).into_iter().filter_entry(|entry| !is_left_out(entry.path()));
    files.filter_map(Result::ok).any(|entry| entry.file_type().is_file())
}

/// `dev.no-source`.
pub(super) async fn no_source(lab: &Lab) -> Checked {
    let role = lab.role("dev")?;
    let image = lab.container_image("dev")?;
    let tree = lab.tree(&image.id).await?;
    let sources = sources(lab, image, &tree)?;
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
    let shown = listed(copied.iter().map(|(source, path)| format!("{source} as {path}")), 5);
    let place = blame::copy(&role.target, copied[0].0).unwrap_or(role.target.place(role.target.line()));
    Ok(fail(format!("the image holds {shown}")).at_place(&place))
}

/// The hashes of the project's source files, dependency manifests and entry scripts aside.
fn sources(lab: &Lab, image: &ImageInfo, tree: &FileTree) -> Checked<BTreeMap<[u8; 32], String>> {
    let manifests = rebuild::manifests(lab);
    let starting = starting(image, tree);
    let context = Context::open(&lab.subject.folder)?;
    let mut sources = BTreeMap::new();
    for file in context.files()?.iter() {
        if file.kind != EntryKind::File
            || !(TELLING..LARGEST).contains(&file.size)
            || manifests.is_match(&file.path)
            || is_scaffold(&file.path)
        {
            continue;
        }
        let content = file.read()?;
        let hash: [u8; 32] = Sha256::digest(&content).into();
        if is_script(&content) && starting.contains(&hash) {
            continue;
        }
        sources.insert(hash, file.path.clone());
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

/// Whether a text is a shell's script.
fn is_script(content: &[u8]) -> bool {
    let shell = [&b"#!/bin/sh"[..], b"#!/bin/bash", b"#!/usr/bin/env sh", b"#!/usr/bin/env bash", b"#!/bin/dash"];
    shell.iter().any(|start| content.starts_with(start))
}

/// The contents of what the image's own entrypoint and command name, by whatever name it is in the image: it has to be
/// there before any mount is.
fn starting(image: &ImageInfo, tree: &FileTree) -> BTreeSet<[u8; 32]> {
    let config = &image.config;
    let words = config.entrypoint.iter().chain(&config.cmd).flat_map(|word| word.split_whitespace());
    let folders: Vec<&str> = config.env_value("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin").split(':').collect();
    let places = words.flat_map(|word| {
        let below: Vec<String> = folders.iter().map(|folder| join(folder, word)).collect();
        [join(&config.working_dir, word)].into_iter().chain(below).filter(|_| !word.is_empty())
    });
    places.filter_map(|place| tree.files.get(&place)?.sha256).collect()
}
