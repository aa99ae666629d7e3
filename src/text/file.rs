//! Reading a file that somebody else wrote: it may be huge, full of holes, a pipe, or no text. Nothing else in dockwright opens
//! files to read them.
#![expect(clippy::disallowed_methods, reason = "the one place that reads files")]

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

/// More than a file of settings, a list or a table of the kernel's has, in bytes.
pub const SMALL: u64 = 1 << 20;

/// A file that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The reason.
    pub why: Why,
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum Why {
    /// The system refused; a missing file is one of these.
    Io(io::Error),
    /// It is a folder.
    Folder,
    /// It is a pipe, a socket or a device.
    Special,
    /// It is larger than this many bytes.
    TooLarge(u64),
    /// It is not UTF-8; holds the content.
    NotText(FromUtf8Error),
}

/// The content of a regular file of at most `limit` bytes. Never waits, as for the writer of a pipe.
///
/// # Errors
/// Anything but such a file.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Unreadable> {
    content(path, limit).map_err(|why| Unreadable { path: path.to_owned(), why })
}

/// The text of a regular file of at most `limit` bytes, a byte order mark included.
///
/// # Errors
/// As [`read`], and for what is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, Unreadable> {
    let text = content(path, limit).and_then(|bytes| String::from_utf8(bytes).map_err(Why::NotText));
    text.map_err(|why| Unreadable { path: path.to_owned(), why })
}

/// As [`read_text`], of a file in a folder; none that a path or a link leads out of it.
///
/// # Errors
/// As [`read_text`], and for a file that is elsewhere.
pub fn read_text_in(folder: &Path, file: &Path, limit: u64) -> Result<String, Unreadable> {
    let path = folder.join(file);
    let inside =
        folder.canonicalize().ok().zip(path.canonicalize().ok()).is_none_or(|(folder, real)| real.starts_with(folder));
    if inside {
        read_text(&path, limit)
    } else {
        Err(Unreadable { path, why: Why::Io(io::Error::other("it leads out of the project")) })
    }
}

/// The first bytes of a regular file, at most `limit`.
///
/// # Errors
/// As [`read`], but for a large file.
pub fn begin(path: &Path, limit: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(limit).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| Unreadable { path: path.to_owned(), why: Why::Io(error) })
}

/// Opens a regular file, however large: who reads it reads it in pieces.
///
/// # Errors
/// Anything but such a file.
pub fn open(path: &Path) -> Result<File, Unreadable> {
    open_within(path, u64::MAX).map_err(|why| Unreadable { path: path.to_owned(), why })
}

/// Where a file has content, each part's beginning and end; what is between them are zeros that no disk holds.
#[must_use]
pub fn parts(file: &File) -> Vec<(u64, u64)> {
    let length = file.metadata().map_or(0, |found| found.len());
    #[cfg(unix)]
    {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        let mut found = Vec::new();
        let mut at = 0;
        while at < length {
            let data = match seek(file, SeekFrom::Data(at)) {
                Ok(data) => data,
                // Nothing but a hole follows.
                Err(Errno::NXIO) => break,
                // A file system that knows no holes.
                Err(_) => return vec![(0, length)],
            };
            let hole = seek(file, SeekFrom::Hole(data)).unwrap_or(length);
            found.push((data, hole.min(length)));
            at = hole;
        }
        found
    }
    #[cfg(not(unix))]
    vec![(0, length)]
}

fn open_within(path: &Path, limit: u64) -> Result<File, Why> {
    // Looked at before it is opened, as opening a device may do something.
    check(&std::fs::metadata(path).map_err(Why::Io)?, limit)?;
    let file = without_waiting(path).map_err(Why::Io)?;
    // And again, as it may be another by now.
    check(&file.metadata().map_err(Why::Io)?, limit)?;
    Ok(file)
}

fn content(path: &Path, limit: u64) -> Result<Vec<u8>, Why> {
    let file = open_within(path, limit)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Why::Io)?;
    // It may have grown since, and files as /proc has them say that they are empty.
    if bytes.len() as u64 > limit { Err(Why::TooLarge(limit)) } else { Ok(bytes) }
}

fn check(found: &Metadata, limit: u64) -> Result<(), Why> {
    if found.is_dir() {
        Err(Why::Folder)
    } else if !found.is_file() {
        Err(Why::Special)
    } else if found.len() > limit {
        Err(Why::TooLarge(limit))
    } else {
        Ok(())
    }
}

/// Opens without waiting, as the file may have become a pipe since it was looked at.
#[cfg(unix)]
fn without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

impl Unreadable {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        matches!(&self.why, Why::Io(error) if absent.contains(&error.kind()))
    }
}

impl From<Unreadable> for io::Error {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable.why {
            Why::Io(error) => error,
            why => Self::new(io::ErrorKind::InvalidInput, why.to_string()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Io(error) => error.fmt(f),
            Why::Folder => f.write_str("this is a folder, not a file"),
            Why::Special => f.write_str("this is a pipe, socket or device, not a file"),
            Why::TooLarge(limit) if *limit >= 1 << 20 => write!(f, "the file is larger than {} MiB", limit >> 20),
            Why::TooLarge(limit) => write!(f, "the file is larger than {limit} bytes"),
            Why::NotText(_) => f.write_str("the file is not UTF-8"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Io(error) => error.source(),
            Why::NotText(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_of_a_bearable_size_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let write = |bytes: &[u8]| std::fs::write(&file, bytes).unwrap();
        write(b"four");
        assert_eq!(read_text(&file, 4).unwrap(), "four");
        assert!(matches!(read(&file, 3).unwrap_err().why, Why::TooLarge(3)));
        write(b"a\xff");
        assert_eq!(read(&file, 4).unwrap(), b"a\xff");
        assert!(matches!(read_text(&file, 4).unwrap_err().why, Why::NotText(_)));
        assert!(matches!(read(dir.path(), 4).unwrap_err().why, Why::Folder));
        assert!(read(&dir.path().join("none"), 4).unwrap_err().is_missing());
        assert!(read(&file.join("below"), 4).unwrap_err().is_missing());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn holes_are_skipped_and_files_elsewhere_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("holes");
        let made = std::fs::File::create(&file).unwrap();
        made.set_len(1 << 40).unwrap();
        let found = parts(&open(&file).unwrap());
        // A file system without holes has one part.
        assert!(found.is_empty() || found == [(0, 1 << 40)], "{found:?}");
        assert_eq!(begin(&file, 3).unwrap(), [0; 3]);
        assert!(matches!(read(&file, 1 << 20).unwrap_err().why, Why::TooLarge(_)));
        std::fs::write(dir.path().join("text"), "text").unwrap();
        assert_eq!(parts(&open(&dir.path().join("text")).unwrap()), [(0, 4)]);
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::os::unix::fs::symlink("../text", inner.join("link")).unwrap();
        for elsewhere in ["link", "../text"] {
            let why = read_text_in(&inner, Path::new(elsewhere), 9).unwrap_err().why;
            assert!(why.to_string().contains("leads out"), "{elsewhere}: {why}");
        }
        assert!(read_text_in(&inner, Path::new("none"), 9).unwrap_err().is_missing());
        assert_eq!(read_text_in(dir.path(), Path::new("inner/../text"), 9).unwrap(), "text");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        for path in [&fifo, Path::new("/dev/zero")] {
            assert!(matches!(read(path, 4).unwrap_err().why, Why::Special), "{}", path.display());
        }
        for path in [&fifo, Path::new("/dev/zero")] {
            assert!(matches!(open(path).unwrap_err().why, Why::Special) && begin(path, 4).is_err());
        }
        // A regular file that says it is empty.
        assert!(matches!(read(Path::new("/proc/self/status"), 4).unwrap_err().why, Why::TooLarge(4)));
    }
}
