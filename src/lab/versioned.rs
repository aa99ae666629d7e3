//! What git leaves out of a repository, so that no other checkout has it (gitignore(5), gitformat-index(5)).

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use super::leavings::{ends, is_left_out, is_program};
use crate::stacks::ecosystem;
use crate::text::{Place, SMALL, read, read_text};

/// The largest index that is read, in bytes.
const LARGEST_INDEX: u64 = 64 << 20;

/// A repository on disk. Each of its files of rules, and its index, is read once.
struct Repository {
    top: PathBuf,
    rules: RefCell<BTreeMap<PathBuf, Option<Gitignore>>>,
    /// The paths in its index; none if it cannot be understood.
    tracked: OnceCell<Option<BTreeSet<String>>>,
}

/// Whether git ignores a file of the repository that `folder` is in, and has it not all the same. Without a repository
/// nobody knows what one will have.
pub(crate) fn is_unversioned(folder: &Path, path: &Path) -> bool {
    unversioned_by(folder, path).is_some()
}

/// The rule by which it is so.
pub(crate) fn unversioned_by(folder: &Path, path: &Path) -> Option<Place> {
    Repository::around(folder)?.leaves_out(path)
}

/// The programs of a folder that the repository around it leaves out, relative to the folder; what no copy of a project has
/// aside.
pub(crate) fn unversioned_programs(folder: &Path) -> Vec<String> {
    let Some(repository) = Repository::around(folder) else { return Vec::new() };
    let entries = walkdir::WalkDir::new(folder).into_iter();
    let entries = entries.filter_entry(|entry| !entry.file_type().is_dir() || !is_left_out(entry.path()));
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let left_out = files.filter_map(|entry| {
        let path = entry.path().strip_prefix(folder).ok()?.to_string_lossy().into_owned();
        let runs = is_program(&path) || ends(&path, &ecosystem().endings.scripts) || is_started(entry.path());
        (runs && repository.leaves_out(entry.path()).is_some()).then_some(path)
    });
    left_out.collect()
}

/// Whether a file is a script that says itself what runs it (`execve(2)`).
fn is_started(path: &Path) -> bool {
    let is_executable = path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    is_executable && read(path, SMALL).is_ok_and(|content| content.starts_with(b"#!"))
}

impl Repository {
    /// That of the nearest folder with one, upwards; none if that leaves out the whole folder, as one that keeps a person's
    /// settings does with what else lies there.
    fn around(folder: &Path) -> Option<Self> {
        let top = folder.ancestors().find(|above| above.join(".git").exists())?;
        let found = Self { top: top.to_owned(), rules: RefCell::default(), tracked: OnceCell::new() };
        let is_its_own = folder == top || found.has_below(folder) || found.leaves_out(folder).is_none();
        is_its_own.then_some(found)
    }

    /// Whether the index has a file of a folder.
    fn has_below(&self, folder: &Path) -> bool {
        let Ok(inner) = folder.strip_prefix(&self.top) else { return false };
        let all = self.tracked.get_or_init(|| tracked(&self.top));
        all.iter().flatten().any(|path| Path::new(path).starts_with(inner))
    }

    /// The rule by which a file is left out: a folder is with all that is in it.
    fn leaves_out(&self, path: &Path) -> Option<Place> {
        let inner = path.strip_prefix(&self.top).ok()?;
        let mut all = vec![rules_of(&self.top.join(".git/info/exclude"), &self.top)];
        let mut at = self.top.clone();
        for part in inner.components() {
            all.push(self.rules.borrow_mut().entry(at.clone()).or_insert_with(|| rules(&at)).clone());
            at.push(part);
            if let Some(rule) = ignored_by(&at, at.is_dir(), &all) {
                return (!self.has(&inner.to_string_lossy())).then(|| place(rule));
            }
        }
        None
    }

    /// Whether the index has a file, or cannot be understood: then nothing is said of the file.
    fn has(&self, path: &str) -> bool {
        self.tracked.get_or_init(|| tracked(&self.top)).as_ref().is_none_or(|all| all.contains(path))
    }
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
    rules_of(&folder.join(".gitignore"), folder)
}

fn rules_of(file: &Path, folder: &Path) -> Option<Gitignore> {
    let text = read_text(file, SMALL).ok()?;
    let mut rules = GitignoreBuilder::new(folder);
    for line in text.lines() {
        // What cannot be read, git leaves aside.
        let _ = rules.add_line(Some(file.to_owned()), line);
    }
    rules.build().ok()
}

/// The paths in the index of the repository at `top`; none if there is an index that is not understood.
fn tracked(top: &Path) -> Option<BTreeSet<String>> {
    /// Bytes of an object's name, by SHA-1 and by SHA-256.
    const NAMES: [usize; 2] = [20, 32];
    let git = top.join(".git");
    // In a worktree it is a file that says where the rest is.
    let text = read_text(&git, SMALL).ok();
    let folder = match text.as_deref().and_then(|text| text.strip_prefix("gitdir:")) {
        Some(elsewhere) => top.join(elsewhere.trim()),
        None => git,
    };
    let file = folder.join("index");
    if !file.exists() {
        return Some(BTreeSet::new());
    }
    let index = read(&file, LARGEST_INDEX).ok()?;
    NAMES.into_iter().find_map(|name| paths(&index, name))
}

/// The paths of an index whose objects have names of `name` bytes; none if it is not such an index.
fn paths(index: &[u8], name: usize) -> Option<BTreeSet<String>> {
    /// Version 4 writes a path as what it has after the one before.
    const WHOLE_PATHS: u32 = 3;
    const EXTENDED: u16 = 0x4000;
    const LENGTH: u16 = 0x0fff;
    let word = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    if index.get(..4)? != b"DIRC" || word(4)? > WHOLE_PATHS {
        return None;
    }
    let mut found = BTreeSet::new();
    let mut at = 12;
    for _ in 0..word(8)? {
        // Ten words of what the file system says, the object's name, flags.
        let flags = at + 40 + name;
        let said = u16::from_be_bytes(index.get(flags..flags + 2)?.try_into().ok()?);
        let start = flags + if said & EXTENDED == 0 { 2 } else { 4 };
        let length = index.get(start..)?.iter().position(|byte| *byte == 0)?;
        if length.min(usize::from(LENGTH)) != usize::from(said & LENGTH) {
            return None;
        }
        found.insert(String::from_utf8_lossy(&index[start..start + length]).into_owned());
        // One to eight zeros follow, up to a multiple of eight bytes.
        at += (start + length - at) / 8 * 8 + 8;
    }
    Some(found)
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
        // A folder of another project is not its own, unless it has a file of it.
        assert!(
            Repository::around(&root.join("lib/deep")).is_none() && Repository::around(&root.join("src")).is_some()
        );
        let forced = String::from_utf8(index.clone()).unwrap().replace("src/c.log", "lib/d/e.h");
        fs::write(root.join(".git/index"), forced).unwrap();
        assert!(Repository::around(&root.join("lib/d")).is_some());
        // Of an index that is not understood nothing is said.
        index[7] = 4;
        fs::write(root.join(".git/index"), &index).unwrap();
        assert!(!all.map(unversioned).contains(&true));
    }

    #[test]
    fn what_runs_is_told_from_data() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::write(root.join(".gitignore"), "bin/\ndata/\n").unwrap();
        let (source, script) = (&ecosystem().endings.source[0], &ecosystem().endings.scripts[0]);
        for (file, text, mode) in [
            (format!("bin/a.{source}"), "", 0o644),
            (format!("bin/b.{script}"), "", 0o644),
            ("bin/start".to_owned(), "#!/bin/sh\n", 0o755),
            ("data/notes".to_owned(), "#!/bin/sh\n", 0o644),
            ("data/tool".to_owned(), "\x7fELF", 0o755),
            (format!("c.{script}"), "", 0o755),
        ] {
            let path = root.join(&file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut found = unversioned_programs(root);
        found.sort();
        assert_eq!(found, [format!("bin/a.{source}"), format!("bin/b.{script}"), "bin/start".to_owned()]);
    }

    #[test]
    fn an_index_is_read_entry_by_entry() {
        let entry = |name: usize, path: &str, extended: bool| {
            let mut all = vec![1; 40 + name];
            let flags = u16::try_from(path.len()).unwrap() | if extended { 0x4000 } else { 0 };
            all.extend(flags.to_be_bytes());
            all.extend(vec![0; if extended { 2 } else { 0 }]);
            all.extend(path.as_bytes());
            all.extend(vec![0; 8 - all.len() % 8]);
            all
        };
        for name in [20, 32] {
            for padded in ["a", "ab", "src/abcdef", "src/abcdefgh"] {
                let entries = [entry(name, padded, false), entry(name, "b/c", true), entry(name, "z", false)];
                let index = [b"DIRC\0\0\0\x03\0\0\0\x03".to_vec(), entries.concat()].concat();
                assert_eq!(paths(&index, name).unwrap().into_iter().collect::<Vec<_>>(), {
                    let mut all = [padded, "b/c", "z"];
                    all.sort_unstable();
                    all
                });
                assert!(paths(&index, 52 - name).is_none() && paths(&index[..70], name).is_none());
            }
        }
    }
}
