//! Which service the repository is about, where it has several.

use super::repository::{AdoptedRepository, BuildPlace};
use crate::compose::ComposeService;
use crate::error::{Error, Result};
use crate::stacks::{has_word, role_words};
use crate::subject::context_of;
use crate::text::nearest;

/// The service, or the Dockerfile that no service builds.
pub(super) struct Chosen<'a> {
    pub(super) service: Option<&'a ComposeService>,
    pub(super) built: BuildPlace,
    /// Why it and no other, as a clause.
    pub(super) why: String,
    /// The other services that are built here, and that are no other form of this one.
    pub(super) others: Vec<&'a str>,
}

/// Chooses; `asked` is what the user says.
///
/// # Errors
/// There is no service of the name that is asked for, or it builds nothing.
pub(super) fn chosen<'a>(repository: &'a AdoptedRepository, asked: Option<&str>) -> Result<Chosen<'a>> {
    let mut candidates: Vec<(&ComposeService, BuildPlace)> =
        repository.services().filter_map(|service| Some((service, repository.built(service)?))).collect();
    if let Some(asked) = asked {
        let names: Vec<&str> = candidates.iter().map(|(service, _)| service.name.as_str()).collect();
        let Some(at) = names.iter().position(|name| *name == asked) else {
            let error = Error::usage(format!("compose.yaml builds no service `{asked}`"));
            return Err(match nearest(asked, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("it builds {}", names.join(", "))),
            });
        };
        let (service, built) = candidates.swap_remove(at);
        let others = others(repository, &built);
        return Ok(Chosen { service: Some(service), built, why: "as you asked".to_owned(), others });
    }
    candidates.sort_by_key(|(service, _)| rank(service));
    let forms = candidates.len();
    let Some((service, built)) = candidates.into_iter().next() else { return Ok(lonely(repository)) };
    let others = others(repository, &built);
    let words = &role_words().words;
    let why = match others.as_slice() {
        [] if forms == 1 => "the only service whose image is built here".to_owned(),
        [] => "the likeliest of the services that build the only Dockerfile".to_owned(),
        _ if has_word(&service.name, &words.main) => "the name of a main service".to_owned(),
        _ => "the first whose name is not that of a helper".to_owned(),
    };
    Ok(Chosen { service: Some(service), built, why, others })
}

/// Whether its name says that it stands beside the service, as a worker or a proxy does.
pub(super) fn is_helper(service: &ComposeService) -> bool {
    let words = &role_words().words;
    has_word(&service.name, &words.aside) && !has_word(&service.name, &words.main)
}

/// Lower is likelier.
fn rank(service: &ComposeService) -> (bool, bool, usize, bool, bool, usize) {
    let words = &role_words().words;
    let is_form = has_word(&service.name, &words.test) || has_word(&service.name, &words.tools);
    let place = words.main.iter().position(|word| has_word(&service.name, std::slice::from_ref(word)));
    // One form of the same service that only some profile starts is not the usual one.
    let is_rare = !service.profiles.is_empty();
    (is_form, is_helper(service), place.unwrap_or(usize::MAX), is_rare, service.ports.is_empty(), service.place.line)
}

/// The services that build another Dockerfile.
fn others<'a>(repository: &'a AdoptedRepository, built: &BuildPlace) -> Vec<&'a str> {
    let is_other =
        |service: &&ComposeService| repository.built(service).is_some_and(|other| other.dockerfile != built.dockerfile);
    repository.services().filter(is_other).map(|service| service.name.as_str()).collect()
}

/// The Dockerfile that is nearest to the repository's root, where no service builds one.
fn lonely(repository: &AdoptedRepository) -> Chosen<'_> {
    let words = &role_words().words;
    let rank = |path: &&std::path::PathBuf| {
        let shown = repository.shown(path);
        // An editor's or a hosted workspace's.
        let is_hidden = shown.split('/').any(|part| part.starts_with('.'));
        let is_aside = has_word(&shown, &words.aside) || has_word(&shown, &words.dev) || has_word(&shown, &words.test);
        let has_another_name = path.file_name().is_none_or(|name| name != "Dockerfile");
        (is_hidden, shown.matches('/').count(), is_aside, has_another_name, shown)
    };
    let path = repository.dockerfiles.keys().min_by_key(rank).expect("a repository without one was refused");
    let stage = repository.dockerfiles[path].stages.len() - 1;
    let context = context_of(&repository.dockerfiles[path], path, &repository.folder);
    let why = match repository.dockerfiles.len() {
        1 => "the only Dockerfile",
        _ => "the Dockerfile that is nearest to the root",
    };
    let built = BuildPlace { dockerfile: path.clone(), context, stage };
    Chosen { service: None, built, why: why.to_owned(), others: Vec::new() }
}
