//! The container engine, seen through our own types: the only user of bollard.
//!
//! Nothing here knows of roles, contracts or projects. In reading order:
//!
//! - [`Engine::connect`] finds the engine as the docker CLI would; [`Engine::info`] says what it is.
//! - [`Engine::run`] opens an [`EngineRun`], the scope of all that is made. Containers, networks and volumes
//!   carry its labels, images its tags; [`EngineRun::finish`] removes them, and what a killed run left is
//!   removed by [`Engine::sweep`]. Nothing else is ever removed.
//! - [`EngineRun::build`] builds a [`BuildContext`]; a build that fails is a [`BuildOutcome`], not an error.
//! - [`EngineRun::create`] makes a [`Container`] from a [`ContainerSpec`]; its methods start, watch and read it.
//! - [`Engine::image`], [`Engine::search_image`], [`Engine::layers`] and [`EngineRun::walk_filesystem`] look into images.
//!
//! Errors are of [`ErrorKind::Engine`](crate::error::ErrorKind::Engine) unless a file of ours cannot be read.

mod address;
mod build;
mod config;
mod connect;
mod container;
mod context;
mod create;
mod disk;
mod entry;
mod failure;
mod image;
mod info;
mod layers;
mod members;
mod names;
mod owner;
mod request;
mod run;
mod search;
mod session;
mod sweep;
mod tarball;
mod transport;
mod tree;
mod unpack;

pub use build::{BuildEvent, BuildFailure, BuildOutcome, BuildRequest, BuildStep};
pub use config::{CliSetting, SETTINGS, VARIABLES, proxy_values};
pub use connect::Engine;
pub use container::{
    ByteStream, Container, ContainerState, ExecResult, Health, HealthProbe, HealthStatus, HostPort, PathStat, Process,
    Status, TarEdit,
};
pub use context::{BuildContext, ContextFile, Ignore};
pub use create::{Commit, Finished};
pub use disk::DiskUsage;
pub use entry::{EntryKind, TreeEntry};
pub use image::{HistoryItem, ImageConfig, ImageInfo};
pub use info::{EngineInfo, Product};
pub use layers::Layers;
pub use run::{EngineRun, Network, Volume};
pub use search::{Hit, ImagePart};
pub use sweep::{Leftover, LeftoverKind, Swept};
pub use tree::{FileTree, WalkOptions};

pub use crate::spec::{
    Bind, BuildSettings, ContainerSpec, Device, HealthTest, Healthcheck, Limits, MountKind, MountSpec,
    NetworkAttachment, NetworkSpec, PortSpec, Protocol, Settings, Tmpfs, Ulimit,
};
