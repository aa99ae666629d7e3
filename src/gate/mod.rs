//! What a project asks of the host that it is verified on, found in its files before anything is built: who verifies a
//! stranger's project decides, by kind, whether it may have it. Knows no engine and starts nothing.

mod build;
mod found;
mod kinds;
mod look;
mod power;
mod service;
mod variables;

pub use kinds::{KINDS, Trust, TrustKind, Trusted};
pub use power::{bare_capability, is_close_device, is_strong, is_unconfined, reaches_engine};
pub use variables::{is_ordinary, may_be_secret};

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::compose::{Compose, Unsupported};
use crate::project;
use crate::subject::{RoleSubject, Subject};
use crate::text::{Bounds, Place, leads_to};

/// One thing that a project asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its kind.
    pub trust: Trust,
    /// Who asks: a service, or a file.
    pub by: String,
    /// The service whose container or image would have it, if it is one's.
    pub service: Option<String>,
    /// What is asked for, as a clause.
    pub what: String,
    /// The path or the variable that is meant, if it is one.
    pub path: Option<String>,
    /// Where it is written.
    pub place: Place,
    /// Whether the host can be changed by it, and not only read.
    pub strong: bool,
}

impl Ask {
    fn of(trust: Trust, by: &str, what: String, place: &Place) -> Self {
        let service = Some(by.to_owned());
        Self { trust, by: by.to_owned(), service, what, path: None, place: place.clone(), strong: false }
    }

    /// Whether it is among what is trusted.
    #[must_use]
    pub fn is_trusted(&self, trusted: &[Trusted]) -> bool {
        trusted.iter().any(|one| {
            let meant = |only: &String| *only == self.by || self.path.as_ref() == Some(only);
            one.trust == self.trust && one.only.as_ref().is_none_or(meant)
        })
    }

    /// Who asks for what, and why that matters.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} asks for {}: {}", self.by, self.what, self.trust.kind().why)
    }

    /// Whether what it asks for is there and would come into a container: then that is not started without trust, even
    /// where reading is let through.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        let is_there = || self.path.as_ref().is_some_and(|path| Path::new(path).symlink_metadata().is_ok());
        self.strong || matches!(self.trust, Trust::HostFolders | Trust::HostFiles) && is_there()
    }
}

/// All that a project asks for; `host` is the environment that its files take values from.
pub(crate) fn asks(subject: &Subject, host: &BTreeMap<String, String>) -> Vec<Ask> {
    let bounds = Bounds::of(&subject.folder, host.get("HOME").map(Path::new));
    let targets = subject.roles.iter().flat_map(RoleSubject::targets);
    let dockerfiles: Vec<_> = targets.map(|target| &*target.dockerfile).collect();
    let own = [project::FILE, ".env"].map(|name| subject.folder.join(name));
    look::all(&bounds, &subject.compose, &dockerfiles, &own, host)
}

/// Takes what is asked for and not trusted out of what is started: its services are not.
pub(crate) fn withhold(compose: &mut Compose, asks: &[Ask]) {
    let withheld = asks.iter().filter(|ask| ask.is_withheld());
    compose.unsupported.extend(withheld.filter_map(|ask| {
        let kind = ask.trust.kind();
        let why = format!("it asks for {}, and {} (--trust {})", ask.what, kind.why, kind.name);
        let service = Some(ask.service.clone()?);
        Some(Unsupported { service, field: kind.name.to_owned(), place: ask.place.clone(), why, untrusted: true })
    }));
}

/// The values that a project takes from an environment and that may be secrets.
#[must_use]
pub fn taken_secrets(compose: &Compose, host: &BTreeMap<String, String>) -> BTreeSet<String> {
    let names = look::taken(compose).into_iter();
    let values = names.filter_map(|name| host.get(name).filter(|value| may_be_secret(name, value)));
    values.cloned().collect()
}

/// Whether a path leads into a cache of the user's: nothing of it is mounted, an empty folder stands in its place.
#[must_use]
pub fn is_cache(path: &Path) -> bool {
    let home = std::env::home_dir();
    let Some((home, path)) = home.zip(leads_to(path)) else { return false };
    found::is_cache(&home, &path)
}
