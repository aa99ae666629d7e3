//! From bollard's errors to ours.

use bollard::errors::Error as Bollard;

use crate::error::Error;

/// The engine's refusal or breakdown as our error; `what` was being done, as "cannot start container x".
pub(super) fn failed(what: impl AsRef<str>, error: Bollard) -> Error {
    let what = what.as_ref();
    match error {
        // The engine's own words are the message; a status code tells a person nothing more.
        Bollard::DockerResponseServerError { message, .. } => Error::engine(format!("{what}: {}", one_line(&message))),
        Bollard::DockerStreamError { error } => Error::engine(format!("{what}: {}", one_line(&error))),
        Bollard::RequestTimeoutError => Error::engine(format!("{what}: the engine did not answer in time")),
        other => Error::engine(what).because(other).hint("is the engine still running? `dockwright doctor` looks"),
    }
}

/// The HTTP status with which the engine refused, if it did.
pub(super) fn status(error: &Bollard) -> Option<u16> {
    match error {
        Bollard::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the thing asked for does not exist.
pub(super) fn is_missing(error: &Bollard) -> bool {
    status(error) == Some(404)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
