//! WebSocket connections (§7): the seam between the connection's task and a framing.

#[cfg_attr(not(feature = "deflate"), path = "websocket/no_deflate.rs")]
mod deflate;
mod outgoing;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::engine::{Message, WsClosed};
use sio_core::packet::Part;
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{Incoming, Limits, Reader, Role, Violation, code};

use crate::deadlines::State;
use crate::runtime::Stream;
use crate::scratch;

pub(crate) use deflate::Deflate;
use outgoing::Outgoing;

/// One WebSocket connection as the connection's task sees it.
///
/// Frames go into a buffer and leave by [`poll_flush`](Self::poll_flush), once a turn. The task asks
/// [`has_room`](Self::has_room) before each frame: what does not fit stays in the session, where the
/// backlog limit counts it.
pub trait Transport: Send + 'static {
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

    /// Queues a close frame; nothing may be sent after it.
    fn close(&mut self, code: Option<u16>);

    /// Writes what is queued. Says how many bytes went out so far, also while more wait.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>);

    /// Drives a closed connection to its end: everything is written, the peer has answered the close
    /// frame or gone away. The caller bounds the time.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// What [`Transport::poll_receive`] yields.
#[derive(Debug)]
pub enum Received {
    /// A whole message.
    Frame(Message),
    /// The connection is over. What was said to the peer until now may still be sent; what must be said
    /// besides, [`Transport::poll_finish`] says.
    Closed(WsClosed),
}

/// [`Transport`] over a stream, for the server's side, by the frames of [`sio_core::websocket`].
///
/// A reader exists only while a message is under way: an idle connection reads into a buffer of the
/// thread and keeps none. Outgoing frames are laid into one buffer together with the pongs.
pub struct WebSocket<S> {
    stream: S,
    reader: Option<Box<Reader>>,
    out: Outgoing,
    /// Bytes of a message, inflated, and its frames.
    message: usize,
    fragments: usize,
    phase: Phase,
    /// Whether our end of the stream is closed. Once is enough, and each time is a system call.
    ended: bool,
    /// The answer to the last ping, while the peer takes nothing: earlier ones need none (RFC 6455 §5.5.3).
    pong: Option<Box<[u8]>>,
    /// Compression, if it was agreed on.
    deflate: Option<Deflate>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The peer broke a rule, and nothing more is understood. It is told so by this code, after what was
    /// answered before.
    Failed(u16),
    /// We sent a close frame and wait for the peer's.
    Closing,
    /// The peer said goodbye and is answered; it has nothing more to say (RFC 6455 §5.5.1).
    Answered,
    /// All is said, and nothing more is understood. What still comes is thrown away until the peer
    /// closes too.
    Deaf,
    /// The stream is broken or at its end.
    Over,
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

/// Why nothing more can be read.
enum Unread {
    Violation(Violation),
    Io,
}

/// Bytes queued before the session is asked to wait. One socket buffer's worth keeps the pipe full.
const ROOM: usize = 64 * 1024;

/// Pings and pongs handled in one poll before others get their turn.
const CONTROLS: usize = 32;

/// Reads of one poll without a message, of [`scratch::SIZE`] each, before others get their turn.
const READS: usize = 2;

/// Reads, or frames, thrown away in one poll before others get their turn.
const DRAIN: usize = 16;

impl<S: Stream> WebSocket<S> {
    /// Takes over a stream after the 101 response; `read` is what the HTTP parser read beyond it.
    pub fn server(stream: S, read: Bytes, config: &Config) -> Self {
        Self::new(stream, &read, config, None)
    }

    /// The same, with the compression that was agreed on.
    pub(crate) fn new(stream: S, read: &[u8], config: &Config, deflate: Option<Deflate>) -> Self {
        let mut this = Self {
            stream,
            reader: None,
            out: Outgoing::default(),
            message: config.max_http_buffer_size,
            fragments: config.max_fragments,
            phase: Phase::Open,
            ended: false,
            pong: None,
            deflate,
        };
        if !read.is_empty() {
            this.feed(read);
        }
        this
    }

    /// The same, if the 101 response is still to be written: it leaves with the first frames.
    #[must_use]
    pub(crate) fn after(mut self, response: Vec<u8>) -> Self {
        self.out = Outgoing::after(response);
        self
    }

    fn feed(&mut self, bytes: &[u8]) {
        let limits = self.limits();
        self.reader
            .get_or_insert_with(|| Box::new(Reader::new(Role::Server, limits)))
            .feed(bytes);
    }

    /// What may be on the wire.
    fn limits(&self) -> Limits {
        let limits = Limits {
            message: self.message,
            fragments: self.fragments,
            deflate: false,
        };
        limits.deflate(self.deflate.is_some())
    }

    /// What the peer has sent next, if no more than so many reads bring it: past them others get their turn.
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
        reads: &mut usize,
    ) -> Poll<Result<Incoming, Unread>> {
        loop {
            if let Some(reader) = &mut self.reader {
                match reader.poll() {
                    Ok(Some(incoming)) => return Poll::Ready(Ok(incoming)),
                    Ok(None) if reader.is_at_rest() => self.reader = None,
                    Ok(None) => {}
                    Err(why) => return Poll::Ready(Err(Unread::Violation(why))),
                }
            }
            let Some(left) = reads.checked_sub(1) else {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            *reads = left;
            let read = scratch::with(|scratch| {
                let read = ready!(Pin::new(&mut self.stream).poll_read(cx, scratch));
                let read = scratch.get(..read.unwrap_or(0)).unwrap_or_default();
                if read.is_empty() {
                    return Poll::Ready(Err(Unread::Io));
                }
                self.feed(read);
                Poll::Ready(Ok(()))
            });
            ready!(read)?;
        }
    }

    /// A message that came compressed, as it was. Else how the connection ends.
    fn inflate(&mut self, payload: &[u8], text: bool) -> Result<Message, WsClosed> {
        let Some(deflate) = &mut self.deflate else {
            // Nothing comes compressed where nothing was agreed on.
            return Err(self.fail(code::PROTOCOL_ERROR, WsClosed::Violation));
        };
        let data = match deflate.inflate(payload, self.message) {
            Ok(data) => Bytes::from(data),
            Err((code, cause)) => return Err(self.fail(code, cause)),
        };
        if !text {
            return Ok(Message::Binary(data));
        }
        ByteString::try_from(data)
            .map(Message::Text)
            .map_err(|_| self.fail(code::INVALID_DATA, WsClosed::Violation))
    }

    /// The peer broke a rule: it is told by this code, when what was answered before has left.
    fn fail(&mut self, code: u16, cause: WsClosed) -> WsClosed {
        self.reader = None;
        self.phase = Phase::Failed(code);
        cause
    }

    fn pong(&mut self, payload: &[u8]) {
        if self.out.waiting() < ROOM {
            self.pong = None;
            self.out.pong(payload);
        } else {
            self.pong = Some(payload.into());
        }
    }

    /// Whether what is said now reaches the peer.
    const fn may_send(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Failed(_))
    }

    /// Closes our end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(Pin::new(&mut self.stream).poll_close(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the peer's close frame, and for nothing else of what it says.
    fn await_close(&mut self, cx: &mut Context<'_>) {
        let mut reads = READS;
        for _ in 0..DRAIN {
            match self.poll_incoming(cx, &mut reads) {
                Poll::Pending => return,
                // It came, or the stream ended, or it makes no sense: either way it is over.
                Poll::Ready(Ok(Incoming::Close(_)) | Err(_)) => {
                    self.phase = Phase::Over;
                    return;
                }
                Poll::Ready(Ok(_)) => {}
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Throws away what comes until the peer closes.
    ///
    /// One that has said goodbye is not waited for: nothing is unread that would make a reset of our end, and
    /// waiting was a timer, one of 16 system calls and a turn for each client that comes and goes. If it talks
    /// on, it is one more that breaks a rule.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { stream, phase, .. } = self;
        scratch::with(|scratch| {
            for _ in 0..DRAIN {
                match Pin::new(&mut *stream).poll_read(cx, scratch) {
                    Poll::Pending if *phase == Phase::Answered => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => *phase = Phase::Deaf,
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

impl<S: Stream> Transport for WebSocket<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        let mut reads = READS;
        for _ in 0..=CONTROLS {
            if self.phase != Phase::Open {
                return Poll::Ready(Received::Closed(WsClosed::Closed));
            }
            let (frame, length) = match ready!(self.poll_incoming(cx, &mut reads)) {
                Ok(Incoming::Text(text)) => {
                    let length = text.len();
                    (Message::Text(text), length)
                }
                Ok(Incoming::Binary(data)) => {
                    let length = data.len();
                    (Message::Binary(data), length)
                }
                Ok(Incoming::Compressed { text, payload }) => match self.inflate(&payload, text) {
                    // Its length is within the limit.
                    Ok(frame) => (frame, 0),
                    Err(cause) => return Poll::Ready(Received::Closed(cause)),
                },
                Ok(Incoming::Ping(payload)) => {
                    self.pong(&payload);
                    continue;
                }
                Ok(Incoming::Pong(_)) => continue,
                Ok(Incoming::Close(code)) => {
                    self.out.close(code);
                    self.reader = None;
                    self.phase = Phase::Answered;
                    return Poll::Ready(Received::Closed(WsClosed::Closed));
                }
                Err(Unread::Violation(why)) => {
                    let cause = match why {
                        Violation::TooLarge => WsClosed::TooLarge,
                        Violation::TooManyFragments => WsClosed::TooManyFragments,
                        Violation::UnknownOpcode
                        | Violation::ReservedBits
                        | Violation::NotMasked
                        | Violation::Masked
                        | Violation::Compression
                        | Violation::ControlFrame
                        | Violation::Fragmentation
                        | Violation::CloseCode
                        | Violation::NotUtf8 => WsClosed::Violation,
                    };
                    return Poll::Ready(Received::Closed(self.fail(why.code(), cause)));
                }
                Err(Unread::Io) => {
                    self.reader = None;
                    self.phase = Phase::Over;
                    return Poll::Ready(Received::Closed(WsClosed::Lost));
                }
            };
            // Where messages may be compressed the reader lets more through.
            if length > self.message {
                let cause = self.fail(code::TOO_LARGE, WsClosed::TooLarge);
                return Poll::Ready(Received::Closed(cause));
            }
            return Poll::Ready(Received::Frame(frame));
        }
        // Nothing but pings: others first, and what is owed to this peer.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn has_room(&self) -> bool {
        self.may_send() && self.out.waiting() < ROOM
    }

    fn send(&mut self, head: &'static [u8], part: Part, compress: bool) {
        if !self.may_send() {
            return;
        }
        let (kind, payload) = match &part {
            Part::Text(text) => (MessageType::Text, text),
            Part::Binary(data) => (MessageType::Binary, data),
        };
        if compress
            && let Some(deflate) = &mut self.deflate
            && let Some(compressed) = deflate.deflate(head, payload)
        {
            return self.out.compressed(kind, &compressed);
        }
        self.out.message(kind, head, payload);
    }

    fn send_frames(&mut self, frames: &[u8], compress: bool) -> bool {
        let fits = self.out.waiting().saturating_add(frames.len()) <= ROOM;
        if !self.may_send() || !fits || (compress && self.deflate.is_some()) {
            return false;
        }
        self.out.frames(frames);
        true
    }

    fn close(&mut self, code: Option<u16>) {
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Closing;
                self.out.close(code);
            }
            Phase::Failed(code) => {
                self.phase = Phase::Deaf;
                self.out.close(Some(code));
            }
            Phase::Closing | Phase::Answered | Phase::Deaf | Phase::Over => {}
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        let mut sent = 0;
        loop {
            if self.out.waiting() == 0 {
                let Some(pong) = self.pong.take().filter(|_| self.may_send()) else {
                    break;
                };
                self.out.pong(&pong);
            }
            let written = match Pin::new(&mut self.stream).poll_write(cx, self.out.rest()) {
                Poll::Pending => {
                    self.out.wait();
                    return (sent, Poll::Pending);
                }
                Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => written,
            };
            match written {
                Ok(count) => {
                    sent += count;
                    self.out.advance(count);
                }
                Err(error) => {
                    self.phase = Phase::Over;
                    self.out.clear();
                    return (sent, Poll::Ready(Err(error)));
                }
            }
        }
        self.out.clear();
        (sent, Pin::new(&mut self.stream).poll_flush(cx))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Phase::Open | Phase::Failed(_) = self.phase {
            self.close(None);
        }
        if self.phase == Phase::Closing {
            self.await_close(cx);
        }
        let flushed = match self.poll_flush(cx).1 {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(flushed) => flushed,
        };
        if flushed.is_err() {
            return Poll::Ready(());
        }
        match self.phase {
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
