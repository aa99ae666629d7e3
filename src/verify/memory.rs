//! What passed, and of what: between runs it is kept in the user's cache, so that verifying again what has not changed
//! is cheap. Nothing in the project is evidence: whoever can write there could forge it.
//!
//! Only what passed is remembered, and a pass holds as long as nothing that its check can see is another: dockwright
//! itself, the engine, every file of the project and of its build contexts, every setting as it was read (the
//! environment that compose.yaml takes values from is in that), and the images of the roles that the check needs. The
//! engine decides anew each time, by its own cache, which images those are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::checks::CheckEntry;
use super::outcome::{Finding, Outcome};
use super::snapshot::{self, Snapshot};
use super::verdict::{self, Verdict};
use crate::engine::EngineRun;
use crate::gate;
use crate::lab::{RoleImages, workcopy};
use crate::spec::MountKind;
use crate::subject::Subject;

/// The version of the shape; another one is forgotten.
const SCHEMA: u32 = 1;

/// What passed so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    schema: u32,
    passes: BTreeMap<String, Pass>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    /// Of all that it depends on.
    key: String,
    /// When it was seen, in RFC 3339.
    seen: String,
    expected: String,
    observed: String,
}

impl Default for Memory {
    fn default() -> Self {
        Self { schema: SCHEMA, passes: BTreeMap::new() }
    }
}

impl Memory {
    /// What [`Memory::to_text`] wrote; nothing, if it is not that.
    #[must_use]
    pub fn of_text(text: &[u8]) -> Self {
        serde_json::from_slice(text).ok().filter(|memory: &Self| memory.schema == SCHEMA).unwrap_or_default()
    }

    /// As text, to be kept.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts can be written as JSON") + "\n"
    }

    /// The finding of a contract that passed with this key.
    pub(super) fn recall(&self, contract: &str, key: &str) -> Option<Finding> {
        let pass = self.passes.get(contract).filter(|pass| pass.key == key)?;
        let verdict = verdict::pass(pass.observed.clone()).expected(pass.expected.clone());
        Some(Finding { cached: Some(pass.seen.clone()), ..Verdict::of(verdict, verdict::contract(contract), 0.0) })
    }

    /// Takes in what was seen now. What did not pass is forgotten, whenever it passed before.
    pub(super) fn take(&mut self, finding: &Finding, key: String, seen: &str) {
        if finding.outcome != Outcome::Pass {
            self.passes.remove(finding.contract);
            return;
        }
        let Finding { expected, observed, .. } = finding.clone();
        self.passes.insert(finding.contract.to_owned(), Pass { key, seen: seen.to_owned(), expected, observed });
    }
}

/// Why nothing can be remembered of a project; none if it can.
pub(super) fn hindrance(subject: &Subject) -> Option<String> {
    subject.compose.services.values().find_map(|service| {
        let outside = |source: &&String| {
            let source = Path::new(source.as_str());
            workcopy::inside(&subject.folder, source).is_none() && !gate::is_cache(source)
        };
        let binds = service.volumes.iter().filter(|mount| matches!(mount.kind, MountKind::Bind(_)));
        let source = binds.filter_map(|mount| mount.source.as_ref()).find(outside)?;
        Some(format!(
            "{} mounts {source}, and dockwright does not notice a change outside of the project",
            service.name
        ))
    })
}

/// What every contract depends on; none if something cannot be read. `files` is the digest of a [`Snapshot`].
pub(super) async fn base(run: &EngineRun, subject: &Subject, snapshot: &Snapshot) -> Option<String> {
    let snapshot = snapshot.clone();
    let files = tokio::task::spawn_blocking(move || {
        let program = snapshot::content(&std::env::current_exe()?)?;
        Ok::<_, std::io::Error>((program, snapshot.digest()?))
    });
    // A type's debug text has all its fields, those that are added one day, too.
    let engine = run.engine();
    let mut all = format!("{:?}\n{:?}\n{subject:?}\n{:?}\n", engine.info(), engine.proxies(), workcopy::owner());
    for service in subject.compose.services.values() {
        let Some(image) = &service.image else { continue };
        let id = run.engine().image(image).await.map(|image| image.id).unwrap_or_default();
        let _ = writeln!(all, "{image} {id}");
    }
    let (program, files) = files.await.ok()?.ok()?;
    let _ = writeln!(all, "{} {files}", hex::encode(program));
    Some(hex::encode(Sha256::digest(all)))
}

/// The key of one contract: what all depend on, and the images of the roles that it needs.
pub(super) fn key(base: &str, entry: &CheckEntry, subject: &Subject, images: &RoleImages) -> String {
    let mut all = base.to_owned();
    for role in subject.roles.iter().filter(|role| entry.needs.contains(&role.role)) {
        for built in [images.own(&role.name), images.container(&role.name)] {
            let id = built.map_or("none", |image| image.id.as_str());
            let _ = writeln!(all, "{} {id}", role.name);
        }
    }
    hex::encode(Sha256::digest(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_recalled_by_its_key_alone_and_forgotten_when_it_fails() {
        let contract = verdict::contract("dev.reload");
        let mut memory = Memory::default();
        memory.take(&verdict::pass("after 0.4 s").of(contract, 9.0), "a".into(), "2026-11-24T08:00:00Z");
        memory = Memory::of_text(memory.to_text().as_bytes());
        let known = memory.recall("dev.reload", "a").unwrap();
        assert_eq!((known.outcome, known.observed.as_str()), (Outcome::Pass, "after 0.4 s"));
        assert_eq!(known.cached.as_deref(), Some("2026-11-24T08:00:00Z"));
        assert_eq!(memory.recall("dev.reload", "b"), None);
        assert_eq!(memory.recall("dev.owner", "a"), None);
        memory.take(&verdict::inconclusive("no engine").of(contract, 0.0), "c".into(), "2026-11-25T08:00:00Z");
        assert_eq!(memory, Memory::default());
    }

    #[test]
    fn what_is_not_a_memory_is_none() {
        for text in
            ["", "{", "[]", r#"{"schema":2,"passes":{}}"#, r#"{"schema":1,"passes":{"dev.reload":{"key":"a"}}}"#]
        {
            assert_eq!(Memory::of_text(text.as_bytes()), Memory::default(), "{text}");
        }
    }
}
