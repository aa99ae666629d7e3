//! A process that runs: its command, and the files that it sees, as this host's kernel shows them (`proc(5)`).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::command::CommandLine;
use super::identity::Identity;
use super::proc::{Environ, environ, read};
use super::way::walk;
use crate::engine::{EntryKind, FileTree, TreeEntry};

/// What a process was started as, and as whom it runs.
pub(crate) struct LiveCommand {
    pid: i64,
    words: Vec<String>,
    workdir: String,
    env: Environ,
    /// The file of its program.
    pub(crate) program: String,
    identity: Identity,
}

impl LiveCommand {
    /// That of a process of this host; none if it has ended or is another user's.
    pub(crate) fn of(pid: i64) -> Option<Self> {
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok()?.to_str().map(ToOwned::to_owned);
        let words = read(pid, "cmdline")?;
        Some(Self {
            pid,
            words: words.split('\0').filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect(),
            workdir: link("cwd")?,
            env: environ(pid)?,
            program: link("exe")?,
            identity: identity(&read(pid, "status")?)?,
        })
    }

    /// Its command.
    pub(crate) fn line(&self) -> CommandLine<'_> {
        let env = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        CommandLine::started(self.words.iter().map(String::as_str).collect(), &self.workdir, env.collect())
    }

    /// What lets its user change what is at a path, as the process sees it, mounts included: on a read-only one nobody may
    /// write. None if nothing is there.
    pub(crate) fn way_in(&self, path: &str) -> Option<String> {
        let (tree, end) = self.tree(path)?;
        self.identity.way_in(&tree, &end)
    }

    /// Whether something is at a path, as the process sees it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.tree(path).is_some()
    }

    /// The files, folders and links on the way of a path, and its end.
    fn tree(&self, path: &str) -> Option<(FileTree, String)> {
        let mut tree = FileTree::default();
        let way = walk(path, |at| {
            let entry = self.entry(at)?;
            let link = entry.link.clone();
            tree.files.insert(at.to_owned(), entry);
            Some(link)
        })?;
        Some((tree, way.end))
    }

    /// What is at a path whose folders are no links.
    fn entry(&self, path: &str) -> Option<TreeEntry> {
        let real = format!("/proc/{}/root{path}", self.pid);
        let found = fs::symlink_metadata(&real).ok()?;
        if found.is_symlink() {
            let link = fs::read_link(&real).ok()?.to_str()?.to_owned();
            return Some(TreeEntry { link: Some(link), ..TreeEntry::bare(EntryKind::Symlink, 0o777, 0, 0) });
        }
        let kind = if found.is_dir() { EntryKind::Directory } else { EntryKind::File };
        let fixed = statvfs(Path::new(&real)).is_ok_and(|of| of.f_flag.contains(StatVfsMountFlags::RDONLY));
        let mode = if fixed { found.mode() & !0o222 } else { found.mode() };
        Some(TreeEntry::bare(kind, mode & 0o7777, found.uid(), found.gid()))
    }
}

/// As whom a process acts, by its `/proc/PID/status`.
fn identity(status: &str) -> Option<Identity> {
    let numbers = |name: &str| -> Option<Vec<u32>> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().map(|number| number.parse().ok()).collect()
    };
    // Real, effective, saved, and of file systems.
    let uid = *numbers("Uid:")?.get(3)?;
    let gid = *numbers("Gid:")?.get(3)?;
    Some(Identity { uid, gids: numbers("Groups:")?.into_iter().chain([gid]).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_its_files_are_seen() {
        let own = LiveCommand::of(i64::from(std::process::id())).unwrap();
        assert!(own.program.contains("dockwright") && !own.line().words.is_empty());
        assert_eq!(own.identity.uid, rustix::process::geteuid().as_raw());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let home = tempfile::tempdir().unwrap();
        let link = home.path().canonicalize().unwrap().join("link").display().to_string();
        std::os::unix::fs::symlink(source, &link).unwrap();
        let (tree, end) = own.tree(&format!("{link}/../src/lib.rs")).unwrap();
        assert_eq!(end, format!("{source}/lib.rs"));
        assert_eq!(tree.files[&link].link.as_deref(), Some(source));
        assert_eq!(tree.files[&format!("{source}/lib.rs")].kind, EntryKind::File);
        assert!(own.tree(&format!("{source}/none/x")).is_none());
    }

    #[test]
    fn the_user_and_all_groups_are_known() {
        let status = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n";
        let who = identity(status).unwrap();
        assert_eq!((who.uid, who.gids), (4, [8, 9, 10].into()));
        assert!(identity("Name:\tx\n").is_none());
    }
}
