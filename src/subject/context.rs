//! The build context of a Dockerfile, where nothing says it.

use std::path::{Path, PathBuf};

use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::stacks::{self, ecosystem};

/// The folder that a Dockerfile copies from, where nothing says: its own, if what it copies is there, else the project `folder`.
/// If all that it says is everything, the one that says what it depends on, its own before the other; else its own if that has
/// source.
pub(crate) fn context_of(dockerfile: &Dockerfile, path: &Path, folder: &Path) -> PathBuf {
    let own = path.parent().unwrap_or(folder);
    let copies = dockerfile.stages.iter().flat_map(|stage| &stage.instructions);
    let sources = copies.filter_map(|one| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) if copy.from.is_none() => Some(&copy.sources),
        _ => None,
    });
    let all: Vec<&String> = sources.flatten().collect();
    let is_plain =
        |source: &&&String| !source.contains(['*', '?', '[', '$', ':']) && !matches!(source.as_str(), "." | "./" | "/");
    let plain: Vec<&String> = all.iter().filter(is_plain).copied().collect();
    let has = |folder: &Path| plain.iter().all(|source| folder.join(source.trim_start_matches('/')).exists());
    let is_own = if plain.is_empty() {
        all.is_empty() || has_manifest(own) || !has_manifest(folder) && has_source(own)
    } else {
        has(own) || !has(folder)
    };
    if is_own { own.to_owned() } else { folder.to_owned() }
}

/// Whether a folder has a file that says what a service depends on.
fn has_manifest(folder: &Path) -> bool {
    let globs = stacks::manifests();
    let names = folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()));
    names.into_iter().any(|name| globs.is_match(name))
}

/// Whether a source file lies in a folder or a few levels below it.
fn has_source(folder: &Path) -> bool {
    const DEEPEST: usize = 6;
    let is_source =
        |path: &Path| ecosystem().endings.is_source(&path.extension().unwrap_or_default().to_string_lossy());
    let inner = walkdir::WalkDir::new(folder).max_depth(DEEPEST).into_iter();
    let mut inner = inner.filter_entry(|entry| {
        entry.depth() == 0 || !ecosystem().folders.is_no_source(&entry.file_name().to_string_lossy())
    });
    inner.any(|entry| entry.is_ok_and(|entry| entry.file_type().is_file() && is_source(entry.path())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write folders")]

    use std::fs;

    use super::*;

    #[test]
    fn the_context_is_where_what_is_copied_lies() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        let source = format!("api/main.{}", ecosystem().endings.source[0]);
        for file in ["src/app", "needs.txt", "docker/start.conf", &source] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        for (folder, copies, expected) in [
            ("docker", "COPY needs.txt .\n", ""),
            ("docker", "COPY . .\n", ""),
            ("docker", "ARG from=src\nCOPY ${from}/ .\n", ""),
            ("docker", "COPY start.conf /etc/\n", "docker"),
            ("docker", "RUN true\n", "docker"),
            ("api", "COPY . .\n", "api"),
        ] {
            let path = root.join(folder).join("Dockerfile");
            fs::write(&path, format!("FROM scratch\n{copies}")).unwrap();
            let read = crate::dockerfile::read(&path).unwrap();
            assert_eq!(context_of(&read, &path, root), root.join(expected), "{folder}: {copies}");
        }
        // A helper beside the Dockerfile is not what the service is made from.
        let manifest =
            stacks::embedded().resolve(&stacks::Choice { stack: stacks::NAMES[1], name: "it", ..Default::default() });
        let manifest = manifest.unwrap().manifests[0].clone();
        let everything = crate::dockerfile::read(&root.join("api/Dockerfile")).unwrap();
        let of = |folder: &str| context_of(&everything, &root.join(folder).join("Dockerfile"), root);
        fs::write(root.join(&manifest), "").unwrap();
        assert_eq!(of("api"), root);
        fs::write(root.join("api").join(&manifest), "").unwrap();
        assert_eq!(of("api"), root.join("api"));
    }
}
