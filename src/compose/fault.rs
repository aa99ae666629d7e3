//! A failure at a place, before the offending line's text is put to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Location};
use crate::text::Place;

/// The texts of the files that were read.
pub(super) type Sources = BTreeMap<Arc<Path>, String>;

#[derive(Debug)]
pub(super) struct ComposeFault {
    pub place: Place,
    pub message: String,
    pub hint: Option<String>,
}

impl ComposeFault {
    pub(super) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn into_error(self, sources: &Sources) -> Error {
        let text = sources.get(&self.place.file).map_or("", String::as_str);
        let error = Error::description(self.message).at(Location::in_text(self.place, text));
        self.hint.into_iter().fold(error, Error::hint)
    }
}

/// A fault that still lacks its line's text, or a finished error.
pub(super) enum ComposeFailure {
    Fault(ComposeFault),
    Error(Error),
}

impl From<ComposeFault> for ComposeFailure {
    fn from(fault: ComposeFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for ComposeFailure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
