//! compose.yaml as the user has it: one typed model, every field with the place it comes from.
//!
//! Facts are those of the Compose specification (<https://github.com/compose-spec/compose-spec>, named
//! by section below) and, where it is silent, of `docker compose config`, against which the corpus in
//! tests/cases/compose is held.

mod build;
mod config_json;
mod define;
mod details;
#[cfg(test)]
mod differential;
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
#[cfg(test)]
mod tests;
mod values;
mod yaml;

pub use config_json::to_config_json;
pub use model::{Compose, Definition, Interpolation, Service, Unsupported};
pub use parts::{
    Bind, Build, Condition, Dependency, EnvFile, FileRef, HealthTest, Healthcheck, Limits, Mount, MountKind,
    NetworkUse, Port, Ulimit,
};
pub use read::{FILE_NAMES, read};
