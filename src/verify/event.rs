//! What happens during a verification, as one stream that every report is made from.

use schemars::JsonSchema;
use serde::Serialize;

use super::graph::StageReport;
use super::outcome::{Ending, Finding};
use crate::engine::EngineInfo;
use crate::error::Error;

/// The version of the events' and the report's shape.
pub const SCHEMA: u32 = 1;

/// An event and when it happened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Moment {
    /// The version of the events' shape.
    pub schema: u32,
    /// Seconds since the run began.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins: the engine, the targets that will be built, the contracts that will be checked.
    Started(Box<Started>),
    /// A step of a role's build began.
    BuildStep {
        /// The role.
        role: String,
        /// The step, as `[dev 2/4] RUN …`.
        step: String,
    },
    /// A role's build ended.
    BuildDone(RoleReport),
    /// The image of a service that no role is was pulled, or could not be.
    Pulled {
        /// The service.
        service: String,
        /// The image.
        image: String,
        /// How long it took.
        seconds: f64,
        /// Why there is none.
        failure: Option<String>,
    },
    /// A check began.
    CheckStarted {
        /// The contract's name.
        contract: &'static str,
    },
    /// A check ended.
    CheckDone(Finding),
    /// The run ended; the last event.
    Ended {
        /// The worst outcome of what was found.
        outcome: Ending,
        /// How long it took.
        seconds: f64,
        /// Files that are not what they were when it began, relative to the project.
        changed: Vec<String>,
        /// Why it ended before its time.
        error: Option<Failure>,
    },
}

/// How a run begins.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Started {
    /// The version of dockwright.
    pub version: &'static str,
    /// The service's name.
    pub project: String,
    /// When, in RFC 3339.
    pub date: String,
    /// The engine.
    pub engine: EngineInfo,
    /// The images to build, by role.
    pub roles: Vec<String>,
    /// The contracts to check.
    pub contracts: Vec<&'static str>,
    /// What the images are made of.
    pub stages: Vec<StageReport>,
}

/// What was built for a role.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// When its build began, in seconds since the run did.
    pub started: f64,
    /// How long the build took.
    pub seconds: f64,
    /// How many of its steps came out of the engine's cache, and how many there were.
    pub cached_steps: usize,
    /// How many steps there were.
    pub steps: usize,
    /// Why there is no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the image is made of, lowest first; layers without a file are left out.
    pub layers: Vec<ImageLayer>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImageLayer {
    /// The instruction that made it, as the builder wrote it down.
    pub step: String,
    /// In bytes.
    pub size: u64,
}

/// Why a run ended before its time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Failure {
    /// As in `dockwright`'s exit codes: `usage`, `description`, `io`, `engine`, `interrupted`.
    pub kind: &'static str,
    /// What went wrong.
    pub message: String,
    /// The file at fault.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
    /// The column there, from 1.
    pub column: Option<usize>,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Failure {
    /// An error as reports tell it.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let place = error.location();
        Self {
            kind: error.kind().name(),
            message: error.message().to_owned(),
            file: place.map(|at| at.file.display().to_string()),
            line: place.and_then(|at| at.line),
            column: place.and_then(|at| at.column),
            causes: error.causes(),
            hints: error.hints().to_vec(),
        }
    }
}

/// The whole of a verification, as far as it came.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this document's shape.
    pub schema: u32,
    /// The worst outcome.
    pub outcome: Ending,
    /// Why it ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Files that changed while they were verified, relative to the project: what was seen is of no one state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// The version of dockwright.
    pub version: &'static str,
    /// The service's name; empty if its description could not be read.
    pub project: String,
    /// When it began, in RFC 3339.
    pub date: String,
    /// The engine; none if it was not reached.
    pub engine: Option<EngineInfo>,
    /// What was built.
    pub roles: Vec<RoleReport>,
    /// What the images are made of: a stage names the one that it starts from.
    pub stages: Vec<StageReport>,
    /// What was found, in the catalogue's order.
    pub contracts: Vec<Finding>,
    /// How long it took.
    pub seconds: f64,
}
