//! Names that stand for something: of stages, and of the global ARGs.

use std::collections::BTreeMap;

use super::model::{Dockerfile, DockerfileStage};
use super::words::expand;

/// Whether a stage has this name; case does not count.
pub(super) fn named(stage: &DockerfileStage, name: &str) -> bool {
    stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// The global ARGs that have a default, each expanded by those before it.
pub(super) fn global_defaults(dockerfile: &Dockerfile) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (name, default, _) in &dockerfile.global_args {
        if let Some(default) = default {
            let lookup = |name: &str| known.get(name).cloned();
            let value = expand(default, dockerfile.escape, &lookup);
            known.insert(name.clone(), value);
        }
    }
    known
}
