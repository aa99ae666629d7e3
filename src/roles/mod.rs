//! The six roles: what each is, its stages of the Dockerfile and its service of compose.yaml.
//!
//! One file per role, one list of them here. Templates branch on facts (`view::ViewFacts`), never on a stack's name.

mod build;
mod dev;
mod dev_tools;
#[expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "askama makes them so of filters"
)]
mod escape;
mod file;
mod installation;
mod needs;
mod service;
mod shared;
mod test;
mod view;

pub use file::File;
pub(crate) use shared::{compose_footer, compose_header, files as shared_files, needed_services};
pub use view::View;
pub(crate) use view::dockerfile;

use crate::project::Project;

/// A role: plain data and two pure functions.
#[derive(Debug)]
pub struct Role {
    /// Its name: the compose service, and the stage (an installation's are its deployment's).
    pub name: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// What it promises to whoever uses it, for `explain`.
    pub about: &'static str,
    /// Its stages in the Dockerfile, helpers of its own first.
    pub stages: fn(&View<'_>) -> Vec<RenderedStage>,
    /// Its services in compose.yaml.
    pub services: fn(&View<'_>) -> Vec<String>,
}

/// A rendered stage of the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedStage {
    /// The name after `AS`.
    pub name: String,
    /// Names of the stages that it is made from or copies from.
    pub needs: Vec<String>,
    /// Its text, from its heading comment to its last instruction, no newline at the ends.
    pub text: String,
}

impl RenderedStage {
    fn new(name: &str, needs: &[&str], text: &str) -> Self {
        let needs = needs.iter().map(|&need| need.to_owned()).collect();
        Self { name: name.to_owned(), needs, text: text.trim_matches('\n').to_owned() }
    }

    /// Itself, needing these stages, too.
    fn and<'a>(mut self, more: impl Iterator<Item = &'a str>) -> Self {
        self.needs.extend(more.map(ToOwned::to_owned));
        self
    }
}

/// A template's text. Writing to a string cannot fail, and the templates are checked when this crate is compiled.
fn text(template: &impl askama::Template) -> String {
    template.render().expect("a template that renders to a string")
}

/// The one list of roles, in the order of the Dockerfile.
pub const ALL: &[&Role] =
    &[&dev::ROLE, &dev_tools::ROLE, &build::ROLE, &service::ROLE, &test::ROLE, &installation::ROLE];

/// The role of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Role> {
    ALL.iter().find(|role| role.name == name).copied()
}

/// Whether the description has this role turned on.
#[must_use]
pub fn enabled(role: &str, project: &Project) -> bool {
    project.roles.enabled(role) != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_role_says_what_it_is() {
        for (index, role) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != role.name), "{}", role.name);
            assert!(!role.summary.is_empty() && role.about.len() > role.summary.len());
        }
    }
}
