//! HTTP and WebSocket as bytes that were read.

use futures_util::io::{AsyncReadExt, ReadHalf};
use sio_sim::Stream;

pub(crate) fn status(head: &str) -> u16 {
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    status.expect("a status")
}

pub(crate) async fn more(
    stream: &mut (impl AsyncReadExt + Unpin),
    read: &mut Vec<u8>,
) -> Option<()> {
    let mut buffer = [0; 4096];
    let count = stream
        .read(&mut buffer)
        .await
        .ok()
        .filter(|count| *count > 0)?;
    read.extend_from_slice(&buffer[..count]);
    Some(())
}

/// The head of an answer, and what was read behind it.
pub(crate) async fn read_head(stream: &mut Stream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Some((String::from_utf8_lossy(&read).into_owned(), rest));
        }
        more(stream, &mut read).await?;
    }
}

/// Frames, until there are no more.
pub(crate) async fn reads_all(
    mut stream: ReadHalf<Stream>,
    mut read: Vec<u8>,
    mut see: impl FnMut((u8, Vec<u8>)),
) {
    loop {
        let short = read.get(1).map(|it| usize::from(it & 0x7f));
        let (begin, length): (usize, usize) = match (short, read.get(2..4)) {
            (Some(126), Some(two)) => (4, usize::from(two[0]) << 8 | usize::from(two[1])),
            (Some(126), None) | (None, _) => (4, usize::MAX),
            (Some(length), _) => (2, length),
        };
        if read.len() >= begin.saturating_add(length) {
            let frame: Vec<_> = read.drain(..begin + length).collect();
            see((frame[0] & 0xf, frame[begin..].to_vec()));
        } else if more(&mut stream, &mut read).await.is_none() {
            return;
        }
    }
}
