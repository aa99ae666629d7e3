//! One service of a repository as rules see it: its folder, its files, its documents, its dependencies, what is settled.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::claim::Claim;
use super::datum::Datum;
use super::formats;
use super::globs::{FileGlob, globs};
use super::rules::{Book, DependencyKind, Shared};
use super::tree::{Tree, folder_of};

/// A dependency that a manifest lists.
#[derive(Debug)]
pub(super) struct ListedDependency {
    pub(super) name: String,
    pub(super) kind: DependencyKind,
    pub(super) file: usize,
    pub(super) line: usize,
}

/// A document and the file that it is read from.
pub(super) type Document = (usize, Rc<Datum>);

/// A folder of a repository, seen as a service of one stack.
#[derive(Debug)]
pub(super) struct ServiceScope<'a> {
    pub(super) tree: &'a Tree,
    pub(super) shared: &'a Shared,
    pub(super) book: &'a Book,
    /// The stack's name.
    pub(super) stack: &'a str,
    /// The service's folder, relative to the repository; its root is empty.
    pub(super) member: String,
    /// Folders below it that are services of their own.
    nested: Vec<String>,
    /// The claims for each field that is settled, the best first.
    pub(super) settled: BTreeMap<String, Vec<Claim>>,
    /// The files that globs mean which look deep, by folder and glob.
    deep: RefCell<HashMap<String, Rc<Vec<usize>>>>,
    dependencies: OnceCell<Vec<ListedDependency>>,
    documents: OnceCell<BTreeMap<&'a str, Vec<Document>>>,
}

impl<'a> ServiceScope<'a> {
    pub(super) fn new(tree: &'a Tree, shared: &'a Shared, stack: (&'a str, &'a Book), member: &str) -> Self {
        let (nested, settled) = (Vec::new(), BTreeMap::new());
        let (deep, dependencies, documents) = (RefCell::default(), OnceCell::new(), OnceCell::new());
        Self {
            tree,
            shared,
            book: stack.1,
            stack: stack.0,
            member: member.to_owned(),
            nested,
            settled,
            deep,
            dependencies,
            documents,
        }
    }

    /// Says which folders below are services of their own.
    pub(super) fn has_nested(&mut self, nested: Vec<String>) {
        self.nested = nested;
        self.deep.get_mut().clear();
    }

    /// The best value of a field.
    pub(super) fn value(&self, field: &str) -> Option<&str> {
        self.settled.get(field)?.first().map(|claim| claim.value.as_str())
    }

    /// The path of a file as seen from the service's folder, where it is below it.
    pub(super) fn inner<'p>(&self, path: &'p str) -> &'p str {
        within(&self.member, path).unwrap_or(path)
    }

    /// A path of the service as the repository has it.
    pub(super) fn outer(&self, path: &str) -> String {
        let path = crate::text::clean(&format!("{}/{path}", self.member));
        path.trim_start_matches('/').to_owned()
    }

    /// The files that a glob of the data means.
    pub(super) fn files(&self, glob: &str) -> Vec<usize> {
        if let Some(inner) = glob.strip_prefix('+') {
            return self.below(&self.member, &globs(inner), true);
        }
        let all = globs(glob);
        if glob.starts_with('/') {
            return self.below("", &all, false);
        }
        if let Some(inner) = glob.strip_prefix("../") {
            let above = Self {
                member: folder_of(&self.member).to_owned(),
                ..Self::new(self.tree, self.shared, (self.stack, self.book), "")
            };
            return if self.member.is_empty() { Vec::new() } else { above.files(&format!("^{inner}")) };
        }
        if !glob.starts_with('^') {
            return self.below(&self.member, &all, false);
        }
        let mut found = Vec::new();
        let mut folder = self.member.as_str();
        loop {
            found.extend(self.below(folder, &all, false));
            if folder.is_empty() || (!found.is_empty() && !glob.starts_with("^^")) {
                return found;
            }
            folder = folder_of(folder);
        }
    }

    /// Of a folder; `quiet` files, too, which are no part of what runs.
    fn below(&self, folder: &str, globs: &[FileGlob], quiet: bool) -> Vec<usize> {
        let mut found = Vec::new();
        for glob in globs {
            let start = match (folder, glob.folder.as_str()) {
                ("", inner) => inner.to_owned(),
                (folder, "") => folder.to_owned(),
                (folder, inner) => format!("{folder}/{inner}"),
            };
            let fits = |path: &str| within(folder, path).is_some_and(|inner| glob.is_match(inner));
            if glob.flat {
                found.extend(self.tree.inside(&start).filter(|(_, path)| fits(path)).map(|(index, _)| index));
                continue;
            }
            let key = format!("{folder}\0{quiet}{}", glob.text());
            let known = self.deep.borrow().get(&key).cloned();
            let files = known.unwrap_or_else(|| {
                let below = self.tree.files().filter(|(_, path)| within(&start, path).is_some() && fits(path));
                let files: Rc<Vec<usize>> =
                    Rc::new(below.filter(|(_, path)| quiet || self.is_own(path)).map(|(index, _)| index).collect());
                self.deep.borrow_mut().insert(key, Rc::clone(&files));
                files
            });
            found.extend(files.iter());
        }
        found
    }

    /// Whether a file below is a part of this service.
    fn is_own(&self, path: &str) -> bool {
        let inner = self.inner(path);
        !self.nested.iter().any(|folder| within(folder, path).is_some()) && !self.shared.quiet.is_match(inner)
    }

    /// The dependencies of its manifests.
    pub(super) fn dependencies(&self) -> &[ListedDependency] {
        self.dependencies.get_or_init(|| {
            let mut found = Vec::new();
            for list in &self.book.deps {
                for file in self.files(&list.file) {
                    self.listed(list, file, &mut found);
                }
            }
            found
        })
    }

    fn listed(&self, list: &super::rules::DependencyList, file: usize, found: &mut Vec<ListedDependency>) {
        let name = |text: &str| match &list.re {
            None => Some(text.to_owned()),
            Some(re) => re
                .get()
                .captures(text)
                .and_then(|found| Some(found.iter().skip(1).flatten().next()?.as_str().to_owned())),
        };
        if let Some(at) = &list.at {
            let Some(datum) = self.tree.datum(file) else { return };
            for (key, value) in datum.at(at) {
                let text = if list.keys { Some(key) } else { value.text.as_deref() };
                let name = text.and_then(name);
                found.extend(name.map(|name| ListedDependency { name, kind: list.kind, file, line: value.line }));
            }
        } else if let (Some(text), Some(re)) = (self.tree.text(file), &list.re) {
            for captures in re.get().captures_iter(&text).take(400) {
                let Some(one) = captures.iter().skip(1).flatten().next() else { continue };
                let line = crate::text::line_of(&text.as_bytes()[..one.start()]);
                found.push(ListedDependency { name: one.as_str().to_owned(), kind: list.kind, file, line });
            }
        }
    }

    /// The documents of a purpose, the most fitting first.
    pub(super) fn documents(&self, purpose: &str) -> &[Document] {
        let all = self.documents.get_or_init(|| {
            let compose = self.composed();
            let mut all = BTreeMap::new();
            for purpose in self.shared.documents.keys() {
                let found = match purpose.as_str() {
                    COMPOSE => compose.clone(),
                    DOCKERFILE => self.dockerfile(&compose).into_iter().collect(),
                    _ => self.parsed(purpose),
                };
                all.insert(purpose.as_str(), found);
            }
            all
        });
        all.get(purpose).map_or(&[], Vec::as_slice)
    }

    fn named(&self, purpose: &str) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for glob in self.shared.documents.get(purpose).into_iter().flatten() {
            let more: Vec<usize> = self.files(glob).into_iter().filter(|one| !found.contains(one)).collect();
            found.extend(more);
        }
        found
    }

    fn parsed(&self, purpose: &str) -> Vec<Document> {
        let read = |file: usize| Some((file, self.tree.datum(file)?));
        self.named(purpose).into_iter().filter_map(read).collect()
    }

    /// The compose files, each with the project's own service as `own`.
    fn composed(&self) -> Vec<Document> {
        let passed_over = |name: &str| self.shared.passed_over.is_match(name);
        let with_own = |(file, datum): Document| {
            let folder = folder_of(self.tree.path(file));
            let own =
                formats::own_service(&datum, folder, &self.member, &passed_over).map(|(_, own)| formats::started(own));
            let mut datum = Datum::clone(&datum);
            datum.entries.extend(own.map(|own| ("own".to_owned(), own)));
            (file, Rc::new(datum))
        };
        self.parsed(COMPOSE).into_iter().map(with_own).collect()
    }

    /// The Dockerfile of production: the one that the compose file builds, or else the one with the plainest name.
    fn dockerfile(&self, compose: &[Document]) -> Option<Document> {
        let passed_over = |name: &str| self.shared.passed_over.is_match(name);
        let built = compose.iter().filter_map(|(file, datum)| {
            let build = datum.first("own/build")?;
            let context = build.text.as_deref().or_else(|| build.text_at("context")).unwrap_or(".");
            let name = build.text_at("dockerfile").unwrap_or("Dockerfile");
            let path = crate::text::clean(&format!("{}/{context}/{name}", folder_of(self.tree.path(*file))));
            self.tree.find(path.trim_start_matches('/'))
        });
        let built: Vec<usize> = built.collect();
        let mut named = self.named(DOCKERFILE);
        named.sort_by_key(|file| {
            let path = self.tree.path(*file);
            let name = path.rsplit('/').next().unwrap_or_default();
            let plain = !name.contains('.') && !name.contains('-');
            (
                passed_over(self.inner(path)),
                built.iter().position(|one| one == file).unwrap_or(built.len()),
                within(&self.member, path).is_none(),
                !plain,
            )
        });
        let read = |file: usize| {
            let text = self.tree.text(file)?;
            Some((file, Rc::new(formats::dockerfile(&text, &passed_over)?)))
        };
        let chosen = named.into_iter().chain(built).filter(|file| !passed_over(self.inner(self.tree.path(*file))));
        chosen.filter_map(read).find(|(_, datum)| self.runs_here(datum))
    }

    /// Whether a Dockerfile is this service's: all that it copies by name is there, or it copies the whole folder.
    fn runs_here(&self, dockerfile: &Datum) -> bool {
        let copies = dockerfile.at("copies/*");
        let names: Vec<&str> = copies.iter().filter_map(|(_, datum)| datum.text.as_deref()).collect();
        let there = |name: &&str| {
            let plain = name.trim_start_matches("./").trim_end_matches('/');
            let outer = self.outer(plain);
            plain.contains(['*', '$', '[', '?'])
                || matches!(plain, "" | ".")
                || self.tree.find(&outer).is_some()
                || self.tree.has_folder(&outer)
                || self.tree.find(plain).is_some()
                || self.tree.has_folder(plain)
        };
        names.is_empty() || names.iter().any(there)
    }
}

/// Purposes whose documents have readers of their own.
const COMPOSE: &str = "compose";
const DOCKERFILE: &str = "dockerfile";

/// A path as seen from a folder, where it is below it.
pub(super) fn within<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}
