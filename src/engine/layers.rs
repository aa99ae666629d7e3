//! Images' layers, each read once however many images share it, and put together to their file systems.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use serde_json::Value;

use super::connect::Engine;
use super::entry::{EntryKind, TreeEntry};
use super::members;
use super::tarball;
use super::tree::{self, FileTree, WalkOptions};
use super::unpack::{is_tar, unpacked};
use crate::error::Result;
use crate::text;

/// Layers by the digest of their unpacked archive, as [`ImageInfo::layers`](super::ImageInfo::layers) names them.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    layers: BTreeMap<String, Arc<Layer>>,
}

/// What one layer does to those below it.
#[derive(Debug, Default)]
struct Layer {
    /// Paths that are gone.
    removed: Vec<String>,
    /// Folders that begin anew, with nothing of what was in them.
    emptied: Vec<String>,
    added: Vec<(String, Added)>,
}

#[derive(Debug)]
enum Added {
    File(TreeEntry),
    /// Another name of the file at this path.
    HardLink(String),
}

/// What looks at a file: its path, that of a member if it is an archive, and the content.
type Judge<T> = dyn Fn(&str, Option<&str>, &[u8]) -> Option<T>;

/// A description in the archive is smaller; what is larger is none.
const LARGEST_TEXT: u64 = 16 * 1024 * 1024;
/// A name that begins so takes away the path that follows (OCI image specification, layer.md, "Whiteouts").
const WHITEOUT: &str = ".wh.";
/// The name that empties the folder it stands in.
const OPAQUE: &str = ".wh..wh..opq";

impl Engine {
    /// Reads the layers of images in one go; contents are hashed.
    ///
    /// # Errors
    /// When an image is not there, or a layer is packed in a way that cannot be read.
    pub async fn layers(&self, references: &[&str]) -> Result<Layers> {
        let archive = tarball::bytes(self.docker().export_images(references));
        let read = tarball::read(archive, |input| read_archive(input, &read_layer)).await;
        let what = || format!("cannot read the layers of {}", references.join(", "));
        let layers = read.map_err(|error| super::container::stream_failed(&what(), error))?;
        Ok(Layers { layers })
    }

    /// What `judge` finds in the files of an image's layers, files that a later layer deletes included, each with its
    /// absolute path. It is given that path, the path of a member where the file is an archive, and the content, unpacked.
    /// What is larger than `largest` is not looked at, and neither are the layers of these digests.
    ///
    /// # Errors
    /// When the image is not there, or a layer is packed in a way that cannot be read.
    pub async fn judge_files<T: Send + Sync + 'static>(
        &self,
        reference: &str,
        without: &[String],
        largest: u64,
        judge: impl Fn(&str, Option<&str>, &[u8]) -> Option<T> + Send + 'static,
    ) -> Result<Vec<(String, T)>> {
        let archive = tarball::bytes(self.docker().export_image(reference));
        let read =
            tarball::read(archive, move |input| read_archive(input, &|input| judge_layer(input, largest, &judge)));
        let what = || format!("cannot read the layers of {reference}");
        let layers = read.await.map_err(|error| super::container::stream_failed(&what(), error))?;
        let own = layers.into_iter().filter(|(digest, _)| !without.contains(digest));
        Ok(own.flat_map(|(_, found)| Arc::try_unwrap(found).unwrap_or_default()).collect())
    }
}

impl Layers {
    /// Adds those of another reading.
    pub fn extend(&mut self, other: Layers) {
        self.layers.extend(other.layers);
    }

    /// The file system that layers make, lowest first; none if one of them was not read. As
    /// [`EngineRun::walk_filesystem`](super::EngineRun::walk_filesystem) it leaves out what the engine puts into every container.
    #[must_use]
    pub fn tree(&self, digests: &[String]) -> Option<FileTree> {
        let layers: Option<Vec<&Arc<Layer>>> = digests.iter().map(|digest| self.layers.get(digest)).collect();
        let mut tree = FileTree::default();
        for layer in layers? {
            layer.apply(&mut tree);
        }
        tree.forget_engines();
        Some(tree)
    }
}

impl Layers {
    /// Which of some layers, lowest first, was the last to change a path: its content, its mode, its owner, or whether it
    /// is there. None if no layer did, or if one of them was not read.
    #[must_use]
    pub fn last_change(&self, digests: &[String], path: &str) -> Option<usize> {
        let (mut last, mut before) = (None, None);
        for (index, digest) in digests.iter().enumerate() {
            let now = self.layers.get(digest)?.given(path, before.as_ref());
            if now != before {
                last = Some(index);
                before = now;
            }
        }
        last
    }
}

/// What is told apart of a file: layers repeat the folders above what they change, times and all.
type Told = (EntryKind, u32, u32, u32, Option<[u8; 32]>, Option<String>);

impl Layer {
    /// What a path is in this layer, put upon one in which it was something or nothing.
    fn given(&self, path: &str, before: Option<&Told>) -> Option<Told> {
        let told = |entry: &TreeEntry| (entry.kind, entry.mode, entry.uid, entry.gid, entry.sha256, entry.link.clone());
        let find = |path: &str| {
            let found = self.added.iter().rev().find(|(own, _)| own == path)?;
            match &found.1 {
                Added::File(entry) => Some(told(entry)),
                Added::HardLink(_) => None,
            }
        };
        match self.added.iter().rev().find(|(own, _)| own == path) {
            Some((_, Added::File(entry))) => return Some(told(entry)),
            Some((_, Added::HardLink(target))) => return find(target).or_else(|| before.cloned()),
            None => {}
        }
        let gone = self.removed.iter().any(|gone| gone == path || tree::is_under(path, gone))
            || self.emptied.iter().any(|folder| path != folder && tree::is_under(path, folder));
        if gone { None } else { before.cloned() }
    }

    fn apply(&self, tree: &mut FileTree) {
        for folder in &self.emptied {
            tree.files.retain(|path, _| path == folder || !tree::is_under(path, folder));
        }
        for gone in &self.removed {
            remove(tree, gone);
        }
        let mut links = Vec::new();
        for (path, added) in &self.added {
            match added {
                Added::File(entry) => {
                    if entry.kind != EntryKind::Directory {
                        remove(tree, path);
                    }
                    tree.files.insert(path.clone(), entry.clone());
                }
                Added::HardLink(target) => links.push((path, target)),
            }
        }
        for (path, target) in links {
            if let Some(entry) = tree.files.get(target).cloned() {
                tree.files.insert(path.clone(), entry);
            }
        }
    }
}

/// Takes a path away with all below it.
fn remove(tree: &mut FileTree, path: &str) {
    let Some(entry) = tree.files.remove(path) else { return };
    if entry.kind == EntryKind::Directory {
        tree.files.retain(|other, _| !tree::is_under(other, path));
    }
}

/// What `docker save` writes: layers, which are archives themselves, and JSON that says which image has which.
fn read_archive<L>(
    input: &mut dyn Read,
    read_layer: &dyn Fn(&mut dyn Read) -> io::Result<L>,
) -> io::Result<BTreeMap<String, Arc<L>>> {
    let (mut layers, mut texts, mut aliases) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for entry in tar::Archive::new(input).entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if let Some(target) = entry.link_name_bytes() {
            aliases.insert(name.clone(), beside(&name, &String::from_utf8_lossy(&target)));
            continue;
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut content = unpacked(entry, 1)?;
        let mut head = Vec::new();
        content.by_ref().take(512).read_to_end(&mut head)?;
        let layer = is_tar(&head);
        let mut content = io::Cursor::new(head).chain(content);
        if layer {
            layers.insert(name, Arc::new(read_layer(&mut content)?));
        } else {
            let mut text = Vec::new();
            content.take(LARGEST_TEXT).read_to_end(&mut text)?;
            texts.insert(name, text);
        }
    }
    named(&layers, &texts, &aliases).ok_or_else(|| io::Error::other("the archive does not say which layer is whose"))
}

/// The layers by their digests: `manifest.json` has the files in the order of the config's digests
/// (Docker's image specification 1.2, "Combined Image JSON + Filesystem Changeset Format").
fn named<L>(
    layers: &BTreeMap<String, Arc<L>>,
    texts: &BTreeMap<String, Vec<u8>>,
    aliases: &BTreeMap<String, String>,
) -> Option<BTreeMap<String, Arc<L>>> {
    let json = |name: &str| serde_json::from_slice::<Value>(texts.get(name)?).ok();
    let mut found = BTreeMap::new();
    for image in json("manifest.json")?.as_array()? {
        let config = json(image["Config"].as_str()?)?;
        let digests = config["rootfs"]["diff_ids"].as_array()?;
        for (file, digest) in image["Layers"].as_array()?.iter().zip(digests) {
            let file = file.as_str()?;
            let layer = layers.get(file).or_else(|| layers.get(aliases.get(file)?))?;
            found.insert(digest.as_str()?.to_owned(), layer.clone());
        }
    }
    Some(found)
}

/// What a link in a folder of the archive names.
fn beside(name: &str, target: &str) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    text::join(folder, target).trim_start_matches('/').to_owned()
}

fn judge_layer<T>(input: &mut dyn Read, largest: u64, judge: &Judge<T>) -> io::Result<Vec<(String, T)>> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(input).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = tree::absolute("", &String::from_utf8_lossy(&entry.path_bytes()));
        members::each(&mut entry, &mut |member, content| {
            let mut bytes = Vec::new();
            content.take(largest + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 <= largest {
                found.extend(judge(&path, member, &bytes).map(|what| (path.clone(), what)));
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn read_layer(input: &mut dyn Read) -> io::Result<Layer> {
    let mut layer = Layer::default();
    let mut buffer = vec![0; 256 * 1024];
    for entry in tar::Archive::new(input).entries()? {
        let mut entry = entry?;
        let path = tree::absolute("", &String::from_utf8_lossy(&entry.path_bytes()));
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == OPAQUE {
            layer.emptied.push(folder.to_owned());
        } else if let Some(gone) = name.strip_prefix(WHITEOUT) {
            layer.removed.push(format!("{folder}/{gone}"));
        } else if entry.header().entry_type().is_hard_link() {
            let target = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
            layer.added.push((path, Added::HardLink(tree::absolute("", &target.unwrap_or_default()))));
        } else if let Some(file) = tree::read_entry(&mut entry, &mut buffer, &WalkOptions::default())? {
            // The root itself is no file of its own.
            if path != "/" {
                layer.added.push((path, Added::File(file)));
            }
        }
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(0);
            if name.ends_with('/') {
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, name, io::empty()).unwrap();
            } else if let Some(target) = content.strip_prefix("link:") {
                header.set_entry_type(tar::EntryType::Link);
                builder.append_link(&mut header, name, target).unwrap();
            } else if let Some(target) = content.strip_prefix("symlink:") {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, name, target).unwrap();
            } else {
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, name, content.as_bytes()).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn layers_are_put_on_one_another() {
        let lower = pack(&[
            ("a/", ""),
            ("a/old", "1"),
            ("a/kept", "2"),
            ("b/", ""),
            ("b/x", "3"),
            ("c", "4"),
            ("d/", ""),
            ("d/y", "5"),
        ]);
        let upper = pack(&[
            ("a/.wh.old", ""),
            ("b/.wh..wh..opq", ""),
            ("b/new", "6"),
            ("c/", ""),
            ("c/z", "7"),
            ("d", "8"),
            ("same", "link:a/kept"),
        ]);
        let manifest = r#"[{"Config":"c.json","Layers":["one/layer.tar","two/layer.tar"]},{"Config":"c.json","Layers":["alias/layer.tar"]}]"#;
        let archive = pack(&[
            ("one/layer.tar", &text(lower)),
            ("two/layer.tar", &text(upper)),
            ("alias/layer.tar", "symlink:../one/layer.tar"),
            ("c.json", r#"{"rootfs":{"diff_ids":["sha256:1","sha256:2"]}}"#),
            ("manifest.json", manifest),
        ]);
        let layers = Layers { layers: read_archive(&mut archive.as_slice(), &read_layer).unwrap() };
        let digests = ["sha256:1".to_owned(), "sha256:2".to_owned()];
        let tree = layers.tree(&digests).unwrap();
        let paths: Vec<&str> = tree.files.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/a", "/a/kept", "/b", "/b/new", "/c", "/c/z", "/d", "/same"]);
        assert_eq!(tree.files["/same"], tree.files["/a/kept"]);
        assert_eq!(tree.files["/d"].kind, EntryKind::File);
        assert_eq!(layers.tree(&digests[..1]).unwrap().files.len(), 8);
        assert!(layers.tree(&["sha256:3".to_owned()]).is_none());
        let changed = |path: &str| layers.last_change(&digests, path);
        assert_eq!(
            (changed("/a/old"), changed("/b/x"), changed("/c"), changed("/d")),
            (Some(1), Some(1), Some(1), Some(1))
        );
        assert_eq!((changed("/a"), changed("/a/kept"), changed("/nowhere")), (Some(0), Some(0), None));
    }
}
