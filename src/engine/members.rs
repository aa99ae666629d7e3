//! What a file holds: itself or, where it is packed or an archive, what is packed in it, however deep.

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, ErrorKind, Read, Seek};
use std::rc::Rc;

use zip::ZipArchive;

use super::unpack::{Packing, is_tar};

/// What is packed inside of what is packed is followed so deep.
const DEPTH: usize = 4;

/// So much is unpacked of one file, bytes: what is larger was made to hold its reader up.
const LARGEST: u64 = 2 << 30;

/// How a zip archive begins: with a member, or with its end where it has none (PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 and
/// 4.3.16).
const ZIP: [[u8; 4]; 2] = [*b"PK\x03\x04", *b"PK\x05\x06"];

/// Receives the path of a member, none for the file itself, and a content.
pub(super) type Visit<'a> = dyn FnMut(Option<&str>, &mut dyn Read) -> io::Result<()> + 'a;

/// Hands on the content of a file: as it is where nothing is packed in it, else what is packed in it, and each member of an
/// archive. A zip archive is handed on as it is, too, and a link of an archive as what it leads to.
///
/// A file that only begins like a packed one stops being readable somewhere: what was read counts, the rest cannot hide
/// anything that a reader of that format would see.
///
/// # Errors
/// Those of `visit`, and of the input.
pub(super) fn each(input: &mut dyn Read, visit: &mut Visit<'_>) -> io::Result<()> {
    Walk { visit, left: Rc::new(Cell::new(LARGEST)) }.within(None, input, DEPTH)
}

struct Walk<'a, 'v> {
    visit: &'a mut Visit<'v>,
    left: Rc<Cell<u64>>,
}

impl Walk<'_, '_> {
    fn within(&mut self, member: Option<&str>, input: &mut dyn Read, depth: usize) -> io::Result<()> {
        let mut head = Vec::new();
        input.take(512).read_to_end(&mut head)?;
        let packing = Packing::of(&head);
        let (is_zip, is_archive) = (ZIP.iter().any(|start| head.starts_with(start)), is_tar(&head) && head[0] != 0);
        let mut input = Cursor::new(head).chain(input);
        if depth == 0 || packing.is_none() && !is_zip && !is_archive {
            return (self.visit)(member, &mut input);
        }
        let read = match packing {
            Some(packing) => {
                let inner = packing.open(BufReader::with_capacity(64 * 1024, input));
                self.within(member, &mut Limited { inner, left: self.left.clone() }, depth - 1)
            }
            None if is_zip => self.zip(member, &mut input, depth - 1),
            None => self.tar(&mut input, depth - 1),
        };
        match read {
            Err(error) if is_of_format(&error) => Ok(()),
            read => read,
        }
    }

    fn tar(&mut self, input: &mut dyn Read, depth: usize) -> io::Result<()> {
        for entry in tar::Archive::new(input).entries().map_err(misread)? {
            let mut entry = entry.map_err(misread)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if let Some(target) = entry.link_name_bytes() {
                (self.visit)(Some(&path), &mut &*target)?;
            }
            self.within(Some(&path), &mut entry, depth)?;
        }
        Ok(())
    }

    /// The list of a zip archive's members is its end.
    fn zip(&mut self, member: Option<&str>, input: &mut dyn Read, depth: usize) -> io::Result<()> {
        let mut whole = tempfile::tempfile()?;
        io::copy(&mut input.take(LARGEST), &mut whole)?;
        whole.rewind()?;
        (self.visit)(member, &mut whole)?;
        let Ok(mut archive) = ZipArchive::new(BufReader::new(whole)) else { return Ok(()) };
        for index in 0..archive.len() {
            // One that is locked, or packed in a way that is hardly used, is left out.
            let Ok(inner) = archive.by_index(index) else { continue };
            let path = String::from_utf8_lossy(inner.name_raw()).into_owned();
            self.within(Some(&path), &mut Limited { inner, left: self.left.clone() }, depth)?;
        }
        Ok(())
    }
}

/// A content that ends where enough was unpacked.
struct Limited<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(count as u64));
        Ok(count)
    }
}

fn misread(error: io::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

fn is_of_format(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::unpack::tests::{gzip, tar, zstd};
    use super::*;

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// The members of a file, and their contents.
    fn seen(file: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut visit = |member: Option<&str>, content: &mut dyn Read| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            seen.push((member.map(ToOwned::to_owned), bytes));
            Ok(())
        };
        each(&mut &*file, &mut visit).unwrap();
        seen
    }

    #[test]
    fn what_is_packed_is_handed_on_by_itself() {
        let text = b"some words";
        for (file, member) in [
            (text.to_vec(), None),
            (gzip(text), None),
            (zstd(&gzip(text)), None),
            (tar(&[("a/b", text)]), Some("a/b")),
            (zip(&[("a/b", text)]), Some("a/b")),
            (gzip(&tar(&[("x.tgz", &gzip(&tar(&[("a/b", text)])))])), Some("a/b")),
            (zip(&[("lib/x.jar", &zip(&[("a/b", text)]))]), Some("a/b")),
        ] {
            let seen = seen(&file);
            assert!(seen.iter().any(|(own, content)| own.as_deref() == member && content == text), "{seen:?}");
        }
    }

    #[test]
    fn what_is_broken_ends_where_it_breaks() {
        let packed = gzip(&b"many words ".repeat(1000));
        assert_eq!(seen(&packed[..30]), []);
        let archive = tar(&[("one", b"1"), ("two", b"2")]);
        let cut = [&archive[..1024], &[7; 1024][..]].concat();
        assert_eq!(seen(&cut), [(Some("one".to_owned()), b"1".to_vec())]);
        let cut = zip(&[("one", b"1")]);
        assert_eq!(seen(&cut[..20]), [(None, cut[..20].to_vec())]);
        let deep = (0..=DEPTH).fold(b"words".to_vec(), |content, _| gzip(&content));
        assert_eq!(seen(&deep), [(None, gzip(b"words"))]);
    }

    #[test]
    fn no_more_is_unpacked_than_a_reader_has_time_for() {
        let left = Rc::new(Cell::new(10));
        let mut content = Vec::new();
        let mut visit = |_: Option<&str>, input: &mut dyn Read| input.read_to_end(&mut content).map(|_| ());
        let mut walk = Walk { visit: &mut visit, left };
        walk.within(None, &mut &*gzip(b"0123456789abcdef"), DEPTH).unwrap();
        assert!(content.len() >= 10 && content.len() <= 16);
    }
}
