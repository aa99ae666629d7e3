//! A file system as a table of its files.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::container::Container;
use super::entry::{EntryKind, TreeEntry};
use super::run::EngineRun;
use super::tarball::{self, ByteStream};
use crate::error::Result;
use crate::text;

/// A file system: each file by its absolute path, sorted. Names that are not UTF-8 are shown with `�`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileTree {
    /// The files.
    pub files: BTreeMap<String, TreeEntry>,
}

/// How much of each file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkOptions {
    /// Only paths at or below one of these, absolute; empty for all.
    pub under: Vec<String>,
    /// No path at or below any of these.
    pub except: Vec<String>,
    /// Whether contents are hashed.
    pub hash: bool,
    /// Contents of more bytes are not hashed.
    pub hash_limit: u64,
}

impl Default for WalkOptions {
    /// Everything, hashed.
    fn default() -> Self {
        Self { under: Vec::new(), except: Vec::new(), hash: true, hash_limit: u64::MAX }
    }
}

impl WalkOptions {
    fn takes(&self, path: &str) -> bool {
        (self.under.is_empty() || self.under.iter().any(|root| is_under(path, root)))
            && !self.except.iter().any(|root| is_under(path, root))
    }
}

impl FileTree {
    /// Leaves out what the engine puts into every container.
    pub(super) fn forget_engines(&mut self) {
        self.files.retain(|path, _| !ENGINES.iter().any(|root| is_under(path, root)));
        // The engine makes the folder for its own files where the image has none.
        if self.under("/etc").count() == 1 {
            self.files.remove("/etc");
        }
    }

    /// The files at and below a path.
    pub fn under<'a>(&'a self, root: &'a str) -> impl Iterator<Item = (&'a str, &'a TreeEntry)> {
        self.files.iter().map(|(path, entry)| (path.as_str(), entry)).filter(move |(path, _)| is_under(path, root))
    }
}

pub(super) fn is_under(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl EngineRun {
    /// The file system of an image, as a container that was never started has it: no shell is needed.
    /// `/dev`, `/proc`, `/sys` and the files the engine mounts into every container are left out.
    ///
    /// # Errors
    /// When the image is not there, or the engine refuses.
    pub async fn walk_filesystem(&self, image: &str, options: WalkOptions) -> Result<FileTree> {
        let container = self.create_idle(image).await?;
        let tree = container.walk_all(options).await;
        container.remove().await?;
        tree
    }
}

/// What the engine puts into every container's root, whatever the image.
const ENGINES: [&str; 8] =
    ["/dev", "/proc", "/sys", "/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mtab"];

impl Container {
    /// All its files, without what is mounted and what the engine puts into every container.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn walk_all(&self, mut options: WalkOptions) -> Result<FileTree> {
        options.except.extend(ENGINES.map(String::from));
        let what = format!("cannot read the files of {}", self.name());
        let mut tree = table(self.export(), String::new(), options, &what).await?;
        tree.forget_engines();
        Ok(tree)
    }

    /// The files at and below an absolute path, mounts included; empty if there is nothing.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn walk(&self, path: &str, options: WalkOptions) -> Result<FileTree> {
        if self.stat(path).await?.is_none() {
            return Ok(FileTree::default());
        }
        // The archive begins with the path's last part.
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        table(self.download(path), parent, options, &format!("cannot read {path} of {}", self.name())).await
    }
}

async fn table(archive: ByteStream, parent: String, options: WalkOptions, what: &str) -> Result<FileTree> {
    let read = tarball::read(archive, move |input| read_table(input, &parent, &options)).await;
    read.map_err(|error| super::container::stream_failed(what, error))
}

fn read_table(input: &mut dyn Read, parent: &str, options: &WalkOptions) -> io::Result<FileTree> {
    let mut tree = FileTree::default();
    let mut hard_links = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    for entry in tar::Archive::new(input).entries()? {
        let mut entry = entry?;
        let path = absolute(parent, &String::from_utf8_lossy(&entry.path_bytes()));
        if entry.header().entry_type().is_hard_link() {
            let link = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
            hard_links.push((path, absolute(parent, &link.unwrap_or_default())));
            continue;
        }
        if !options.takes(&path) {
            continue;
        }
        let Some(file) = read_entry(&mut entry, &mut buffer, options)? else { continue };
        tree.files.insert(path, file);
    }
    for (path, target) in hard_links {
        // A target that was left out leaves its links out, too, unless they are asked for: then their content
        // is not known.
        if let Some(file) = tree.files.get(&target).cloned().filter(|_| options.takes(&path)) {
            tree.files.insert(path, file);
        }
    }
    Ok(tree)
}

/// What an archive says of one file; none for what is no file.
pub(super) fn read_entry(
    entry: &mut tar::Entry<'_, impl Read>,
    buffer: &mut [u8],
    options: &WalkOptions,
) -> io::Result<Option<TreeEntry>> {
    let Some(kind) = kind(entry.header().entry_type()) else { return Ok(None) };
    let link = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
    let capability = capability(entry)?;
    let header = entry.header();
    let size = entry.size();
    let mut file = TreeEntry {
        kind,
        mode: header.mode()? & 0o7777,
        uid: header.uid()?.try_into().unwrap_or(u32::MAX),
        gid: header.gid()?.try_into().unwrap_or(u32::MAX),
        size,
        sha256: None,
        link: if kind == EntryKind::Symlink { link } else { None },
        mtime: header.mtime()?,
        capability,
    };
    if kind == EntryKind::File && options.hash && size <= options.hash_limit {
        file.sha256 = Some(hash(entry, buffer)?);
    }
    Ok(Some(file))
}

pub(super) fn absolute(parent: &str, path: &str) -> String {
    text::join(parent, path.trim_start_matches('/'))
}

fn kind(kind: tar::EntryType) -> Option<EntryKind> {
    Some(match kind {
        tar::EntryType::Regular | tar::EntryType::Continuous => EntryKind::File,
        tar::EntryType::Directory => EntryKind::Directory,
        tar::EntryType::Symlink => EntryKind::Symlink,
        tar::EntryType::Char => EntryKind::Character,
        tar::EntryType::Block => EntryKind::Block,
        tar::EntryType::Fifo => EntryKind::Fifo,
        _ => return None,
    })
}

fn capability(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Option<Vec<u8>>> {
    let Some(extensions) = entry.pax_extensions()? else { return Ok(None) };
    let mut extensions = extensions.filter_map(Result::ok);
    let found = extensions.find(|one| one.key_bytes() == b"SCHILY.xattr.security.capability");
    Ok(found.map(|one| one.value_bytes().to_owned()))
}

fn hash(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    loop {
        match input.read(buffer)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, TreeEntry); N]> for FileTree {
    fn from(files: [(&str, TreeEntry); N]) -> Self {
        Self { files: files.into_iter().map(|(path, entry)| (path.to_owned(), entry)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o4755);
        header.set_uid(7);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(2);
        builder.append_data(&mut header, "app/run", &b"hi"[..]).unwrap();
        let mut link = header.clone();
        link.set_entry_type(tar::EntryType::Link);
        link.set_size(0);
        builder.append_link(&mut link, "app/same", "app/run").unwrap();
        link.set_entry_type(tar::EntryType::Symlink);
        builder.append_link(&mut link, "app/soft", "run").unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn files_links_and_owners_are_told() {
        let tree = read_table(&mut archive().as_slice(), "", &WalkOptions::default()).unwrap();
        let run = &tree.files["/app/run"];
        assert_eq!((run.mode, run.uid, run.size), (0o4755, 7, 2));
        assert_eq!(run.sha256.unwrap()[..], Sha256::digest(b"hi")[..]);
        assert_eq!(tree.files["/app/same"], *run);
        assert_eq!(tree.files["/app/soft"].link.as_deref(), Some("run"));
    }

    #[test]
    fn options_cut_paths_and_hashes() {
        let options = WalkOptions { under: vec!["/app/run".into()], hash_limit: 1, ..Default::default() };
        let tree = read_table(&mut archive().as_slice(), "", &options).unwrap();
        assert_eq!(tree.files.keys().collect::<Vec<_>>(), ["/app/run"]);
        assert_eq!(tree.files["/app/run"].sha256, None);
        assert!(!is_under("/application", "/app"));
    }
}
