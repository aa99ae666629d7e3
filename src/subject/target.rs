//! A stage of a Dockerfile that is built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dockerfile::{Dockerfile, Instruction, StageBase, expand};
use crate::spec::BuildSettings;
use crate::text::Place;

/// A stage to build.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) context: PathBuf,
    pub(crate) dockerfile: Arc<Dockerfile>,
    /// The Dockerfile as the user knows it, relative to the project.
    pub(crate) file: String,
    /// The stage's index in the Dockerfile.
    pub(crate) stage: usize,
    /// Build arguments.
    pub(crate) args: BTreeMap<String, String>,
    /// Build secrets, by id.
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    /// What else compose.yaml says of the build.
    pub(crate) settings: BuildSettings,
    /// What names of images and stages stand for, instead of what they would be.
    pub(crate) contexts: BTreeMap<String, NamedContext>,
}

/// What a name stands for in a Dockerfile (`additional_contexts`).
#[derive(Debug, Clone)]
pub(crate) enum NamedContext {
    /// A folder.
    Folder(PathBuf),
    /// Another image.
    Image(String),
    /// What another service is built from.
    Service(Box<Target>),
}

impl Target {
    pub(crate) fn stage_name(&self) -> String {
        let stage = &self.dockerfile.stages[self.stage];
        stage.name.clone().unwrap_or_else(|| self.stage.to_string())
    }

    pub(crate) fn line(&self) -> usize {
        self.dockerfile.stages[self.stage].line
    }

    /// A line of the Dockerfile.
    pub(crate) fn place(&self, line: usize) -> Place {
        Place::new(self.dockerfile.file.as_path(), line)
    }

    /// The outside image that the stage starts from, itself or through those that it is FROM; none for scratch.
    pub(crate) fn base_image(&self) -> Option<String> {
        let first = *self.dockerfile.ancestry(self.stage).last().expect("a stage is its own ancestor");
        let stage = &self.dockerfile.stages[first];
        matches!(stage.base, StageBase::Image(_)).then(|| self.named(&stage.raw_base))
    }

    /// A FROM's word with the arguments before the first FROM put in: the build's own values, else their defaults.
    pub(crate) fn named(&self, raw: &str) -> String {
        let dockerfile = &self.dockerfile;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (name, default, _) in &dockerfile.global_args {
            let default = || Some(expand(default.as_ref()?, dockerfile.escape, &|name| known.get(name).cloned()));
            if let Some(value) = self.args.get(name).cloned().or_else(default) {
                known.insert(name.clone(), value);
            }
        }
        expand(raw, dockerfile.escape, &|name| known.get(name).cloned())
    }

    /// The instructions on the way to the stage, those of its own and of the stages that it is FROM, from the last to
    /// the first.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        let chain = self.dockerfile.ancestry(self.stage);
        chain.into_iter().flat_map(|stage| self.dockerfile.stages[stage].instructions.iter().rev())
    }

    /// The last line, on the way to the stage, that holds one of these as a word.
    pub(crate) fn line_with(&self, words: &[&str]) -> Option<usize> {
        let lines: Vec<&str> = self.dockerfile.text.lines().collect();
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let holds = |line: usize| {
            let text = lines.get(line - 1).copied().unwrap_or_default();
            words.iter().any(|word| {
                text.match_indices(word)
                    .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
            })
        };
        self.instructions().find_map(|one| (one.line..=one.end_line).rev().find(|line| holds(*line)))
    }

    /// Whether the stage is made anew beside another one instead of from it: both start from the same outside image,
    /// and the other is none of its ancestors. Equal layers say nothing then: the builder's cache gives them the same.
    pub(crate) fn is_beside(&self, other: &Target) -> bool {
        let base = |target: &Target| {
            let chain = target.dockerfile.ancestry(target.stage);
            chain.last().map(|first| target.dockerfile.stages[*first].base.clone())
        };
        let name = other.stage_name();
        let chain = self.dockerfile.ancestry(self.stage);
        let names = chain.iter().filter_map(|stage| self.dockerfile.stages[*stage].name.as_ref());
        let from_it = if Arc::ptr_eq(&self.dockerfile, &other.dockerfile) {
            chain.contains(&other.stage)
        } else {
            names.into_iter().any(|own| own.eq_ignore_ascii_case(&name))
        };
        !from_it && base(self) == base(other)
    }
}
