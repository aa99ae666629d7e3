//! The description: dockwright.toml.
