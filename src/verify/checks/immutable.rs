//! `service.immutable-code`: whoever takes the service over cannot change what runs the next time.

use std::collections::BTreeSet;

use super::leavings::{self, ending};
use crate::engine::{Entry, EntryKind, FileTree, ImageInfo};
use crate::lab::lineage::{base_tree, made_from_build};
use crate::lab::{Lab, blame};
use crate::project::Code;
use crate::text::join;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

/// So many links on the way to a program are followed.
const LINKS: usize = 10;

const EXPECTED: &str =
    "code, and the folders that hold it, belong to another user than the service's and are not writable for it";

/// `service.immutable-code`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    if let Some((stage, _)) = made_from_build(lab) {
        return Ok(inconclusive(format!("the service is made from the stage {stage}, with all that it holds")));
    }
    let user = service.settings.user.clone().unwrap_or_else(|| image.config.user.clone());
    let Some(identity) = Identity::of(lab, image, &user, &service.settings.group_add).await? else {
        return Ok(fail(format!(
            "the user {user:?} is root or unknown to the image, so nothing keeps it from the code"
        ))
        .expected(EXPECTED)
        .at_place(&blame::user(&lab.subject, role)));
    };
    for mount in &service.volumes {
        let code = lab.subject.project.roles.service.code == Code::Mounted && holds_code(lab, mount.source.as_ref());
        if code && !mount.read_only {
            return Ok(fail(format!("the code at {} is mounted writable", mount.target))
                .expected("the service's code is mounted read-only")
                .at_place(&mount.place)
                .by_itself());
        }
    }
    let tree = lab.tree(&image.id).await?;
    let base = base_tree(lab, role).await?.unwrap_or_default();
    let added = tree.files.iter().filter(|(path, entry)| {
        entry.kind == EntryKind::File
            && is_code(path, entry)
            && base.files.get(*path).is_none_or(|old| differs(old, entry))
    });
    let mut code: BTreeSet<&str> = added.map(|(path, _)| path.as_str()).collect();
    let count = code.len();
    let program = program(&tree, image, service.settings.entrypoint.as_ref(), service.settings.command.as_ref());
    code.extend(program.as_ref().and_then(|path| tree.files.get_key_value(path)).map(|(path, _)| path.as_str()));
    let writable = code.iter().filter_map(|path| Some((*path, identity.way_in(&tree, path)?)));
    let mut writable: Vec<(&str, String)> = writable.collect();
    // What holds most of it says most.
    writable.sort_by_key(|(path, way)| (way.len(), path.len()));
    let Some((path, way)) = writable.first() else {
        return Ok(pass(format!(
            "uid {} can write none of {count} code files that the image adds, nor a folder on the way to one",
            identity.uid
        )));
    };
    let place = blame::giving(&role.target, way, &image.config.working_dir);
    let what = if path == way {
        format!("uid {} can write {path}", identity.uid)
    } else {
        format!("uid {} can write the folder {way}, and so replace {path}", identity.uid)
    };
    let more = writable.len() - 1;
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    Ok(fail(format!("{what}{more}")).expected(EXPECTED).at_place(&place).by_itself())
}

/// Whether a volume is what the builder fills.
fn holds_code(lab: &Lab, source: Option<&String>) -> bool {
    let builder = lab.subject.role("build").map(|build| lab.subject.service(build));
    source.is_some()
        && builder.is_some_and(|builder| builder.volumes.iter().any(|mount| mount.source.as_ref() == source))
}

/// By its ending; without one, by its mode: data that came from another system may be marked executable.
fn is_code(path: &str, entry: &Entry) -> bool {
    leavings::is_code(path) || ending(path).is_empty() && entry.mode & 0o111 != 0
}

fn differs(old: &Entry, new: &Entry) -> bool {
    (old.mode, old.uid, old.gid, old.sha256) != (new.mode, new.uid, new.gid, new.sha256)
}

/// As whom the service runs.
struct Identity {
    uid: u32,
    gids: BTreeSet<u32>,
}

impl Identity {
    /// As the engine resolves `user[:group]` with the image's own files; none for root, and for a name that is not there.
    async fn of(lab: &Lab, image: &ImageInfo, user: &str, more: &[String]) -> Checked<Option<Self>> {
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

    fn may_write(&self, entry: &Entry) -> bool {
        let bit = if entry.uid == self.uid {
            0o200
        } else if self.gids.contains(&entry.gid) {
            0o020
        } else {
            0o002
        };
        entry.mode & bit != 0
    }

    /// What lets it change the file at a path: the file, or a folder above it in which it can put another one.
    fn way_in(&self, tree: &FileTree, path: &str) -> Option<String> {
        let mut below = tree.files.get(path)?;
        let mut found = self.may_write(below).then(|| path.to_owned());
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

/// The file that the container starts, links followed; none if it cannot be told.
fn program(
    tree: &FileTree,
    image: &ImageInfo,
    entrypoint: Option<&Vec<String>>,
    command: Option<&Vec<String>>,
) -> Option<String> {
    let entrypoint = entrypoint.unwrap_or(&image.config.entrypoint);
    let word = entrypoint.iter().chain(command.unwrap_or(&image.config.cmd)).next()?;
    let workdir = image.config.working_dir.trim_end_matches('/');
    let path = image.config.env_value("PATH").unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let mut places: Vec<String> = if word.starts_with('/') {
        vec![word.clone()]
    } else if word.contains('/') {
        vec![format!("{workdir}/{}", word.trim_start_matches("./"))]
    } else {
        path.split(':').map(|folder| format!("{}/{word}", folder.trim_end_matches('/'))).collect()
    };
    places.retain(|place| tree.files.contains_key(place));
    let mut place = places.into_iter().next()?;
    for _ in 0..LINKS {
        let Some(link) = tree.files.get(&place)?.link.clone() else { return Some(place) };
        place = if link.starts_with('/') {
            link
        } else {
            let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
            join(folder, &link)
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, mode: u32, uid: u32, gid: u32) -> Entry {
        Entry { kind, mode, uid, gid, size: 1, sha256: None, link: None, mtime: 0, capability: None }
    }

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
        let mut tree = FileTree::default();
        let mut put = |path: &str, entry: Entry| tree.files.insert(path.to_owned(), entry);
        put("/srv", entry(EntryKind::Directory, 0o755, 0, 0));
        put("/srv/own", entry(EntryKind::Directory, 0o755, 7, 7));
        put("/srv/own/a.py", entry(EntryKind::File, 0o644, 0, 0));
        put("/srv/open.py", entry(EntryKind::File, 0o666, 0, 0));
        put("/srv/group.py", entry(EntryKind::File, 0o664, 0, 7));
        put("/srv/good.py", entry(EntryKind::File, 0o555, 7, 7));
        put("/tmp", entry(EntryKind::Directory, 0o1777, 0, 0));
        put("/tmp/x.sh", entry(EntryKind::File, 0o755, 0, 0));
        let who = Identity { uid: 7, gids: [7].into() };
        let way = |path: &str| who.way_in(&tree, path);
        assert_eq!(way("/srv/own/a.py").as_deref(), Some("/srv/own"));
        assert_eq!(way("/srv/open.py").as_deref(), Some("/srv/open.py"));
        assert_eq!(way("/srv/group.py").as_deref(), Some("/srv/group.py"));
        assert_eq!((way("/srv/good.py"), way("/tmp/x.sh")), (None, None));
    }

    #[test]
    fn links_lead_to_the_program() {}
}
