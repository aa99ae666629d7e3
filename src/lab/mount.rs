//! Where dev has the source.

use std::path::{Path, PathBuf};

use super::Lab;
use super::obstacle::{Attempt, Reason};
use crate::compose::{ComposeMount, ComposeService};
use crate::engine::BuildContext;
use crate::text::Place;

/// The working directory of dev's container.
pub(crate) fn workdir(lab: &Lab) -> Attempt<String> {
    let service = lab.subject.service(lab.role("dev")?);
    let image = lab.container_image("dev")?;
    let workdir = service.settings.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    Ok(if workdir.is_empty() { "/".into() } else { workdir })
}

/// Which folder of the project a bind mount shows, relative to it.
pub(crate) fn source_folder(lab: &Lab, mount: &ComposeMount) -> PathBuf {
    let source = PathBuf::from(mount.source.clone().unwrap_or_default());
    source.strip_prefix(&lab.subject.folder).unwrap_or(Path::new("")).to_owned()
}

/// A part of the project that is mounted below the working directory; of several, that with the most files. Where dev is of
/// the user's own, the whole may be, too.
fn part_of_source<'a>(lab: &Lab, service: &'a ComposeService, workdir: &str) -> Option<&'a ComposeMount> {
    let own = lab.subject.project.makes("dev");
    let is_part = |mount: &&ComposeMount| {
        let source = mount.source.as_deref().map(Path::new);
        let is_own = source.is_some_and(|source| source.is_dir() && source.starts_with(&lab.subject.folder));
        let is_whole = source == Some(&lab.subject.folder);
        mount.as_bind().is_some() && is_own && !(own && is_whole) && Path::new(&mount.target).starts_with(workdir)
    };
    let size = |mount: &&ComposeMount| {
        let context = mount.source.as_deref().map(|source| BuildContext::open(Path::new(source)));
        context.and_then(Result::ok).and_then(|context| context.files().ok()).map_or(0, |files| files.len())
    };
    service.volumes.iter().filter(is_part).max_by_key(size)
}

/// dev's bind mount of the project at or above the working directory.
pub(crate) fn source_mount(lab: &Lab) -> Attempt<&ComposeMount> {
    let service = lab.subject.service(lab.role("dev")?);
    let workdir = workdir(lab)?;
    let expected = format!("a writable bind mount of the project's folder at {workdir}");
    let refuse = |what: String, place: &Place| -> Attempt<&ComposeMount> {
        Err(Reason::new(what).expected(expected.clone()).at(place.clone()).refused())
    };
    // The innermost mount is what the container sees.
    let covering = service.volumes.iter().filter(|mount| Path::new(&workdir).starts_with(&mount.target));
    let covering = covering.max_by_key(|mount| mount.target.len());
    let Some(mount) = covering.or_else(|| part_of_source(lab, service, &workdir)) else {
        let targets: Vec<String> = service.volumes.iter().map(|mount| mount.target.clone()).collect();
        let seen = if targets.is_empty() {
            "nothing is mounted".to_owned()
        } else {
            format!("mounted at {}", targets.join(", "))
        };
        // One that was meant for it, if there is any.
        let meant = service.volumes.iter().find(|mount| mount.as_bind().is_some());
        let elsewhere = service.settings.working_dir.as_ref().map(|_| service.at("working_dir"));
        let place = elsewhere.unwrap_or_else(|| meant.map_or(service.at("volumes"), |mount| &mount.place));
        return refuse(seen, place);
    };
    let place = &mount.place;
    if mount.as_bind().is_none() {
        return refuse(format!("{} is a volume, not a bind mount of the project", mount.target), place);
    }
    let source = PathBuf::from(mount.source.clone().unwrap_or_default());
    let shown = lab.subject.shown(&source);
    let shown = if shown.is_empty() { ".".to_owned() } else { shown };
    if !source.starts_with(&lab.subject.folder) {
        return refuse(format!("{shown} is mounted there, which is not the project's folder"), place);
    }
    if !source.exists() {
        return refuse(format!("{shown} is mounted there, and does not exist"), place);
    }
    if !source.is_dir() {
        return refuse(format!("{shown} is mounted there, which is a single file"), place);
    }
    let below = Path::new(&workdir).strip_prefix(&mount.target).unwrap_or(Path::new(""));
    if !source.join(below).is_dir() {
        let below = below.display();
        let what =
            format!("{shown} is mounted at {}, and has no folder {below} to be the working directory", mount.target);
        return refuse(what, place);
    }
    if mount.read_only {
        return refuse(format!("{shown} is mounted there read-only"), place);
    }
    Ok(mount)
}
