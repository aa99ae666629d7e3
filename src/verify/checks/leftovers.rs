//! `service.no-build-deps`: what only a build needs stays in the build.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::leavings::{calls, ends, in_packages, is_code, is_test, is_test_file};
use super::tools;
use crate::dockerfile::{Instruction, Kind};
use crate::engine::{Context, Entry, EntryKind, FileTree, ImageInfo};
use crate::lab::images::build_text;
use crate::lab::lineage::{base_tree, made_from_build};
use crate::lab::{Injection, Lab};
use crate::stacks::{PackageManager, ToolKind, ecosystem, formats};
use crate::subject::RoleSubject;
use crate::text::{join, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

/// Files of fewer bytes are alike by chance.
const TELLING: u64 = 24;
/// So many files are named.
const NAMED: usize = 4;
/// So many packages are looked up in the builder.
const LOOKED_UP: usize = 40;

/// `service.no-build-deps`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let expected = "no toolchain, headers, package cache, build dependency, test or source that is not the artefact";
    let file = role.target.file.clone();
    if let Some((stage, line)) = made_from_build(lab) {
        return Ok(fail(format!("it is made from {stage}, with all that only building needs"))
            .expected(expected)
            .at(file, line));
    }
    let tree = lab.tree(&image.id).await?;
    let base = base_tree(lab, role).await?.unwrap_or_default();
    let added: BTreeMap<&str, &Entry> = tree
        .files
        .iter()
        .filter(|(path, entry)| is_added(entry, base.files.get(*path)))
        .map(|(path, entry)| (path.as_str(), entry))
        .collect();
    let dev = match lab.container_image("dev") {
        Ok(dev) => Some(lab.tree(&dev.id).await?),
        Err(_) => None,
    };
    let places = Injection::of(&lab.subject).map_or_else(Vec::new, |one| one.destinations(&image.config.working_dir));
    let mut sources = Sources::of(lab)?;
    // What dev has at the same place came with the runtime, and is dev.no-source's to tell.
    if let Some(dev) = &dev {
        sources.0.retain(|hash, _| !dev.files.values().any(|entry| entry.sha256 == Some(*hash)));
    }
    let mut found = by_name(&added, dev.as_deref());
    found.push(("tests", tests(&added, &sources, &places)));
    found.push(("source that does not run", source(lab, role, image, &added, &sources, &places)));
    if let Some(dev) = &dev {
        found.push(("build dependencies", build_packages(lab, &added, dev, image).await?));
    }
    Ok(match found.iter().find(|(_, paths)| !paths.is_empty()) {
        Some((what, paths)) => {
            let shown = listed(paths, NAMED);
            let line = bringing_line(role, what, &paths[0], &image.config.working_dir);
            fail(format!("it has {what}: {shown}")).expected(expected).at(file, line)
        }
        None => {
            pass(format!("none of the {} files that the image adds to its base image is a build's alone", added.len()))
        }
    })
}

fn is_added(entry: &Entry, before: Option<&Entry>) -> bool {
    let leaf = matches!(entry.kind, EntryKind::File | EntryKind::Symlink);
    leaf && before.is_none_or(|old| (old.kind, old.sha256, &old.link) != (entry.kind, entry.sha256, &entry.link))
}

/// What is known by its name or place.
fn by_name(added: &BTreeMap<&str, &Entry>, dev: Option<&FileTree>) -> Vec<(&'static str, Vec<String>)> {
    let all = ecosystem();
    let such = |is: &dyn Fn(&str, &Entry) -> bool| -> Vec<String> {
        added.iter().filter(|(path, entry)| is(path, entry)).map(|(path, _)| (*path).to_owned()).collect()
    };
    let tools = such(&|path, _| {
        // What dev has among its packages, or in an environment of their own, is brought by a production dependency.
        let of_system = ["/usr/", "/bin/", "/sbin/"].iter().any(|folder| path.starts_with(folder));
        let packaged = (in_packages(path) || !of_system) && dev.is_some_and(|dev| dev.files.contains_key(path));
        !packaged && tools::named(path).is_some_and(|tool| tool.kind == ToolKind::Toolchain)
    });
    let headers = such(&|path, _| {
        let of = &all.headers;
        let below = of.folders.iter().find_map(|folder| path.strip_prefix(folder.as_str()));
        below.is_some_and(|rest| {
            !of.except.iter().any(|folder| rest.starts_with(folder.as_str())) && ends(rest, &of.endings)
        })
    });
    let caches = such(&|path, entry| {
        let name = path.rsplit('/').next().unwrap_or(path);
        entry.kind == EntryKind::File
            && all.managers.values().any(|manager| has_cache_at(manager, path))
            && !all.caches.empty.iter().any(|own| own == name)
            && !all.caches.partial.iter().any(|folder| path.contains(folder.as_str()))
    });
    let intermediate = such(&|path, entry| {
        entry.kind == EntryKind::File && !in_packages(path) && ends(path, &all.endings.intermediate)
    });
    vec![
        ("a toolchain", tools),
        ("package caches", caches),
        ("headers", headers),
        ("what a compiler left", intermediate),
    ]
}

/// The project's source files, by content.
struct Sources(BTreeMap<[u8; 32], String>);

impl Sources {
    fn of(lab: &Lab) -> Checked<Self> {
        let mut found = BTreeMap::new();
        for file in Context::open(&lab.subject.folder)?.files()?.iter() {
            let code = is_code(&file.path) || ends(&file.path, &ecosystem().endings.compiled);
            if file.kind == EntryKind::File && file.size >= TELLING && (code || is_test(&file.path)) {
                found.insert(Sha256::digest(file.read()?).into(), file.path.clone());
            }
        }
        Ok(Self(found))
    }

    fn path_of(&self, entry: &Entry) -> Option<&str> {
        self.0.get(&entry.sha256?).map(String::as_str)
    }
}

fn below(path: &str, places: &[String]) -> bool {
    places.iter().any(|place| std::path::Path::new(path).starts_with(place))
}

/// The project's tests, by content, and what is a test by its name where the code is.
fn tests(added: &BTreeMap<&str, &Entry>, sources: &Sources, places: &[String]) -> Vec<String> {
    let is = |path: &str, entry: &Entry| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let own = sources.path_of(entry).is_some_and(is_test);
        own || below(path, places) && !in_packages(path) && is_test_file(name)
    };
    added.iter().filter(|(path, entry)| is(path, entry)).map(|(path, _)| (*path).to_owned()).collect()
}

/// The project's source where something else is what runs.
fn source(
    lab: &Lab,
    role: &RoleSubject,
    image: &ImageInfo,
    added: &BTreeMap<&str, &Entry>,
    sources: &Sources,
    places: &[String],
) -> Vec<String> {
    let service = lab.subject.service(role);
    let command = service.settings.command.as_ref().unwrap_or(&image.config.cmd);
    let entrypoint = service.settings.entrypoint.as_ref().unwrap_or(&image.config.entrypoint);
    let words = || command.iter().chain(entrypoint).flat_map(|word| word.split_whitespace());
    let (transpiled, compiled) = (&ecosystem().endings.transpiled, &ecosystem().endings.compiled);
    let runs_source = words().any(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        ends(word, transpiled) || ecosystem().runtimes.run_source.iter().any(|program| program == name)
    });
    // The same code once more, beside the artefact, is not what runs.
    let artefact: BTreeSet<[u8; 32]> =
        added.iter().filter(|(path, _)| below(path, places)).filter_map(|(_, entry)| entry.sha256).collect();
    let is = |path: &str, entry: &Entry| {
        sources.path_of(entry).is_some()
            && !in_packages(path)
            && (ends(path, compiled)
                || ends(path, transpiled) && !runs_source
                || !below(path, places) && entry.sha256.is_some_and(|hash| artefact.contains(&hash)))
    };
    added.iter().filter(|(path, entry)| is(path, entry)).map(|(path, _)| (*path).to_owned()).collect()
}

/// Installed packages that neither dev's are, which has the production dependencies, nor the service's own: those that
/// the builder has before it takes the source in.
async fn build_packages(
    lab: &Lab,
    added: &BTreeMap<&str, &Entry>,
    dev: &FileTree,
    image: &ImageInfo,
) -> Checked<Vec<String>> {
    let production: BTreeSet<(String, Option<[u8; 32]>)> =
        dev.files.iter().filter_map(|(path, entry)| Some((formats::package(path)?, entry.sha256))).collect();
    let extra: Vec<(&str, String)> = added
        .iter()
        .filter_map(|(path, entry)| {
            let name = formats::package(path)?;
            (!production.contains(&(name.clone(), entry.sha256))).then_some((*path, name))
        })
        .take(LOOKED_UP)
        .collect();
    let Some(build) = lab.subject.role("build").filter(|_| !extra.is_empty()) else { return Ok(Vec::new()) };
    let injection = Injection::of(&lab.subject);
    let target = injection.as_ref().map_or(build.own.as_ref().unwrap_or(&build.target), Injection::build);
    let cut = target.dockerfile.truncated_before_source(target.stage);
    let Ok(builder) = build_text(&lab.run, target, cut.text, "before-source").await? else { return Ok(Vec::new()) };
    let container = lab.run.create_idle(&builder.id).await?;
    let mut found = Vec::new();
    for (path, name) in extra {
        let there = injection.as_ref().map_or_else(Vec::new, |one| one.origins(path, &image.config.working_dir));
        for place in there.iter().map(String::as_str).chain([path]) {
            if container.stat(place).await?.is_some() {
                found.push(format!("{name} ({path})"));
                break;
            }
        }
    }
    container.remove().await?;
    Ok(found)
}

/// The line that brings a file: an instruction that names what brings such, else the copy that covers it.
fn bringing_line(role: &RoleSubject, what: &str, path: &str, workdir: &str) -> usize {
    let dockerfile = &role.target.dockerfile;
    let chain = dockerfile.ancestry(role.target.stage);
    let instructions: Vec<_> =
        chain.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev()).collect();
    let path = path.rsplit_once('(').map_or(path, |(_, path)| path.trim_end_matches(')'));
    let runs = |words: &[String]| {
        let named = |one: &&&Instruction| {
            matches!(one.kind, Kind::Run(_)) && words.iter().any(|word| one.text.contains(word.as_str()))
        };
        instructions.iter().find(named).map(|one| one.line)
    };
    let covered = || {
        let of_copy = |kind: &Kind| match kind {
            Kind::Copy(copy) | Kind::Add(copy) => Some(join(workdir, &copy.dest)),
            _ => None,
        };
        let copies = instructions.iter().filter_map(|one| Some((one.line, of_copy(&one.kind)?)));
        // The innermost destination is the copy that was meant.
        let covers = |dest: &str| std::path::Path::new(path).starts_with(dest);
        copies
            .filter(|(_, dest)| covers(dest))
            .max_by_key(|(_, dest)| dest.trim_end_matches('/').len())
            .map(|(line, _)| line)
    };
    let words = tools::named(path).map_or_else(Vec::new, |tool| tool.words());
    let words: Vec<String> = words.iter().map(|word| format!(" {word}")).collect();
    let managers = &ecosystem().managers;
    let by = |is: &dyn Fn(&PackageManager) -> bool| {
        let programs: Vec<String> =
            managers.values().filter(|one| is(one)).flat_map(|one| one.programs.clone()).collect();
        let runs = |one: &&&Instruction| matches!(one.kind, Kind::Run(_)) && calls(&one.text, &programs);
        instructions.iter().find(runs).map(|one| one.line)
    };
    let found = match what {
        "a toolchain" => {
            runs(&words).or_else(|| managers.values().find_map(|one| runs(&one.installs))).or_else(covered)
        }
        "headers" => runs(&ecosystem().headers.packages).or_else(covered),
        "package caches" => by(&|one| has_cache_at(one, path)).or_else(covered),
        "build dependencies" => covered().or_else(|| by(&|one| one.installs.is_empty())),
        _ => covered(),
    };
    found.unwrap_or(role.target.line())
}

/// Whether a path lies in a cache of a package manager.
fn has_cache_at(manager: &PackageManager, path: &str) -> bool {
    manager.caches.iter().any(|folder| path.contains(folder.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind) -> Entry {
        Entry { kind, mode: 0o755, uid: 0, gid: 0, size: 100, sha256: None, link: None, mtime: 0, capability: None }
    }

    #[test]
    fn what_only_a_build_needs_is_known_by_its_name() {
        let (file, link) = (entry(EntryKind::File), entry(EntryKind::Symlink));
        let added: BTreeMap<&str, &Entry> = [
            ("/usr/bin/x86_64-linux-gnu-gcc-14", &file),
            ("/usr/bin/cc", &link),
            ("/srv/node_modules/.bin/tsc", &link),
            ("/usr/local/bin/pip", &file),
            ("/usr/include/zlib.h", &file),
            ("/usr/local/include/python3.13/greenlet/greenlet.h", &file),
            ("/var/lib/apt/lists/lock", &file),
            ("/var/lib/apt/lists/deb.debian.org_dists_trixie_InRelease", &file),
            ("/root/.cache/pip/http-v2/a", &file),
            ("/usr/lib/locale/C.utf8/LC_CTYPE", &file),
            ("/opt/venv/lib/python3.13/site-packages/x/y.o", &file),
        ]
        .into();
        let dev = FileTree { files: [("/srv/node_modules/.bin/tsc".to_owned(), link.clone())].into() };
        let found: BTreeMap<_, _> = by_name(&added, Some(&dev)).into_iter().collect();
        assert_eq!(found["a toolchain"], ["/usr/bin/cc", "/usr/bin/x86_64-linux-gnu-gcc-14"]);
        assert_eq!(found["headers"], ["/usr/include/zlib.h"]);
        assert_eq!(
            found["package caches"],
            ["/root/.cache/pip/http-v2/a", "/var/lib/apt/lists/deb.debian.org_dists_trixie_InRelease"]
        );
        assert!(found["what a compiler left"].is_empty());
        let all: BTreeMap<_, _> = by_name(&added, None).into_iter().collect();
        assert_eq!(all["a toolchain"].len(), 3);
    }
}
