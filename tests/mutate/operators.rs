//! Operators: what they are as data, and how they change a project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::files::{Content, Files};
use crate::sites::{self, Lines};

/// A scaffold that operators are applied to: a stack and one of its package managers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Scaffold {
    pub(crate) name: String,
    /// Arguments of `dockwright new`.
    #[serde(default)]
    pub(crate) new: Vec<String>,
    /// A project of another hand instead, in this folder of `adopted/`.
    pub(crate) adopted: Option<String>,
    /// What a scaffold's blocks and files are called in it: `stage service`, `compose.yaml`.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// The contracts, or the beginnings of their names, that it does not claim, or that its stack's files leave unseen.
    #[serde(default)]
    unclaimed: Vec<String>,
    /// Operators that do in it what they do not do in a scaffold: what they take away it does without, say.
    #[serde(default)]
    unfit: Vec<String>,
    /// Its images have no shell that a step could run.
    #[serde(default)]
    no_shell: bool,
    /// Of these, those that are inconclusive rather than skipped.
    #[serde(default)]
    pub(crate) unseen: Vec<String>,
    /// Whether its contracts are verified in seconds rather than minutes.
    #[serde(default)]
    pub(crate) quick: bool,
    /// What `{name}` stands for in an operator's texts.
    #[serde(default)]
    words: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaffoldFile {
    scaffold: Vec<Scaffold>,
}

/// One way to break a project, or to have it otherwise than the scaffold and right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Operator {
    pub(crate) name: String,
    /// How a user comes to have it.
    pub(crate) why: String,
    /// The contract that fails.
    pub(crate) breaks: Option<String>,
    /// The contracts that pass: a decoy for them.
    #[serde(default)]
    pub(crate) passes: Vec<String>,
    /// The scaffolds that it fits; those that its words and sites are found in, if left out.
    #[serde(default)]
    on: Vec<String>,
    /// What it does has nothing to do with the stack: its sites and values are dealt to the scaffolds in turn.
    #[serde(default)]
    spread: bool,
    /// What `{v}` stands for, one after the other.
    #[serde(default)]
    values: Vec<String>,
    /// Where the failure points, if not at the edited lines: `FILE: TEXT`, or `anywhere`.
    pub(crate) at: Option<String>,
    /// Why a mutant cannot be told from the original, by the beginning of `SCAFFOLD/SITE`.
    #[serde(default)]
    equivalent: BTreeMap<String, String>,
    /// The limit of the contract by which it is not seen; a sentence of its `assumes`.
    pub(crate) limit: Option<String>,
    file: String,
    #[serde(default)]
    within: Vec<String>,
    find: Option<String>,
    put: Put,
    #[serde(default)]
    text: String,
    /// Edits that are made beside it, each at its only site.
    #[serde(default)]
    also: Vec<Edit>,
    /// The file that it came from, without its ending.
    #[serde(skip)]
    pub(crate) subject: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Edit {
    file: String,
    within: Option<String>,
    find: Option<String>,
    put: Put,
    #[serde(default)]
    text: String,
}

/// What is done at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Put {
    /// Lines before the line of the match.
    Before,
    /// Lines after the line of the match, or after its instruction.
    After,
    /// Text in place of the match.
    Instead,
    /// The line of the match, or its instruction, is removed.
    Remove,
    /// The line of the match, or its instruction, changes places with the next.
    Swap,
    /// Lines at the end of the block or the file.
    Append,
    /// Lines at the beginning of the file.
    Prepend,
    /// The file is created.
    Create,
    /// The file is deleted.
    Delete,
    /// The line ends as Windows has them; of all files if the file is `*`.
    Crlf,
    /// The modes that this umask leaves.
    Umask,
    /// The file is moved to the place of this name, and a link to it left.
    Link,
}

/// A project changed at one site.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// `operator/scaffold/site`.
    pub(crate) name: String,
    pub(crate) operator: &'static Operator,
    pub(crate) scaffold: &'static Scaffold,
    pub(crate) files: Files,
    /// The file that was edited, and the lines.
    pub(crate) edited: (String, Lines),
    pub(crate) digest: String,
}

impl Mutant {
    /// The contract that it is counted for.
    pub(crate) fn contract(&self) -> &'static str {
        let passes = || self.operator.passes.iter().find(|name| self.scaffold.claims(name));
        self.operator.breaks.as_ref().or_else(passes).expect("it is of one that its scaffold claims")
    }

    /// The contracts that it is verified by.
    pub(crate) fn contracts(&self) -> Vec<String> {
        let all = self.operator.breaks.iter().chain(&self.operator.passes);
        all.filter(|name| self.scaffold.claims(name)).cloned().collect()
    }

    /// Whether it is one that can be told from the original, and that its contract is to see.
    pub(crate) fn is_counted(&self) -> bool {
        self.equivalent().is_none() && self.operator.limit.is_none()
    }

    /// Why nobody can tell it from the original.
    pub(crate) fn equivalent(&self) -> Option<&'static str> {
        let place = self.name.split_once('/').expect("it has an operator").1;
        let found = self.operator.equivalent.iter().find(|(prefix, _)| place.starts_with(prefix.as_str()));
        found.map(|(_, reason)| reason.as_str())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate")
}

pub(crate) static SCAFFOLDS: LazyLock<Vec<Scaffold>> = LazyLock::new(|| {
    let text = fs::read_to_string(folder().join("scaffolds.toml")).unwrap();
    toml::from_str::<ScaffoldFile>(&text).unwrap_or_else(|error| panic!("scaffolds.toml: {error}")).scaffold
});

pub(crate) static OPERATORS: LazyLock<Vec<Operator>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OperatorFile {
        operator: Vec<Operator>,
    }
    let entries = fs::read_dir(folder().join("operators")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut operators = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut read: OperatorFile =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for operator in &mut read.operator {
            path.file_stem().unwrap().to_str().unwrap().clone_into(&mut operator.subject);
        }
        operators.append(&mut read.operator);
    }
    operators
});

/// Words in braces, as in `{port}`; braces of shells, of Compose and of languages are not of this form.
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([a-z0-9-]+)\}").unwrap());

/// What only a scaffold of dockwright's has in it: its roles by their names, its folders, its service.
static OF_SCAFFOLDS: LazyLock<Regex> = LazyLock::new(|| {
    let roles = "dev|dev-tools|builder|build|build-tests|service|runtime|test|installation";
    let before = r"--from=|FROM |from=|target: |depends_on: \[|service: ?|^ *";
    let own = r"/srv/|/out\b|orders|as-owner|run-on-change|dev-home";
    Regex::new(&format!(r"(?m)(?:{before})(?:{roles})\b|{own}")).unwrap()
});

impl Scaffold {
    /// What a block or a file of a scaffold is called in it.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }

    /// Whether it is to keep a contract.
    pub(crate) fn claims(&self, contract: &str) -> bool {
        !self.unclaimed.iter().any(|one| contract.starts_with(one.as_str()))
    }

    /// A text with its words; none if the scaffold does not have one of them.
    fn filled(&self, text: &str, value: &str) -> Option<String> {
        let word = |name: &str| if name == "v" { Some(value) } else { self.words.get(name).map(String::as_str) };
        // A match's own groups are for later.
        let later = |name: &str| name.parse::<usize>().is_ok();
        if WORD.captures_iter(text).any(|found| word(&found[1]).is_none() && !later(&found[1])) {
            return None;
        }
        let fill = |found: &regex::Captures| word(&found[1]).map_or_else(|| found[0].to_owned(), ToOwned::to_owned);
        Some(WORD.replace_all(text, fill).into_owned())
    }
}

impl Operator {
    /// All mutants that it makes of a scaffold.
    pub(crate) fn apply(&'static self, at: usize, scaffold: &'static Scaffold, files: &Files) -> Vec<Mutant> {
        if !self.on.is_empty() && !self.on.contains(&scaffold.name) || !self.fits(scaffold) {
            return Vec::new();
        }
        let none = [String::new()];
        let values = if self.values.is_empty() { &none[..] } else { &self.values };
        let whole = [String::new()];
        let blocks = if self.within.is_empty() { &whole[..] } else { &self.within };
        let mut made = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let Some(value) = scaffold.filled(value, "") else { continue };
            for block in blocks {
                for (site, files, edited) in self.at_sites(scaffold, files, block, &value) {
                    let variant = if self.values.is_empty() { String::new() } else { format!("+{}", index + 1) };
                    let name = format!("{}/{}/{site}{variant}", self.name, scaffold.name);
                    let digest = files.digest();
                    made.push(Mutant { name, operator: self, scaffold, files, edited, digest });
                }
            }
        }
        if self.spread {
            let mut turn = OPERATORS.iter().position(|one| one.name == self.name).expect("it is one of them");
            made.retain(|_| {
                turn += 1;
                turn % SCAFFOLDS.iter().filter(|one| one.adopted.is_none()).count() == at
            });
        }
        made
    }

    /// Whether it can be done to a project, and breaks there what it breaks in scaffolds.
    fn fits(&self, scaffold: &Scaffold) -> bool {
        if scaffold.adopted.is_none() {
            return true;
        }
        let mut claimed = self.breaks.iter().chain(&self.passes).filter(|name| scaffold.claims(name));
        if claimed.next().is_none() || self.on.contains(&scaffold.name) {
            return self.on.contains(&scaffold.name);
        }
        let also = self.also.iter().flat_map(|edit| [edit.find.as_ref(), Some(&edit.text)]).flatten();
        let mut texts = self.values.iter().chain([&self.text, &self.file]).chain(&self.find).chain(also);
        let needs_shell = |text: &String| text.contains("RUN ") || text.contains("sh -c") || text.contains("\"-c\"");
        let strange = |text: &String| OF_SCAFFOLDS.is_match(text) || scaffold.no_shell && needs_shell(text);
        !self.spread && !scaffold.unfit.contains(&self.name) && !texts.any(strange)
    }

    /// The project changed at each site of a block: how the site is called, the files, and the edited lines.
    fn at_sites(
        &self,
        scaffold: &Scaffold,
        files: &Files,
        block: &str,
        value: &str,
    ) -> Vec<(String, Files, (String, Lines))> {
        let mut files = files.clone();
        for edit in &self.also {
            let within = edit.within.as_deref().unwrap_or_default();
            let Some(part) = Part::new(scaffold, &edit.file, within, edit.find.as_deref(), edit.put, &edit.text, value)
            else {
                return Vec::new();
            };
            let mut sites = part.make(&files);
            if sites.len() != 1 {
                return Vec::new();
            }
            files = sites.remove(0).1;
        }
        let part = Part::new(scaffold, &self.file, block, self.find.as_deref(), self.put, &self.text, value);
        part.map(|part| part.make(&files)).unwrap_or_default()
    }
}

/// An edit with the scaffold's words in it.
struct Part {
    file: String,
    within: String,
    find: Option<Regex>,
    put: Put,
    text: String,
}

impl Part {
    fn new(
        scaffold: &Scaffold,
        file: &str,
        within: &str,
        find: Option<&str>,
        put: Put,
        text: &str,
        value: &str,
    ) -> Option<Self> {
        let pattern = match find {
            Some(find) => {
                let filled = scaffold.filled(find, &regex::escape(value))?;
                Some(Regex::new(&format!("(?m){filled}")).unwrap_or_else(|error| panic!("{find}: {error}")))
            }
            None => None,
        };
        let text = scaffold.filled(text, value)?;
        // A block that goes by another name is looked for by that; one that a project lacks is nowhere.
        if !within.is_empty() && scaffold.adopted.is_some() && !scaffold.names.contains_key(within) {
            return None;
        }
        let file = scaffold.filled(file, value)?;
        let (file, within) = (scaffold.named(&file).to_owned(), scaffold.named(within).to_owned());
        Some(Self { file, within, find: pattern, put, text })
    }

    fn make(&self, files: &Files) -> Vec<(String, Files, (String, Lines))> {
        let mut changed = files.clone();
        let whole = |files| vec![(self.file.replace('/', ":"), files, (self.file.clone(), Lines::all()))];
        match self.put {
            Put::Create => {
                if files.0.contains_key(&self.file) {
                    return Vec::new();
                }
                changed.set(&self.file, self.text.clone());
                return whole(changed);
            }
            Put::Delete => {
                return changed.0.remove(&self.file).map(|_| whole(changed)).unwrap_or_default();
            }
            Put::Crlf => {
                for (path, content) in &mut changed.0 {
                    if let Content::File { bytes, .. } = content
                        && (self.file == "*" || self.file == *path)
                        && let Ok(text) = std::str::from_utf8(bytes)
                    {
                        *bytes = text.replace('\n', "\r\n").into_bytes();
                    }
                }
            }
            Put::Umask => {
                let umask = u32::from_str_radix(&self.text, 8).expect("a umask is octal");
                for (path, content) in &mut changed.0 {
                    if let Content::File { mode, .. } = content
                        && (self.file == "*" || self.file == *path)
                    {
                        *mode = (0o666 | (*mode & 0o111)) & !umask;
                    }
                }
            }
            Put::Link => {
                let Some(content) = changed.0.remove(&self.file) else { return Vec::new() };
                let up = "../".repeat(self.file.matches('/').count());
                changed.0.insert(self.file.clone(), Content::Link(format!("{up}{}", self.text)));
                changed.0.insert(self.text.clone(), content);
            }
            _ => return self.in_text(files),
        }
        if changed == *files { Vec::new() } else { whole(changed) }
    }

    /// The sites within a text.
    fn in_text(&self, files: &Files) -> Vec<(String, Files, (String, Lines))> {
        let Some(text) = files.text(&self.file) else { return Vec::new() };
        let Some(block) = sites::block(text, &self.within) else { return Vec::new() };
        let name = |line: usize| {
            let place = if self.within.is_empty() { &self.file } else { &self.within };
            format!("{}:{line}", place.replace([' ', '/'], ":"))
        };
        let edit = |range: std::ops::Range<usize>, new: &str| {
            let mut changed = files.clone();
            changed.set(&self.file, format!("{}{new}{}", &text[..range.start], &text[range.end..]));
            let first = sites::line_of(text, range.start);
            let last = first + new.trim_end_matches('\n').matches('\n').count();
            (name(first), changed, (self.file.clone(), Lines { first, last }))
        };
        let lines = || format!("{}\n", self.text.trim_end_matches('\n'));
        match self.put {
            Put::Append => return vec![edit(block.end..block.end, &lines())],
            Put::Prepend => return vec![edit(0..0, &lines())],
            _ => {}
        }
        let find = self.find.as_ref().unwrap_or_else(|| panic!("{}: nothing to find", self.file));
        let mut made = Vec::new();
        for found in find.captures_iter(&text[block.clone()]) {
            let all = found.get(0).expect("it matched");
            let (start, end) = (block.start + all.start(), block.start + all.end());
            let step = sites::step(text, start, sites::is_dockerfile(&self.file));
            made.push(match self.put {
                Put::Before => edit(step.start..step.start, &lines()),
                Put::After => edit(step.end..step.end, &lines()),
                Put::Remove => edit(step, ""),
                Put::Swap => {
                    let next = sites::step(text, step.end, sites::is_dockerfile(&self.file));
                    if next.end > block.end || next.is_empty() {
                        continue;
                    }
                    let swapped = format!("{}{}", &text[next.clone()], &text[step.clone()]);
                    edit(step.start..next.end, &swapped)
                }
                _ => {
                    let group = |word: &regex::Captures| {
                        let number = word[1].parse().ok();
                        number.and_then(|number| found.get(number)).map_or(word[0].to_owned(), |it| it.as_str().into())
                    };
                    edit(start..end, &WORD.replace_all(&self.text, group))
                }
            });
        }
        made.retain(|(_, changed, _)| changed != files);
        // Two matches on one line are two sites.
        let names: Vec<String> = made.iter().map(|(name, ..)| name.clone()).collect();
        for (index, (name, ..)) in made.iter_mut().enumerate() {
            let before = names[..index].iter().filter(|other| *other == name).count();
            if before > 0 {
                *name = format!("{name}.{}", before + 1);
            }
        }
        made
    }
}
