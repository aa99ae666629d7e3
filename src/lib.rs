//! dockwright gives a service its six container roles and proves, on a real engine, that each does
//! what its role promises. docs/ARCHITECTURE.md is the map.

pub mod adopt;
pub mod cli;
pub mod compose;
pub mod contract;
pub mod describe;
pub mod detect;
pub mod dockerfile;
pub mod engine;
pub mod error;
pub mod gate;
mod lab;
pub mod project;
pub mod render;
pub mod report;
pub mod roles;
pub mod spec;
pub mod stacks;
mod subject;
pub mod text;
pub mod ui;
pub mod verify;

pub mod write;
