//! Streams in hyper's terms, and back.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use crate::runtime::{Runtime, Stream};
use crate::scratch;

/// A stream that hyper reads.
pub(super) struct ToHyper<R: Runtime, S> {
    runtime: R,
    stream: S,
    /// How long a client may take nothing of what is written to it.
    patience: Option<Duration>,
    /// Rings when it has taken nothing for so long; there while a write waits.
    overdue: Option<Pin<Box<R::Sleep>>>,
    /// Whether something was read since something was written: a request is under way.
    asking: bool,
    /// Whether the response that comes now is held back: what follows it is not hyper's, and leaves
    /// with it.
    hold: Hold,
    held: Vec<u8>,
}

/// Tells a [`ToHyper`] from within its service.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    /// From now on what hyper writes is held back.
    pub(super) fn back(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<R: Runtime, S> ToHyper<R, S> {
    pub(super) fn new(runtime: R, stream: S, patience: Option<Duration>, hold: Hold) -> Self {
        Self {
            runtime,
            stream,
            patience,
            overdue: None,
            asking: false,
            hold,
            held: Vec::new(),
        }
    }

    pub(super) fn is_asking(&self) -> bool {
        self.asking
    }

    /// The stream, and what was held back.
    pub(super) fn into_inner(self) -> (S, Vec<u8>) {
        (self.stream, self.held)
    }

    /// What has come of a write; an error if it waits for too long.
    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.overdue = None;
            return written;
        }
        let Some(patience) = self.patience else {
            return Poll::Pending;
        };
        let runtime = &self.runtime;
        let overdue = self
            .overdue
            .get_or_insert_with(|| Box::pin(runtime.sleep_until(runtime.now() + patience)));
        ready!(overdue.as_mut().poll(cx));
        self.overdue = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

// Nothing in it is pinned but the timer, which has a box of its own.
impl<R: Runtime, S> Unpin for ToHyper<R, S> {}

impl<R: Runtime, S: Stream> Read for ToHyper<R, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        scratch::with(|scratch| {
            let most = scratch.len().min(buffer.remaining());
            let space = scratch.get_mut(..most).unwrap_or_default();
            let count = ready!(Pin::new(&mut this.stream).poll_read(cx, space))?;
            this.asking |= count > 0;
            buffer.put_slice(space.get(..count).unwrap_or_default());
            Poll::Ready(Ok(()))
        })
    }
}

impl<R: Runtime, S: Stream> Write for ToHyper<R, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.asking = false;
        if this.hold.0.load(Ordering::Relaxed) {
            this.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.in_time(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.in_time(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }
}

/// A stream that hyper gave away.
pub(super) struct FromHyper<S>(pub(super) S);

impl<S: Read + Unpin> AsyncRead for FromHyper<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(bytes);
        ready!(Pin::new(&mut self.get_mut().0).poll_read(cx, buffer.unfilled()))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S: Write + Unpin> AsyncWrite for FromHyper<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}
