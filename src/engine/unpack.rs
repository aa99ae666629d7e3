//! What layers, and files in them, are packed with: gzip and zstd.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// By the first bytes (RFC 1952, section 2.3.1; RFC 8878, sections 3.1.1 and 3.1.2).
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 0x08, ..] => Some(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// The content of what is packed so.
    pub(super) fn open<'a>(self, input: impl BufRead + 'a) -> Box<dyn Read + 'a> {
        match self {
            Packing::Gzip => Box::new(MultiGzDecoder::new(input)),
            Packing::Zstd => Box::new(Frames { input, decoder: FrameDecoder::new(), inside: false }),
        }
    }
}

/// A layer as a stream of its content, also where it is packed so many times.
pub(super) fn unpacked<'a>(input: impl Read + 'a, depth: usize) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    match Packing::of(input.fill_buf()?) {
        Some(packing) if depth > 0 => unpacked(packing.open(input), depth - 1),
        _ => Ok(Box::new(input)),
    }
}

/// A layer's first block is a header, or zeros if it is empty.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.len() == 512 && (head[257..262] == *b"ustar" || head.iter().all(|byte| *byte == 0))
}

/// All frames of zstd data, one after the other; those that hold no data are skipped. Builders that pack a layer in chunks
/// write several of both (RFC 8878, section 3.1).
struct Frames<R: BufRead> {
    input: R,
    decoder: FrameDecoder,
    /// Whether the decoder is in a frame.
    inside: bool,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.inside {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder.decode_blocks(&mut self.input, one).map_err(broken)?;
                }
                let count = self.decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                self.inside = false;
            }
            if self.input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            match self.decoder.init(&mut self.input) {
                Ok(()) => self.inside = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.input.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

fn broken(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use super::*;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn content(packed: &[u8], depth: usize) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        unpacked(packed, depth)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn what_is_packed_is_read_however_often() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for packed in [text.clone(), gzip(&text), zstd(&text), gzip(&zstd(&text)), zstd(&gzip(&text))] {
            assert!(content(&packed, 2).unwrap() == text);
        }
        assert_eq!(content(&gzip(b"x"), 0).unwrap(), gzip(b"x"));
    }

    #[test]
    fn frames_follow_each_other_and_those_without_data_are_skipped() {
        let skipped = [&[0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        for frames in [
            [zstd(b"one "), zstd(b"two")].concat(),
            [skipped.clone(), zstd(b"one "), skipped.clone(), zstd(b"two"), skipped.clone()].concat(),
            [zstd(b""), zstd(b"one two")].concat(),
        ] {
            assert_eq!(content(&frames, 1).unwrap(), b"one two");
        }
        assert_eq!(content(&skipped, 1).unwrap(), b"");
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let whole = zstd(&b"some text that has a few words in it".repeat(50));
        for length in [5, whole.len() / 2, whole.len() - 1] {
            let error = content(&whole[..length], 1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length}");
        }
    }
}
