//! The small text files below a folder.

use std::fs;
use std::path::Path;

use super::file::read_text;

/// So many files are looked at, and no larger ones.
const MOST: usize = 4_000;
const LARGEST: u64 = 1 << 16;

/// Hands each small text file below `folder` to `take`, in the order of their paths, until that returns false. Links are not
/// followed, and folders whose names `is_left_out` knows are not entered.
pub fn each_text(folder: &Path, is_left_out: &dyn Fn(&str) -> bool, take: &mut dyn FnMut(&Path, &str) -> bool) {
    look(folder, is_left_out, &mut 0, take);
}

fn look(
    folder: &Path,
    is_left_out: &dyn Fn(&str) -> bool,
    count: &mut usize,
    take: &mut dyn FnMut(&Path, &str) -> bool,
) -> bool {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    // Files before folders: what is nearer says more.
    entries.sort_by_key(|entry| (entry.file_type().is_ok_and(|kind| kind.is_dir()), entry.file_name()));
    for entry in entries {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        let more = if kind.is_dir() {
            is_left_out(&entry.file_name().to_string_lossy()) || look(&path, is_left_out, count, take)
        } else if kind.is_file() {
            *count += 1;
            *count <= MOST && read_text(&path, LARGEST).map_or(true, |text| take(&path, &text))
        } else {
            true
        };
        if !more {
            return false;
        }
    }
    true
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its folders")]
mod tests {
    use super::*;

    #[test]
    fn files_come_before_folders_and_what_is_left_out_does_not_come() {
        let home = tempfile::tempdir().unwrap();
        for path in ["b/deep.txt", "a.txt", "z.txt", "skipped/no.txt"] {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::write(home.path().join("binary"), [0xFF, 0xFE, 0]).unwrap();
        let mut seen = Vec::new();
        each_text(home.path(), &|name| name == "skipped", &mut |path, _| {
            seen.push(path.strip_prefix(home.path()).unwrap().display().to_string());
            seen.len() < 3
        });
        assert_eq!(seen, ["a.txt", "z.txt", "b/deep.txt"]);
    }
}
