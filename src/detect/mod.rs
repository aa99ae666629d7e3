//! What a repository says of its service: facts (a bounded walk, readers of formats) → rules (data in `templates/detect/`)
//! → claims with evidence. Nothing of the host or of the project is run, no link is followed, and broken files are no
//! evidence rather than errors. See docs/DETECTION.md.

mod book;
mod choose;
mod claim;
mod command;
mod datum;
mod formats;
mod globs;
mod probe;
mod range;
mod rules;
mod scope;
mod settle;
mod shell;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::text::{listed, nearest};
use tree::Tree;

pub use claim::Claim;
pub use rules::Band;

/// The fields that people see, in the order in which they see them.
pub const FIELDS: [&str; 20] = [
    "stack",
    "name",
    "manager",
    "framework",
    "version",
    "root",
    "member",
    "main",
    "release",
    "start",
    "workers",
    "build",
    "test",
    "dev",
    "port-env",
    "port",
    "health",
    "libraries",
    "services",
    "static",
];

/// The fields that may have several values.
pub const LISTS: [&str; 4] = ["release", "workers", "libraries", "services"];

/// What the user says, which beats everything that is found.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The stack.
    pub stack: Option<String>,
    /// The service's folder, relative to the repository, with `/`; the root is empty.
    pub path: Option<String>,
    /// Fields and their values.
    pub fields: Vec<(String, String)>,
}

/// What was found.
#[derive(Debug)]
pub struct Detection {
    /// The claims for each field that people see, the best first, in the order of [`FIELDS`].
    pub fields: Vec<(&'static str, Vec<Claim>)>,
    /// What is worth knowing: other services, values that compete.
    pub notes: Vec<String>,
    /// The claims for every field, also for those that are only steps on the way.
    all: BTreeMap<String, Vec<Claim>>,
}

impl Told {
    /// Reads `FIELD=VALUE`.
    ///
    /// # Errors
    /// No such form, no such field, a port that is none.
    pub fn set(&mut self, text: &str) -> Result<()> {
        let Some((field, value)) = text.split_once('=').filter(|(_, value)| !value.trim().is_empty()) else {
            return Err(Error::usage(format!("`--set {text}` is not FIELD=VALUE"))
                .hint(format!("the fields are {}", FIELDS.join(", "))));
        };
        if !FIELDS.contains(&field) {
            let error = Error::usage(format!("there is no field `{field}`"));
            return Err(match nearest(field, FIELDS) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the fields are {}", FIELDS.join(", "))),
            });
        }
        if field == "port" && value.parse::<u16>().ok().is_none_or(|port| port == 0) {
            return Err(Error::usage(format!("`{value}` is not a port")).hint("a port is a number from 1 to 65535"));
        }
        match field {
            "stack" => self.stack = Some(value.to_owned()),
            _ => self.fields.push((field.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// What the user says of a field.
    fn claims(&self, field: &str) -> Vec<Claim> {
        let stack = self.stack.iter().filter(|_| field == "stack");
        let values = stack.chain(self.fields.iter().filter(|(own, _)| own == field).map(|(_, value)| value));
        let claim = |(line, value): (usize, &String)| Claim {
            field: field.to_owned(),
            value: value.clone(),
            file: String::new(),
            line: 0,
            rule: "told".to_owned(),
            band: Band::Told,
            rank: claim::Rank { band: std::cmp::Reverse(Band::Told), line, ..claim::Rank::default() },
        };
        values.enumerate().map(claim).collect()
    }
}

/// The names of the stacks that can be detected.
pub fn stacks() -> impl Iterator<Item = &'static str> {
    book::books().keys().copied()
}

/// Reads a repository.
///
/// # Errors
/// `root` is not a folder; there is no such stack; nothing in it is a service, with what was looked for.
pub fn detect(root: &Path, told: &Told) -> Result<Detection> {
    if !root.is_dir() {
        return Err(
            Error::usage(format!("{} is not a folder", root.display())).hint("name the folder of the repository")
        );
    }
    if let Some(stack) = told.stack.as_deref().filter(|stack| !book::books().contains_key(stack)) {
        let error = Error::usage(format!("there is no stack `{stack}`"));
        return Err(error.hint(format!("the stacks are {}", stacks().collect::<Vec<_>>().join(", "))));
    }
    let shared = book::shared();
    let tree = Tree::walk(root, &|name| shared.skip.iter().any(|skip| skip == name));
    if let Some(path) = told.path.as_deref().filter(|path| !path.is_empty() && !tree.has_folder(path)) {
        return Err(Error::usage(format!("there is no folder `{path}` with files in {}", root.display())));
    }
    let mut candidates = choose::candidates(&tree, told);
    if candidates.is_empty() {
        return Err(nothing(root, &tree));
    }
    let others = others(&candidates);
    let mut chosen = candidates.swap_remove(0);
    let name = root.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    folder_name(&mut chosen.scope, name);
    settle::settle(&mut chosen.scope, told);
    Ok(collected(&chosen.scope, tree.cut, others))
}

/// The folder's own name, which rules may take for the service's.
fn folder_name(scope: &mut scope::ServiceScope<'_>, root: Option<String>) {
    let own = scope.member.rsplit('/').next().filter(|name| !name.is_empty()).map(ToOwned::to_owned);
    let claim = |value: String| Claim {
        field: "folder".to_owned(),
        value,
        file: String::new(),
        line: 0,
        rule: "folder".to_owned(),
        band: Band::Usual,
        rank: claim::Rank::default(),
    };
    let at = Some(scope.member.clone()).filter(|member| !member.is_empty());
    scope.settled.extend(own.or(root).map(|name| ("folder".to_owned(), vec![claim(name)])));
    scope.settled.extend(at.map(|path| ("folder-path".to_owned(), vec![claim(path)])));
}

fn collected(scope: &scope::ServiceScope<'_>, cut: bool, mut notes: Vec<String>) -> Detection {
    let fields = FIELDS.into_iter().filter_map(|field| Some((field, scope.settled.get(field)?.clone())));
    let fields: Vec<(&'static str, Vec<Claim>)> = fields.collect();
    for (field, claims) in fields.iter().filter(|(field, _)| !LISTS.contains(field)) {
        if let Some((first, other)) = claim::torn(claims) {
            let place = |claim: &Claim| format!("`{}` ({}:{})", claim.value, claim.file, claim.line);
            notes.push(format!("{field}: took {}, not {}; `--set {field}=…` decides", place(first), place(other)));
        }
    }
    if cut {
        notes.push("the repository has more files than are looked at; `--path` names the service's folder".to_owned());
    }
    Detection { fields, notes, all: scope.settled.clone() }
}

/// The other services of the repository, for a note.
fn others(candidates: &[choose::ServiceCandidate<'_>]) -> Vec<String> {
    let chosen = &candidates[0].scope;
    let place = |one: &choose::ServiceCandidate<'_>| {
        let folder = if one.scope.member.is_empty() { "." } else { &one.scope.member };
        format!("{folder} ({})", one.scope.stack)
    };
    let others = candidates[1..]
        .iter()
        .filter(|one| ["primary", "site"].contains(&one.role.as_str()) && one.scope.member != chosen.member);
    let others: Vec<String> = others.map(place).collect();
    let beside = candidates[1..].iter().filter(|one| one.scope.member == chosen.member).map(|one| one.scope.stack);
    let beside: Vec<&str> = beside.collect();
    let mut notes = Vec::new();
    if !others.is_empty() {
        notes.push(format!("there are other services: {}; `--path` takes another", listed(others, 6)));
    }
    if !beside.is_empty() {
        notes.push(format!("the folder also has files of {}; `--stack` takes another", beside.join(", ")));
    }
    notes
}

/// Nothing was found: what was looked for, and which names are nearly right.
fn nothing(root: &Path, tree: &Tree) -> Error {
    let names = choose::looked_for();
    let mut error = Error::usage(format!("{} has no service that dockwright knows", root.display()));
    for (_, path) in tree.files().filter(|(_, path)| path.matches('/').count() < 2) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let plain = names.iter().map(String::as_str).filter(|known| !known.contains('*'));
        if let Some(near) = nearest(name, plain).filter(|near| close(name, near)) {
            error = error.hint(format!("{path}: did you mean `{near}`?"));
        }
    }
    error
        .hint(format!("looked for {}", names.join(", ")))
        .hint("name the stack with `--stack`, or the folder with `--path`")
}

/// Whether a name is another one with a slip: long names may have two wrong letters, short ones one.
fn close(name: &str, known: &str) -> bool {
    let slips = strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
    slips <= if known.len() > 7 { 2 } else { 1 }
        || name.to_lowercase().split('.').next() == known.to_lowercase().split('.').next()
            && !known.starts_with("index")
}

impl Detection {
    /// The best value of a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        let (_, claims) = self.fields.iter().find(|(own, _)| *own == field)?;
        claims.first().map(|claim| claim.value.as_str())
    }

    /// All values of a field, also of one that is only a step on the way; of a list each once, else the best.
    #[must_use]
    pub fn values(&self, field: &str) -> Vec<&str> {
        let claims = self.all.get(field).map_or(&[][..], Vec::as_slice);
        let told_first = claims.first().is_some_and(|first| first.band == Band::Told);
        let is_list = LISTS.contains(&field) || book::shared().several.iter().any(|one| one == field);
        let mut values: Vec<&str> = Vec::new();
        for claim in claims.iter().filter(|claim| !told_first || claim.band == Band::Told) {
            if !values.contains(&claim.value.as_str()) {
                values.push(&claim.value);
            }
        }
        values.truncate(if is_list { values.len() } else { 1 });
        values
    }

    /// The fields and their values as one JSON object.
    #[must_use]
    pub fn detected(&self) -> Value {
        let mut map = Map::new();
        for (field, claims) in &self.fields {
            let first = claims.first().map_or("", |claim| claim.value.as_str());
            let value = if LISTS.contains(field) {
                let mut values: Vec<&str> = Vec::new();
                for claim in claims {
                    let told_first = claims[0].band == Band::Told && claim.band != Band::Told;
                    if !values.contains(&claim.value.as_str()) && !told_first {
                        values.push(&claim.value);
                    }
                }
                json!(values)
            } else if *field == "port" {
                first.parse::<u16>().map_or(json!(first), |port| json!(port))
            } else {
                json!(first)
            };
            map.insert((*field).to_owned(), value);
        }
        Value::Object(map)
    }

    /// Every claim, field by field, the best first.
    pub fn evidence(&self) -> impl Iterator<Item = &Claim> {
        self.fields.iter().flat_map(|(_, claims)| claims)
    }
}
