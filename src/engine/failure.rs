//! From bollard's errors to ours.

use bollard::errors::Error as Bollard;

use crate::error::{Error, ErrorKind};

/// The engine's refusal or breakdown as our error; `what` was being done, as "cannot start container x".
pub(super) fn failed(what: impl AsRef<str>, error: Bollard) -> Error {
    let what = what.as_ref();
    match error {
        Bollard::DockerResponseServerError { message, .. } | Bollard::DockerStreamError { error: message }
            if tells_of_full_disk(&message) =>
        {
            full(what, &message)
        }
        Bollard::DockerResponseServerError { message, .. } if tells_of_no_subnet(&message) => no_subnet(what, &message),
        // The engine's own words are the message; a status code tells a person nothing more.
        Bollard::DockerResponseServerError { message, .. } => Error::engine(format!("{what}: {}", one_line(&message))),
        Bollard::DockerStreamError { error } => Error::engine(format!("{what}: {}", one_line(&error))),
        Bollard::RequestTimeoutError => Error::engine(format!("{what}: the engine did not answer in time")),
        other => Error::engine(what).because(other).hint("is the engine still running? `dockwright doctor` looks"),
    }
}

/// What Linux says where there is no room (ENOSPC), in whatever program's log.
const NO_ROOM: &str = "no space left on device";

/// Whether a text tells of a full disk.
pub(super) fn tells_of_full_disk(text: &str) -> bool {
    text.to_ascii_lowercase().contains(NO_ROOM)
}

/// The error for that; `what` could not be done, as `said` tells.
pub(super) fn full(what: &str, said: &str) -> Error {
    Error::new(ErrorKind::EngineFull, format!("the engine's disk is full: {what}"))
        .because(one_line(said))
        .hint("`docker system df` shows what uses the space, and `docker system prune` frees some of it")
}

/// Whether a text tells that every subnet is in use (libnetwork's `ErrNoMoreSubnets` before and since 25, and Podman's).
fn tells_of_no_subnet(text: &str) -> bool {
    ["available, non-overlapping", "predefined address pools", "subnet pools"].iter().any(|said| text.contains(said))
}

fn no_subnet(what: &str, said: &str) -> Error {
    Error::new(ErrorKind::EngineFull, format!("the engine has no subnet left: {what}"))
        .because(one_line(said))
        .hint("`docker network prune` removes the networks that no container is in")
        .hint("`default-address-pools` in the engine's daemon.json sets how many subnets there are")
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

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_room_is_told_from_one_that_refuses() {
        let kind = |message: &str| {
            let refused = Bollard::DockerResponseServerError { status_code: 500, message: message.to_owned() };
            failed("cannot create network x", refused).kind()
        };
        for full in [
            "all predefined address pools have been fully subnetted",
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
            "could not find free subnet from subnet pools",
            "write /var/lib/docker/x: no space left on device",
        ] {
            assert_eq!(kind(full), ErrorKind::EngineFull, "{full}");
        }
        assert_eq!(kind("invalid mtu"), ErrorKind::Engine);
    }
}
