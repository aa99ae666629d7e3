//! `dev.same-runtime`: what runs the code in dev is what runs it in the service, by content.
//!
//! A runtime is the program that the service's command starts, where that is not the service's own code, and the C
//! library and interpreters' libraries below it. A service without any of them (a static binary) has none that dev
//! could differ from. What a command comes down to is seen while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::compose::ComposeService;
use crate::engine::{Container, EntryKind, FileTree, ImageInfo};
use crate::lab::command::CommandLine;
use crate::lab::lineage::base_tree;
use crate::lab::live::serving;
use crate::lab::ports::dev_port;
use crate::lab::servers::programs;
use crate::lab::{Injection, Lab, at_work, blame, if_possible, written};
use crate::stacks::ecosystem;
use crate::subject::RoleSubject;
use crate::text::Place;
use crate::verify::outcome::Outcome;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// How many scripts that name their interpreter may follow one another.
const HOPS: usize = 16;

/// So much of a program is read to see whether it is a script.
const HEAD: u64 = 256;

/// Paths and hashes of libraries, by what they are of.
type Libraries = BTreeMap<&'static str, Vec<(String, Option<[u8; 32]>)>>;

/// An image's files, and a container of it to read them from.
struct Side<'a> {
    tree: Arc<FileTree>,
    container: Container,
    command: CommandLine<'a>,
}

/// Where the service's own code is, and the files of its base image, which are none of it wherever they lie.
struct Code {
    places: Vec<String>,
    base: Arc<FileTree>,
}

/// `dev.same-runtime`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let (dev_role, service_role) = (lab.role("dev")?, lab.role("service")?);
    let (dev_image, service_image) = (lab.container_image("dev")?, lab.container_image("service")?);
    let dev = side(lab, dev_image, lab.subject.service(dev_role)).await?;
    let service = side(lab, service_image, lab.subject.service(service_role)).await?;
    let code = Code::of(lab, service_role, service_image, service.command.workdir).await?;
    let sides = ((dev_role, dev_image, &dev), (service_role, service_image, &service));
    let compared = compare(lab, sides, &code).await;
    for container in [&dev.container, &service.container] {
        container.remove().await?;
    }
    let compared = compared?;
    if compared.outcome() != Outcome::Pass {
        return Ok(compared);
    }
    Ok(at_work(lab, &code).await?.unwrap_or(compared))
}

/// A program that serves in dev, where other ones serve in the service: both as they run, whatever their commands say.
async fn at_work(lab: &Lab, code: &Code) -> Checked<Option<Verdict>> {
    let role = lab.role("dev")?;
    let (Some((scene, port, _)), Some(dev)) = (if_possible(serving(lab).await)?, if_possible(at_work::dev(lab).await)?)
    else {
        return Ok(None);
    };
    let ours = programs(lab, &scene.container, port).await;
    scene.end().await;
    let Some(port) = if_possible(dev_port(lab))? else { return Ok(None) };
    let (Some(ours), Some(theirs)) = (ours?, programs(lab, &dev.scene.container, port).await?) else { return Ok(None) };
    let ours: Vec<_> = ours.iter().filter(|one| !code.holds(&one.path)).collect();
    let Some(first) = ours.first() else { return Ok(None) };
    let other = theirs.iter().find(|their| !ours.iter().any(|our| our.sha256 == their.sha256));
    Ok(other.map(|other| {
        fail(format!("{} serves in dev, and {} in the service, and they differ", other.path, first.path))
            .expected("the same program, byte for byte, runs the code in dev and in the service")
            .at_place(&blame::command(&lab.subject, role))
    }))
}

impl Code {
    async fn of(lab: &Lab, role: &RoleSubject, image: &ImageInfo, workdir: &str) -> Checked<Self> {
        let places = Injection::of(&lab.subject).map(|found| found.destinations(&image.config.working_dir));
        let places = places.into_iter().flatten().chain([workdir.to_owned()]).collect();
        Ok(Self { places, base: base_tree(lab, role).await?.unwrap_or_default() })
    }

    fn holds(&self, path: &str) -> bool {
        self.places.iter().any(|place| within(path, place)) && !self.base.files.contains_key(path)
    }
}

async fn side<'a>(lab: &Lab, image: &'a ImageInfo, service: &'a ComposeService) -> Checked<Side<'a>> {
    Ok(Side {
        tree: lab.tree(&image.id).await?,
        container: lab.run.create_idle(&image.id).await?,
        command: CommandLine::of(service, image),
    })
}

/// A role, its image, and what was read of it.
type Of<'a> = (&'a RoleSubject, &'a ImageInfo, &'a Side<'a>);

async fn compare(lab: &Lab, sides: (Of<'_>, Of<'_>), code: &Code) -> Checked {
    let ((dev_role, dev_image, dev), (service_role, service_image, service)) = sides;
    let images = [(dev_role, dev_image), (service_role, service_image)];
    let mut same = Vec::new();
    let mut missing = Vec::new();
    for word in words(&service.command) {
        let Some(ours) = service.program(&word).await? else { continue };
        if code.holds(&ours) {
            continue;
        }
        // By its name where it is elsewhere in dev.
        let name = word.rsplit('/').next().unwrap_or(&word).to_owned();
        let theirs = match dev.program(&word).await? {
            Some(theirs) => Some(theirs),
            None => dev.program(&name).await?,
        };
        match theirs {
            Some(theirs) if dev.tree.files[&theirs].sha256 == service.tree.files[&ours].sha256 => same.push(name),
            Some(theirs) => {
                let changed = changed(lab, images, [&theirs, &ours]).await;
                let place = changed.unwrap_or_else(|| blame::unlike(&dev_role.target, &service_role.target, &name));
                return Ok(fail(format!("`{name}` is {theirs} in dev and {ours} in the service, and they differ"))
                    .expected("the same program, byte for byte, runs the code in dev and in the service")
                    .at_place(&place));
            }
            None => missing.push((name, ours)),
        }
    }
    let (ours, theirs) = (libraries(&service.tree), libraries(&dev.tree));
    for (what, files) in &ours {
        let known: BTreeSet<Option<[u8; 32]>> = theirs.get(what).into_iter().flatten().map(|(_, hash)| *hash).collect();
        if let Some((path, _)) = files.iter().find(|(_, hash)| !known.contains(hash)) {
            let other = theirs.get(what).and_then(|files| files.first()).map(|(path, _)| path.as_str());
            let changed = changed(lab, images, [other.unwrap_or(path), path]).await;
            let place = changed.unwrap_or_else(|| blame::unlike(&dev_role.target, &service_role.target, ""));
            let other = other.map_or_else(|| "dev has none".to_owned(), |other| format!("dev has another, {other}"));
            return Ok(fail(format!("the service has {what} as {path}, and {other}"))
                .expected("the same libraries, byte for byte, below the code in dev and in the service")
                .at_place(&place));
        }
    }
    if let (true, Some((name, path))) = (same.is_empty(), missing.first()) {
        return Ok(fail(format!("the service runs {path}, and dev has no `{name}`"))
            .expected("the program that runs the service's code is in dev")
            .at_place(&blame::unlike(&dev_role.target, &service_role.target, name)));
    }
    same.extend(ours.keys().map(|what| (*what).to_owned()));
    if !same.is_empty() {
        same.dedup();
        return Ok(pass(format!("the same bytes in dev and in the service: {}", same.join(", "))));
    }
    Ok(if service.tree.files.keys().any(|path| code.holds(path)) {
        pass("the service brings neither an interpreter nor a C library: its own binary is all that runs")
    } else {
        inconclusive("neither an interpreter, a C library nor the service's own code was recognised in its image")
    })
}

/// The words of a service's command that may name a program: all of a line for the shell, each with what is before a
/// slash-less name left as it is.
fn words(command: &CommandLine<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for word in command.words.iter().flat_map(|word| word.split_whitespace()) {
        let word = word.trim_matches(['"', '\'', ';', '(', ')']);
        if !word.is_empty() && !word.starts_with('-') && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

impl Side<'_> {
    /// The program that a word starts, links and scripts' interpreters followed; none if it is no program.
    async fn program(&self, word: &str) -> Checked<Option<String>> {
        let mut word = word.to_owned();
        for _ in 0..HOPS {
            let Some(found) = self.command.find(&self.tree, &word) else { return Ok(None) };
            let path = found.way.end;
            let Some(entry) = self.tree.files.get(&path) else { return Ok(None) };
            if entry.kind != EntryKind::File || entry.mode & 0o111 == 0 {
                return Ok(None);
            }
            let head = self.container.read_file(&path, HEAD).await?.unwrap_or_default();
            match interpreter(&head) {
                Some(next) => word = next,
                None => return Ok(Some(path)),
            }
        }
        Ok(None)
    }
}

/// The interpreter that a script names in its first line, through `env`, too.
fn interpreter(head: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(head.strip_prefix(b"#!")?).into_owned();
    let mut words = line.lines().next()?.split_whitespace();
    let first = words.next()?;
    if first.rsplit('/').next() == Some("env") {
        return words.find(|word| !word.starts_with('-') && !word.contains('=')).map(ToOwned::to_owned);
    }
    Some(first.to_owned())
}

/// The libraries of a file system that are a runtime, by what they are of.
fn libraries(tree: &FileTree) -> Libraries {
    let mut found = Libraries::new();
    for (path, entry) in tree.files.iter().filter(|(_, entry)| entry.kind == EntryKind::File) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let library = name.contains(".so") || name.starts_with("ld-");
        let mut known = ecosystem().runtimes.libraries.iter();
        let Some((_, what)) = known.find(|(start, _)| library && name.starts_with(start.as_str())) else { continue };
        found.entry(what.as_str()).or_default().push((path.clone(), entry.sha256));
    }
    found
}

fn within(path: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    !place.is_empty() && path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The line that changed what two roles have at these paths: of a stage that they do not share.
async fn changed(lab: &Lab, images: [(&RoleSubject, &ImageInfo); 2], paths: [&str; 2]) -> Option<Place> {
    let [dev, service] = images.map(|(role, _)| role.target.dockerfile.ancestry(role.target.stage));
    let shared: Vec<usize> = dev.into_iter().filter(|stage| service.contains(stage)).collect();
    for ((role, image), path) in images.into_iter().zip(paths) {
        let Some(place) = written::by_layer(lab, &role.target, image, path).await else { continue };
        let stages = &role.target.dockerfile.stages;
        if !shared.iter().any(|stage| (stages[*stage].line..=stages[*stage].end_line).contains(&place.line)) {
            return Some(place);
        }
    }
    None
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_of_scripts_are_read() {
        assert_eq!(interpreter(b"#!/opt/venv/bin/python -s\nimport x").as_deref(), Some("/opt/venv/bin/python"));
        assert_eq!(interpreter(b"#!/usr/bin/env -S node --x\n").as_deref(), Some("node"));
        assert_eq!(interpreter(b"\x7fELF"), None);
    }
}
