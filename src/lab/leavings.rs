//! What builds bring and leave, by the names of folders and files.

use std::path::Path;

use crate::engine::TreeEntry;
use crate::stacks::{Folders, ecosystem};

/// dockwright's own folder in a project.
const OWN: &str = ".dockwright";

/// Whether a folder of a project stays out of a copy of it: tools fill it, dockwright among them, and no container reads
/// it from the mount. Such folders are large, too.
pub(crate) fn is_left_out(folder: &Path) -> bool {
    let Folders { packages, environments, outputs, bytecode, history, .. } = &ecosystem().folders;
    let left_out = [packages, environments, outputs, bytecode, history];
    folder.file_name().is_some_and(|name| name == OWN || left_out.into_iter().flatten().any(|own| name == own.as_str()))
}

/// The ending of a file's name; that of `libx.so.1.2` is `so`.
pub(crate) fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains(".so.") {
        return "so";
    }
    name.rsplit_once('.').map_or("", |(start, ending)| if start.is_empty() { "" } else { ending })
}

/// Whether a path ends in one of some endings.
pub(crate) fn ends(path: &str, endings: &[String]) -> bool {
    let ending = ending(path);
    endings.iter().any(|own| own == ending)
}

/// Whether a path is of code that runs as it is.
pub(crate) fn is_code(path: &str) -> bool {
    let endings = &ecosystem().endings;
    [&endings.scripts, &endings.source, &endings.transpiled, &endings.built].iter().any(|list| ends(path, list))
}

/// Whether a file of an image is code by its ending, or a program: without an ending, by its mode, as data that came from another
/// system may be marked executable.
pub(crate) fn is_code_or_program(path: &str, entry: &TreeEntry) -> bool {
    is_code(path) || ending(path).is_empty() && entry.mode & 0o111 != 0
}

/// Whether a path is of source that a service is written in.
pub(crate) fn is_program(path: &str) -> bool {
    ecosystem().endings.is_source(ending(path))
}

/// Whether a path lies in a folder of installed packages, whose own affair is what they bring.
pub(crate) fn in_packages(path: &str) -> bool {
    let folders = &ecosystem().folders;
    below_any(path, &[&folders.packages, &folders.vendored])
}

/// Whether a path lies in a folder of a project that holds other people's code.
pub(crate) fn is_foreign(path: &str) -> bool {
    in_packages(path) || below_any(path, &[&ecosystem().folders.environments])
}

/// Whether a path lies in a folder of one of some names.
pub(crate) fn below_any(path: &str, names: &[&Vec<String>]) -> bool {
    path.split('/').any(|part| names.iter().any(|list| list.iter().any(|name| name == part)))
}

/// Whether a path is a test's, by the habits of test runners.
pub(crate) fn is_test(path: &str) -> bool {
    in_tests(path) || is_test_file(path.rsplit('/').next().unwrap_or(path))
}

/// Whether a path lies in a folder of tests.
pub(crate) fn in_tests(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folders, _)| below_any(folders, &[&ecosystem().tests.folders]))
}

/// Whether a file's name is a test's alone, wherever it is.
pub(crate) fn is_test_file(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let code = is_code(name) || ends(name, &ecosystem().endings.compiled);
    is_runners(name) || code && ecosystem().tests.stems.iter().any(|end| stem.ends_with(end.as_str()))
}

/// Whether a file's name is one that a test runner reads.
pub(crate) fn is_runners(name: &str) -> bool {
    ecosystem().tests.files.iter().any(|own| own == name)
}

/// Whether a command calls one of some programs, by its name or by its path.
pub(crate) fn calls(command: &str, programs: &[String]) -> bool {
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '[', ']', '(', ')', ',', ';']));
    words.any(|word| {
        let name = word.rsplit_once("bin/").map_or(word, |(_, name)| name);
        programs.iter().any(|program| program == name)
    })
}

/// A file that a line of an ignore file means; none for a line that keeps files.
pub(crate) fn concrete(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['!', '#']) {
        return None;
    }
    let mut path = String::new();
    let mut chars = line.trim_start_matches("**/").trim_matches('/').chars();
    let mut wild = false;
    while let Some(next) = chars.next() {
        match next {
            '*' => {
                if path.rsplit('/').next().is_none_or(|part| part.len() < 2) {
                    path.push_str("seed");
                }
                wild = true;
            }
            '?' => path.push('x'),
            '[' => {
                path.extend(chars.next());
                chars.by_ref().find(|c| *c == ']');
            }
            next => path.push(next),
        }
    }
    // A name without a pattern is as likely a folder's: a file in it is both.
    Some(if wild { path } else { format!("{path}/seed") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks;

    #[test]
    fn tests_are_known_by_their_folder_or_name() {
        for test in ["tests/test_app.py", "src/app.test.ts", "pkg/app_test.go", "a/__tests__/b.js", "conftest.py"] {
            assert!(is_test(test), "{test}");
        }
        for other in [
            "src/app.ts",
            "orders/latest.py",
            "contest/app.py",
            "data/load_test.csv",
            "testing.md",
            "spec/openapi.yaml",
        ] {
            assert!(!is_test(other), "{other}");
        }
        assert!(in_packages("/srv/node_modules/x/test.js") && !in_packages("/srv/app/x.js"));
        assert_eq!((ending("/a/libx.so.1"), ending(".npmrc"), ending("/a.b/c")), ("so", "", ""));
    }

    #[test]
    fn a_call_is_told_from_a_folder_of_that_name() {
        let programs = ["pip".to_owned(), "uv".to_owned()];
        for line in ["RUN pip install x", "/opt/venv/bin/pip install x", "RUN [\"pip\", \"install\"]", "(uv sync)"] {
            assert!(calls(line, &programs), "{line}");
        }
        for line in ["rm -r /tmp/uv", "--mount=type=cache,target=/root/.cache/pip true", "apt-get install python3-pip"]
        {
            assert!(!calls(line, &programs), "{line}");
        }
    }

    #[test]
    fn lines_of_an_ignore_file_become_files_that_they_leave_out() {
        for (line, file) in [
            ("**/node_modules", Some("node_modules/seed")),
            ("dist", Some("dist/seed")),
            ("/target/", Some("target/seed")),
            ("*.tsbuildinfo", Some("seed.tsbuildinfo")),
            ("npm-debug.log*", Some("npm-debug.log")),
            ("**/*.py[cod]", Some("seed.pyc")),
            ("**/.*_cache", Some(".seed_cache")),
            ("!dist/keep", None),
            ("# a comment", None),
        ] {
            assert_eq!(concrete(line).as_deref(), file, "{line}");
            if let Some(file) = file {
                assert!(crate::engine::Ignore::parse(line.trim_start_matches('/')).unwrap().is_ignored(file), "{line}");
            }
        }
        for (_, stack) in stacks::all() {
            let ignore = crate::engine::Ignore::parse(&stack.ignore.join("\n")).unwrap();
            for file in stack.ignore.iter().filter_map(|line| concrete(line)) {
                assert!(ignore.is_ignored(&file), "{file}");
            }
        }
    }
}
