//! What compose.yaml and a Dockerfile take from the host.

use std::collections::BTreeSet;
use std::path::Path;

use super::versioned::is_unversioned;
use super::workcopy::inside;
use crate::compose::{self, Compose, ComposeService, EnvFile};
use crate::subject::Subject;
use crate::text;

/// A file of environment that another host has otherwise, and why: it is not the project's, or may be missing, as it is here.
pub(crate) fn env_file<'a>(folder: &Path, service: &'a ComposeService) -> Option<(&'a EnvFile, &'static str)> {
    service.env_files.iter().find_map(|file| {
        if inside(folder, &file.path).is_none() {
            return Some((file, "is outside of the project"));
        }
        if is_unversioned(folder, &file.path) {
            return Some((file, "is ignored by git, so that another checkout does not have it"));
        }
        (!file.required && !file.path.exists()).then_some((file, "is missing here and may exist elsewhere"))
    })
}

/// The project's compose files, read on a host where every variable that they, or a service's environment files, could mean
/// is something else; none if it cannot be read there.
pub(crate) fn elsewhere(subject: &Subject, service: &ComposeService) -> Option<Compose> {
    /// A number, as compose.yaml may want a port.
    const OTHER: &str = "4242";
    let compose = &subject.compose;
    let files = compose.files.iter().chain(service.env_files.iter().map(|file| &file.path));
    let texts = files.filter_map(|file| text::read_text(file, text::SMALL).ok());
    let mut names: BTreeSet<String> = texts.flat_map(|text| interpolated(&text)).collect();
    names.extend(compose.interpolated.iter().map(|one| one.name.clone()));
    let hostile = names.into_iter().map(|name| (name, OTHER.to_owned())).collect();
    compose::read(&subject.folder, &hostile).ok()
}

/// Names after `$` or `${` in a text.
pub(crate) fn interpolated(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split('$')
        .skip(1)
        .filter_map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let name = &rest[..end];
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolated_names_are_found() {
        let found = interpolated("a: ${A:-b} $B ${C?x} $$D ${lower_1}");
        assert!(["A", "B", "C", "lower_1"].iter().all(|name| found.contains(*name)), "{found:?}");
    }
}
