//! What git leaves out of a repository, so that no other checkout has it (gitignore(5), gitformat-index(5)).

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use crate::text::{Place, SMALL, read, read_text};

/// The largest index that is read, in bytes.
const LARGEST_INDEX: u64 = 64 << 20;

/// The folder at or above another that is the top of a repository.
pub(crate) fn top(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|above| above.join(".git").exists()).map(Path::to_owned)
}

/// Whether git ignores a file, by the rules at and below the top of the repository that `folder` is in, and has it not
/// all the same. Without a repository nobody knows what one will have.
pub(crate) fn is_unversioned(folder: &Path, path: &Path) -> bool {
    unversioned_by(folder, path).is_some()
}

/// The rule by which it is so.
pub(crate) fn unversioned_by(folder: &Path, path: &Path) -> Option<Place> {
    let top = top(folder)?;
    let inner = path.strip_prefix(&top).ok()?;
    let mut above: Vec<&Path> = inner.ancestors().filter(|one| !one.as_os_str().is_empty()).collect();
    above.reverse();
    let mut all = vec![rules_in(&top.join(".git/info/exclude"), &top), rules(&top)];
    for one in above {
        let full = top.join(one);
        let is_folder = full.is_dir();
        if let Some(rule) = ignored_by(&full, is_folder, &all) {
            return (!is_tracked(&top, &inner.to_string_lossy())).then(|| place(rule));
        }
        if is_folder {
            all.push(rules(&full));
        }
    }
    None
}

/// The rule by which a path is ignored: the innermost that says anything decides.
pub(super) fn ignored_by<'a>(path: &Path, is_folder: bool, rules: &'a [Option<Gitignore>]) -> Option<&'a Glob> {
    let mut said = rules.iter().rev().flatten().map(|rules| rules.matched(path, is_folder));
    match said.find(|said| !said.is_none())? {
        Match::Ignore(rule) => Some(rule),
        _ => None,
    }
}

fn place(rule: &Glob) -> Place {
    let file = rule.from().unwrap_or(Path::new(".gitignore"));
    let text = read_text(file, SMALL).unwrap_or_default();
    let line = text.lines().position(|line| line.trim_end() == rule.original().trim_end());
    Place::new(file, line.map_or(1, |line| line + 1))
}

/// The rules that git finds in a folder.
pub(super) fn rules(folder: &Path) -> Option<Gitignore> {
    rules_in(&folder.join(".gitignore"), folder)
}

fn rules_in(file: &Path, folder: &Path) -> Option<Gitignore> {
    let text = read_text(file, SMALL).ok()?;
    let mut rules = GitignoreBuilder::new(folder);
    for line in text.lines() {
        // What cannot be read, git leaves aside.
        let _ = rules.add_line(Some(file.to_owned()), line);
    }
    rules.build().ok()
}

/// Whether the index has a file, or cannot be understood: then nothing is said of the file.
fn is_tracked(top: &Path, path: &str) -> bool {
    /// Version 4 writes a path as what it has after the one before.
    const WHOLE_PATHS: u32 = 3;
    let git = top.join(".git");
    // In a worktree it is a file that says where the rest is.
    let folder =
        match read_text(&git, SMALL).ok().and_then(|text| Some(text.strip_prefix("gitdir:")?.trim().to_owned())) {
            Some(elsewhere) => top.join(elsewhere),
            None => git,
        };
    let Ok(index) = read(&folder.join("index"), LARGEST_INDEX) else { return folder.join("index").exists() };
    let version = index.get(4..8).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    if version.is_none_or(|version| version > WHOLE_PATHS) {
        return true;
    }
    let entry = [path.as_bytes(), b"\0"].concat();
    // The 12 lower bits before a path are its length.
    let length = |at: usize| Some(u16::from_be_bytes(index.get(at.checked_sub(2)?..at)?.try_into().ok()?) & 0xfff);
    let is_entry = |at: usize| length(at).is_some_and(|length| usize::from(length) == path.len().min(0xfff));
    index.windows(entry.len()).enumerate().any(|(at, window)| window == entry.as_slice() && is_entry(at))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write folders")]

    use std::fs;

    use super::*;

    #[test]
    fn what_git_leaves_out_is_told_from_what_it_has() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        for folder in [".git/info", "lib/deep", "src/kept"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["lib/deep/a.txt", "src/a.log", "src/kept/b.log", "src/c.log", "local.txt", "src/d.txt"] {
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(root.join(".gitignore"), "lib/\n*.log\n").unwrap();
        fs::write(root.join("src/kept/.gitignore"), "!*.log\n").unwrap();
        fs::write(root.join(".git/info/exclude"), "local.txt\n").unwrap();
        let unversioned = |path: &str| is_unversioned(root, &root.join(path));
        let all = ["lib/deep/a.txt", "src/a.log", "src/kept/b.log", "src/c.log", "local.txt", "src/d.txt"];
        assert_eq!(all.map(unversioned), [true, true, false, true, true, false]);
        let rule = unversioned_by(root, &root.join("src/a.log")).unwrap();
        assert_eq!((&*rule.file, rule.line), (root.join(".gitignore").as_path(), 2));
        // One that was added all the same, in an index with one entry.
        let mut index = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        index.extend([0; 60]);
        index.extend([&9_u16.to_be_bytes()[..], b"src/c.log\0"].concat());
        fs::write(root.join(".git/index"), &index).unwrap();
        assert_eq!(all.map(unversioned), [true, true, false, false, true, false]);
        // Of an index that is not understood nothing is said.
        index[7] = 4;
        fs::write(root.join(".git/index"), &index).unwrap();
        assert!(!all.map(unversioned).contains(&true));
    }
}
