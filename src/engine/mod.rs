//! The container engine, seen through our own types: the only user of bollard.
//!
//! Nothing here knows of roles, contracts or projects. Everything made on the engine belongs to a
//! [`Run`]: it carries the run's label and is removed by [`Run::finish`], or swept later by
//! [`Engine::sweep`] if the run was killed.
