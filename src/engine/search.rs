//! Searching an image, every layer and its config, for byte sequences.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use super::connect::Engine;
use super::container::Container;
use super::members;
use super::tarball;
use super::unpack::{is_tar, unpacked};
use crate::error::{Error, Result};

/// Where in an image something was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImagePart {
    /// In a file of a layer: its content, its name or what it links to. Files that a later layer deletes count.
    Layer {
        /// Which of the archive's layers, as the archive names it.
        layer: String,
        /// The absolute path of the file.
        path: String,
    },
    /// In the config or another description, as `config.Env[3]` or `history[2].created_by`.
    Config {
        /// Where in the description.
        field: String,
    },
}

impl std::fmt::Display for ImagePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ImagePart::Layer { path, .. } => write!(f, "file {path}"),
            ImagePart::Config { field } => write!(f, "{field}"),
        }
    }
}

/// A byte sequence found in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where.
    pub place: ImagePart,
    /// Which of the needles.
    pub needle: usize,
}

/// A description of an image is smaller; what is larger is searched as it is.
const LARGEST_TEXT: u64 = 16 * 1024 * 1024;

/// A layer is packed so many times at most.
const DEPTH: usize = 3;

impl Engine {
    /// Searches all layers, the config and the history of an image for `needles`, also in what is
    /// packed in its files (gzip, zstd, tar and zip, jar files among them). Each place is told once per needle.
    ///
    /// # Errors
    /// When the image is not there, a needle is empty, or a layer is packed in a way that cannot be searched.
    pub async fn search_image(&self, reference: &str, needles: &[Vec<u8>]) -> Result<Vec<Hit>> {
        let finder = finder(needles)?;
        let read = tarball::read(self.save(reference), move |input| search_archive(input, &finder));
        let hits = read.await;
        hits.map_err(|error| super::container::stream_failed(&format!("cannot search image {reference}"), error))
    }
}

impl Container {
    /// Searches a file or folder of a container for `needles`, also in what is packed in files; returns the absolute paths of files
    /// and which needle each has, nothing if there is no such path.
    ///
    /// # Errors
    /// When the engine refuses, or a needle is empty.
    pub async fn search(&self, path: &str, needles: &[Vec<u8>]) -> Result<BTreeSet<(String, usize)>> {
        if self.stat(path).await?.is_none() {
            return Ok(BTreeSet::new());
        }
        let finder = finder(needles)?;
        // The archive begins with the path's last part.
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let read = tarball::read(self.download(path), move |input| {
            let mut hits = Vec::new();
            search_layer("", &mut &mut *input, &finder, &mut hits)?;
            Ok(hits)
        });
        let hits = read.await;
        let hits = hits.map_err(|error| super::container::stream_failed(&format!("cannot read {path}"), error))?;
        let files = hits.into_iter().filter_map(|hit| match hit.place {
            ImagePart::Layer { path, .. } => Some((format!("{parent}{path}"), hit.needle)),
            ImagePart::Config { .. } => None,
        });
        Ok(files.collect())
    }
}

fn finder(needles: &[Vec<u8>]) -> Result<Arc<AhoCorasick>> {
    if needles.iter().any(Vec::is_empty) {
        return Err(Error::engine("cannot search for nothing"));
    }
    // Streams are searched without overlaps; needles that contain each other are told apart by no caller.
    let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(needles);
    Ok(Arc::new(finder.map_err(|error| Error::engine("cannot search for so much").because(error))?))
}

/// Searches what `docker save` writes: an archive of layers (archives themselves) and JSON.
fn search_archive(input: &mut dyn Read, finder: &AhoCorasick) -> io::Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for entry in tar::Archive::new(input).entries()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = unpacked(entry, DEPTH)?;
        let mut head = Vec::new();
        content.by_ref().take(512).read_to_end(&mut head)?;
        let is_layer = is_tar(&head);
        let mut content = io::Cursor::new(head).chain(content);
        if is_layer {
            search_layer(&name, &mut content, finder, &mut hits)?;
        } else {
            let mut text = Vec::new();
            content.by_ref().take(LARGEST_TEXT).read_to_end(&mut text)?;
            search_json(&name, &text, finder, &mut hits);
            search_content(content, &ImagePart::Config { field: name }, finder, &mut hits)?;
        }
    }
    hits.sort();
    hits.dedup();
    Ok(hits)
}

fn search_json(name: &str, text: &[u8], finder: &AhoCorasick, hits: &mut Vec<Hit>) {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => search_value(&value, String::new(), finder, hits),
        Err(_) => note(finder.find_iter(text), &ImagePart::Config { field: name.to_owned() }, hits),
    }
}

fn search_value(value: &Value, field: String, finder: &AhoCorasick, hits: &mut Vec<Hit>) {
    match value {
        Value::String(text) => {
            note(finder.find_iter(text.as_bytes()), &ImagePart::Config { field }, hits);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search_value(item, format!("{field}[{index}]"), finder, hits);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                let field = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
                note(finder.find_iter(key.as_bytes()), &ImagePart::Config { field: field.clone() }, hits);
                search_value(item, field, finder, hits);
            }
        }
        _ => {}
    }
}

fn search_layer(layer: &str, content: &mut impl Read, finder: &AhoCorasick, hits: &mut Vec<Hit>) -> io::Result<()> {
    for entry in tar::Archive::new(content).entries()? {
        let mut entry = entry?;
        let path = format!("/{}", String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./"));
        let place = ImagePart::Layer { layer: layer.to_owned(), path };
        note(finder.find_iter(&*entry.path_bytes()), &place, hits);
        if let Some(link) = entry.link_name_bytes() {
            note(finder.find_iter(&*link), &place, hits);
        }
        // Attributes can hold anything, too.
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions.filter_map(std::result::Result::ok) {
                note(finder.find_iter(extension.value_bytes()), &place, hits);
            }
        }
        if entry.header().entry_type().is_file() {
            members::each(&mut entry, &mut |member, content| {
                note(finder.find_iter(member.unwrap_or_default()), &place, hits);
                search_content(content, &place, finder, hits)
            })?;
        }
    }
    Ok(())
}

/// Searches bytes as they are.
fn search_content(input: impl Read, place: &ImagePart, finder: &AhoCorasick, hits: &mut Vec<Hit>) -> io::Result<()> {
    for found in finder.stream_find_iter(input) {
        hits.push(Hit { place: place.clone(), needle: found?.pattern().as_usize() });
    }
    Ok(())
}

fn note(found: impl Iterator<Item = aho_corasick::Match>, place: &ImagePart, hits: &mut Vec<Hit>) {
    hits.extend(found.map(|found| Hit { place: place.clone(), needle: found.pattern().as_usize() }));
}

#[cfg(test)]
mod tests {
    use super::super::unpack::tests::{gzip, tar, zstd};
    use super::*;

    #[test]
    fn needles_are_found_in_every_place() {
        let needles = [b"SENTINEL".to_vec(), b"OTHER".to_vec()];
        let layer = tar(&[
            ("plain", b"xxSENTINELxx"),
            ("packed.gz", &gzip(&gzip(b"deep SENTINEL"))),
            ("packed.zst", &zstd(b"SENTINEL")),
            ("packed.tgz", &gzip(&tar(&[("in.tgz", &gzip(&tar(&[("x", b"SENTINEL")])))]))),
            ("name-OTHER", b""),
            ("clean", b"SENTINE L"),
        ]);
        let config = br#"{"config":{"Env":["A=b","X=SENTINEL"],"Labels":{"OTHER":"1"}}}"#.to_vec();
        let image = tar(&[
            ("blobs/sha256/a", &gzip(&layer)),
            ("blobs/sha256/b", &zstd(&layer)),
            ("b/layer.tar", &layer),
            ("config.json", &config),
        ]);
        let hits = search_archive(&mut image.as_slice(), &finder(&needles).unwrap()).unwrap();
        let told: Vec<_> = hits.iter().map(|hit| format!("{} {}", hit.place, hit.needle)).collect();
        for expected in [
            "file /plain 0",
            "file /packed.gz 0",
            "file /packed.zst 0",
            "file /packed.tgz 0",
            "file /name-OTHER 1",
            "config.Env[1] 0",
            "config.Labels.OTHER 1",
        ] {
            assert!(told.iter().any(|hit| hit == expected), "{expected} in {told:?}");
        }
        assert!(!told.iter().any(|hit| hit.contains("clean")), "{told:?}");
        assert_eq!(hits.len(), 17, "{told:?}");
    }

    #[test]
    fn a_broken_gzip_file_is_no_error() {
        let mut broken = gzip(&[b'a'; 10_000]);
        broken.truncate(20);
        let image = tar(&[("layer.tar", &tar(&[("x.gz", &broken)]))]);
        assert_eq!(search_archive(&mut image.as_slice(), &finder(&[b"q".to_vec()]).unwrap()).unwrap(), []);
    }
}
