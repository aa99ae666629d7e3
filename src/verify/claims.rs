//! Which contracts a project claims to keep. What is not claimed is not checked, and counts neither way.

use super::verdict::{Verdict, skipped};
use crate::contract;
use crate::project::FILE;
use crate::roles;
use crate::subject::Subject;

/// Why a contract is not claimed, or that its role is off; none if it is to be checked.
pub(super) fn unclaimed(subject: &Subject, contract: &str) -> Option<Verdict> {
    let project = &subject.project;
    let role = contract.split('.').next().unwrap_or_default();
    if roles::find(role).is_some() && !subject.roles.iter().any(|one| one.role == role) {
        return Some(skipped(subject.why_off(role)));
    }
    if let Some(one) = project.verify.unclaimed.iter().find(|one| one.contract == contract) {
        return Some(skipped(format!("not claimed: {}", one.reason)).at(FILE, None));
    }
    let layout = contract::OF_LAYOUT.iter().find(|layout| layout.contract == contract)?;
    let own = layout.roles.iter().find(|role| !project.makes(role))?;
    if layout.unless.is_some_and(|(role, of)| is_from(subject, role, of)) {
        return None;
    }
    Some(skipped(format!("not claimed: {own} is of your own Dockerfile, and {}", layout.why)))
}

/// Whether a role's stage is made from another role's.
fn is_from(subject: &Subject, role: &str, of: &str) -> bool {
    let (Some(role), Some(of)) = (subject.role(role), subject.role(of)) else { return false };
    let (role, of) = (&role.target, &of.target);
    let is_same = role.dockerfile.file == of.dockerfile.file && role.stage != of.stage;
    is_same && role.dockerfile.ancestry(role.stage).contains(&of.stage)
}
