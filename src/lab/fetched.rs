//! The images of services that are no role, each looked for once, and what could not be had.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use super::images::FailedBuild;
use crate::error::Error;
use crate::text::Place;

/// An image by its service, or why there is none.
type Found = BTreeMap<String, Result<String, MissingImage>>;

/// An image that could not be had.
#[derive(Clone)]
pub(crate) struct MissingImage {
    /// Why, as a clause.
    pub(crate) why: String,
    /// Where compose.yaml asks for it.
    pub(crate) place: Place,
    /// Whether its registry says that it does not exist.
    pub(crate) absent: bool,
    /// The engine's failure, where nobody knows whether it exists: the registry does not answer, or refuses.
    pub(super) fault: Option<Arc<Error>>,
    /// The build that failed, where compose.yaml builds it.
    pub(crate) failed: Option<FailedBuild>,
}

impl MissingImage {
    pub(super) fn of(why: String, place: &Place) -> Self {
        Self { why, place: place.clone(), absent: false, fault: None, failed: None }
    }
}

/// What was looked for so far.
#[derive(Default)]
pub(crate) struct Fetched(Mutex<Found>);

impl Fetched {
    pub(super) fn of(found: Found) -> Self {
        Self(Mutex::new(found))
    }

    /// The images. Who asks while another looks waits for that.
    pub(super) async fn images(&self) -> MutexGuard<'_, Found> {
        self.0.lock().await
    }

    /// All that could not be had.
    pub(crate) async fn missing(&self) -> Vec<MissingImage> {
        self.0.lock().await.values().filter_map(|found| found.as_ref().err().cloned()).collect()
    }

    /// The engine's failure, where it could not get an image and nobody knows whether there is one.
    pub(crate) async fn fault(&self) -> Option<Error> {
        let missing = self.missing().await.into_iter().find_map(|one| Some((one.fault?, one.place)));
        missing.map(|(error, place)| {
            let words = error.one_line();
            let hint = "`docker pull` of that image must work (`docker login`, if it is private); then verify again";
            Error::engine(words).at(place).hint(hint)
        })
    }
}
