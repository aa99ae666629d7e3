//! The description: dockwright.toml, read into validated values.
//!
//! [`Project`] is what everything else is rendered from. It is made by [`Project::read`] and
//! [`Project::parse`] only out of values that can be written into every file that dockwright renders
//! (TOML, YAML, Dockerfile, shell), so that later modules escape but never refuse.
//!
//! Reading order: `model` (the values); `name`, `env`, `words`, `paths`, `image_ref` (texts with a grammar);
//! `raw` (the file's shape) and `schema` (its JSON Schema); `flaws` (places in the file), `shape` and
//! `check` (file → model); `overlay` (what it says over its stack); `read` (disk); `starter` (model → file).

mod check;
mod env;
mod flaws;
mod image_ref;
mod lock;
mod model;
mod name;
mod overlay;
mod paths;
mod place;
mod raw;
mod read;
mod repository;
#[cfg(test)]
mod roundtrip;
mod schema;
mod shape;
mod spanned;
mod starter;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod waivers;
mod words;

pub use env::{EnvName, EnvValue};
pub use image_ref::ImageRef;
pub use lock::{ImageLock, LOCK};
pub use model::{
    Code, DeclaredEnv, Deployment, Description, DevTool, DevTools, ImageOverrides, Layout, PortNumber, Project, Reload,
    RoleSettings, RolesTable, ServiceKind, ServiceRole, ServiceSettings, Unclaimed, Verify, Waiver,
};
pub use name::{DeploymentName, ServiceName};
pub use paths::{ProjectPath, UrlPath};
pub use place::{Placement, ServiceKey, StageName};
pub use read::MAX_SIZE;
pub use repository::{Need, Repository, fact};
pub use schema::SCHEMA_URL;
pub use words::{ExecCommand, Package, ShellLine, ToolName};

/// The description's file name, in the project's folder.
pub const FILE: &str = "dockwright.toml";

/// The name of the compose file that is written beside another one; `compose` knows it by itself, being on a lower floor.
pub const COMPOSE_BESIDE: &str = "compose.dockwright.yaml";

/// The one schema number that this dockwright understands.
pub const SCHEMA: i64 = 1;
