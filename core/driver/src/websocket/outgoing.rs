//! What waits to be written to a WebSocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_io::AsyncWrite;
use sio_core::websocket::write::{self, Kind};

use crate::scratch;

/// Frames that wait to be written, back to back. The buffer is the thread's until something has to wait
/// beyond the turn.
#[derive(Default)]
pub(super) struct Outgoing {
    /// All but large payloads.
    bytes: Vec<u8>,
    /// How much of all that was written.
    written: usize,
    large: Option<Box<Large>>,
}

/// Payloads that are written from where they are. Few turns have any.
#[derive(Default)]
struct Large {
    /// Each stands before the byte with this number.
    parts: Vec<(usize, Bytes)>,
    /// The bytes of all.
    size: usize,
}

/// From this size on a payload is not copied: to write one piece of memory more costs what it costs to
/// copy so much.
pub(crate) const LARGE: usize = 2048;

/// Pieces of memory written at once.
const PIECES: usize = 64;

impl Outgoing {
    /// With what must leave before any frame.
    pub(super) fn after(first: Vec<u8>) -> Self {
        Self {
            bytes: first,
            ..Self::default()
        }
    }

    pub(super) fn waiting(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| large.size);
        let all = self.bytes.len().saturating_add(large);
        all.saturating_sub(self.written)
    }

    /// Writes some of it.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(stream);
        let written = if self.large.is_none() {
            let rest = self.bytes.get(self.written..).unwrap_or_default();
            stream.poll_write(cx, rest)
        } else {
            let mut pieces = [io::IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (place, piece) in pieces.iter_mut().zip(self.rest()) {
                *place = io::IoSlice::new(piece);
                count += 1;
            }
            stream.poll_write_vectored(cx, pieces.get(..count).unwrap_or_default())
        };
        let count = ready!(written)?;
        self.written = self.written.saturating_add(count);
        Poll::Ready(Ok(count))
    }

    /// What was not written yet, piece by piece.
    fn rest(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.large.as_ref().map_or(&[][..], |large| &large.parts);
        let ends = parts.iter().map(|(at, _)| *at).chain([self.bytes.len()]);
        let starts = [0].into_iter().chain(parts.iter().map(|(at, _)| *at));
        let small = starts
            .zip(ends)
            .map(|range| self.bytes.get(range.0..range.1));
        let large = parts.iter().map(|(_, part)| Some(&**part)).chain([None]);
        let all = small
            .zip(large)
            .flat_map(<[Option<&[u8]>; 2]>::from)
            .flatten();
        let mut skip = self.written;
        all.filter_map(move |piece| {
            let rest = piece.get(skip..);
            skip = skip.saturating_sub(piece.len());
            rest.filter(|rest| !rest.is_empty())
        })
    }

    pub(super) fn clear(&mut self) {
        self.written = 0;
        self.large = None;
        if self.bytes.capacity() > 0 {
            scratch::give_back(std::mem::take(&mut self.bytes));
        }
    }

    /// The peer does not take more for now. What waits keeps no more memory than it needs, and the
    /// thread has its buffer back.
    pub(super) fn wait(&mut self) {
        if self.written > 0 || self.large.is_some() || self.bytes.capacity() / 2 > self.bytes.len()
        {
            let mut rest = Vec::with_capacity(self.waiting());
            self.rest().for_each(|piece| rest.extend_from_slice(piece));
            self.clear();
            self.bytes = rest;
        }
    }

    /// A message: `head`, and `payload` behind it.
    pub(super) fn message(&mut self, kind: Kind, head: &[u8], payload: &Bytes) {
        if payload.len() < LARGE {
            return write::message(self.open(), kind, head, payload);
        }
        write::head(self.open(), kind, head, payload.len());
        let at = self.bytes.len();
        let large = self.large.get_or_insert_default();
        large.parts.push((at, payload.clone()));
        large.size = large.size.saturating_add(payload.len());
    }

    /// Whole frames, of payloads that are not large.
    pub(super) fn frames(&mut self, frames: &[u8]) {
        self.open().extend_from_slice(frames);
    }

    pub(super) fn compressed(&mut self, kind: Kind, payload: &[u8]) {
        write::compressed(self.open(), kind, payload);
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        write::pong(self.open(), payload);
    }

    pub(super) fn close(&mut self, code: Option<u16>) {
        write::close(self.open(), code);
    }

    fn open(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = scratch::outgoing();
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(out: &Outgoing) -> Vec<u8> {
        out.rest().collect::<Vec<_>>().concat()
    }

    #[test]
    fn what_waits_keeps_no_more_than_itself_and_the_thread_no_more_than_it_may() {
        for size in [LARGE - 1, 1_000_000] {
            let mut out = Outgoing::default();
            let mut length = 0;
            while length < 1_000_000 {
                out.message(Kind::Binary, b"", &vec![7; size].into());
                length += size;
            }
            let all = rest(&out);
            assert_eq!(out.waiting(), all.len());
            let most = all.len() - 1_000;
            out.written = most;
            out.wait();
            assert_eq!(rest(&out), &all[most..]);
            assert_eq!(out.waiting(), 1_000);
            assert!(out.bytes.capacity() < 2_000 && out.large.is_none());
            out.clear();
            assert!(scratch::outgoing().capacity() <= 256 * 1024);
        }
    }

    /// Large payloads among small ones, written in pieces of any size, come out as if all were copied.
    #[test]
    fn what_is_not_copied_is_written_in_its_place() {
        struct Piecemeal(Vec<u8>, usize);

        impl AsyncWrite for Piecemeal {
            fn poll_write(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let count = bytes.len().min(self.1);
                self.0.extend_from_slice(&bytes[..count]);
                Poll::Ready(Ok(count))
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                let all = pieces.iter().flat_map(|piece| piece.iter().copied());
                let bytes: Vec<u8> = all.take(self.1).collect();
                self.as_mut().poll_write(cx, &bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }

        for many in [1, 40] {
            let mut expected = Vec::new();
            for (at, size) in [3, LARGE - 1, LARGE, 0, 70_000, 5]
                .repeat(many)
                .into_iter()
                .enumerate()
            {
                write::message(&mut expected, Kind::Text, &[4], &vec![at as u8; size]);
            }
            for count in [1_000, 4_099, usize::MAX] {
                let mut out = Outgoing::default();
                for (at, size) in [3, LARGE - 1, LARGE, 0, 70_000, 5]
                    .repeat(many)
                    .into_iter()
                    .enumerate()
                {
                    out.message(Kind::Text, &[4], &vec![at as u8; size].into());
                }
                let mut stream = Piecemeal(Vec::new(), count);
                let mut cx = Context::from_waker(std::task::Waker::noop());
                while out.waiting() > 0 {
                    assert!(matches!(
                        out.poll_write(&mut cx, &mut stream),
                        Poll::Ready(Ok(1..))
                    ));
                }
                assert!(stream.0 == expected, "{many} times by {count}");
            }
        }
    }
}
