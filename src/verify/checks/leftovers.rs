//! `service.no-build-deps`: what only a build needs stays in the build.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::development::for_development;
use crate::dockerfile::InstructionKind;
use crate::engine::{BuildContext, EntryKind, FileTree, ImageInfo, TreeEntry};
use crate::lab::command::CommandLine;
use crate::lab::images::build_text;
use crate::lab::leavings::{calls, ending, ends, in_packages, in_tests, is_code, is_runners, is_test, is_test_file};
use crate::lab::lineage::{base_tree, made_from_build};
use crate::lab::tools;
use crate::lab::{Injection, Lab, blame, written};
use crate::stacks::{ToolKind, ecosystem, formats};
use crate::subject::{RoleSubject, Target};
use crate::text::listed;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

/// Files of fewer bytes are alike by chance.
const TELLING: u64 = 24;
/// Files of more bytes hold no tests.
const LARGEST: u64 = 1 << 20;
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
        return Ok(fail(format!("it is made from {stage}, with everything that only the build needs"))
            .expected(expected)
            .at(file, line));
    }
    let tree = lab.tree(&image.id).await?;
    let base = base_tree(lab, role).await?.unwrap_or_default();
    let added: BTreeMap<&str, &TreeEntry> = tree
        .files
        .iter()
        .filter(|(path, entry)| is_added(entry, base.files.get(*path)))
        .map(|(path, entry)| (path.as_str(), entry))
        .collect();
    // A dev of another hand may have everything that the service must not have.
    let dev = match lab.container_image("dev") {
        Ok(dev) if lab.subject.project.makes("dev") => Some(lab.tree(&dev.id).await?),
        _ => None,
    };
    let places = Injection::of(&lab.subject).map_or_else(Vec::new, |one| one.destinations(&image.config.working_dir));
    let mut sources = Sources::of(lab)?;
    // What dev has at the same place came with the runtime, and is dev.no-source's to tell.
    if let Some(dev) = &dev {
        sources.0.retain(|hash, _| !dev.files.values().any(|entry| entry.sha256 == Some(*hash)));
    }
    let mut found = by_name(&added, dev.as_deref());
    found.push((Leftover::Tests, tests(lab, image, &added, &sources, &places).await?));
    let source = source(lab, role, image, &added, &sources, &places);
    found.push((Leftover::Source, worked_on(lab, source).await?));
    let packages = match &dev {
        Some(dev) => build_packages(lab, &added, dev, image).await?,
        None => for_development(lab, &added),
    };
    found.push((Leftover::Dependencies, packages));
    Ok(match found.iter().find(|(_, paths)| !paths.is_empty()) {
        Some((what, paths)) => {
            let shown = listed(paths, NAMED);
            let path = paths[0].rsplit_once('(').map_or(paths[0].as_str(), |(_, path)| path.trim_end_matches(')'));
            let line = match written::by_layer(lab, &role.target, image, path).await {
                Some(place) => place.line,
                None => what.line(&role.target, path, &image.config.working_dir),
            };
            fail(format!("it has {}: {shown}", what.title())).expected(expected).at(file, line)
        }
        None => pass(format!(
            "none of the {} files that the image adds to its base image is needed only by a build",
            added.len()
        )),
    })
}

/// What only a build needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leftover {
    Toolchain,
    Caches,
    Headers,
    Intermediate,
    Tests,
    Source,
    Dependencies,
}

impl Leftover {
    fn title(self) -> &'static str {
        match self {
            Self::Toolchain => "a toolchain",
            Self::Caches => "package caches",
            Self::Headers => "headers",
            Self::Intermediate => "what a compiler left",
            Self::Tests => "tests",
            Self::Source => "source that does not run",
            Self::Dependencies => "build dependencies",
        }
    }

    /// The line that brings one: an instruction that names what brings such, else the copy that covers it.
    fn line(self, target: &Target, path: &str, workdir: &str) -> usize {
        let path = path.rsplit_once('(').map_or(path, |(_, path)| path.trim_end_matches(')'));
        let covered = || blame::copied_to(target, path, workdir).map(|place| place.line);
        let found = match self {
            Self::Toolchain => blame::installing_tool(target, path).or_else(covered),
            Self::Headers => blame::running(target, &ecosystem().headers.packages).or_else(covered),
            Self::Caches => blame::calling(target, |manager| manager.caches_at(path)).or_else(covered),
            Self::Dependencies => covered().or_else(|| blame::calling(target, |manager| manager.installs.is_empty())),
            Self::Intermediate | Self::Tests | Self::Source => covered(),
        };
        found.unwrap_or(target.line())
    }
}

fn is_added(entry: &TreeEntry, before: Option<&TreeEntry>) -> bool {
    let leaf = matches!(entry.kind, EntryKind::File | EntryKind::Symlink);
    leaf && before.is_none_or(|old| (old.kind, old.sha256, &old.link) != (entry.kind, entry.sha256, &entry.link))
}

/// What is known by its name or place.
fn by_name(added: &BTreeMap<&str, &TreeEntry>, dev: Option<&FileTree>) -> Vec<(Leftover, Vec<String>)> {
    let all = ecosystem();
    let such = |is: &dyn Fn(&str, &TreeEntry) -> bool| -> Vec<String> {
        added.iter().filter(|(path, entry)| is(path, entry)).map(|(path, _)| (*path).to_owned()).collect()
    };
    let tools = such(&|path, _| {
        // What dev has among its packages, or in an environment of their own, is brought by a production dependency; without
        // such a dev the project's lists say what is none.
        let of_system = ["/usr/", "/bin/", "/sbin/"].iter().any(|folder| path.starts_with(folder));
        let packaged = match dev {
            Some(dev) => (in_packages(path) || !of_system) && dev.files.contains_key(path),
            None => in_packages(path),
        };
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
            && all.managers.values().any(|manager| manager.caches_at(path))
            && !all.caches.empty.iter().any(|own| own == name)
            && !all.caches.partial.iter().any(|folder| path.contains(folder.as_str()))
    });
    let intermediate = such(&|path, entry| {
        entry.kind == EntryKind::File && !in_packages(path) && ends(path, &all.endings.intermediate)
    });
    vec![
        (Leftover::Toolchain, tools),
        (Leftover::Caches, caches),
        (Leftover::Headers, headers),
        (Leftover::Intermediate, intermediate),
    ]
}

/// The project's source files, by content.
struct Sources(BTreeMap<[u8; 32], String>);

impl Sources {
    fn of(lab: &Lab) -> Checked<Self> {
        let mut found = BTreeMap::new();
        for file in BuildContext::open(&lab.subject.folder)?.files()?.iter() {
            let code = is_code(&file.path) || ends(&file.path, &ecosystem().endings.compiled);
            if file.kind == EntryKind::File && file.size >= TELLING && (code || is_test(&file.path)) {
                found.insert(Sha256::digest(file.read()?).into(), file.path.clone());
            }
        }
        Ok(Self(found))
    }

    fn path_of(&self, entry: &TreeEntry) -> Option<&str> {
        self.0.get(&entry.sha256?).map(String::as_str)
    }
}

fn below(path: &str, places: &[String]) -> bool {
    places.iter().any(|place| std::path::Path::new(path).starts_with(place))
}

/// The project's tests, by content, and what is a test by its name where the code is. What is called like one and holds no
/// test is data.
async fn tests(
    lab: &Lab,
    image: &ImageInfo,
    added: &BTreeMap<&str, &TreeEntry>,
    sources: &Sources,
    places: &[String],
) -> Checked<Vec<String>> {
    let of_project = |entry: &TreeEntry| sources.path_of(entry).filter(|source| is_test(source));
    let called_so = |path: &str| below(path, places) && !in_packages(path) && is_test_file(name(path));
    let candidates = added.iter().filter(|(path, entry)| of_project(entry).is_some() || called_so(path));
    let candidates: Vec<(&&str, &&TreeEntry)> = candidates.collect();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let stack = lab.subject.project.stack.as_deref();
    let holds = stack.map(|stack| Regex::new(&stack.suite.holds).expect("a stack's patterns were read with it"));
    let container = lab.run.create_idle(&image.id).await?;
    let mut found = Vec::new();
    for (path, entry) in candidates {
        let source = of_project(entry);
        // A folder of tests is one, whatever is in it; a runner's own file has no other use.
        let sure = source.is_some_and(|source| in_tests(source) || is_runners(name(source))) || is_runners(name(path));
        if sure || {
            let content = container.read_file(path, LARGEST).await?.unwrap_or_default();
            match &holds {
                Some(holds) => holds.is_match(&String::from_utf8_lossy(&content)),
                // Called like a test, it may be data.
                None => lab.stack(&format!("whether {path} is a test")).map(|_| false)?,
            }
        } {
            found.push((*path).to_owned());
        }
    }
    container.remove().await?;
    Ok(found)
}

/// Of some source files those of languages that the build does something with, in its own stage or in one that it takes files
/// from: what none has a tool for is data.
async fn worked_on(lab: &Lab, files: Vec<String>) -> Checked<Vec<String>> {
    let build = lab.subject.role("build").map(|role| role.name.clone());
    let Some(image) = build.and_then(|role| lab.image(&role).ok()).filter(|_| !files.is_empty()) else {
        return Ok(files);
    };
    let tree = lab.tree(&image.id).await?;
    let programs = tree.files.iter().filter(|(_, entry)| entry.kind != EntryKind::Directory && entry.mode & 0o111 != 0);
    let programs: BTreeSet<&str> = programs.map(|(path, _)| name(path)).collect();
    let target = &lab.role("service")?.target;
    let stages = target.dockerfile.closure(target.stage);
    let runs = stages.iter().flat_map(|stage| &target.dockerfile.stages[*stage].instructions);
    let runs: Vec<&str> =
        runs.filter(|one| matches!(one.kind, InstructionKind::Run(_))).map(|one| one.text.as_str()).collect();
    let works = |path: &String| {
        let of = ecosystem().programs_for(ending(path));
        let called = || runs.iter().any(|run| calls(run, &of));
        of.is_empty() || of.iter().any(|program| programs.contains(program.as_str())) || called()
    };
    Ok(files.into_iter().filter(works).collect())
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The project's source where something else is what runs.
fn source(
    lab: &Lab,
    role: &RoleSubject,
    image: &ImageInfo,
    added: &BTreeMap<&str, &TreeEntry>,
    sources: &Sources,
    places: &[String],
) -> Vec<String> {
    let command = CommandLine::of(lab.subject.service(role), image);
    let (transpiled, compiled) = (&ecosystem().endings.transpiled, &ecosystem().endings.compiled);
    let runs_source = command.words.iter().flat_map(|word| word.split_whitespace()).any(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        ends(word, transpiled) || ecosystem().runtimes.run_source.iter().any(|program| program == name)
    });
    // The same code once more, beside the artefact, is not what runs.
    let artefact: BTreeSet<[u8; 32]> =
        added.iter().filter(|(path, _)| below(path, places)).filter_map(|(_, entry)| entry.sha256).collect();
    let is = |path: &str, entry: &TreeEntry| {
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
    added: &BTreeMap<&str, &TreeEntry>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind) -> TreeEntry {
        TreeEntry { size: 100, ..TreeEntry::bare(kind, 0o755, 0, 0) }
    }

    #[test]
    fn what_only_a_build_needs_is_known_by_its_name() {
        let (file, link) = (entry(EntryKind::File), entry(EntryKind::Symlink));
        let added: BTreeMap<&str, &TreeEntry> = [
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
        assert_eq!(found[&Leftover::Toolchain], ["/usr/bin/cc", "/usr/bin/x86_64-linux-gnu-gcc-14"]);
        assert_eq!(found[&Leftover::Headers], ["/usr/include/zlib.h"]);
        assert_eq!(
            found[&Leftover::Caches],
            ["/root/.cache/pip/http-v2/a", "/var/lib/apt/lists/deb.debian.org_dists_trixie_InRelease"]
        );
        assert!(found[&Leftover::Intermediate].is_empty());
        let all: BTreeMap<_, _> = by_name(&added, None).into_iter().collect();
        assert_eq!(all[&Leftover::Toolchain], found[&Leftover::Toolchain]);
    }
}
