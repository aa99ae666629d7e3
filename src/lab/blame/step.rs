//! The line of a build's step.

use crate::dockerfile::Dockerfile;
use crate::engine::BuildFailure;

/// The line of the instruction that failed: where the engine itself names one, that; else that of the step it shows.
pub(crate) fn step(dockerfile: &Dockerfile, failure: &BuildFailure) -> Option<usize> {
    let shown = || dockerfile.line_of_step(failure.stage.as_deref(), failure.instruction.as_deref()?);
    failure.line.or_else(shown)
}
