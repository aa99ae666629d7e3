//! What goes to crates.io.

use std::process::Command;

use super::support::{Ran, repository};

#[test]
fn the_package_holds_all_that_the_build_embeds() {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let ran = Ran::of(Command::new(cargo).current_dir(repository()).args([
        "package",
        "--list",
        "--allow-dirty",
        "--offline",
        "--quiet",
    ]))
    .exits(0);
    let packed: Vec<&str> = ran.out.lines().collect();
    // Cargo silently drops a nested folder that holds a Cargo.toml; hence Cargo.toml.in.
    let mut templates = Vec::new();
    for entry in walkdir::WalkDir::new(repository().join("templates")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
            assert!(!path.ends_with("/Cargo.toml"), "{path} must be called Cargo.toml.in");
            templates.push(path);
        }
    }
    assert!(templates.iter().any(|path| path.ends_with("starter/Cargo.toml.in")), "{templates:?}");
    let sources = ["src/main.rs", "src/lib.rs", "build.rs", "askama.toml", "README.md", "CHANGELOG.md"];
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"];
    for needed in templates.iter().map(String::as_str).chain(sources).chain(licences) {
        assert!(packed.contains(&needed), "the package lacks {needed}");
    }
    for path in packed {
        assert!(!path.starts_with("tests/") && !path.starts_with(".ci/"), "the package has {path}");
    }
}

#[test]
fn the_manifest_says_what_crates_io_shows() {
    let manifest: toml::Table = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let package = manifest["package"].as_table().unwrap();
    for key in ["name", "version", "edition", "rust-version", "description", "license", "repository"] {
        let text = package.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        assert!(!text.is_empty(), "[package] lacks {key}");
    }
    for (key, most) in [("keywords", 5), ("categories", 5)] {
        let list = package.get(key).and_then(toml::Value::as_array).unwrap();
        assert!((1..=most).contains(&list.len()), "crates.io takes at most {most} {key}");
    }
    assert_eq!(package["license"].as_str(), Some("MIT OR Apache-2.0"));
    let version = package["version"].as_str().unwrap();
    let ran = super::support::run(&repository(), ["--version"]).exits(0);
    assert_eq!(ran.out, format!("dockwright {version}\n"));
}
