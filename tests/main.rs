//! The integration tests: one binary, so that it is linked once. `floors`, `render` and `new` need no engine;
//! `verify_engine` and `kinds` need one (`eval "$(tests/engine/up)"`).
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests write folders and print")]

mod suite;
