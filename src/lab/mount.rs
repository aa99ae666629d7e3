//! Where dev has the source.

use std::path::{Path, PathBuf};

use super::Lab;
use super::obstacle::{Attempt, Reason};
use crate::compose::Mount;
use crate::text::Place;

/// The working directory of dev's container.
pub(crate) fn workdir(lab: &Lab) -> Attempt<String> {
    let service = lab.subject.service(lab.role("dev")?);
    let image = lab.container_image("dev")?;
    let workdir = service.settings.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    Ok(if workdir.is_empty() { "/".into() } else { workdir })
}

/// dev's bind mount of the project at or above the working directory.
pub(crate) fn source_mount(lab: &Lab) -> Attempt<&Mount> {
    let service = lab.subject.service(lab.role("dev")?);
    let workdir = workdir(lab)?;
    let expected = format!("a writable bind mount of the project's folder at {workdir}");
    let refuse = |what: String, place: &Place| -> Attempt<&Mount> {
        Err(Reason::new(what).expected(expected.clone()).at(place.clone()).refused())
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
        let meant = service.volumes.iter().find(|mount| mount.as_bind().is_some());
        return refuse(seen, meant.map_or(service.at("volumes"), |mount| &mount.place));
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
    if mount.read_only {
        return refuse(format!("{shown} is mounted there read-only"), place);
    }
    Ok(mount)
}
