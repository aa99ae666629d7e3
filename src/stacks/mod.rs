//! The stacks, as data.
