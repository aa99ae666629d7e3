//! `dev.same-runtime`: what runs the code in dev is what runs it in the service, by content.
//!
//! A runtime is the program that the service's command starts, where that is not the service's own code, and the C
//! library and interpreters' libraries below it. A service without any of them (a static binary) has none that dev
//! could differ from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::compose::Service;
use crate::engine::{Container, Entry, EntryKind, FileTree, ImageInfo};
use crate::lab::{Injection, Lab};
use crate::stacks::ecosystem;
use crate::subject::RoleSubject;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

/// How many links, or scripts that name their interpreter, may follow one another.
const HOPS: usize = 16;

/// So much of a program is read to see whether it is a script.
const HEAD: u64 = 256;

/// Paths and hashes of libraries, by what they are of.
type Libraries = BTreeMap<&'static str, Vec<(String, Option<[u8; 32]>)>>;

/// An image's files, and a container of it to read them from.
struct Side {
    tree: Arc<FileTree>,
    container: Container,
    path: Vec<String>,
    workdir: String,
}

/// `dev.same-runtime`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let (dev_role, service_role) = (lab.role("dev")?, lab.role("service")?);
    let (dev_image, service_image) = (lab.container_image("dev")?, lab.container_image("service")?);
    let dev = side(lab, dev_image, lab.subject.service(dev_role)).await?;
    let service = side(lab, service_image, lab.subject.service(service_role)).await?;
    let compared = compare(lab, (dev_role, &dev), (service_role, &service, service_image)).await;
    for container in [&dev.container, &service.container] {
        container.remove().await?;
    }
    compared
}

async fn side(lab: &Lab, image: &ImageInfo, service: &Service) -> Checked<Side> {
    let path = service.settings.environment.get("PATH").cloned().flatten();
    let path = path.or_else(|| image.config.env_value("PATH").map(ToOwned::to_owned));
    let path = path.unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    let workdir = service.settings.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    Ok(Side {
        tree: lab.tree(&image.id).await?,
        container: lab.run.create_idle(&image.id).await?,
        path: path.split(':').map(ToOwned::to_owned).collect(),
        workdir,
    })
}

async fn compare(
    lab: &Lab,
    (dev_role, dev): (&RoleSubject, &Side),
    (service_role, service, image): (&RoleSubject, &Side, &ImageInfo),
) -> Checked {
    let artefact = Injection::of(&lab.subject).map(|found| found.destinations(&image.config.working_dir));
    let artefact = artefact.unwrap_or_default();
    let is_code = |path: &str| artefact.iter().any(|place| within(path, place)) || within(path, &service.workdir);
    let mut same = Vec::new();
    let mut missing = Vec::new();
    for word in words(lab.subject.service(service_role), image) {
        let Some(ours) = service.program(&word).await? else { continue };
        if is_code(&ours) {
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
                return Ok(fail(format!("`{name}` is {theirs} in dev and {ours} in the service, and they differ"))
                    .expected("the same program, byte for byte, runs the code in dev and in the service")
                    .at(dev_role.target.file.clone(), place(dev_role, service_role, &name)));
            }
            None => missing.push((name, ours)),
        }
    }
    let (ours, theirs) = (libraries(&service.tree), libraries(&dev.tree));
    for (what, files) in &ours {
        let known: BTreeSet<Option<[u8; 32]>> = theirs.get(what).into_iter().flatten().map(|(_, hash)| *hash).collect();
        if let Some((path, _)) = files.iter().find(|(_, hash)| !known.contains(hash)) {
            let other = theirs.get(what).and_then(|files| files.first()).map(|(path, _)| path.as_str());
            let other = other.map_or_else(|| "dev has none".to_owned(), |other| format!("dev has another, {other}"));
            return Ok(fail(format!("the service has {what} as {path}, and {other}"))
                .expected("the same libraries, byte for byte, below the code in dev and in the service")
                .at(dev_role.target.file.clone(), place(dev_role, service_role, "")));
        }
    }
    if let (true, Some((name, path))) = (same.is_empty(), missing.first()) {
        return Ok(fail(format!("the service runs {path}, and dev has no `{name}`"))
            .expected("the program that runs the service's code is in dev")
            .at(dev_role.target.file.clone(), place(dev_role, service_role, name)));
    }
    same.extend(ours.keys().map(|what| (*what).to_owned()));
    if !same.is_empty() {
        same.dedup();
        return Ok(pass(format!("the same bytes in dev and in the service: {}", same.join(", "))));
    }
    Ok(if service.tree.files.keys().any(|path| is_code(path)) {
        pass("the service brings neither an interpreter nor a C library: its own binary is all that runs")
    } else {
        inconclusive("neither an interpreter, a C library nor the service's own code was recognised in its image")
    })
}

/// The words of a service's command that may name a program: all of a line for the shell, each with what is before a
/// slash-less name left as it is.
fn words(service: &Service, image: &ImageInfo) -> Vec<String> {
    let entrypoint = service.settings.entrypoint.as_ref().unwrap_or(&image.config.entrypoint);
    let replaced = service.settings.entrypoint.is_some() && service.settings.command.is_none();
    let command = match &service.settings.command {
        Some(command) => command.as_slice(),
        None if replaced => &[],
        None => &image.config.cmd,
    };
    let mut found = Vec::new();
    for word in entrypoint.iter().chain(command).flat_map(|word| word.split_whitespace()) {
        let word = word.trim_matches(['"', '\'', ';', '(', ')']);
        if !word.is_empty() && !word.starts_with('-') && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

impl Side {
    /// The program that a word starts, links and scripts' interpreters followed; none if it is no program.
    async fn program(&self, word: &str) -> Checked<Option<String>> {
        let mut word = word.to_owned();
        for _ in 0..HOPS {
            let Some(path) = self.found(&word) else { return Ok(None) };
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

    /// A program by its path, or by its name in one of PATH's folders.
    fn found(&self, word: &str) -> Option<String> {
        if word.starts_with('/') {
            return resolve(&self.tree, word);
        }
        if word.contains('/') {
            return resolve(&self.tree, &format!("{}/{word}", self.workdir));
        }
        self.path.iter().find_map(|folder| resolve(&self.tree, &format!("{folder}/{word}")))
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

/// A path with all its links followed; none if it leads to nothing.
fn resolve(tree: &FileTree, path: &str) -> Option<String> {
    let mut rest: Vec<String> = path.split('/').rev().map(ToOwned::to_owned).collect();
    let mut done: Vec<String> = Vec::new();
    let mut hops = 0;
    while let Some(part) = rest.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(part),
        }
        let at = format!("/{}", done.join("/"));
        let entry: Option<&Entry> = tree.files.get(&at);
        // A folder above the last part need not be a file of its own in any layer.
        if entry.is_none() && rest.iter().all(String::is_empty) {
            return None;
        }
        if let Some(link) = entry.and_then(|entry| entry.link.as_ref()) {
            hops += 1;
            if hops > HOPS {
                return None;
            }
            done.pop();
            if link.starts_with('/') {
                done.clear();
            }
            rest.extend(link.split('/').rev().map(ToOwned::to_owned));
        }
    }
    Some(format!("/{}", done.join("/")))
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

/// The line to look at: what names the program in dev, where dev and the service start from one stage or image, else
/// the FROM of dev's first stage.
fn place(dev: &RoleSubject, service: &RoleSubject, name: &str) -> usize {
    let dockerfile = &dev.target.dockerfile;
    let chain = dockerfile.ancestry(dev.target.stage);
    let first = *chain.last().expect("a stage is its own ancestor");
    if dev.target.base_image() != service.target.base_image() {
        return dockerfile.stages[first].line;
    }
    // Only in what dev does not share with the service.
    let shared = service.target.dockerfile.ancestry(service.target.stage);
    let own = chain.iter().filter(|stage| !shared.contains(*stage));
    let own: Vec<_> = own.flat_map(|stage| &dockerfile.stages[*stage].instructions).collect();
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let named = own.iter().flat_map(|one| one.line..=one.end_line).filter(|line| {
        !name.is_empty() && lines.get(line - 1).is_some_and(|text| !text.starts_with("CMD") && text.contains(name))
    });
    named.max().unwrap_or(dev.target.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, Option<&str>)]) -> FileTree {
        let entry = |link: Option<&str>| Entry {
            kind: if link.is_some() { EntryKind::Symlink } else { EntryKind::File },
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 1,
            sha256: None,
            link: link.map(ToOwned::to_owned),
            mtime: 0,
            capability: None,
        };
        FileTree { files: files.iter().map(|(path, link)| ((*path).to_owned(), entry(*link))).collect() }
    }

    #[test]
    fn links_are_followed_to_their_end() {
        let tree = tree(&[
            ("/bin", Some("usr/bin")),
            ("/usr", None),
            ("/usr/bin", None),
            ("/usr/bin/python3", Some("../local/bin/python3.13")),
            ("/usr/local", None),
            ("/usr/local/bin", None),
            ("/usr/local/bin/python3.13", None),
            ("/usr/bin/loop", Some("loop")),
            ("/usr/bin/gone", Some("/nowhere")),
        ]);
        assert_eq!(resolve(&tree, "/bin/python3").as_deref(), Some("/usr/local/bin/python3.13"));
        assert_eq!(resolve(&tree, "/bin/loop"), None);
        assert_eq!(resolve(&tree, "/bin/gone"), None);
    }

    #[test]
    fn interpreters_of_scripts_are_read() {
        assert_eq!(interpreter(b"#!/opt/venv/bin/python -s\nimport x").as_deref(), Some("/opt/venv/bin/python"));
        assert_eq!(interpreter(b"#!/usr/bin/env -S node --x\n").as_deref(), Some("node"));
        assert_eq!(interpreter(b"\x7fELF"), None);
    }
}
