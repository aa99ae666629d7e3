//! `build.extends-dev`: the build has what dev has, on the same release.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::leavings::below_any;
use super::service::base_tree;
use crate::engine::{Context, Entry, EntryKind, ImageInfo};
use crate::stacks::{self, Shape, ecosystem};
use crate::verify::bench::{Bench, Checked};
use crate::verify::outcome::{fail, pass};
use crate::verify::subject::{RoleSubject, Target};

/// Folders in which no dependency is: settings, what is left of installing, homes.
const NO_DEPENDENCIES: [&str; 9] = ["/etc", "/var", "/tmp", "/root", "/home", "/run", "/media", "/mnt", "/out"];

/// `build.extends-dev`.
pub(super) async fn extends_dev(bench: &Bench) -> Checked {
    let dev = bench.role("dev")?;
    let role = bench.role("build")?;
    let build = role.own.as_ref().unwrap_or(&role.target);
    let (dev_image, image) = (bench.container_image("dev")?, bench.image("build")?);
    let at = (build.file.clone(), differing_line(dev, build));
    let (theirs, ours) = (release(bench, dev_image).await?, release(bench, image).await?);
    if let (Some(theirs), Some(ours)) = (&theirs, &ours)
        && theirs != ours
    {
        return Ok(fail(format!("the build is made on {ours}, and dev runs on {theirs}"))
            .expected("the same release of the same distribution, so that what is built runs")
            .at(at.0, at.1));
    }
    let on = match (&theirs, &ours) {
        (Some(release), Some(_)) => format!("both are on {release}"),
        (None, _) => "dev has no distribution".to_owned(),
        (_, None) => "the build has no distribution".to_owned(),
    };
    // A compiler puts the dependencies into what it makes.
    let shape = stacks::find(&bench.subject.project.service.stack).map(|stack| stack.shape);
    if shape == Some(Shape::Built) {
        return Ok(pass(format!("{on}; dependencies are compiled in")));
    }
    let dependencies = dependencies(bench, dev, dev_image).await?;
    let tree = bench.tree(&image.id).await?;
    let same = |entry: &Entry, other: &Entry| {
        (entry.kind, entry.sha256, &entry.link) == (other.kind, other.sha256, &other.link)
    };
    let mut missing = dependencies.iter().filter(|(path, _)| !tree.files.contains_key(*path)).map(|(path, _)| path);
    let changed =
        dependencies.iter().filter(|(path, entry)| tree.files.get(*path).is_some_and(|other| !same(entry, other)));
    let mut changed = changed.map(|(path, _)| path);
    let what = match (missing.next(), changed.next()) {
        (Some(path), _) => format!("{path} of dev is not there{}", more(missing.count())),
        (None, Some(path)) => format!("{path} is not dev's{}", more(changed.count())),
        (None, None) => {
            return Ok(pass(match dependencies.len() {
                0 => format!("{on}; dev adds no dependency to its base"),
                count => format!("{on}, and the {count} files of dev's dependencies are the build's, too"),
            }));
        }
    };
    Ok(fail(what).expected("every production dependency of dev, as dev has it").at(at.0, at.1))
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", nor are {count} others") }
}

/// Which release of which distribution an image is; none if it does not say.
async fn release(bench: &Bench, image: &ImageInfo) -> Checked<Option<String>> {
    let container = bench.run.create_idle(&image.id).await?;
    let mut text = None;
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        text = container.read_file(path, 1 << 16).await?;
        if text.is_some() {
            break;
        }
    }
    container.remove().await?;
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
    Ok(text.as_deref().and_then(named_release))
}

/// `ID` and `VERSION_ID` of an os-release file.
fn named_release(text: &str) -> Option<String> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']).to_owned())
    };
    let id = value("ID")?;
    // A release that is not out yet has only a name.
    let version = value("VERSION_ID").or_else(|| value("VERSION_CODENAME"));
    Some(version.map_or(id.clone(), |version| format!("{id} {version}")))
}

/// The files that dev adds to its base image as dependencies: not what it copies from the context, nor what installing
/// leaves beside them.
async fn dependencies(bench: &Bench, dev: &RoleSubject, image: &ImageInfo) -> Checked<BTreeMap<String, Entry>> {
    let base = base_tree(bench, dev).await?.unwrap_or_default();
    let tree = bench.tree(&image.id).await?;
    let context = Context::open_for(&dev.target.context, &dev.target.dockerfile.file)?;
    let mut own: BTreeSet<[u8; 32]> = BTreeSet::new();
    for file in context.files()?.iter().filter(|file| file.kind == EntryKind::File) {
        own.insert(Sha256::digest(file.read()?).into());
    }
    let is_dependency = |path: &str, entry: &Entry| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let within = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
        matches!(entry.kind, EntryKind::File | EntryKind::Symlink)
            && !NO_DEPENDENCIES.iter().any(within)
            // Bytecode holds the time of its source; names with a dot are a package manager's own.
            && !below_any(path, &[&ecosystem().folders.bytecode])
            && !name.starts_with('.')
            && base.files.get(path).is_none_or(|before| before.sha256 != entry.sha256)
            && !entry.sha256.is_some_and(|hash| own.contains(&hash))
    };
    let found = tree.files.iter().filter(|(path, entry)| is_dependency(path, entry));
    Ok(found.map(|(path, entry)| (path.clone(), entry.clone())).collect())
}

/// The line of the first stage of the build that is none of dev's.
fn differing_line(dev: &RoleSubject, build: &Target) -> usize {
    let names = |target: &Target| -> Vec<(Option<String>, usize)> {
        let stages = target.dockerfile.ancestry(target.stage).into_iter().rev();
        stages.map(|stage| &target.dockerfile.stages[stage]).map(|stage| (stage.name.clone(), stage.line)).collect()
    };
    let theirs = names(&dev.target);
    let own = names(build).into_iter().find(|(name, _)| !theirs.iter().any(|(other, _)| other == name));
    own.map_or(build.line(), |(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_distribution_and_a_version() {
        let debian =
            "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nID=debian\n";
        assert_eq!(named_release(debian).as_deref(), Some("debian 13"));
        assert_eq!(named_release("ID=debian\nVERSION_CODENAME=forky\n").as_deref(), Some("debian forky"));
        assert_eq!(named_release("ID=arch\n").as_deref(), Some("arch"));
        assert_eq!(named_release(""), None);
    }
}
