//! Sending files to `BuildKit` as it asks for them (tonistiigi/fsutil's protocol): first what there is, then
//! the content of what the engine does not have yet.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bollard::fsutil::types::packet::PacketType;
use bollard::fsutil::types::{Packet, Stat};
use bollard::moby::filesync::v1::file_sync_server::FileSync;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::engine::context::{BuildContext, Content, ContextFile, Selection, select, unreadable};
use crate::engine::entry::EntryKind;
use crate::error::Error;
use crate::text;

/// A file that could not be read, and why.
type Trouble = (PathBuf, io::ErrorKind, String);

/// What a session serves: one context, and the Dockerfiles built from it.
pub(in crate::engine) struct Served {
    files: Arc<Vec<ContextFile>>,
    ignore: String,
    dockerfiles: Mutex<BTreeMap<String, String>>,
    sent: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

impl Served {
    pub(super) fn new(files: Arc<Vec<ContextFile>>, ignore: &str) -> Self {
        Self {
            files,
            ignore: ignore.to_owned(),
            dockerfiles: Mutex::default(),
            sent: AtomicU64::new(0),
            trouble: Mutex::default(),
        }
    }

    /// Adds a Dockerfile and returns the name to ask for it by.
    pub(in crate::engine) fn add_dockerfile(&self, text: &str) -> String {
        let digest = Sha256::digest(text);
        let name = format!("Dockerfile.{}", hex::encode(&digest[..6]));
        locked(&self.dockerfiles).insert(name.clone(), text.to_owned());
        name
    }

    /// How many bytes of files have been sent.
    pub(in crate::engine) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The first file that could not be read. Every build that wanted it fails by it.
    pub(in crate::engine) fn trouble(&self) -> Option<Error> {
        let trouble = locked(&self.trouble).clone();
        trouble.map(|(path, kind, message)| unreadable(&path, io::Error::new(kind, message)))
    }

    /// The files under one of the names that the Dockerfile frontend asks for.
    fn folder(&self, name: &str) -> Option<Arc<Vec<ContextFile>>> {
        match name {
            "context" => Some(self.files.clone()),
            "dockerfile" => {
                let dockerfiles = locked(&self.dockerfiles).clone();
                let mut folder = BuildContext::empty();
                for (name, text) in dockerfiles {
                    // The Dockerfile's own ignore file comes before the context's: ours says what holds.
                    folder = folder.with_file(&format!("{name}.dockerignore"), self.ignore.clone(), 0o644);
                    folder = folder.with_file(&name, text, 0o644);
                }
                folder.files().ok()
            }
            _ => None,
        }
    }
}

/// The service.
pub(super) struct Files {
    served: Arc<Served>,
}

impl Files {
    pub(super) fn new(served: Arc<Served>) -> Self {
        Self { served }
    }
}

type Packets = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = Packets;
    type TarStreamStream = Packets;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        let metadata = request.metadata();
        let name = values(metadata, "dir-name").into_iter().next().unwrap_or_default();
        let files = self.served.folder(&name).ok_or_else(|| Status::not_found(format!("no folder {name}")))?;
        let mut selection = Selection {
            include: values(metadata, "include-patterns"),
            exclude: values(metadata, "exclude-patterns"),
            follow: values(metadata, "followpaths"),
        };
        if name == "context" && is_same(&selection.exclude, &self.served.ignore) {
            // The files come without them already.
            selection.exclude.clear();
        }
        let (sender, receiver) = mpsc::channel(64);
        let served = self.served.clone();
        tokio::spawn(async move {
            if let Err(status) = serve(request.into_inner(), files, selection, served, &sender).await {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn tar_stream(&self, _: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        Err(Status::unimplemented("not served"))
    }
}

/// A header's values; those with other than ASCII letters come escaped, and say so.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let escaped = metadata.get(format!("{key}-encoded")).is_some();
    let texts = metadata.get_all(key).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| if escaped { unescaped(text) } else { text.to_owned() }).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether the engine read the same patterns out of the ignore file as we did.
fn is_same(patterns: &[String], ignore: &str) -> bool {
    use crate::engine::Ignore;
    let (Ok(theirs), Ok(ours)) = (Ignore::from_patterns(patterns.iter().map(String::as_str)), Ignore::parse(ignore))
    else {
        return false;
    };
    theirs == ours.with_text("")
}

async fn serve(
    mut asked: Streaming<Packet>,
    files: Arc<Vec<ContextFile>>,
    selection: Selection,
    served: Arc<Served>,
    sender: &mpsc::Sender<Result<Packet, Status>>,
) -> Result<(), Status> {
    let chosen = Arc::new(select(&files, &selection).map_err(Status::invalid_argument)?);
    // Contents are read on a thread of their own, in the order in which they are asked for.
    let (wanted, mut wants) = mpsc::unbounded_channel::<u32>();
    let listing = {
        let (files, chosen, sender) = (files.clone(), chosen.clone(), sender.clone());
        tokio::task::spawn_blocking(move || {
            for index in chosen.iter() {
                let packet = Packet { stat: Some(stat(&files[*index])), ..packet(PacketType::PacketStat) };
                if sender.blocking_send(Ok(packet)).is_err() {
                    return;
                }
            }
            // Without one, the list is at its end.
            let _ = sender.blocking_send(Ok(packet(PacketType::PacketStat)));
        })
    };
    let contents = {
        let (files, sender) = (files.clone(), sender.clone());
        tokio::task::spawn_blocking(move || {
            while let Some(id) = wants.blocking_recv() {
                let Some(file) = chosen.get(id as usize).map(|index| &files[*index]) else {
                    continue;
                };
                if !send_content(id, file, &served, &sender) {
                    return;
                }
            }
        })
    };
    while let Some(packet) = asked.next().await {
        let asked_for = packet?;
        match PacketType::try_from(asked_for.r#type) {
            Ok(PacketType::PacketReq) => {
                let _ = wanted.send(asked_for.id);
            }
            Ok(PacketType::PacketFin) => {
                drop(wanted);
                let _ = listing.await;
                let _ = contents.await;
                let _ = sender.send(Ok(packet_fin())).await;
                return Ok(());
            }
            Ok(PacketType::PacketErr) => {
                return Err(Status::aborted(String::from_utf8_lossy(&asked_for.data).into_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn packet(kind: PacketType) -> Packet {
    Packet { r#type: kind.into(), ..Default::default() }
}

fn packet_fin() -> Packet {
    packet(PacketType::PacketFin)
}

/// Large enough to cost nothing per piece, and well below the engine's limit of a message.
const PIECE: usize = 128 * 1024;

/// Sends one file's content; false if nobody listens any more.
fn send_content(id: u32, file: &ContextFile, served: &Served, sender: &mpsc::Sender<Result<Packet, Status>>) -> bool {
    let piece = |data: Vec<u8>| Packet { id, data, ..packet(PacketType::PacketData) };
    let mut deliver = |data: &[u8]| {
        served.sent.fetch_add(data.len() as u64, Ordering::Relaxed);
        sender.blocking_send(Ok(piece(data.to_vec()))).is_ok()
    };
    let whole = match &file.content {
        Content::Memory(bytes) => send_bytes(bytes, &mut deliver),
        Content::Disk(path) => match send_file(path, &mut deliver) {
            Ok(whole) => whole,
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                locked(&served.trouble).get_or_insert((path.clone(), error.kind(), error.to_string()));
                let _ =
                    sender.blocking_send(Ok(Packet { data: message.into_bytes(), ..packet(PacketType::PacketErr) }));
                return false;
            }
        },
    };
    // A piece without content ends the file.
    whole && sender.blocking_send(Ok(piece(Vec::new()))).is_ok()
}

fn send_bytes(bytes: &Bytes, send: &mut impl FnMut(&[u8]) -> bool) -> bool {
    bytes.chunks(PIECE).all(send)
}

fn send_file(path: &Path, send: &mut impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
    let mut file = text::open(path).map_err(io::Error::from)?;
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(true),
            length if !send(&buffer[..length]) => return Ok(false),
            _ => {}
        }
    }
}

/// A file in Go's words: the kind is in the mode's highest bits, and everything belongs to root.
fn stat(file: &ContextFile) -> Stat {
    let kind = match file.kind {
        EntryKind::Directory => 1 << 31,
        EntryKind::Symlink => 1 << 27,
        EntryKind::Fifo => 1 << 25,
        EntryKind::File | EntryKind::Character | EntryKind::Block => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = special.iter().filter(|(bit, _)| file.mode & bit != 0).fold(0, |mode, (_, go)| mode | go);
    Stat {
        path: file.path.clone(),
        mode: (file.mode & 0o777) | kind | special,
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        mod_time: file.mtime,
        linkname: file.link.clone().unwrap_or_default(),
        ..Default::default()
    }
}

/// A lock whose content is never left half changed.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_are_sent() {
        let mut metadata = MetadataMap::new();
        metadata.append("include-patterns", "a".parse().unwrap());
        metadata.append("include-patterns", "b c".parse().unwrap());
        metadata.append("followpaths", "caf%C3%A9+x".parse().unwrap());
        metadata.append("followpaths-encoded", "1".parse().unwrap());
        assert_eq!(values(&metadata, "include-patterns"), ["a", "b c"]);
        assert_eq!(values(&metadata, "followpaths"), ["café x"]);
        assert!(values(&metadata, "exclude-patterns").is_empty());
    }

    #[test]
    fn modes_are_gos() {
        let context = BuildContext::empty().with_file("a/run", "x", 0o4755);
        let files = context.files().unwrap();
        assert_eq!(stat(&files[0]).mode, 0o755 | 1 << 31);
        assert_eq!(stat(&files[1]).mode, 0o755 | 1 << 23);
    }
}
