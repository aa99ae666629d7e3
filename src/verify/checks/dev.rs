//! dev's mount, and that its image holds no source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::compose::{ComposeMount, LaidFrom};
use crate::engine::{BuildContext, EntryKind, FileTree, ImageInfo};
use crate::lab::leavings::{is_left_out, is_program};
use crate::lab::mount::{source_folder, source_mount};
use crate::lab::{Lab, blame, rebuild, written};
use crate::stacks::{ecosystem, formats};
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
    let inside = source_folder(lab, mount);
    if let Some(what) = sourceless(lab, &inside) {
        return Ok(fail(format!("{} is mounted at {}, and {what}", inside.display(), mount.target))
            .expected(format!("the project's source at {}", mount.target))
            .at_place(&mount.place));
    }
    if let Some(verdict) = covered(lab, mount, &lab.subject.folder.join(&inside))? {
        return Ok(verdict);
    }
    // What stands at the mount on the host is to stand there in the container.
    let copy = lab.copy()?;
    copy.write(&inside.join(PROBE).to_string_lossy(), b"probe")?;
    // Created, and not started: whether its command runs is another contract's business.
    let container = lab.create_on(role, &copy).await?;
    let seen = container.stat(&format!("{}/{PROBE}", mount.target.trim_end_matches('/'))).await?;
    container.remove().await?;
    let verdict = if seen.is_some() {
        pass(format!(
            "{} of the host is {} of the container",
            if inside.as_os_str().is_empty() { "the project's folder".into() } else { inside.display().to_string() },
            mount.target
        ))
    } else {
        fail(format!("a file put into the project's folder does not show at {}", mount.target)).at_place(&mount.place)
    };
    Ok(verdict)
}

/// Why a folder of the project is not its source; none if it is. The project's own folder is, whatever is in it.
fn sourceless(lab: &Lab, inside: &Path) -> Option<String> {
    if inside.as_os_str().is_empty() {
        return None;
    }
    if let Some(reload) = &lab.subject.project.verify.reload {
        let file = reload.file.as_str();
        return (!Path::new(file).starts_with(inside)).then(|| format!("{file} is not in it"));
    }
    let files = walkdir::WalkDir::new(lab.subject.folder.join(inside)).into_iter();
    let mut files = files.filter_entry(|entry| !is_left_out(entry.path())).filter_map(Result::ok);
    (!files.any(|entry| is_program(&entry.path().to_string_lossy()))).then(|| "no source file is in it".to_owned())
}

/// Fails if something else lies over a part of the source, so that edits there do not arrive or cannot be made. Folders that
/// tools fill are not source. What the project mounts of itself at its own place hides nothing, but programs must be writable
/// there, too.
fn covered(lab: &Lab, mount: &ComposeMount, source: &Path) -> Checked<Option<Verdict>> {
    let role = lab.role("dev")?;
    let laid = lab.subject.compose.laid(lab.subject.service(role));
    // The part of the source that lies at a path below the mount's, if there is a file of it.
    let of_source = |target: &str| {
        let below = Path::new(target).strip_prefix(&mount.target).ok()?;
        let filled = below.iter().any(|part| is_left_out(Path::new(part)));
        let own = source.join(below);
        (!(below.as_os_str().is_empty() || filled) && holds_files(&own, |_| true)).then_some(own)
    };
    for one in &laid {
        let Some(own) = of_source(&one.target) else { continue };
        let (target, folder) = (&one.target, lab.subject.shown(&own));
        let what = match one.from {
            LaidFrom::Host(from) if Path::new(from) == own => {
                if !(one.read_only && holds_files(&own, is_program)) {
                    continue;
                }
                format!("{folder} is mounted again at {target}, read-only")
            }
            _ => format!("{target} is another mount, so that edits in {folder} do not arrive in the container"),
        };
        return Ok(Some(
            fail(what)
                .at(lab.subject.shown(&one.place.file), one.place.line)
                .hint(format!("Remove the mount at {target}, or put it where no source is.")),
        ));
    }
    // The engine makes a volume for each of the image's that compose.yaml mounts nothing at.
    let volumes = &lab.container_image("dev")?.config.volumes;
    let hides =
        volumes.iter().find(|target| of_source(target).is_some() && laid.iter().all(|one| one.target != **target));
    Ok(hides.map(|target| {
        fail(format!(
            "VOLUME puts a volume over the source at {target}, so that edits there do not arrive in the container"
        ))
        .at_place(&blame::volume(&role.target, target))
        .hint(format!("Remove {target} from VOLUME in the stages of dev."))
    }))
}

/// Whether a path of the project is a file that counts, or a folder with one in it.
fn holds_files(path: &Path, counts: fn(&str) -> bool) -> bool {
    let files = walkdir::WalkDir::new(path).into_iter().filter_entry(|entry| !is_left_out(entry.path()));
    files.filter_map(Result::ok).any(|entry| entry.file_type().is_file() && counts(&entry.path().to_string_lossy()))
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
        if let Some(source) = sources.get(&hash).filter(|source| !is_of_a_package(&tree, path, source)) {
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
    let place = match written::by_layer(lab, &role.target, image, copied[0].1).await {
        Some(place) => place,
        None => blame::copy(&role.target, copied[0].0).unwrap_or(role.target.place(role.target.line())),
    };
    Ok(fail(format!("the image contains {shown}")).at_place(&place))
}

/// Whether an installed package has a file that the project took from it, such as a template of migrations: a project that is
/// installed itself has its files where the project has them.
fn is_of_a_package(tree: &FileTree, path: &str, source: &str) -> bool {
    let packages = &ecosystem().folders.packages;
    let found = packages.iter().filter_map(|name| Some((path.rfind(&format!("/{name}/"))?, name.len() + 2)));
    let Some((at, length)) = found.max() else { return false };
    let (folder, inner) = path.split_at(at + length);
    let scope = if inner.starts_with('@') { inner.find('/').map_or(0, |at| at + 1) } else { 0 };
    let Some((name, rest)) = inner[scope..].split_once('/') else { return false };
    let name = &inner[..scope + name.len()];
    let is_the_projects = rest == source || inner == source || source.ends_with(&format!("/{inner}"));
    let bears = |manifest: &str| {
        let package = formats::package(manifest).unwrap_or_default();
        // A folder of Python's is called NAME-VERSION.dist-info, a file of node's names nothing else.
        let is_folder = Path::new(manifest).extension().is_none_or(|ending| ending != "json");
        let package = package.split_once('-').filter(|_| is_folder).map_or(&*package, |(name, _)| name);
        formats::normal(package) == formats::normal(name)
    };
    let mut inside = tree.files.range(folder.to_owned()..).map(|(path, _)| path.as_str());
    !is_the_projects && inside.by_ref().take_while(|path| path.starts_with(folder)).any(bears)
}

/// The hashes of the project's source files, dependency manifests and entry scripts aside.
fn sources(lab: &Lab, image: &ImageInfo, tree: &FileTree) -> Checked<BTreeMap<[u8; 32], String>> {
    let manifests = rebuild::manifests(lab);
    let starting = starting(image, tree);
    let context = BuildContext::open(&lab.subject.folder)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_package_has_elsewhere_is_the_packages() {
        let mut tree = FileTree::default();
        let entry = crate::engine::TreeEntry {
            kind: EntryKind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1,
            sha256: None,
            link: None,
            mtime: 0,
            capability: None,
        };
        let python = "/opt/venv/lib/python3.13/site-packages";
        for path in [
            format!("{python}/Flask_Migrate-4.0.5.dist-info/METADATA"),
            "/srv/node_modules/@s/kit/package.json".to_owned(),
        ] {
            tree.files.insert(path, entry.clone());
        }
        for (path, source, expected) in [
            (format!("{python}/flask_migrate/templates/flask/script.py.mako"), "migrations/script.py.mako", true),
            (format!("{python}/flask_migrate/templates/alembic.ini"), "alembic.ini", true),
            ("/srv/node_modules/@s/kit/templates/app.css".to_owned(), "src/app.css", true),
            // The project's own, installed.
            (format!("{python}/orders/app.py"), "src/orders/app.py", false),
            (format!("{python}/flask_migrate/app.py"), "app.py", false),
            (format!("{python}/flask_migrate/app.py"), "flask_migrate/app.py", false),
            // Of no package that is installed.
            (format!("{python}/other/x/app.py"), "src/app.py", false),
            ("/srv/app/src/app.py".to_owned(), "src/app.py", false),
        ] {
            assert_eq!(is_of_a_package(&tree, &path, source), expected, "{path} {source}");
        }
    }
}
