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
mod interpolate;
mod keys;
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
mod yaml;

pub use model::{Compose, Definition, Interpolation, Service, Unsupported};
pub use parts::{Build, Condition, Dependency, EnvFile, FileRef, Mount, NetworkUse, Port};
pub use read::{FILE_NAMES, read};
