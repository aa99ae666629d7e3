//! `include_dir!` does not notice added or removed files by itself.
fn main() {
    println!("cargo::rerun-if-changed=templates");
}
