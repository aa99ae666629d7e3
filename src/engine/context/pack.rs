//! A context as a tar archive, for engines without `BuildKit`.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::PoisonError;

use bytes::Bytes;
use futures_util::stream;

use super::{BuildContext, Content, ContextFile, unreadable};
use crate::engine::entry::EntryKind;
use crate::engine::tarball::{self, ByteStream};
use crate::error::Result;
use crate::text;

/// Smaller contexts are packed once, in memory, for all targets.
const SHARED: u64 = 32 * 1024 * 1024;

/// One time for all files, so that `touch` invalidates no layer; late enough for zip, which begins in 1980.
const TIME: u64 = 499_162_500;

impl BuildContext {
    /// The archive and, where it is known before, its size in bytes. `dockerfile` is added under the name that
    /// comes with it, which the archive's ignore file names, so that no `COPY` sees it.
    pub(in crate::engine) fn pack(&self, name: &str, dockerfile: &str) -> Result<(ByteStream, Option<u64>)> {
        let files = self.files()?;
        let extra = self.extra(name, dockerfile, &files);
        let total: u64 = files.iter().map(|file| file.size + 512).sum();
        if total > SHARED {
            let packed = tarball::write(move |output| {
                let mut builder = tar::Builder::new(output);
                for file in files.iter() {
                    append(&mut builder, file)?;
                }
                for (name, content) in &extra {
                    add(&mut builder, name, content)?;
                }
                builder.finish()
            });
            return Ok((packed, None));
        }
        let shared = self.shared(&files)?;
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in &extra {
            add(&mut builder, name, content).map_err(|error| unreadable(Path::new(name), error))?;
        }
        let tail = Bytes::from(builder.into_inner().map_err(|error| unreadable(Path::new(name), error))?);
        let size = (shared.len() + tail.len()) as u64;
        Ok((Box::pin(stream::iter([Ok(shared), Ok(tail)])), Some(size)))
    }

    /// The packed files without the archive's end, made once.
    fn shared(&self, files: &[ContextFile]) -> Result<Bytes> {
        let mut cell = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*cell {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        let mut builder = tar::Builder::new(&mut bytes);
        for file in files {
            append(&mut builder, file).map_err(|error| unreadable(Path::new(&file.path), error))?;
        }
        // Dropping a builder would write the archive's end, which the Dockerfile still comes before.
        std::mem::forget(builder);
        let bytes = Bytes::from(bytes);
        *cell = Some(bytes.clone());
        Ok(bytes)
    }

    fn extra(&self, name: &str, dockerfile: &str, files: &[ContextFile]) -> Vec<(String, String)> {
        // The engine applies the ignore file once more: it says the same, and takes our Dockerfile away. An
        // ignore file that the user's rules hide must stay hidden, too.
        let mut ignore = self.ignore().text().to_owned();
        if !ignore.is_empty() && !ignore.ends_with('\n') {
            ignore.push('\n');
        }
        ignore.push_str(name);
        ignore.push('\n');
        if !files.iter().any(|file| file.path == ".dockerignore") {
            ignore.push_str(".dockerignore\n");
        }
        vec![(name.to_owned(), dockerfile.to_owned()), (".dockerignore".into(), ignore)]
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn add(builder: &mut tar::Builder<impl Write>, name: &str, content: &str) -> io::Result<()> {
    let mut header = header(tar::EntryType::Regular, 0o644, content.len() as u64);
    builder.append_data(&mut header, name, content.as_bytes())
}

fn append(builder: &mut tar::Builder<impl Write>, file: &ContextFile) -> io::Result<()> {
    let path = raw_path(file);
    match file.kind {
        EntryKind::File => {
            let mut header = header(tar::EntryType::Regular, file.mode, file.size);
            match &file.content {
                Content::Memory(bytes) => builder.append_data(&mut header, path, bytes.as_ref()),
                Content::Disk(disk) => {
                    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", disk.display()));
                    let open = text::open(disk).map_err(io::Error::from).map_err(named)?;
                    // The header has told the size: a file that grows or shrinks meanwhile must not shift what
                    // follows.
                    let content = open.take(file.size).chain(io::repeat(0)).take(file.size);
                    builder.append_data(&mut header, path, content)
                }
            }
        }
        EntryKind::Directory => {
            builder.append_data(&mut header(tar::EntryType::Directory, file.mode, 0), path, io::empty())
        }
        EntryKind::Symlink => {
            let target = file.link.as_deref().unwrap_or_default();
            builder.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), path, target)
        }
        EntryKind::Fifo => builder.append_data(&mut header(tar::EntryType::Fifo, file.mode, 0), path, io::empty()),
        EntryKind::Character | EntryKind::Block => Ok(()),
    }
}

/// The path as the disk has it, also where it is not UTF-8.
fn raw_path(file: &ContextFile) -> std::path::PathBuf {
    match &file.content {
        // All parts but names that are not UTF-8 are in the path already.
        Content::Disk(disk) if !file.is_utf8() => {
            let depth = file.path.split('/').count();
            let parts: Vec<_> = disk.components().collect();
            parts[parts.len() - depth..].iter().collect()
        }
        _ => file.path.clone().into(),
    }
}
