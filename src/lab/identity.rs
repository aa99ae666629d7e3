//! As whom a container runs, and what of an image's files that user can change.

use std::collections::BTreeSet;

use super::Lab;
use crate::engine::{EntryKind, FileTree, ImageInfo, TreeEntry};
use crate::error::Result;

/// As whom the service runs.
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gids: BTreeSet<u32>,
}

impl Identity {
    /// As the engine resolves `user[:group]` with the image's own files; none for root, and for a name that is not there.
    pub(crate) async fn of(lab: &Lab, image: &ImageInfo, user: &str, more: &[String]) -> Result<Option<Self>> {
        let container = lab.run.create_idle(&image.id).await?;
        let mut files = Vec::new();
        for path in ["/etc/passwd", "/etc/group"] {
            let content = container.read_file(path, 1 << 20).await?.unwrap_or_default();
            files.push(String::from_utf8_lossy(&content).into_owned());
        }
        container.remove().await?;
        Ok(Self::resolved(user, more, &files[0], &files[1]))
    }

    fn resolved(user: &str, more: &[String], passwd: &str, group: &str) -> Option<Self> {
        let (name, own_group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
        let accounts = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let account = accounts.filter(|fields| fields.len() > 3).find(|fields| fields[0] == name || fields[2] == name);
        let uid: u32 = match (&account, name.parse()) {
            (_, Ok(uid)) => uid,
            (Some(fields), Err(_)) => fields[2].parse().ok()?,
            (None, Err(_)) => return None,
        };
        if uid == 0 {
            return None;
        }
        let groups: Vec<Vec<&str>> =
            group.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|fields| fields.len() > 3).collect();
        let number = |name: &str| -> Option<u32> {
            name.parse().ok().or_else(|| groups.iter().find(|fields| fields[0] == name)?[2].parse().ok())
        };
        let mut gids: BTreeSet<u32> = more.iter().filter_map(|name| number(name)).collect();
        match own_group {
            Some(group) => gids.extend(number(group)),
            // Who is in no passwd is in root's group.
            None => {
                gids.insert(account.as_ref().and_then(|fields| fields[3].parse().ok()).unwrap_or(0));
                let member = |fields: &&Vec<&str>| {
                    account.as_ref().is_some_and(|account| fields[3].split(',').any(|name| name == account[0]))
                };
                gids.extend(groups.iter().filter(member).filter_map(|fields| fields[2].parse::<u32>().ok()));
            }
        }
        Some(Self { uid, gids })
    }

    fn may_write(&self, entry: &TreeEntry) -> bool {
        let bit = if entry.uid == self.uid {
            0o200
        } else if self.gids.contains(&entry.gid) {
            0o020
        } else {
            0o002
        };
        entry.mode & bit != 0
    }

    /// What lets it make something at a path where nothing is: the nearest folder above that is there.
    pub(crate) fn way_to_make(&self, tree: &FileTree, path: &str) -> Option<String> {
        let mut at = path;
        while let Some((folder, _)) = at.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            if let Some(entry) = tree.files.get(folder) {
                let open = entry.kind == EntryKind::Directory && self.may_write(entry);
                return open.then(|| folder.to_owned()).or_else(|| self.way_in(tree, folder));
            }
            at = folder;
        }
        None
    }

    /// What lets it change the file at a path: the file, or a folder above it in which it can put another one.
    pub(crate) fn way_in(&self, tree: &FileTree, path: &str) -> Option<String> {
        let mut below = tree.files.get(path)?;
        // Whoever may write a link is who may write its folder.
        let mut found = (below.kind != EntryKind::Symlink && self.may_write(below)).then(|| path.to_owned());
        let mut at = path;
        while let Some((folder, _)) = at.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            let Some(entry) = tree.files.get(folder) else { break };
            // In a sticky folder only the owner of a file, or of the folder, can take the file away.
            let kept = entry.mode & 0o1000 != 0 && entry.uid != self.uid && below.uid != self.uid;
            if entry.kind == EntryKind::Directory && self.may_write(entry) && !kept {
                found = Some(folder.to_owned());
            }
            (below, at) = (entry, folder);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_resolved_as_the_engine_does() {
        let passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n";
        let group = "root:x:0:\nweb:x:33:app,other\n";
        let of = |user: &str| Identity::resolved(user, &[], passwd, group).map(|one| (one.uid, one.gids));
        assert_eq!(of("10001"), Some((10001, [0].into())));
        assert_eq!(of("10001:10001"), Some((10001, [10001].into())));
        assert_eq!(of("app"), Some((1000, [33, 1000].into())));
        assert_eq!(of("1000:web"), Some((1000, [33].into())));
        assert_eq!((of(""), of("0"), of("root"), of("nobody")), (None, None, None, None));
    }

    #[test]
    fn files_and_folders_that_let_it_in_are_found() {
        let tree = FileTree::from([
            ("/srv", TreeEntry::bare(EntryKind::Directory, 0o755, 0, 0)),
            ("/srv/own", TreeEntry::bare(EntryKind::Directory, 0o755, 7, 7)),
            ("/srv/own/a.py", TreeEntry::bare(EntryKind::File, 0o644, 0, 0)),
            ("/srv/open.py", TreeEntry::bare(EntryKind::File, 0o666, 0, 0)),
            ("/srv/group.py", TreeEntry::bare(EntryKind::File, 0o664, 0, 7)),
            ("/srv/good.py", TreeEntry::bare(EntryKind::File, 0o555, 7, 7)),
            ("/tmp", TreeEntry::bare(EntryKind::Directory, 0o1777, 0, 0)),
            ("/tmp/x.sh", TreeEntry::bare(EntryKind::File, 0o755, 0, 0)),
        ]);
        let who = Identity { uid: 7, gids: [7].into() };
        let way = |path: &str| who.way_in(&tree, path);
        assert_eq!(who.way_to_make(&tree, "/tmp/bin").as_deref(), Some("/tmp"));
        assert_eq!(who.way_to_make(&tree, "/srv/own/new/deep").as_deref(), Some("/srv/own"));
        assert_eq!((who.way_to_make(&tree, "/srv/new"), who.way_to_make(&tree, "/nowhere")), (None, None));
        assert_eq!(way("/srv/own/a.py").as_deref(), Some("/srv/own"));
        assert_eq!(way("/srv/open.py").as_deref(), Some("/srv/open.py"));
        assert_eq!(way("/srv/group.py").as_deref(), Some("/srv/group.py"));
        assert_eq!((way("/srv/good.py"), way("/tmp/x.sh")), (None, None));
    }
}
