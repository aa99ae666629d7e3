//! Deployment values and secrets are followed by random words, not guessed: a word stands for each, a stage is built with
//! the words in its context, arguments and build secrets, and its image is searched for them.

mod leaks;
mod seeds;
mod words;

pub(crate) use leaks::{Leak, Leaks, leaks, service_leaks};
pub(crate) use words::{Taint, Taints, is_secret_name, is_telling};
