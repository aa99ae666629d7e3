//! `build.extends-dev`: the build has what dev has, on the same release.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::engine::{BuildContext, EntryKind, ImageInfo, TreeEntry};
use crate::lab::leavings::below_any;
use crate::lab::lineage::base_tree;
use crate::lab::{Lab, blame, written};
use crate::stacks::{Shape, ecosystem};
use crate::subject::RoleSubject;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

/// Folders in which no dependency is: settings, what is left of installing, homes.
const NO_DEPENDENCIES: [&str; 9] = ["/etc", "/var", "/tmp", "/root", "/home", "/run", "/media", "/mnt", "/out"];

/// `build.extends-dev`.
pub(super) async fn extends_dev(lab: &Lab) -> Checked {
    let dev = lab.role("dev")?;
    let role = lab.role("build")?;
    let build = role.own.as_ref().unwrap_or(&role.target);
    let (dev_image, image) = (lab.container_image("dev")?, lab.image("build")?);
    let place = blame::stage_apart(build, &dev.target);
    let (theirs, ours) = (release(lab, dev_image).await?, release(lab, image).await?);
    if let (Some(theirs), Some(ours)) = (&theirs, &ours)
        && theirs != ours
    {
        let said = written::by_layer(lab, build, image, "/etc/os-release").await;
        let place = said.unwrap_or(place);
        return Ok(fail(format!("the build is made on {ours}, and dev runs on {theirs}"))
            .expected("the same release of the same distribution, so that what is built runs")
            .at_place(&place));
    }
    let on = match (&theirs, &ours) {
        (Some(release), Some(_)) => format!("both are on {release}"),
        (None, _) => "dev has no distribution".to_owned(),
        (_, None) => "the build has no distribution".to_owned(),
    };
    // A compiler puts the dependencies into what it makes.
    if lab.stack("whether its dependencies are compiled in")?.shape == Shape::Built {
        return Ok(pass(format!("{on}; dependencies are compiled in")));
    }
    let dependencies = dependencies(lab, dev, dev_image).await?;
    let tree = lab.tree(&image.id).await?;
    let same = |entry: &TreeEntry, other: &TreeEntry| {
        (entry.kind, entry.sha256, &entry.link) == (other.kind, other.sha256, &other.link)
    };
    let mut missing = dependencies.iter().filter(|(path, _)| !tree.files.contains_key(*path)).map(|(path, _)| path);
    let changed =
        dependencies.iter().filter(|(path, entry)| tree.files.get(*path).is_some_and(|other| !same(entry, other)));
    let mut changed = changed.map(|(path, _)| path);
    let (path, what) = match (missing.next(), changed.next()) {
        (Some(path), _) => (path, format!("{path} of dev is missing{}", more(missing.count()))),
        (None, Some(path)) => (path, format!("{path} is not dev's{}", more(changed.count()))),
        (None, None) => {
            return Ok(pass(match dependencies.len() {
                0 => format!("{on}; dev adds no dependency to its base"),
                count => format!("{on}, and the {count} files of dev's dependencies are the build's, too"),
            }));
        }
    };
    let place = written::by_layer(lab, build, image, path).await.unwrap_or(place);
    Ok(fail(what).expected("every production dependency of dev, as dev has it").at_place(&place))
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", nor are {count} others") }
}

/// Which release of which distribution an image is; none if it does not say.
async fn release(lab: &Lab, image: &ImageInfo) -> Checked<Option<String>> {
    let container = lab.run.create_idle(&image.id).await?;
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
async fn dependencies(lab: &Lab, dev: &RoleSubject, image: &ImageInfo) -> Checked<BTreeMap<String, TreeEntry>> {
    let base = base_tree(lab, dev).await?.unwrap_or_default();
    let tree = lab.tree(&image.id).await?;
    let context = BuildContext::open_for(&dev.target.context, &dev.target.dockerfile.file)?;
    let mut own: BTreeSet<[u8; 32]> = BTreeSet::new();
    for file in context.files()?.iter().filter(|file| file.kind == EntryKind::File) {
        own.insert(Sha256::digest(file.read()?).into());
    }
    let is_dependency = |path: &str, entry: &TreeEntry| {
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
