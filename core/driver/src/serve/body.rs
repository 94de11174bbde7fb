//! Bodies: those of POSTs collected under their limit, those of responses compressed.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::Body;
use sio_core::engine::{Coding, Collector, PostFailure};

/// A body that comes by HTTP, and what there is of it.
pub(super) struct Incoming<B> {
    body: B,
    come: Collector,
}

impl<B: Body<Data = Bytes> + Unpin> Incoming<B> {
    /// One that has this many bytes at most.
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body,
            come: Collector::new(limit),
        }
    }

    /// The whole body.
    pub(super) fn poll_collect(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, PostFailure>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(self.come.take())),
                Some(Err(_)) => return Poll::Ready(Err(PostFailure::Lost)),
                Some(Ok(frame)) => {
                    let come = frame
                        .into_data()
                        .map_or(Ok(()), |data| self.come.push(data));
                    if let Err(failure) = come {
                        return Poll::Ready(Err(failure));
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
