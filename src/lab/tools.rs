//! What only those who develop or build need, by the names of its programs.

use crate::engine::{EntryKind, FileTree};
use crate::stacks::{EcosystemTool, ToolKind, ecosystem};

/// What a kind of tool is called.
pub(crate) fn title(kind: ToolKind) -> &'static str {
    match kind {
        ToolKind::Toolchain => "a toolchain",
        ToolKind::VersionControl => "version control",
        ToolKind::Debugger => "a debugger",
        ToolKind::Editor => "an editor",
        ToolKind::Checker => "a checker",
    }
}

/// The tools among the programs of a file system, and the path of each.
pub(crate) fn found(tree: &FileTree) -> impl Iterator<Item = (EcosystemTool<'static>, &str)> {
    let programs = tree.files.iter().filter(|(_, entry)| match entry.kind {
        EntryKind::File => entry.mode & 0o111 != 0,
        EntryKind::Symlink => true,
        _ => false,
    });
    programs.filter_map(|(path, _)| Some((named(path)?, path.as_str())))
}

/// The tool that a path is; none if it is no program's place.
pub(crate) fn named(path: &str) -> Option<EcosystemTool<'static>> {
    let (folder, name) = path.rsplit_once('/')?;
    if !matches!(folder.rsplit('/').next(), Some("bin" | "sbin" | ".bin")) {
        return None;
    }
    // Debian's `x86_64-linux-gnu-gcc-14` is gcc.
    let name = name.split_once("-linux-gnu-").map_or(name, |(_, name)| name);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let bare = bare.strip_suffix('-').filter(|_| bare.len() < name.len());
    ecosystem().tool(name).or_else(|| ecosystem().tool(bare?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_place_and_name() {
        for (path, expected) in [
            ("/usr/bin/gcc", Some("gcc")),
            ("/usr/bin/x86_64-linux-gnu-gcc-14", Some("gcc")),
            ("/usr/bin/clang-19", Some("clang")),
            ("/usr/local/go/bin/go", Some("go")),
            ("/opt/venv/bin/pytest", Some("pytest")),
            ("/usr/bin/python3.13", None),
            ("/usr/bin/ld.so", None),
            ("/usr/share/bash-completion/completions/git", None),
            ("/usr/lib/git-core/git", None),
        ] {
            assert_eq!(named(path).map(|tool| tool.program), expected, "{path}");
        }
    }
}
