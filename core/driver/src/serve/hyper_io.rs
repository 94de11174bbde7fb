//! Streams in hyper's terms, and back.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper::upgrade::{OnUpgrade, Upgraded};

use super::line::Line;
use super::spelling::spell;
use crate::runtime::{Runtime, Sleep, Stream};
use crate::scratch;

/// Bytes that are read from a stream while a request on it waits.
const AHEAD: usize = 8 * 1024;

/// Bytes that a client takes at least in the time that it may take none, if it does not take all.
const PROGRESS: usize = 32 * 1024;

/// A stream that hyper reads.
///
/// hyper reads only what it needs for the request in hand, and would not see that a client leaves which waits
/// for its answer. So the stream is watched meanwhile, and the request is told by its [`Line`]. What was read
/// before the end, and the end behind it, are hyper's in their order: requests that are there are handled.
pub(super) struct ToHyper<R: Runtime, S> {
    runtime: R,
    stream: S,
    /// How long a client may take less than [`PROGRESS`] of what is written to it.
    patience: Duration,
    /// Rings when it has had so long; there from the first write that waits until all is written.
    overdue: Option<Pin<Box<R::Sleep>>>,
    /// What it has taken meanwhile.
    taken: usize,
    line: Line,
    /// What was read while a request waited, and the error behind it.
    ahead: Vec<u8>,
    failed: Option<io::Error>,
    /// Whether the client takes nothing any more: what is written is thrown away, so that what it has sent
    /// is handled all the same.
    deaf: bool,
    /// What was held back of what hyper wrote.
    held: Vec<u8>,
}

impl<R: Runtime, S> ToHyper<R, S> {
    pub(super) fn new(runtime: R, stream: S, patience: Duration, line: Line) -> Self {
        Self {
            runtime,
            stream,
            patience,
            overdue: None,
            taken: 0,
            line,
            ahead: Vec::new(),
            failed: None,
            deaf: false,
            held: Vec::new(),
        }
    }

    /// Whether the client has gone without its answer.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// The stream, and what was held back.
    pub(super) fn into_inner(mut self) -> (S, Vec<u8>) {
        spell(&mut self.held);
        (self.stream, self.held)
    }

    /// Waits for a client to take more; an error if it takes too little.
    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let (runtime, patience) = (&self.runtime, self.patience);
        let overdue = self
            .overdue
            .get_or_insert_with(|| Box::pin(runtime.sleep_until(runtime.now() + patience)));
        while overdue.as_mut().poll(cx).is_ready() {
            if std::mem::take(&mut self.taken) < PROGRESS {
                self.overdue = None;
                self.line.give_up();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            overdue.as_mut().reset(runtime.now() + patience);
        }
        Poll::Pending
    }
}

impl<R: Runtime, S: Stream> ToHyper<R, S> {
    /// A client is gone. That it takes nothing more is no reason not to read what it has sent.
    fn lose(&mut self) {
        self.overdue = None;
        self.deaf = true;
    }

    /// Writes what is held back.
    fn release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        spell(&mut self.held);
        while !self.held.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.held) {
                Poll::Ready(Ok(count)) if count > 0 => drop(self.held.drain(..count)),
                Poll::Ready(_) => {
                    self.lose();
                    self.held.clear();
                }
                Poll::Pending => return self.wait(cx),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Looks whether the client leaves, if the request in hand wants to know.
    fn watch(&mut self, cx: &mut Context<'_>) {
        if !self.line.is_watched() || self.line.has_ended() {
            return;
        }
        match self.poll_ahead(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => self.line.end(),
            Poll::Ready(Err(error)) => {
                self.failed = Some(error);
                self.line.lose();
            }
        }
        // The request is told when it is polled.
        cx.waker().wake_by_ref();
    }

    /// Reads ahead until the client has left. Pending: it has not, or has said as much as is read of it.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let room = AHEAD.saturating_sub(self.ahead.len());
            if room == 0 {
                return Poll::Pending;
            }
            let read = scratch::with(|scratch| {
                let most = scratch.len().min(room);
                let space = scratch.get_mut(..most).unwrap_or_default();
                let read = Pin::new(&mut self.stream).poll_read(cx, space);
                if let Poll::Ready(Ok(count)) = read {
                    self.ahead
                        .extend_from_slice(space.get(..count).unwrap_or_default());
                }
                read
            });
            if ready!(read)? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// What has come ahead of its time, if anything has.
    fn read_ahead(&mut self, buffer: &mut ReadBufCursor<'_>) -> Option<io::Result<()>> {
        if !self.ahead.is_empty() {
            let most = self.ahead.len().min(buffer.remaining());
            let rest = self.ahead.split_off(most);
            buffer.put_slice(&std::mem::replace(&mut self.ahead, rest));
            self.line.read();
            return Some(Ok(()));
        }
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        self.line.has_ended().then_some(Ok(()))
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
        if let Some(ahead) = this.read_ahead(&mut buffer) {
            return Poll::Ready(ahead);
        }
        scratch::with(|scratch| {
            let most = scratch.len().min(buffer.remaining());
            let space = scratch.get_mut(..most).unwrap_or_default();
            let read = Pin::new(&mut this.stream).poll_read(cx, space);
            if this.deaf && read.is_pending() {
                // Nobody is there to send it.
                return Poll::Ready(Ok(()));
            }
            let count = ready!(read)?;
            if count > 0 {
                this.line.read();
            }
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
        this.line.written();
        if this.line.is_held() {
            this.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        if this.deaf {
            return Poll::Ready(Ok(bytes.len()));
        }
        // A client may have read and answered before a write returns here.
        let mut owed = this.line.take_owed();
        for owed in &mut owed {
            owed.pay();
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        let all = matches!(written, Poll::Ready(Ok(count)) if count == bytes.len());
        if !all && !owed.is_empty() {
            for owed in &mut owed {
                owed.take_back();
            }
            this.line.owe(owed);
        }
        match written {
            Poll::Ready(Ok(count)) => {
                this.taken = this.taken.saturating_add(count);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(_)) => {
                this.lose();
                Poll::Ready(Ok(bytes.len()))
            }
            Poll::Pending => this.wait(cx),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.deaf {
            this.line.settle();
            return Poll::Ready(Ok(()));
        }
        if !this.held.is_empty() && this.line.is_apart() {
            ready!(this.release(cx))?;
        }
        let flushed = match Pin::new(&mut this.stream).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                this.overdue = None;
                this.taken = 0;
                this.line.settle();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => {
                this.lose();
                Poll::Ready(Ok(()))
            }
            Poll::Pending => this.wait(cx),
        };
        this.watch(cx);
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }
}

/// A stream that hyper gives away once the response is out after which it is a WebSocket. A client that does
/// not take that is one that takes nothing.
pub(super) enum FromHyper {
    Promised(OnUpgrade),
    Given(Upgraded),
    /// It will not be given, for this reason. A promise that has been answered may not be polled again.
    Lost(Arc<hyper::Error>),
}

impl FromHyper {
    fn poll_given(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut Upgraded>>> {
        let this = self.get_mut();
        if let Self::Promised(promise) = this {
            *this = match ready!(Pin::new(promise).poll(cx)) {
                Ok(given) => Self::Given(given),
                Err(why) => Self::Lost(Arc::new(why)),
            };
        }
        match this {
            Self::Given(given) => Poll::Ready(Ok(Pin::new(given))),
            Self::Lost(why) => Poll::Ready(Err(io::Error::other(why.clone()))),
            Self::Promised(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for FromHyper {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let given = ready!(self.poll_given(cx))?;
        let mut buffer = ReadBuf::new(bytes);
        ready!(given.poll_read(cx, buffer.unfilled()))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl AsyncWrite for FromHyper {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_given(cx))?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_given(cx))?.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_given(cx))?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};

    use super::*;

    /// A client that asks for a WebSocket and takes no answer.
    struct Asks(&'static [u8]);

    impl Read for Asks {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            mut buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            let asked = std::mem::take(&mut self.0);
            if asked.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(asked);
            Poll::Ready(Ok(()))
        }
    }

    impl Write for Asks {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_stream_that_is_never_given_says_so_each_time_that_it_is_asked() {
        let (give, promised) = std::sync::mpsc::channel();
        let service = service_fn(move |request: Request<Incoming>| {
            give.send(hyper::upgrade::on(request)).unwrap();
            std::future::ready(
                Response::builder()
                    .status(101)
                    .body(Empty::<bytes::Bytes>::new()),
            )
        });
        let asks =
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let mut served = Box::pin(
            http1::Builder::new()
                .serve_connection(Asks(asks), service)
                .with_upgrades(),
        );
        let mut cx = Context::from_waker(Waker::noop());
        assert!(served.as_mut().poll(&mut cx).is_pending());
        let mut stream = FromHyper::Promised(promised.recv().unwrap());
        let mut read = |cx: &mut Context<'_>| Pin::new(&mut stream).poll_read(cx, &mut [0; 8]);
        assert!(read(&mut cx).is_pending());
        drop(served);
        let mut why = || match read(&mut cx) {
            Poll::Ready(read) => read.unwrap_err().to_string(),
            Poll::Pending => panic!("it waits for what does not come"),
        };
        let first = why();
        assert_eq!(why(), first);
        let written = Pin::new(&mut stream).poll_write(&mut cx, b"x");
        assert!(matches!(written, Poll::Ready(Err(why)) if why.to_string() == first));
        assert!(matches!(
            Pin::new(&mut stream).poll_close(&mut cx),
            Poll::Ready(Err(_))
        ));
    }
}
