//! What is to be built, what happens meanwhile, and what comes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::context::BuildContext;
use crate::spec::BuildSettings;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// What the image is for; becomes part of its tag and of messages.
    pub name: String,
    /// The files that `COPY` sees.
    pub context: BuildContext,
    /// The Dockerfile's text; it need not be in the context.
    pub dockerfile: String,
    /// The stage to build, by its name; by its index if it has none, and then it must be the last, as builders find no stage by
    /// that. None for the last.
    pub target: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Whether every step is done anew.
    pub no_cache: bool,
    /// What compose.yaml can say of a build just as well.
    pub settings: BuildSettings,
    /// Secrets for `RUN --mount=type=secret`, by id. Not on engines without `BuildKit`.
    pub secrets: BTreeMap<String, Vec<u8>>,
}

impl BuildRequest {
    /// A build of a Dockerfile's last stage.
    #[must_use]
    pub fn new(name: impl Into<String>, context: &BuildContext, dockerfile: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            context: context.clone(),
            dockerfile: dockerfile.into(),
            target: None,
            args: BTreeMap::new(),
            no_cache: false,
            settings: BuildSettings::default(),
            secrets: BTreeMap::new(),
        }
    }

    /// The same for one stage.
    #[must_use]
    pub fn target(mut self, stage: impl Into<String>) -> Self {
        self.target = Some(stage.into());
        self
    }
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildOutcome {
    /// With an image.
    Built {
        /// The engine's id of the image, `sha256:…`. It is gone with the run unless
        /// `Engine::tag` names it.
        image_id: String,
    },
    /// Because the Dockerfile, or a command in it, failed.
    Failed(BuildFailure),
}

impl BuildOutcome {
    /// The image's id, if there is one.
    #[must_use]
    pub fn image_id(&self) -> Option<&str> {
        match self {
            BuildOutcome::Built { image_id } => Some(image_id),
            BuildOutcome::Failed(_) => None,
        }
    }
}

/// Why a build failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFailure {
    /// What the engine says.
    pub message: String,
    /// The instruction that failed, as the engine shows it; none if it was not one.
    pub instruction: Option<String>,
    /// Its line in the Dockerfile, counted from 1, where the engine names it: for errors of grammar. For all others whoever
    /// has the Dockerfile finds it by stage and instruction.
    pub line: Option<usize>,
    /// Its stage, as the engine names it: in lower case, `stage-N` without a name.
    pub stage: Option<String>,
    /// The exit code of its command.
    pub exit_code: Option<i64>,
    /// The last lines it printed.
    pub log_tail: Vec<String>,
}

impl BuildFailure {
    /// What the engine said, and the end of the log.
    pub fn told(&self) -> impl Iterator<Item = &str> {
        [&self.message].into_iter().chain(&self.log_tail).map(String::as_str)
    }
}

/// A step of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildStep {
    /// Which one, in the order of their appearance in this build.
    pub id: u32,
    /// As the engine shows it, as `[dev 2/5] RUN pip install …`.
    pub name: String,
    /// The stage; none for the engine's own steps, as loading the context.
    pub stage: Option<String>,
    /// Which of its stage's steps it is, and of how many.
    pub position: Option<(u32, u32)>,
    /// The instruction alone.
    pub instruction: Option<String>,
}

/// What happens in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// A step began.
    StepStarted(BuildStep),
    /// A step's result was there already.
    StepCached(BuildStep),
    /// A step is done.
    StepDone {
        /// The step.
        step: BuildStep,
        /// How long it took.
        took: Duration,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        step: BuildStep,
        /// Why, in the engine's words.
        message: String,
    },
    /// A step printed a line.
    Log {
        /// The step's id.
        step: u32,
        /// Without its line end.
        line: String,
    },
    /// So much of the context has been sent for this build so far.
    ContextSent {
        /// In bytes.
        bytes: u64,
    },
    /// The builder's own check found something (engines from Docker 28 on).
    Warning {
        /// What, and what to do.
        message: String,
        /// The line in the Dockerfile, counted from 1.
        line: Option<usize>,
        /// Where it is explained.
        url: Option<String>,
    },
}

/// So many lines of a failed step's log are kept.
pub(super) const TAIL: usize = 60;

/// How the engine's answer to a build ended.
pub(super) enum Ended {
    Built,
    Failed(BuildFailure),
    BrokenOff,
}
