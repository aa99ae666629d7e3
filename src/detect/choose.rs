//! Which folder of a repository is the service, and of which stack.

use super::Told;
use super::book::{books, shared};
use super::claim::Claim;
use super::globs::globs;
use super::rules::{Band, Book};
use super::scope::{ServiceScope, within};
use super::settle::settle_field;
use super::tree::{Tree, folder_of};

/// Services deeper than this are not looked for.
const DEEPEST: usize = 4;
/// So many folders may be services.
const MOST: usize = 300;

/// A folder that may be the service of a stack.
#[derive(Debug)]
pub(super) struct ServiceCandidate<'a> {
    pub(super) scope: ServiceScope<'a>,
    /// `primary`, or what it is instead.
    pub(super) role: String,
}

impl ServiceCandidate<'_> {
    /// The claim that it is of its stack.
    pub(super) fn claim(&self) -> &Claim {
        &self.scope.settled["stack"][0]
    }
}

/// What is looked for: the names of the files that make a folder a service, for messages.
pub(super) fn looked_for() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rule in
        books().values().filter(|book| !book.asked).flat_map(|book| &book.rules).filter(|rule| rule.says == "stack")
    {
        let Some(file) = &rule.see.file else { continue };
        let plain = file.trim_start_matches(['^', '/', '{']).trim_end_matches('}');
        for name in plain.split(',').filter(|name| !name.contains('/')) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// All candidates, the service first.
pub(super) fn candidates<'a>(tree: &'a Tree, told: &Told) -> Vec<ServiceCandidate<'a>> {
    let mut found = Vec::new();
    let only = told.path.as_deref();
    let folders = folders(tree, only);
    let is_meant = |name: &str, book: &Book| told.stack.as_deref().map_or(!book.asked, |told| told == name);
    for (name, book) in books().iter().filter(|(name, book)| is_meant(name, book)) {
        let rules = book.rules.iter().filter(|rule| rule.says == "stack");
        let seen: Vec<_> = rules.filter_map(|rule| rule.see.file.as_deref()).map(globs).collect();
        for folder in &folders {
            let fits = |path: &str| {
                let inner = within(folder, path).unwrap_or(path);
                seen.iter().any(|globs| globs.iter().any(|glob| glob.is_match(inner)))
            };
            let deep = seen.iter().any(|globs| {
                globs.iter().any(|glob| !glob.folder.is_empty() && tree.has_folder(&joined(folder, &glob.folder)))
            });
            if !deep && !tree.inside(folder).any(|(_, path)| fits(path)) {
                continue;
            }
            let mut scope = ServiceScope::new(tree, shared(), (name, book), folder);
            settle_field(&mut scope, "stack", told);
            if scope.value("stack").is_none() {
                continue;
            }
            settle_field(&mut scope, "role", told);
            let role = scope.value("role").unwrap_or("primary").to_owned();
            found.push(ServiceCandidate { scope, role });
        }
    }
    let hints = hints(tree);
    found.sort_by_cached_key(|one| key(one, &hints));
    // What is a service of its own is no part of another.
    let members: Vec<(String, &str, bool)> =
        found.iter().map(|one| (one.scope.member.clone(), one.scope.stack, one.role != "part")).collect();
    for one in &mut found {
        let below = members
            .iter()
            .filter(|(member, stack, own)| *own && member != &one.scope.member && *stack == one.scope.stack);
        let below = below.filter(|(member, ..)| within(&one.scope.member, member).is_some());
        one.scope.has_nested(below.map(|(member, ..)| member.clone()).collect());
    }
    found
}

/// The folders that may be services: those with files, not too deep, and not of tests or examples unless there is nothing else.
fn folders(tree: &Tree, only: Option<&str>) -> Vec<String> {
    let mut loud: Vec<String> = Vec::new();
    let mut quiet: Vec<String> = Vec::new();
    for (_, path) in tree.files() {
        let folder = folder_of(path);
        if only.is_some_and(|only| folder != only) || (only.is_none() && folder.split('/').count() > DEEPEST) {
            continue;
        }
        let hushed = only.is_none() && shared().quiet.is_match(&format!("{folder}/"));
        let list = if hushed { &mut quiet } else { &mut loud };
        if list.last().is_none_or(|last| last != folder)
            && !list.iter().any(|known| known == folder)
            && list.len() < MOST
        {
            list.push(folder.to_owned());
        }
    }
    if let Some(only) = only.filter(|only| !loud.iter().any(|known| known == only)) {
        loud.push(only.to_owned());
    }
    loud.into_iter().chain(quiet).collect()
}

/// What decides between candidates, the lower the better.
type Key = (u8, u8, usize, usize, std::cmp::Reverse<Band>, u32, String);

fn key(one: &ServiceCandidate<'_>, hints: &[String]) -> Key {
    let (folder, claim) = (one.scope.member.as_str(), one.claim());
    let shared = one.scope.shared;
    let avoided = !folder.is_empty() && shared.folders.avoid.iter().any(|pattern| pattern.is_match(folder));
    let quiet = !folder.is_empty() && shared.quiet.is_match(&format!("{folder}/"));
    let name = shared.folders.prefer.iter().position(|pattern| pattern.is_match(folder));
    let preferred = name.unwrap_or(shared.folders.prefer.len());
    let class = match one.role.as_str() {
        // A site in the root with a server in a folder of its own beside it: the server is the service.
        "primary" if folder.is_empty() || name.is_some() => 0,
        "primary" => 1,
        "site" if folder.is_empty() => 1,
        "site" | "part" | "program" => 2,
        "workspace" => 4,
        "library" | "assets" => 5,
        _ => 6,
    };
    let class = if avoided { class.max(2) + 1 } else { class };
    let class = if quiet { class + 8 } else { class };
    let hinted = u8::from(!hints.iter().any(|hint| hint == folder) || class > 2);
    let depth = if folder.is_empty() { 0 } else { folder.split('/').count() };
    let book = one.scope.book;
    // Only within a repository without a service in its root does it count where images are built.
    let hinted = if folder.is_empty() { 0 } else { hinted };
    (class, hinted, depth, preferred, std::cmp::Reverse(claim.band), book.order, folder.to_owned())
}

/// The folders that files of platforms name: each has a Dockerfile or a Procfile of its own.
fn hints(tree: &Tree) -> Vec<String> {
    let named = shared().documents.get("hints").into_iter().flatten().map(|glob| globs(glob)).collect::<Vec<_>>();
    let mut found: Vec<String> = Vec::new();
    for (_, path) in tree.files() {
        let name = path.rsplit('/').next().unwrap_or(path);
        if named.iter().any(|globs| globs.iter().any(|glob| glob.is_match(name)))
            && !shared().passed_over.is_match(name)
        {
            found.push(folder_of(path).to_owned());
        }
    }
    found
}

fn joined(folder: &str, inner: &str) -> String {
    if folder.is_empty() { inner.to_owned() } else { format!("{folder}/{inner}") }
}
