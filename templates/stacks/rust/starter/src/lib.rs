//! A small HTTP service: what it answers, its configuration, and how it starts and stops.

mod app;
mod config;
mod healthcheck;
mod server;

pub use app::app;
pub use config::Config;
pub use healthcheck::healthcheck;
pub use server::serve;
