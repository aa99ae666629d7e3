//! The derived texts. Dropped lines are left empty, so that a kept line has the number it has in the
//! user's file, and an engine's message about it can be passed on as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Copy, Dockerfile, Instruction, InstructionKind, RunInstruction, StageBase};
use super::stages::{Source, froms};
use super::words::expand;
use crate::text;

/// A stage without what it copies from another.
#[derive(Debug, Clone, PartialEq)]
pub struct WithoutCopies {
    /// The Dockerfile of the stage and of what it still needs.
    pub text: String,
    /// What was dropped, in the order in which the build would have done it.
    pub dropped: Vec<DroppedCopy>,
}

/// One dropped `COPY --from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedCopy {
    /// Its line.
    pub line: usize,
    /// Sources in the other stage, variables expanded as far as known.
    pub sources: Vec<String>,
    /// The destination as written, variables expanded as far as known.
    pub dest: String,
    /// The destination as an absolute path, a trailing slash kept; `None`: it is relative to the base
    /// image's own WORKDIR, which only the engine knows.
    pub absolute: Option<String>,
    /// `--chown`; `None`: root, whatever USER says.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// The whole instruction.
    pub copy: Copy,
}

/// A stage cut before it takes in the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Truncated {
    /// The Dockerfile of what stands before the cut.
    pub text: String,
    /// The line of the cut; `None`: nothing takes the context in, and the stage is whole.
    pub cut: Option<usize>,
    /// The RUNs behind the cut, in order.
    pub runs: Vec<LaterRun>,
    /// What else behind the cut changes files: COPY and ADD that are not from the context, VOLUME. The
    /// caller does them too, or says that it cannot.
    pub others: Vec<Instruction>,
}

/// A RUN behind the cut and what is in force there. Of `None`, the image of the text before the cut has it.
#[derive(Debug, Clone, PartialEq)]
pub struct LaterRun {
    /// The RUN.
    pub run: RunInstruction,
    /// Its line.
    pub line: usize,
    /// SHELL; `None`: what the image's config says, else `/bin/sh -c`.
    pub shell: Option<Vec<String>>,
    /// WORKDIR set behind the cut, absolute or relative to the image's.
    pub workdir: Option<String>,
    /// USER set behind the cut.
    pub user: Option<String>,
    /// ENV set behind the cut; `${NAME}` of what the file does not say is left for [`super::expand`] with
    /// the image's environment.
    pub env: BTreeMap<String, String>,
    /// ARGs that the RUN sees, by their defaults: not in the image's config. ENV of the same name wins.
    pub args: BTreeMap<String, String>,
}

impl Dockerfile {
    /// The text of the stages that a stage needs, nothing else; global ARGs and directives stay.
    #[must_use]
    pub fn split_closure(&self, stage: usize) -> String {
        self.keep(stage, &BTreeSet::new())
    }

    /// A stage, and the stages it is FROM, less their `COPY --from=from_stage`; stages that only those
    /// needed go too.
    #[must_use]
    pub fn without_copies_from(&self, stage: usize, from_stage: usize) -> WithoutCopies {
        let mut lines = BTreeSet::new();
        let mut dropped = Vec::new();
        for index in self.ancestry(stage).into_iter().rev() {
            let mut workdir = self.workdir_before(index);
            for instruction in &self.stages[index].instructions {
                match &instruction.kind {
                    InstructionKind::Workdir(path) => {
                        workdir = join(workdir.as_deref(), &self.known(index, instruction.line, path));
                    }
                    InstructionKind::Copy(copy) => {
                        let from = copy.from.as_deref().map(|from| self.source(from));
                        if from == Some(Source::Stage(from_stage)) {
                            lines.insert(instruction.line);
                            dropped.push(self.dropped(index, instruction, copy, workdir.as_deref()));
                        }
                    }
                    _ => {}
                }
            }
        }
        WithoutCopies { text: self.keep(stage, &lines), dropped }
    }

    /// A stage cut before the last COPY or ADD from the build context in it or in the stages it is FROM, or
    /// before a RUN behind it that mounts the whole context, and what comes after.
    #[must_use]
    pub fn truncated_before_source(&self, stage: usize) -> Truncated {
        let mut found = Truncated { text: String::new(), cut: None, runs: Vec::new(), others: Vec::new() };
        let chain: Vec<(usize, &Instruction)> = self
            .ancestry(stage)
            .into_iter()
            .rev()
            .flat_map(|index| self.stages[index].instructions.iter().map(move |one| (index, one)))
            .collect();
        // A mount of the whole context behind the last copy is what the build works on.
        let mounted = chain.iter().position(|(_, one)| mounts_context(one));
        let copied = chain.iter().rposition(|(_, one)| from_context(one));
        let Some(at) = mounted.filter(|at| Some(*at) > copied).or(copied) else {
            found.text = self.split_closure(stage);
            return found;
        };
        let (before, after) = chain.split_at(at);
        found.text = self.keep(stage, &after.iter().map(|(_, one)| one.line).collect());
        found.cut = Some(after[0].1.line);
        let of_image: BTreeSet<&str> = before.iter().flat_map(|(_, one)| env_names(one)).collect();
        let mut shell = before.iter().rev().find_map(|(_, one)| shell_of(one));
        let (mut workdir, mut user, mut env) = (None, None, BTreeMap::<String, String>::new());
        for (index, instruction) in after {
            let args = self.arg_defaults(*index, instruction.line);
            let expanded = |text: &str| {
                expand(text, self.escape, &|name| {
                    let arg = || args.get(name).filter(|_| !of_image.contains(name));
                    env.get(name).or_else(arg).cloned()
                })
            };
            match &instruction.kind {
                InstructionKind::Shell(words) => shell = Some(words.clone()),
                InstructionKind::Workdir(path) => {
                    let path = expanded(path);
                    let below = workdir.as_deref().map(|folder: &str| format!("{folder}/{path}"));
                    workdir = join(workdir.as_deref(), &path).or(below).or(Some(path));
                }
                InstructionKind::User(name) => user = Some(expanded(name)),
                InstructionKind::Env(pairs) => {
                    let new: Vec<_> = pairs.iter().map(|(key, value)| (key.clone(), expanded(value))).collect();
                    env.extend(new);
                }
                InstructionKind::Run(run) => found.runs.push(LaterRun {
                    run: run.clone(),
                    line: instruction.line,
                    shell: shell.clone(),
                    workdir: workdir.clone(),
                    user: user.clone(),
                    env: env.clone(),
                    args,
                }),
                InstructionKind::Copy(_) | InstructionKind::Add(_) | InstructionKind::Volume(_)
                    if instruction.line != after[0].1.line =>
                {
                    found.others.push((*instruction).clone());
                }
                _ => {}
            }
        }
        found
    }

    /// The text of a stage's closure without the instructions that begin at the lines `drop`.
    fn keep(&self, stage: usize, drop: &BTreeSet<usize>) -> String {
        let dropped = |instruction: &Instruction| drop.contains(&instruction.line);
        // The closure of what is left: a dropped COPY needs its stage no more.
        let mut rest = self.clone();
        for stage in &mut rest.stages {
            stage.instructions.retain(|instruction| !dropped(instruction));
        }
        let closure = rest.closure(stage);
        let mut blank = BTreeSet::new();
        for (index, own) in self.stages.iter().enumerate() {
            if !closure.contains(&index) {
                blank.extend(self.first_line_with_comments(own.line)..=own.end_line);
            }
        }
        for instruction in self.stages.iter().flat_map(|stage| &stage.instructions) {
            if dropped(instruction) {
                blank.extend(self.first_line_with_comments(instruction.line)..=instruction.end_line);
            }
        }
        let mut out = String::with_capacity(self.text.len());
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if blank.contains(&(index + 1)) {
                out.push_str(if line.ends_with("\r\n") {
                    "\r\n"
                } else if line.ends_with('\n') {
                    "\n"
                } else {
                    ""
                });
            } else {
                out.push_str(line);
            }
        }
        self.renumber(&rest, &closure, &out)
    }

    /// `--from=2` counts stages: when stages before it go, its number changes.
    fn renumber(&self, rest: &Dockerfile, closure: &[usize], text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for stage in closure.iter().map(|index| &rest.stages[*index]) {
            for instruction in &stage.instructions {
                for from in froms(instruction) {
                    let Ok(old) = from.parse::<usize>() else { continue };
                    let Some(new) = closure.iter().position(|index| *index == old) else {
                        continue;
                    };
                    if new == old || old >= self.stages.len() {
                        continue;
                    }
                    for line in &mut lines[instruction.line - 1..instruction.end_line] {
                        if let Some(changed) = replace_from(line, from, &new.to_string()) {
                            *line = changed;
                            break;
                        }
                    }
                }
            }
        }
        lines.concat()
    }

    /// The first line of the comment block that stands right above a line, or the line itself. Directives
    /// at the top are no comments.
    fn first_line_with_comments(&self, line: usize) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let mut first = line;
        while first > 1 && lines[first - 2].trim_start().starts_with('#') {
            first -= 1;
        }
        // A block that reaches the top holds the directives, or a word about the whole file.
        if first == 1 { line } else { first }
    }

    /// The working directory of a stage's image, if the file says it.
    #[must_use]
    pub fn workdir(&self, stage: usize) -> Option<String> {
        self.workdir_after(&self.ancestry(stage), 0)
    }

    /// The WORKDIR that a stage starts with, if the file says it.
    fn workdir_before(&self, stage: usize) -> Option<String> {
        self.workdir_after(&self.ancestry(stage), 1)
    }

    /// The working directory that a chain of stages, the last first, leaves without the last `less` of them.
    fn workdir_after(&self, chain: &[usize], less: usize) -> Option<String> {
        let root = chain.last().map(|index| &self.stages[*index].base);
        // Nothing sets a working directory in scratch.
        let mut at = (root == Some(&StageBase::Scratch)).then(|| "/".to_owned());
        for index in chain.iter().skip(less).rev() {
            for instruction in &self.stages[*index].instructions {
                if let InstructionKind::Workdir(path) = &instruction.kind {
                    at = join(at.as_deref(), &self.known(*index, instruction.line, path));
                }
            }
        }
        at
    }

    /// A text with the ARGs and ENVs put in that the file gives a stage before a line.
    fn known(&self, stage: usize, line: usize, text: &str) -> String {
        let mut known = self.arg_defaults(stage, line);
        for index in self.ancestry(stage).into_iter().rev() {
            for instruction in &self.stages[index].instructions {
                let InstructionKind::Env(pairs) = &instruction.kind else { continue };
                if index == stage && instruction.line >= line {
                    break;
                }
                for (name, value) in pairs {
                    let value = expand(value, self.escape, &|name| known.get(name).cloned());
                    known.insert(name.clone(), value);
                }
            }
        }
        expand(text, self.escape, &|name| known.get(name).cloned())
    }

    fn dropped(&self, stage: usize, instruction: &Instruction, copy: &Copy, workdir: Option<&str>) -> DroppedCopy {
        let known = |text: &String| self.known(stage, instruction.line, text);
        let dest = known(&copy.dest);
        DroppedCopy {
            line: instruction.line,
            sources: copy.sources.iter().map(known).collect(),
            absolute: join(workdir, &dest),
            dest,
            chown: copy.chown.as_ref().map(known),
            chmod: copy.chmod.as_ref().map(known),
            copy: copy.clone(),
        }
    }
}

/// Whether a RUN mounts the whole build context.
pub(super) fn mounts_context(instruction: &Instruction) -> bool {
    let InstructionKind::Run(run) = &instruction.kind else { return false };
    run.mounts.iter().any(|mount| {
        let whole = mount.source.as_deref().is_none_or(|source| matches!(source, "" | "." | "/"));
        mount.kind == "bind" && mount.from.is_none() && whole
    })
}

fn env_names(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Env(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn shell_of(instruction: &Instruction) -> Option<Vec<String>> {
    match &instruction.kind {
        InstructionKind::Shell(words) => Some(words.clone()),
        _ => None,
    }
}

/// Whether an instruction takes files from the build context.
pub(super) fn from_context(instruction: &Instruction) -> bool {
    match &instruction.kind {
        InstructionKind::Copy(copy) => copy.from.is_none() && !copy.sources.is_empty(),
        InstructionKind::Add(copy) => copy.sources.iter().any(|source| !is_remote(source)),
        _ => false,
    }
}

/// ADD's sources that are no files: URLs and git repositories.
fn is_remote(source: &str) -> bool {
    source.contains("://") || source.starts_with("git@")
}

/// A path below a folder, cleaned; a trailing slash stays. `None` if the folder is not known and the path
/// is relative.
fn join(folder: Option<&str>, path: &str) -> Option<String> {
    let whole = text::join(if path.starts_with('/') { "" } else { folder? }, path);
    let slash = path.ends_with('/') || path.ends_with("/.") || path == ".";
    let end = if slash && whole != "/" { "/" } else { "" };
    Some(whole + end)
}

/// `from=OLD` replaced by `from=NEW` where it is a whole value.
fn replace_from(line: &str, old: &str, new: &str) -> Option<String> {
    let needle = format!("from={old}");
    let at = line.find(&needle)?;
    let end = at + needle.len();
    let whole = !line[end..].starts_with(|c: char| c.is_ascii_alphanumeric());
    whole.then(|| format!("{}from={new}{}", &line[..at], &line[end..]))
}
