//! What builds bring and leave, by the names of folders and files.

/// Folders that package managers keep for the next time, as parts of a path.
pub(super) const CACHES: &[&str] = &[
    "/var/cache/apt/archives/",
    "/var/lib/apt/lists/",
    "/var/cache/apk/",
    "/etc/apk/cache/",
    "/var/cache/dnf/",
    "/var/cache/yum/",
    "/.cache/pip/",
    "/.cache/uv/",
    "/.cache/pypoetry/",
    "/.cache/go-build/",
    "/.cache/yarn/",
    "/.npm/_cacache/",
    "/.local/share/pnpm/store/",
    "/.yarn/berry/cache/",
    "/cargo/registry/",
    "/.cargo/registry/",
    "/go/pkg/mod/",
    "/.m2/repository/",
    "/.gradle/caches/",
    "/.bundle/cache/",
];

/// Files in them that the managers need, or leave, where nothing is kept.
pub(super) const NO_CACHE: &[&str] = &["lock", ".lock", "CACHEDIR.TAG", "auxfiles"];

/// Where header files are that only compilers read. Python packages put theirs below Python's own folder.
pub(super) const HEADERS: &[&str] = &["/usr/include/", "/usr/local/include/"];

/// Endings of what compilers leave beside what they make.
pub(super) const INTERMEDIATE: &[&str] = &["o", "rlib", "rmeta", "crate", "tsbuildinfo"];

/// Endings of source that does not run as it is.
pub(super) const COMPILED: &[&str] = &[
    "rs", "go", "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "java", "kt", "kts", "scala", "swift", "zig", "nim", "hs",
    "cs", "fs", "ml", "mli", "pyx",
];

/// Endings of source that some interpreters run and most services compile first.
pub(super) const TRANSPILED: &[&str] = &["ts", "mts", "cts", "tsx", "jsx"];

/// What runs such source as it is.
pub(super) const RUNS_SOURCE: &[&str] = &["ts-node", "tsx", "bun", "deno"];

/// Endings of code that runs as it is.
pub(super) const CODE: &[&str] = &[
    "py", "pyc", "pyo", "pyd", "so", "js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx", "rb", "php", "pl", "pm",
    "lua", "sh", "bash", "jar", "war", "class", "dll", "wasm", "beam",
];

/// Folders of installed packages, whose own affair is what they bring.
pub(super) const PACKAGES: &[&str] = &["node_modules", "site-packages", "dist-packages", "vendor", "gems"];

/// The ending of a file's name; that of `libx.so.1.2` is `so`.
pub(super) fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains(".so.") {
        return "so";
    }
    name.rsplit_once('.').map_or("", |(start, ending)| if start.is_empty() { "" } else { ending })
}

/// Whether a path lies in a folder of installed packages.
pub(super) fn in_packages(path: &str) -> bool {
    path.split('/').any(|part| PACKAGES.contains(&part))
}

/// Whether a path is a test's, by the habits of test runners.
pub(super) fn is_test(path: &str) -> bool {
    const FOLDERS: &[&str] = &["tests", "test", "__tests__", "testdata"];
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    folders.split('/').any(|folder| FOLDERS.contains(&folder)) || is_test_file(name)
}

/// Whether a file's name is a test's alone, wherever it is.
pub(super) fn is_test_file(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let code = CODE.contains(&ending(name)) || COMPILED.contains(&ending(name));
    name == "conftest.py" || code && [".test", ".spec", "_test", "_spec"].iter().any(|end| stem.ends_with(end))
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
}
