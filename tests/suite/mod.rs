mod crate_package;
mod floors;
mod kinds;
mod new;
mod render;
mod report;
mod support;
mod verify_engine;
