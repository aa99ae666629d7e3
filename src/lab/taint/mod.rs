//! Deployment values and secrets are followed by random words, not guessed: a word stands for each, a stage is built with
//! the words in its context, arguments and build secrets, and its image is searched for them. Secrets that no word can stand
//! for, because they are written down, are known by how they look.

mod encoded;
mod leaks;
mod own;
mod seeds;
mod settings;
mod value;
mod words;
mod written;

pub(crate) use leaks::{Leaks, WordLeak, leaks, service_leaks};
pub(crate) use own::written;
pub(crate) use value::{is_literal, is_value};
pub(crate) use words::{Taint, Taints, is_distinct, is_secret_name, is_telling};
pub(crate) use written::{in_command, in_start, in_value};
