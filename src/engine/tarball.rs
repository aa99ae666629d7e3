//! Between the engine's byte streams and the tar crate, which reads and writes synchronously.

use std::io::{self, Read, Write};
use std::pin::Pin;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

/// Bytes as they arrive.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Pieces large enough that passing them on costs nothing.
const PIECE: usize = 512 * 1024;

/// Reads a stream on a thread of its own with `read`. Dropping the future ends the stream.
pub(super) async fn read<T: Send + 'static>(
    stream: ByteStream,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (_alive, gone) = oneshot::channel::<()>();
    // Dropping `_alive` ends the stream, upon which the thread's next read finds its end.
    let stream: ByteStream = Box::pin(stream.take_until(gone));
    tokio::task::spawn_blocking(move || read(&mut reader(stream))).await.map_err(io::Error::other)?
}

/// A stream as a reader, for a thread of the runtime's on which blocking is allowed. What the engine sends comes in small
/// pieces; the thread is woken for larger ones.
pub(super) fn reader(mut stream: ByteStream) -> impl Read {
    let (sender, pieces) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut buffer = BytesMut::with_capacity(PIECE);
        while let Some(piece) = stream.next().await {
            let sent = match piece {
                Ok(piece) => {
                    buffer.extend_from_slice(&piece);
                    if buffer.len() < PIECE {
                        continue;
                    }
                    sender.send(Ok(buffer.split().freeze())).await
                }
                Err(error) => sender.send(Err(error)).await,
            };
            if sent.is_err() {
                return;
            }
        }
        let _ = sender.send(Ok(buffer.freeze())).await;
    });
    Received { pieces, left: Bytes::new() }
}

/// The thread's end of [`reader`].
struct Received {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: Bytes,
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.left = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.left.len());
        self.left.split_to(length).copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Writes a stream from a thread of its own. Dropping the stream fails the writer's next write.
pub(super) fn write(write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> ByteStream {
    // Four pieces in flight bound the memory, whatever the size of the whole.
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces { sender: sender.clone(), buffer: BytesMut::with_capacity(PIECE) };
        if let Err(error) = write(&mut pieces).and_then(|()| pieces.flush()) {
            // Nobody listens any more if this fails.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

impl Write for Pieces {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.buffer.len();
        let taken = data.len().min(room);
        self.buffer.extend_from_slice(&data[..taken]);
        if self.buffer.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(PIECE)).freeze();
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

/// bollard's streams as ours.
pub(super) fn bytes(stream: impl Stream<Item = Result<Bytes, bollard::errors::Error>> + Send + 'static) -> ByteStream {
    Box::pin(stream.map(|piece| piece.map_err(io::Error::other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let stream = write(|out| {
            for number in 0..100_000_u32 {
                out.write_all(&number.to_le_bytes())?;
            }
            Ok(())
        });
        let length = read(stream, |input| io::copy(input, &mut io::sink())).await.unwrap();
        assert_eq!(length, 400_000);
    }

    #[tokio::test]
    async fn a_writers_error_reaches_the_reader() {
        let stream = write(|_| Err(io::Error::other("broken")));
        let error = read(stream, |input| io::copy(input, &mut io::sink())).await.unwrap_err();
        assert!(error.to_string().contains("broken"));
    }
}
