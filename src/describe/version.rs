//! Which version of the language the images have.

use std::path::Path;

use crate::detect::{Band, Detection};
use crate::error::Result;
use crate::project::{Description, FILE, Project};
use crate::stacks::Stacks;

/// The field with the version that suits images, where nobody states one.
const OF_IMAGES: &str = "image-version";

/// Takes the version that was found, if there is an image of it; of a stack whose newer versions build what older ones did, only
/// one above the stack's own.
///
/// # Errors
/// The description cannot be read without any version.
pub(super) fn choose(description: &mut Description, found: &Detection, stacks: &Stacks) -> Result<()> {
    let stated =
        found.evidence().find(|claim| claim.field == "version").is_some_and(|claim| claim.band > Band::Declared);
    let field = if stated || found.values(OF_IMAGES).is_empty() { "version" } else { OF_IMAGES };
    let Some(wanted) = found.values(field).first().map(ToString::to_string) else { return Ok(()) };
    let usual = Project::parse(&description.to_toml(), Path::new(FILE), stacks)?;
    let Some(stack) = usual.stack.as_ref() else { return Ok(()) };
    let is_exact = wanted.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !is_exact || (stack.minimum && stack.version.as_deref().is_some_and(|own| parts(own) >= parts(&wanted))) {
        return Ok(());
    }
    // The newest release of a version works as all of its releases do, and not each has an image on each Debian.
    let released = |one: &&String| wanted.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let mut tries: Vec<String> =
        stack.versions.iter().filter(released).max_by_key(|one| one.len()).cloned().into_iter().collect();
    tries.push(wanted.clone());
    // The nearest above, then below: a version that has no image any more.
    let (mut above, mut below): (Vec<String>, Vec<String>) =
        stack.versions.iter().cloned().partition(|one| parts(one) >= parts(&wanted));
    above.sort_by_key(|one| parts(one));
    below.sort_by_key(|one| parts(one));
    tries.extend(above.into_iter().chain(below.into_iter().rev()));
    for one in tries {
        description.service.version = Some(one);
        if Project::parse(&description.to_toml(), Path::new(FILE), stacks).is_ok() {
            return Ok(());
        }
    }
    description.service.version = None;
    Ok(())
}

fn parts(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}
