mod crate_package;
mod floors;
mod new;
mod render;
mod support;
mod verify_engine;
