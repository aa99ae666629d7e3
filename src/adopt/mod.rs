//! A repository with a Dockerfile of its own → a description: which of its stages and compose services play which role, and
//! on what evidence. Reads files, and neither runs nor writes anything.
//!
//! Reading order: `repository` (what is there), `chosen` (which service it is about), `roles` (which stage and service is
//! which role), `probes` (what `[verify]` asks), `propose` (all of it).

mod chosen;
mod probes;
mod propose;
mod repository;
mod roles;

pub use probes::answered;
pub use propose::{Adoption, Evidence, propose};
