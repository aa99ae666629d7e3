//! `dev.prod-deps-only`: what dev holds beyond its base image, by its files; nothing is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dockerfile::InstructionKind;
use crate::engine::FileTree;
use crate::lab::leavings::below_any;
use crate::lab::lineage::{base_of, base_tree};
use crate::lab::tools;
use crate::lab::{Lab, blame, written};
use crate::stacks::formats::{DistributionPackage, LockFormat, Production, STATUS, normal, sections};
use crate::stacks::{EcosystemTool, Shape, Stack, ToolKind, ecosystem};
use crate::subject::RoleSubject;
use crate::text::listed;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// Installed dependencies, by name, with the version that is there.
type Installed = BTreeMap<String, Option<String>>;

/// The lock that the project has: its name, how it is written, what it holds.
pub(super) struct ProjectLock {
    file: String,
    pub(super) format: LockFormat,
    pub(super) production: Production,
}

const NO_TOOL: &str = "the production runtime and its dependencies, and no tool beyond the base image's";

/// A distribution with all its packages installed says less.
const LARGEST_STATUS: u64 = 64 << 20;

/// `dev.prod-deps-only`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("dev")?;
    let tree = lab.tree(&lab.container_image("dev")?.id).await?;
    let base = base_tree(lab, role).await?.unwrap_or_default();
    let service = match lab.container_image("service") {
        Ok(image) => lab.tree(&image.id).await?,
        Err(_) => Arc::default(),
    };
    let stack = lab.stack("which of its files lock what it depends on")?;
    let compiled = stack.shape == Shape::Built;
    let lock = lock(lab, stack, "dev");
    if let Some(verdict) = tool(lab, role, (&tree, &base, &service), lock.as_ref().ok(), compiled).await {
        return Ok(verdict);
    }
    if let Some(verdict) = packaged_tool(lab, role, (&tree, &base)).await? {
        return Ok(verdict.by_itself());
    }
    if compiled {
        return Ok(pass("no toolchain, version control, debugger, editor or checker is in it beyond its base image"));
    }
    let lock = match lock {
        Ok(lock) => lock,
        Err(why) => {
            return Ok(inconclusive(format!(
                "no tool is in dev, and which dependencies it may contain cannot be seen: {why}"
            )));
        }
    };
    let has = |tree: &FileTree| installed(tree, &base, lock.format);
    let (dev, service) = (has(&tree), has(&service));
    if stack.shape == Shape::StaticSite && dev.is_empty() {
        return Ok(pass("it hands out files: no dependency is in it, and no tool"));
    }
    if dev.is_empty() && lock.production.values().any(|locked| locked.always) {
        return Ok(inconclusive(format!(
            "nothing that {} lists was found in dev, so there is nothing to compare",
            lock.file
        )));
    }
    let alike =
        || pass(format!("the {} dependencies in it are those of {}, and no tool is beside them", dev.len(), lock.file));
    Ok(difference(lab, role, &lock, &dev, &service).map_or_else(alike, Verdict::by_itself))
}

/// A tool that dev has and its base image has not. A toolchain that ships is for a contract of service to tell.
async fn tool(
    lab: &Lab,
    role: &RoleSubject,
    (tree, base, service): (&FileTree, &FileTree, &FileTree),
    lock: Option<&ProjectLock>,
    compiled: bool,
) -> Option<Verdict> {
    let found = tools::found(tree)
        .filter(|(tool, path)| !base.files.contains_key(*path) || compiled && tool.kind == ToolKind::Toolchain)
        // What a package brings is looked at by the package, where the lock says which there may be.
        .filter(|(tool, path)| {
            lock.is_none_or(|lock| {
                !below_any(path, &[&ecosystem().folders.packages])
                    && !lock.production.contains_key(&normal(tool.program))
            })
        });
    let ships =
        |(tool, path): &(EcosystemTool, &str)| tool.kind == ToolKind::Toolchain && service.files.contains_key(*path);
    let (shipped, own): (Vec<(EcosystemTool, &str)>, Vec<_>) = found.partition(ships);
    let found = if own.is_empty() { &shipped } else { &own };
    // What was asked for comes before what it brought along: the Dockerfile names it.
    let named = |tool: &EcosystemTool| role.target.line_with(&tool.words());
    let (tool, path) = found.iter().min_by_key(|(tool, _)| named(tool).is_none())?;
    let mut others: Vec<&str> =
        found.iter().map(|(other, _)| other.program).filter(|one| *one != tool.program).collect();
    others.sort_unstable();
    others.dedup();
    let others = if others.is_empty() { String::new() } else { format!(", and {}", others.join(", ")) };
    let by_name =
        || named(tool).or_else(|| blame::base(&role.target, base, path)).or_else(|| blame::installing(&role.target));
    let line = match lab.container_image("dev") {
        Ok(image) => {
            written::by_layer(lab, &role.target, image, path).await.map(|place| within(role, place.line, named(tool)))
        }
        Err(_) => None,
    };
    let line = line.or_else(by_name);
    let verdict = fail(format!("the image contains {path}, {}{others}", tools::title(tool.kind)))
        .expected(NO_TOOL)
        .at(role.target.file.clone(), line.unwrap_or(role.target.line()));
    // What only dev has does not come of what ships.
    Some(if own.is_empty() { verdict } else { verdict.by_itself() })
}

/// A line of an instruction, if it is one, else the first.
fn within(role: &RoleSubject, first: usize, line: Option<usize>) -> usize {
    let whole = role.target.instructions().find(|one| one.line == first);
    line.filter(|line| whole.is_some_and(|one| (one.line..=one.end_line).contains(line))).unwrap_or(first)
}

/// A tool that is on no list, by the section that the distribution has its package in: one that dev adds to its base image
/// and the service does without.
async fn packaged_tool(
    lab: &Lab,
    role: &RoleSubject,
    (tree, base): (&FileTree, &FileTree),
) -> Checked<Option<Verdict>> {
    let sum = |tree: &FileTree| tree.files.get(STATUS).and_then(|entry| entry.sha256);
    if sum(tree).is_none() || sum(tree) == sum(base) {
        return Ok(None);
    }
    let mut known = BTreeSet::new();
    let of_base = base_of(lab, role).await?.map(|image| image.id);
    let of_service = lab.container_image("service").ok().map(|image| image.id.clone());
    for image in of_base.into_iter().chain(of_service) {
        known.extend(packages(lab, &image).await?.into_iter().map(|package| package.name));
    }
    let own = packages(lab, &lab.container_image("dev")?.id).await?;
    let tools = own.iter().filter(|package| !known.contains(&package.name));
    let tools = tools.filter_map(|package| Some((package, *ecosystem().sections.get(&package.section)?)));
    // What was asked for comes before what it brought along: the Dockerfile names it.
    let named = |package: &DistributionPackage| role.target.line_with(&[&package.name]);
    let Some((package, kind)) = tools.min_by_key(|(package, _)| named(package).is_none()) else { return Ok(None) };
    let line = named(package).or_else(|| blame::installing(&role.target)).unwrap_or(role.target.line());
    let (name, section) = (&package.name, &package.section);
    let what = format!("the image contains the package {name}, {} by its section {section}", tools::title(kind));
    Ok(Some(fail(what).expected(NO_TOOL).at(role.target.file.clone(), line)))
}

/// The distribution's packages that an image has.
async fn packages(lab: &Lab, image: &str) -> Checked<Vec<DistributionPackage>> {
    let container = lab.run.create_idle(image).await?;
    let status = container.read_file(STATUS, LARGEST_STATUS).await?.unwrap_or_default();
    container.remove().await?;
    Ok(sections(&String::from_utf8_lossy(&status)))
}

/// Where a role's lock can be: in the folders of its build context that its instructions copy from, the context itself,
/// and the project.
pub(super) fn folders(lab: &Lab, role: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(role) = lab.role(role) {
        let context = &role.target.context;
        let sources = role.target.instructions().flat_map(|one| match &one.kind {
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) if copy.from.is_none() => copy.sources.as_slice(),
            _ => &[],
        });
        // No name of a file under test leads out of its context.
        let inside = |source: &&String| !source.split('/').any(|part| part == "..") && !source.contains("://");
        let copied = sources.filter(inside).map(|source| context.join(source.trim_start_matches('/')));
        let copied = copied.flat_map(|path| [path.parent().map(Path::to_owned), Some(path)]).flatten();
        folders.extend(copied.filter(|folder| folder.starts_with(context) && folder.is_dir()));
        folders.push(context.clone());
    }
    folders.push(lab.subject.folder.clone());
    folders
}

/// The project's lock, as a role has it, or why there is none.
pub(super) fn lock(lab: &Lab, stack: &Stack, role: &str) -> Result<ProjectLock, String> {
    let mut managers: Vec<_> = stack.managers.iter().collect();
    managers.sort_by_key(|(name, _)| **name != stack.manager);
    let mut looked = Vec::new();
    let folders = folders(lab, role);
    for lock in managers.iter().filter_map(|(_, manager)| manager.lock.as_ref()) {
        for file in &lock.files {
            if let Some(folder) = folders.iter().find(|folder| folder.join(file).is_file()) {
                let production = lock.format.read(folder, file)?;
                let shown = lab.subject.shown(&folder.join(file));
                return Ok(ProjectLock { file: shown, format: lock.format, production });
            }
            looked.push(file.as_str());
        }
    }
    Err(match looked.as_slice() {
        [] => "the stack has no lock file".to_owned(),
        names => format!("there is none of {} in what {role} is built from", names.join(", ")),
    })
}

/// What is installed beyond the base image.
fn installed(tree: &FileTree, base: &FileTree, format: LockFormat) -> Installed {
    let added = tree.files.keys().filter(|path| !base.files.contains_key(*path));
    added.filter_map(|path| format.installed(path)).collect()
}

/// What is in dev and not in the lock, or is in the lock and the service and not in dev.
fn difference(
    lab: &Lab,
    role: &RoleSubject,
    lock: &ProjectLock,
    dev: &Installed,
    service: &Installed,
) -> Option<Verdict> {
    let own = normal(lab.subject.project.service.name.as_ref());
    let mut found = Vec::new();
    let mut names = Vec::new();
    for (name, version) in dev.iter().filter(|(name, _)| normal(name) != own) {
        let what = match lock.production.get(name) {
            None => format!("{name} is in it"),
            Some(locked) => match (version, &locked.version) {
                (Some(version), Some(locked)) if !same_version(version, locked) => {
                    format!("{name} is {version}, not {locked}")
                }
                _ => continue,
            },
        };
        found.push(what);
        names.push(name.as_str());
    }
    let missing = lock.production.iter().filter(|(_, locked)| locked.always).map(|(name, _)| name);
    for name in missing.filter(|name| !dev.contains_key(*name) && service.contains_key(*name)) {
        found.push(format!("{name} is in the service and not in dev"));
        names.push(name);
    }
    if found.is_empty() {
        return None;
    }
    // Among what is too much, what the Dockerfile names was asked for, the rest came with it.
    let line = names.iter().find_map(|name| role.target.line_with(&[name])).or_else(|| blame::installing(&role.target));
    Some(
        fail(format!("against {}: {}", lock.file, listed(&found, 5)))
            .expected(format!("the production dependencies of {}, and no other", lock.file))
            .at(role.target.file.clone(), line.unwrap_or(role.target.line())),
    )
}

/// Whether two versions are one, as written by different tools: `2024.07.04` and `2024.7.4`, `1.0` and `1.0.0`.
fn same_version(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let parts = text.to_ascii_lowercase();
        let parts = parts.split(['.', '-', '_', '+']).map(|part| part.trim_start_matches('0').to_owned());
        let mut parts: Vec<String> = parts.collect();
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        parts
    };
    parts(one) == parts(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_tools_write_them() {
        assert!(
            same_version("2024.7.4", "2024.07.04") && same_version("1.0", "1.0.0") && same_version("2+cpu", "2_cpu")
        );
        assert!(!same_version("1.0", "1.10") && !same_version("1.2.3", "1.2.4"));
    }
}
