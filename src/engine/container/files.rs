//! A container's files, read and written through tar streams; the container need not run.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use bollard::query_parameters::{ContainerArchiveInfoOptions, DownloadFromContainerOptions, UploadToContainerOptions};
use bytes::Bytes;

use super::super::failure::{failed, is_missing};
use super::super::tarball::{self, ByteStream};
use super::Container;
use crate::error::{Error, Result};

/// What a path in a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// The last part of the path.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Whether it is a symbolic link, which was not followed.
    pub is_symlink: bool,
    /// What a symbolic link names, resolved within the container.
    pub link_target: String,
}

/// What is changed of each file on its way through [`Container::pipe`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TarEdit {
    /// The owner all files get.
    pub uid: Option<u32>,
    /// The group all files get.
    pub gid: Option<u32>,
    /// Permission bits taken away from all files, as `0o022`.
    pub mode_clear: u32,
    /// Permission bits given to all files.
    pub mode_set: u32,
    /// The modification time all files get, in seconds since 1970.
    pub mtime: Option<u64>,
    /// What the first part of every path becomes: the engine names an archive's root after the folder read.
    pub root: Option<String>,
    /// Leaves out the folder read itself, so that what it holds goes into a folder that keeps its own mode.
    pub contents_only: bool,
}

impl Container {
    /// The tar archive of a path, a folder with all in it; its entries begin with the path's last part.
    /// Symbolic links on the way are followed inside the container, one at the end is not.
    #[must_use]
    pub fn download(&self, path: &str) -> ByteStream {
        let options = DownloadFromContainerOptions { path: path.into() };
        tarball::bytes(self.engine.docker().download_from_container(&self.id, Some(options)))
    }

    /// The tar archive of the whole file system, without what is mounted.
    #[must_use]
    pub fn export(&self) -> ByteStream {
        tarball::bytes(self.engine.docker().export_container(&self.id))
    }

    /// Unpacks a tar archive into an existing folder, owners and modes as the archive says.
    ///
    /// # Errors
    /// When the folder is not there, cannot be written, or the archive is broken.
    pub async fn upload(&self, folder: &str, archive: ByteStream) -> Result<()> {
        // Podman takes a missing folder without a word.
        if self.stat(folder).await?.is_none() {
            return Err(Error::engine(format!("{}: {folder} does not exist", self.what("write files into"))));
        }
        // `copyUIDGID` would give everything to the container's own user, whatever the archive says.
        let options = UploadToContainerOptions { path: folder.into(), ..Default::default() };
        let body = bollard::body_try_stream(archive);
        let uploaded = self.engine.docker().upload_to_container(&self.id, Some(options), body).await;
        uploaded.map_err(|error| failed(format!("{} at {folder}", self.what("write files into")), error))
    }

    /// Writes one file into an existing folder.
    ///
    /// # Errors
    /// As [`Container::upload`].
    pub async fn write_file(&self, path: &str, content: &[u8], mode: u32, uid: u32, gid: u32) -> Result<()> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("/", path));
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        header.set_entry_type(tar::EntryType::Regular);
        let mut archive = tar::Builder::new(Vec::new());
        let packed = archive.append_data(&mut header, name, content).and_then(|()| archive.into_inner());
        let packed = packed.map_err(|error| Error::engine(format!("cannot pack {path}")).because(error))?;
        let folder = if folder.is_empty() { "/" } else { folder };
        self.upload(folder, Box::pin(futures_util::stream::once(async { Ok(Bytes::from(packed)) }))).await
    }

    /// What a path is; none if there is nothing.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn stat(&self, path: &str) -> Result<Option<PathStat>> {
        let options = ContainerArchiveInfoOptions { path: path.into() };
        match self.engine.docker().get_container_archive_info(&self.id, Some(options)).await {
            Ok(stat) => Ok(Some(PathStat {
                name: stat.name,
                size: stat.size.try_into().unwrap_or(0),
                mode: stat.file_mode & 0o777,
                // Go keeps the kind in the highest bits of the mode.
                is_dir: stat.file_mode & (1 << 31) != 0,
                is_symlink: stat.file_mode & (1 << 27) != 0,
                link_target: stat.link_target,
            })),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(format!("{}: {path}", self.what("look into")), error)),
        }
    }

    /// One file's content, links followed; none if there is no such file. What is larger than `limit` bytes is cut.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn read_file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(stat) = self.stat(path).await? else { return Ok(None) };
        let path = if stat.is_symlink { stat.link_target } else { path.to_owned() };
        let mut content = None;
        let found = self.each(&path, move |entry| {
            if entry.header().entry_type().is_file() {
                let mut bytes = Vec::new();
                entry.take(limit).read_to_end(&mut bytes)?;
                content = Some(bytes);
            }
            Ok(ControlFlow::Break(content.take()))
        });
        Ok(found.await?.flatten())
    }

    /// Reads the archive of a path entry by entry, until `visit` breaks.
    async fn each<T: Send + 'static>(
        &self,
        path: &str,
        mut visit: impl FnMut(&mut tar::Entry<'_, &mut dyn Read>) -> io::Result<ControlFlow<T>> + Send + 'static,
    ) -> Result<Option<T>> {
        let read = tarball::read(self.download(path), move |input| {
            for entry in tar::Archive::new(input).entries()? {
                if let ControlFlow::Break(found) = visit(&mut entry?)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        });
        read.await.map_err(|error| stream_failed(&format!("{} {path}", self.what("read files of")), error))
    }

    /// Streams a path of this container into an existing folder of another, without touching the disk.
    /// Returns the number of entries.
    ///
    /// # Errors
    /// When either side refuses.
    pub async fn pipe(&self, path: &str, to: &Container, folder: &str, edit: TarEdit) -> Result<usize> {
        let what = || format!("cannot copy {path} of {} to {folder} of {}", self.name, to.name);
        if self.stat(path).await?.is_none() {
            return Err(Error::engine(format!("{}: {path} does not exist", what())));
        }
        let source = self.download(path);
        let (counted, count) = std::sync::mpsc::channel();
        let archive = tarball::write(move |output| {
            let _ = counted.send(rewrite(&mut tarball::reader(source), output, &edit)?);
            Ok(())
        });
        to.upload(folder, archive).await.map_err(|error| Error::engine(what()).because(error))?;
        count.try_recv().map_err(|_| Error::engine(format!("{}: the copy was interrupted", what())))
    }
}

/// Copies an archive, changing each header.
fn rewrite(input: &mut dyn Read, output: &mut dyn Write, edit: &TarEdit) -> io::Result<usize> {
    let mut archive = tar::Archive::new(input);
    let mut builder = tar::Builder::new(output);
    let mut count = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let parts =
            entry.path_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").count();
        if edit.contents_only && parts <= 1 && entry.header().entry_type().is_dir() {
            continue;
        }
        let extensions: Vec<(String, Vec<u8>)> = match entry.pax_extensions()? {
            // Attributes such as capabilities travel; paths and sizes are written anew.
            Some(extensions) => extensions
                .filter_map(Result::ok)
                .filter_map(|one| Some((one.key().ok()?.to_owned(), one.value_bytes().to_owned())))
                .filter(|(key, _)| key.starts_with("SCHILY.xattr."))
                .collect(),
            None => Vec::new(),
        };
        if !extensions.is_empty() {
            builder.append_pax_extensions(extensions.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
        }
        let mut header = tar::Header::new_gnu();
        let old = entry.header();
        header.set_entry_type(old.entry_type());
        header.set_size(entry.size());
        header.set_mode((old.mode()? & 0o7777 & !edit.mode_clear) | edit.mode_set);
        header.set_uid(edit.uid.map_or(old.uid()?, u64::from));
        header.set_gid(edit.gid.map_or(old.gid()?, u64::from));
        header.set_mtime(edit.mtime.map_or(old.mtime()?, |time| time));
        if let (Some(major), Some(minor)) = (old.device_major()?, old.device_minor()?) {
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        let path = renamed(&entry.path()?.to_string_lossy(), edit.root.as_deref());
        match entry.link_name()? {
            Some(target) if entry.header().entry_type().is_hard_link() => {
                let target = renamed(&target.to_string_lossy(), edit.root.as_deref());
                builder.append_link(&mut header, path, target)?;
            }
            Some(target) => {
                let target = target.into_owned();
                builder.append_link(&mut header, path, target)?;
            }
            None => builder.append_data(&mut header, path, &mut entry)?,
        }
        count += 1;
    }
    builder.finish()?;
    Ok(count)
}

/// Replaces the first part of a path.
fn renamed(path: &str, root: Option<&str>) -> String {
    let Some(root) = root else { return path.to_owned() };
    let path = path.trim_start_matches("./").trim_start_matches('/');
    match path.split_once('/') {
        Some((_, rest)) if !rest.is_empty() => format!("{root}/{rest}"),
        _ => root.to_owned(),
    }
}

/// An error of a stream: the engine's own words where it is the engine's.
pub(in super::super) fn stream_failed(what: &str, error: io::Error) -> Error {
    match error.downcast::<bollard::errors::Error>() {
        Ok(error) => failed(what, error),
        Err(error) => Error::engine(what).because(error),
    }
}
