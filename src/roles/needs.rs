//! What templates see of the services that the roles need.

use crate::project::{Need, Repository};
use crate::stacks::needs;

/// A service that the roles need, such as a database.
#[derive(Debug)]
pub(super) struct NeedView<'a> {
    /// Its name in compose.yaml, which is its host.
    pub(super) name: &'a str,
    /// The one that only the tests have.
    pub(super) test_name: String,
    pub(super) image: &'a str,
    pub(super) command: &'a [String],
    pub(super) own_env: Vec<(&'a str, &'a str)>,
    pub(super) health: Vec<String>,
    pub(super) data: &'a str,
    /// The variables by which a role other than test finds it; those of test are its own, in its image.
    pub(super) env: Vec<(String, String)>,
}

/// Those of a repository, in its order.
pub(super) fn of(repository: Option<&Repository>) -> Vec<NeedView<'_>> {
    repository.iter().flat_map(|repository| &repository.needs).filter_map(view).collect()
}

fn view(need: &Need) -> Option<NeedView<'_>> {
    let data = needs().get(&need.name)?;
    let test_name = need.test_host();
    Some(NeedView {
        name: &need.name,
        image: &data.image,
        command: &data.command,
        own_env: data.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        health: std::iter::once("CMD").map(ToOwned::to_owned).chain(data.health.iter().cloned()).collect(),
        data: &data.data,
        env: need.env_at(&need.name).collect(),
        test_name,
    })
}
