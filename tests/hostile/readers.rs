//! The readers of files that a run meets only once it has an engine.

use std::path::Path;

use dockwright::engine::{BuildContext, Ignore};
use dockwright::stacks::formats::LockFormat;
use dockwright::verify::Memory;

/// Reads the project in the current folder with the reader that the environment names. What cannot be read is an answer, too.
pub(super) fn read() {
    let folder = Path::new(".");
    match std::env::var("HOSTILE_READER").as_deref() {
        Ok("ignore") => {
            let text = std::fs::read_to_string(".dockerignore").unwrap_or_default();
            if let Ok(ignore) = Ignore::parse(&text) {
                let long = format!("{}/b", "a".repeat(200));
                for path in ["a", "a/a/a/a/a/a/a/a/a/b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", long.as_str()] {
                    let _ = ignore.is_ignored(path);
                }
            }
        }
        Ok("context") => {
            let context = BuildContext::open_for(folder, Path::new("Dockerfile"))
                .and_then(|context| context.files().map(|files| files.len()));
            println!("{context:?}");
        }
        Ok("locks") => {
            for (file, format) in [
                ("requirements.txt", LockFormat::Requirements),
                ("uv.lock", LockFormat::Uv),
                ("package-lock.json", LockFormat::Npm),
            ] {
                println!("{file}: {:?}", format.read(folder, file).map(|found| found.len()));
            }
        }
        Ok("memory") => {
            let text = std::fs::read("memory.json").unwrap_or_default();
            assert_eq!(Memory::of_text(&text), Memory::of_text(Memory::of_text(&text).to_text().as_bytes()));
        }
        other => panic!("no reader {other:?}"),
    }
}
