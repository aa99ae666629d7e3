//! `include_dir!` does not notice added or removed files by itself.
#[expect(clippy::disallowed_macros, reason = "how a build script talks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=templates");
}
