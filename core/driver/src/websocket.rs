//! WebSocket connections (§7): the seam between the connection's task and a stream.

mod asking;
#[cfg_attr(not(feature = "deflate"), path = "websocket/no_deflate.rs")]
mod deflate;
pub(crate) mod echo;
mod lent;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sio_core::config::Config;
use sio_core::engine::WsClosed;
use sio_core::message::{Message, Part};
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{Connection, Event, Limits, Phase};

use crate::deadlines::State;
use crate::runtime::Stream;
use crate::scratch;

pub(crate) use asking::Said;
pub(crate) use deflate::Deflate;
use lent::Lent;

/// One WebSocket connection as the connection's task sees it.
///
/// Frames go into a buffer and leave by [`poll_flush`](Self::poll_flush), once a turn. The task asks
/// [`has_room`](Self::has_room) before each frame: what does not fit stays in the session, where the
/// backlog limit counts it.
pub(crate) trait Transport: Send + 'static {
    /// The next message, or how the connection ended; after the end it is not called again.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received>;

    /// Whether another frame may be queued now.
    fn has_room(&self) -> bool;

    /// Queues one message: `head`, and behind it the part. `compress`: it may be compressed, if that was
    /// agreed on.
    fn send(&mut self, head: &'static [u8], part: Part, compress: bool);

    /// Queues messages that are laid out as frames already, one behind the other, unless there is no room for
    /// all of them or they would have to be compressed. `false`: they are to be sent one by one.
    fn send_frames(&mut self, frames: &[u8], compress: bool) -> bool {
        let _ = (frames, compress);
        false
    }

    /// Queues a close frame, with these words behind its code; nothing may be sent after it.
    fn close(&mut self, code: Option<u16>, reason: &str);

    /// Writes what is queued. Says how many bytes went out so far, also while more wait.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>);

    /// Drives a closed connection to its end: everything is written, the peer has answered the close
    /// frame or gone away. The caller bounds the time.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// What [`Transport::poll_receive`] yields.
#[derive(Debug)]
pub(crate) enum Received {
    /// A whole message.
    Frame(Message),
    /// The connection is over. What was said to the peer until now may still be sent; what must be said
    /// besides, [`Transport::poll_finish`] says.
    Closed(WsClosed),
}

/// [`Transport`] over a stream, for the server's side: it reads, writes and shuts, as a [`Connection`] says.
///
/// An idle connection reads into a buffer of the thread and keeps none. Outgoing frames are laid into one
/// buffer together with the pongs.
pub(crate) struct WebSocket<S> {
    stream: S,
    connection: Connection<Lent>,
    /// Whether our end of the stream is closed. Once is enough, and each time is a system call.
    ended: bool,
}

// Each has its line in the table of what ends it.
const _: fn(Phase) -> State = |phase| match phase {
    Phase::Open => State::Open,
    Phase::Failed(_) => State::Failed,
    Phase::Closing => State::Closing,
    Phase::Answered => State::Answered,
    Phase::Deaf => State::Deaf,
    Phase::Over => State::Over,
};

/// Pings and pongs handled in one poll before others get their turn.
const CONTROLS: usize = 32;

/// Reads of one poll without a message, of [`scratch::SIZE`] each, before others get their turn.
const READS: usize = 2;

/// Reads, or frames, thrown away in one poll before others get their turn.
const DRAIN: usize = 16;

impl<S: Stream> WebSocket<S> {
    /// Takes over a stream after the 101 response, with the compression that was agreed on; `read` is what the
    /// HTTP parser read beyond it.
    pub(crate) fn new(stream: S, read: &[u8], config: &Config, deflate: Option<Deflate>) -> Self {
        let mut connection = Connection::server(Limits::of(config), Lent(deflate));
        connection.handle_bytes(read);
        Self {
            stream,
            connection,
            ended: false,
        }
    }

    /// The same, if the 101 response is still to be written: it leaves with the first frames.
    #[must_use]
    pub(crate) fn after(mut self, response: Vec<u8>) -> Self {
        self.connection = self.connection.after(response);
        self
    }

    /// What has come next, if no more than so many reads bring it: past them others get their turn. Only
    /// while something may come.
    fn poll_event(&mut self, cx: &mut Context<'_>, reads: &mut usize) -> Poll<Event> {
        loop {
            if let Some(event) = self.connection.poll_event() {
                return Poll::Ready(event);
            }
            let Some(left) = reads.checked_sub(1) else {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            *reads = left;
            ready!(self.poll_read(cx));
        }
    }

    /// Tells the connection what one read brings, or that it was the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        scratch::with(|scratch| {
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, scratch));
            match scratch.get(..read.unwrap_or(0)).unwrap_or_default() {
                [] => self.connection.handle_end(),
                bytes => self.connection.handle_bytes(bytes),
            }
            Poll::Ready(())
        })
    }

    /// Closes our end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(Pin::new(&mut self.stream).poll_close(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the end of what the peer says.
    fn await_close(&mut self, cx: &mut Context<'_>) {
        let mut reads = READS;
        for _ in 0..DRAIN {
            match self.poll_event(cx, &mut reads) {
                Poll::Pending | Poll::Ready(Event::Closed(_)) => return,
                Poll::Ready(Event::Message(_) | Event::Ping | Event::Pong(_) | Event::Ignored) => {}
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Throws away what comes until the peer closes.
    ///
    /// One that has said goodbye is not waited for: nothing is unread that would make a reset of our end, and
    /// waiting was a timer, one of 16 system calls and a turn for each client that comes and goes.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..DRAIN {
            let read = self.poll_read(cx);
            match self.connection.phase() {
                Phase::Over => return Poll::Ready(()),
                Phase::Answered if read.is_pending() => return Poll::Ready(()),
                Phase::Open | Phase::Failed(_) | Phase::Closing | Phase::Answered | Phase::Deaf => {
                    ready!(read)
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Stream> Transport for WebSocket<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        if self.connection.phase() != Phase::Open {
            return Poll::Ready(Received::Closed(WsClosed::Closed));
        }
        let mut reads = READS;
        for _ in 0..=CONTROLS {
            match ready!(self.poll_event(cx, &mut reads)) {
                Event::Message(message) => return Poll::Ready(Received::Frame(message)),
                Event::Closed(end) => return Poll::Ready(Received::Closed(end.into())),
                Event::Ping | Event::Pong(_) | Event::Ignored => {}
            }
        }
        // Nothing but pings: others first, and what is owed to this peer.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn has_room(&self) -> bool {
        self.connection.has_room()
    }

    fn send(&mut self, head: &'static [u8], part: Part, compress: bool) {
        let (kind, payload) = match &part {
            Part::Text(text) => (MessageType::Text, text),
            Part::Binary(data) => (MessageType::Binary, data),
        };
        self.connection.send(kind, head, payload, compress);
    }

    fn send_frames(&mut self, frames: &[u8], compress: bool) -> bool {
        self.connection.send_frames(frames, compress)
    }

    fn close(&mut self, code: Option<u16>, reason: &str) {
        self.connection.close_saying(code, reason);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        let mut sent = 0;
        loop {
            let output = self.connection.poll_output();
            if output.is_empty() {
                break;
            }
            let written = match Pin::new(&mut self.stream).poll_write(cx, output) {
                Poll::Pending => {
                    self.connection.handle_blocked();
                    return (sent, Poll::Pending);
                }
                Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => written,
            };
            match written {
                Ok(count) => {
                    sent += count;
                    self.connection.handle_written(count);
                }
                Err(error) => {
                    self.connection.handle_broken();
                    return (sent, Poll::Ready(Err(error)));
                }
            }
        }
        (sent, Pin::new(&mut self.stream).poll_flush(cx))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.close(None);
        if self.connection.phase() == Phase::Closing {
            self.await_close(cx);
        }
        if ready!(self.poll_flush(cx).1).is_err() {
            return Poll::Ready(());
        }
        match self.connection.phase() {
            Phase::Open | Phase::Failed(_) | Phase::Closing => Poll::Pending,
            Phase::Answered | Phase::Deaf => {
                // Our end first (RFC 6455 §7.1.1), so that the close frame arrives before a reset.
                if ready!(self.poll_end(cx)).is_err() {
                    return Poll::Ready(());
                }
                self.poll_drain(cx)
            }
            Phase::Over => self.poll_end(cx).map(|_| ()),
        }
    }
}

impl<S> std::fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}
