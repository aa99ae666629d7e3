//! The integration tests: one binary, so that it is linked once. `floors`, `render`, `report` and `new` need no engine;
//! `verify_engine` and `kinds` need one (`eval "$(tests/engine/up)"`).
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::nonminimal_bool,
    clippy::semicolon_if_nothing_returned,
    reason = "tests read better so"
)]
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests write folders and print")]

mod suite;
#[path = "runner/turn.rs"]
mod turn;
