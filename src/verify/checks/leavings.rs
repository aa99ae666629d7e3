//! What builds bring and leave, by the names of folders and files.

use crate::stacks::ecosystem;

/// The ending of a file's name; that of `libx.so.1.2` is `so`.
pub(super) fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains(".so.") {
        return "so";
    }
    name.rsplit_once('.').map_or("", |(start, ending)| if start.is_empty() { "" } else { ending })
}

/// Whether a path ends in one of some endings.
pub(super) fn ends(path: &str, endings: &[String]) -> bool {
    let ending = ending(path);
    endings.iter().any(|own| own == ending)
}

/// Whether a path is of code that runs as it is.
pub(super) fn is_code(path: &str) -> bool {
    let endings = &ecosystem().endings;
    [&endings.scripts, &endings.source, &endings.transpiled, &endings.built].iter().any(|list| ends(path, list))
}

/// Whether a path is of source that a service is written in.
pub(super) fn is_program(path: &str) -> bool {
    let endings = &ecosystem().endings;
    [&endings.source, &endings.transpiled, &endings.compiled].iter().any(|list| ends(path, list))
}

/// Whether a path lies in a folder of installed packages, whose own affair is what they bring.
pub(super) fn in_packages(path: &str) -> bool {
    let folders = &ecosystem().folders;
    below_any(path, &[&folders.packages, &folders.vendored])
}

/// Whether a path lies in a folder of a project that holds other people's code.
pub(super) fn is_foreign(path: &str) -> bool {
    in_packages(path) || below_any(path, &[&ecosystem().folders.environments])
}

/// Whether a path lies in a folder of one of some names.
pub(super) fn below_any(path: &str, names: &[&Vec<String>]) -> bool {
    path.split('/').any(|part| names.iter().any(|list| list.iter().any(|name| name == part)))
}

/// Whether a path is a test's, by the habits of test runners.
pub(super) fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    below_any(folders, &[&ecosystem().tests.folders]) || is_test_file(name)
}

/// Whether a file's name is a test's alone, wherever it is.
pub(super) fn is_test_file(name: &str) -> bool {
    let tests = &ecosystem().tests;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let code = is_code(name) || ends(name, &ecosystem().endings.compiled);
    tests.files.iter().any(|own| own == name) || code && tests.stems.iter().any(|end| stem.ends_with(end.as_str()))
}

/// Whether a command calls one of some programs, by its name or by its path.
pub(super) fn calls(command: &str, programs: &[String]) -> bool {
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '[', ']', '(', ')', ',', ';']));
    words.any(|word| {
        let name = word.rsplit_once("bin/").map_or(word, |(_, name)| name);
        programs.iter().any(|program| program == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
