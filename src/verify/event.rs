//! What happens during a verification, as one stream that every report is made from.

use serde::Serialize;

use super::outcome::{Finding, Outcome};
use crate::engine::EngineInfo;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins: the engine, the targets that will be built, the contracts that will be checked.
    Started {
        /// The engine.
        engine: EngineInfo,
        /// The images to build, by role.
        roles: Vec<String>,
        /// The contracts to check.
        contracts: Vec<&'static str>,
    },
    /// A step of a role's build began.
    BuildStep {
        /// The role.
        role: String,
        /// The step, as `[dev 2/4] RUN …`.
        step: String,
    },
    /// A role's build ended.
    BuildDone(RoleReport),
    /// A check began.
    CheckStarted(&'static str),
    /// A check ended.
    CheckDone(Finding),
}

/// What was built for a role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoleReport {
    /// The role (an installation's name is its stage's).
    pub role: String,
    /// The Dockerfile's stage.
    pub stage: String,
    /// Whether its image is there.
    pub built: bool,
    /// The image's id.
    pub image: Option<String>,
    /// The image's size in bytes.
    pub size: Option<u64>,
    /// How long the build took.
    pub seconds: f64,
    /// How many of its steps came out of the engine's cache, and how many there were.
    pub cached_steps: usize,
    /// How many steps there were.
    pub steps: usize,
}

/// The whole of a verification.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document's shape.
    pub schema: u32,
    /// The worst outcome.
    pub outcome: Outcome,
    /// The engine.
    pub engine: EngineInfo,
    /// What was built.
    pub roles: Vec<RoleReport>,
    /// What was found, in the catalogue's order.
    pub contracts: Vec<Finding>,
    /// How long it took.
    pub seconds: f64,
}
