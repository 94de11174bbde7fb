//! Bodies: those of POSTs collected under their limit, those of responses compressed.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::Body;
use sio_core::engine::{Coding, PostFailure};

/// Collects a body, up to a limit.
pub(super) struct Collector<B> {
    body: B,
    limit: usize,
    first: Bytes,
    more: BytesMut,
}

impl<B: Body<Data = Bytes> + Unpin> Collector<B> {
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body,
            limit,
            first: Bytes::new(),
            more: BytesMut::new(),
        }
    }

    /// The whole body. One that came in one piece is not copied.
    pub(super) fn poll_collect(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, PostFailure>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None if self.more.is_empty() => {
                    return Poll::Ready(Ok(std::mem::take(&mut self.first)));
                }
                None => return Poll::Ready(Ok(std::mem::take(&mut self.more).freeze())),
                Some(Err(_)) => return Poll::Ready(Err(PostFailure::Lost)),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    let held = self.first.len().max(self.more.len());
                    if held.saturating_add(data.len()) > self.limit {
                        return Poll::Ready(Err(PostFailure::TooLarge));
                    }
                    if held == 0 {
                        self.first = data;
                    } else {
                        if self.more.is_empty() {
                            self.more.extend_from_slice(&self.first);
                        }
                        self.more.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

/// A response's body in the coding that the client takes.
pub(super) fn compress(coding: Coding, body: &[u8]) -> Bytes {
    // Level 1: these bodies are sent once, while the client waits.
    let level = Compression::fast();
    let room = Vec::with_capacity(body.len() / 2);
    let compressed = match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(room, level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(room, level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
    };
    match compressed {
        Ok(compressed) => compressed.into(),
        Err(_) => unreachable!("writing to a vector does not fail"),
    }
}
