//! Reports, all made from verification's events: one file each.

pub mod human;
pub mod json;
