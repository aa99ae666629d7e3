//! Claims: what a rule makes of what it sees, and which of several counts.

use super::rules::Band;

/// A field's value and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Claim {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The file, relative to the repository; empty for what the user says.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The rule, as `STACK.FIELD.NUMBER`.
    pub rule: String,
    /// How sure it is.
    pub band: Band,
    /// Where it stands among claims of the same field: the lower wins.
    #[serde(skip)]
    pub(super) rank: Rank,
}

/// What decides between claims, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) band: std::cmp::Reverse<Band>,
    pub(super) avoided: bool,
    pub(super) rule: usize,
    pub(super) preferred: usize,
    pub(super) depth: usize,
    pub(super) file: String,
    pub(super) line: usize,
}

/// Puts the better claims first and drops what says the same again.
pub(super) fn sorted(mut claims: Vec<Claim>) -> Vec<Claim> {
    claims.sort_by(|one, other| one.rank.cmp(&other.rank));
    let mut kept: Vec<Claim> = Vec::new();
    for claim in claims {
        let again = |known: &Claim| known.value == claim.value && known.file == claim.file;
        if !kept.iter().any(again) {
            kept.push(claim);
        }
    }
    kept
}

/// The claim that another value of the same band and rule order competes with.
pub(super) fn torn(claims: &[Claim]) -> Option<(&Claim, &Claim)> {
    let first = claims.first()?;
    let other = claims.iter().find(|other| other.value != first.value && other.band == first.band)?;
    (first.band > Band::Found && first.band < Band::Told).then_some((first, other))
}
