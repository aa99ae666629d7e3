//! compose.yaml as the user has it: one typed model, every field with the place it comes from.
//!
//! Facts are those of the Compose specification (<https://github.com/compose-spec/compose-spec>, named
//! by section below) and, where it is silent, of `docker compose config`, against which the corpus in
//! tests/cases/compose is held.

mod build;
mod context;
mod define;
mod details;
mod dotenv;
mod fault;
mod files;
mod honoured;
mod include;
mod interpolate;
mod keys;
mod laid;
mod limits;
mod merge;
mod model;
mod mounts;
mod network;
mod parts;
mod paths;
mod raw;
mod read;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod variables;
pub(crate) mod yaml;

pub use honoured::{Fate, KeySection, key_sections};
pub use laid::{Laid, LaidFrom};
pub use model::{Compose, ComposeService, Definition, Interpolation, Unsupported};
pub use parts::{Build, ComposeMount, ComposePort, ComposeScalar, Condition, DependsOn, EnvFile, FileRef, NetworkUse};
pub use read::{BESIDE, FILE_NAMES, read, read_included, read_unprepared};
pub(crate) use values::shell_words;
