//! Building an image, and telling what happens meanwhile.

mod buildkit;
mod classic;
mod model;
mod request;
mod trace;

use self::model::Ended;
use super::failure::{full, one_line, tells_of_full_disk};
use super::run::EngineRun;
use crate::error::{Error, Result};
pub use model::{BuildEvent, BuildFailure, BuildOutcome, BuildRequest, BuildStep};

impl EngineRun {
    /// Builds an image. `events` is called as things happen. Several builds of one `Context` (and its
    /// clones) at once share its transfer and their stages. Dropping the future ends the build on the engine.
    ///
    /// # Errors
    /// When the engine breaks off or has no room left, or a file of the context cannot be read. A build that fails is no
    /// error.
    pub async fn build(
        &self,
        request: BuildRequest,
        mut events: impl FnMut(BuildEvent) + Send,
    ) -> Result<BuildOutcome> {
        self.open()?;
        let reference = self.reference(&request.name);
        let mut request = request;
        let mut tries = 1;
        loop {
            let outcome = self.build_once(&request, &reference, &mut events).await;
            let lost = match &outcome {
                Ok(BuildOutcome::Failed(failure)) => {
                    // The builder's cache goes on naming such a layer.
                    request.no_cache |= is_removed(&failure.message);
                    failure.message.contains(LOST) || is_removed(&failure.message)
                }
                Ok(BuildOutcome::Built { .. }) => false,
                Err(error) => error.message().contains(GONE),
            };
            if !lost || tries == TRIES {
                return outcome;
            }
            tries += 1;
        }
    }

    async fn build_once(
        &self,
        request: &BuildRequest,
        reference: &str,
        events: &mut (impl FnMut(BuildEvent) + Send),
    ) -> Result<BuildOutcome> {
        let ended = if self.engine().info().buildkit {
            buildkit::build(self, request, reference, events).await?
        } else {
            classic::build(self, request, reference, events).await?
        };
        match ended {
            // The tag is this build's alone: if it names an image, the image is this build's.
            Ended::Built => Ok(BuildOutcome::Built { image_id: self.engine().image(reference).await?.id }),
            Ended::Failed(failure) => {
                if let Some(said) = failure.told().find(|line| tells_of_full_disk(line)) {
                    let step = failure.instruction.as_deref().unwrap_or("what is built");
                    return Err(full(&format!("{} cannot take {}", request.name, one_line(step)), said));
                }
                Ok(BuildOutcome::Failed(failure))
            }
            Ended::BrokenOff => match self.engine().image(reference).await {
                Ok(image) => Ok(BuildOutcome::Built { image_id: image.id }),
                Err(_) => Err(Error::engine(format!("the engine stopped the build of {}", request.name))
                    .hint("see the engine's own log, and whether its disk is full (`dockwright doctor`)")),
            },
        }
    }
}

/// What the engine says where somebody removed an image while a build made the same one: Docker's image store does
/// not keep the two apart (seen on 28.5, with two runs on one scaffold). Built again, it is there.
const LOST: &str = "failed to get digest sha256:";
const GONE: &str = "No such image";
const REMOVED: [&str; 2] = ["layer does not exist", "invalid output path: stat "];
const TRIES: usize = 3;

/// Whether the cache names a layer that is not there any more: without the cache the build makes it again.
fn is_removed(message: &str) -> bool {
    REMOVED.iter().any(|said| message.contains(said))
}
