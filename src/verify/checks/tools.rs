//! What only those who develop or build need, by the names of its programs.

use crate::engine::{EntryKind, FileTree};

/// Why a program is no part of production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It makes programs out of source.
    Toolchain,
    /// It keeps versions of source.
    VersionControl,
    /// It looks into running programs.
    Debugger,
    /// It changes source.
    Editor,
    /// It judges source, or runs its tests.
    Checker,
}

impl Kind {
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Toolchain => "a toolchain",
            Kind::VersionControl => "version control",
            Kind::Debugger => "a debugger",
            Kind::Editor => "an editor",
            Kind::Checker => "a checker",
        }
    }
}

/// A program, and packages that bring it under another name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) kind: Kind,
    pub(super) program: &'static str,
    pub(super) packages: &'static [&'static str],
}

const fn tool(kind: Kind, program: &'static str, packages: &'static [&'static str]) -> Tool {
    Tool { kind, program, packages }
}

/// Of packages that bring several, each: an image may hold a part of them.
const TOOLS: &[Tool] = &[
    tool(Kind::Toolchain, "gcc", &["build-essential"]),
    tool(Kind::Toolchain, "g++", &["build-essential"]),
    tool(Kind::Toolchain, "cc", &["build-essential", "gcc", "clang"]),
    tool(Kind::Toolchain, "c++", &["build-essential", "g++", "clang"]),
    tool(Kind::Toolchain, "tcc", &[]),
    tool(Kind::Toolchain, "clang", &[]),
    tool(Kind::Toolchain, "gfortran", &[]),
    tool(Kind::Toolchain, "ld", &["binutils", "build-essential", "gcc"]),
    tool(Kind::Toolchain, "as", &["binutils", "build-essential", "gcc"]),
    tool(Kind::Toolchain, "lld", &[]),
    tool(Kind::Toolchain, "make", &["build-essential"]),
    tool(Kind::Toolchain, "cmake", &[]),
    tool(Kind::Toolchain, "ninja", &["ninja-build"]),
    tool(Kind::Toolchain, "meson", &[]),
    tool(Kind::Toolchain, "cargo", &["rustup"]),
    tool(Kind::Toolchain, "rustc", &["rustup", "cargo"]),
    tool(Kind::Toolchain, "rustup", &[]),
    tool(Kind::Toolchain, "go", &["golang", "golang-go"]),
    tool(Kind::Toolchain, "javac", &["default-jdk", "openjdk"]),
    tool(Kind::Toolchain, "mvn", &["maven"]),
    tool(Kind::Toolchain, "gradle", &[]),
    tool(Kind::Toolchain, "ghc", &[]),
    tool(Kind::Toolchain, "zig", &[]),
    tool(Kind::Toolchain, "tsc", &["typescript"]),
    tool(Kind::Toolchain, "esbuild", &[]),
    tool(Kind::Toolchain, "node-gyp", &[]),
    tool(Kind::VersionControl, "git", &[]),
    tool(Kind::VersionControl, "hg", &["mercurial"]),
    tool(Kind::VersionControl, "svn", &["subversion"]),
    tool(Kind::VersionControl, "bzr", &["breezy"]),
    tool(Kind::VersionControl, "jj", &["jujutsu"]),
    tool(Kind::Debugger, "gdb", &[]),
    tool(Kind::Debugger, "gdbserver", &[]),
    tool(Kind::Debugger, "lldb", &[]),
    tool(Kind::Debugger, "dlv", &["delve"]),
    tool(Kind::Debugger, "strace", &[]),
    tool(Kind::Debugger, "ltrace", &[]),
    tool(Kind::Debugger, "perf", &["linux-perf"]),
    tool(Kind::Debugger, "valgrind", &[]),
    tool(Kind::Debugger, "py-spy", &[]),
    tool(Kind::Debugger, "ipdb3", &["ipdb"]),
    tool(Kind::Editor, "vi", &["vim", "vim-tiny"]),
    tool(Kind::Editor, "vim", &["vim-tiny", "vim-nox"]),
    tool(Kind::Editor, "vim.tiny", &["vim"]),
    tool(Kind::Editor, "vim.basic", &["vim"]),
    tool(Kind::Editor, "nvim", &["neovim"]),
    tool(Kind::Editor, "nano", &[]),
    tool(Kind::Editor, "emacs", &[]),
    tool(Kind::Editor, "micro", &[]),
    tool(Kind::Editor, "hx", &["helix"]),
    tool(Kind::Editor, "code-server", &[]),
    tool(Kind::Checker, "pytest", &[]),
    tool(Kind::Checker, "tox", &[]),
    tool(Kind::Checker, "nox", &[]),
    tool(Kind::Checker, "ruff", &[]),
    tool(Kind::Checker, "mypy", &[]),
    tool(Kind::Checker, "pyright", &[]),
    tool(Kind::Checker, "black", &[]),
    tool(Kind::Checker, "flake8", &[]),
    tool(Kind::Checker, "pylint", &[]),
    tool(Kind::Checker, "pre-commit", &[]),
    tool(Kind::Checker, "eslint", &[]),
    tool(Kind::Checker, "prettier", &[]),
    tool(Kind::Checker, "biome", &[]),
    tool(Kind::Checker, "jest", &[]),
    tool(Kind::Checker, "vitest", &[]),
    tool(Kind::Checker, "mocha", &[]),
    tool(Kind::Checker, "nodemon", &[]),
];

/// The tools among the programs of a file system, and the path of each.
pub(super) fn found(tree: &FileTree) -> impl Iterator<Item = (&'static Tool, &str)> {
    let programs = tree.files.iter().filter(|(_, entry)| match entry.kind {
        EntryKind::File => entry.mode & 0o111 != 0,
        EntryKind::Symlink => true,
        _ => false,
    });
    programs.filter_map(|(path, _)| Some((named(path)?, path.as_str())))
}

/// The tool that a path is; none if it is no program's place.
pub(super) fn named(path: &str) -> Option<&'static Tool> {
    let (folder, name) = path.rsplit_once('/')?;
    if !matches!(folder.rsplit('/').next(), Some("bin" | "sbin" | ".bin")) {
        return None;
    }
    // Debian's `x86_64-linux-gnu-gcc-14` is gcc.
    let name = name.split_once("-linux-gnu-").map_or(name, |(_, name)| name);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let bare = bare.strip_suffix('-').filter(|_| bare.len() < name.len());
    TOOLS.iter().find(|tool| tool.program == name || Some(tool.program) == bare)
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

    #[test]
    fn each_program_is_listed_once() {
        for (index, tool) in TOOLS.iter().enumerate() {
            assert!(TOOLS[..index].iter().all(|other| other.program != tool.program), "{}", tool.program);
        }
    }
}
