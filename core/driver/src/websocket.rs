//! WebSocket connections (§7): the seam between the connection's task and a framing crate.

#[cfg_attr(not(feature = "deflate"), path = "websocket/no_deflate.rs")]
mod deflate;

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_tungstenite::tungstenite::Error as WsError;
use async_tungstenite::tungstenite::error::ProtocolError;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame as RawFrame, Utf8Bytes};
use async_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use bytes::Bytes;
use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::engine::{Frame, WsClosed};
use sio_core::packet::Part;

use crate::fragments::Fragments;
use crate::runtime::Stream;
use crate::scratch;

use deflate::{COMPRESSED, Mark};
pub(crate) use deflate::{Deflate, Marks};

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
    Frame(Frame),
    /// The connection is over. What must be said to the peer is queued already.
    Closed(WsClosed),
}

/// [`Transport`] by tungstenite, for the server's side.
///
/// tungstenite's state, which holds its read buffer, exists only while a message is under way: an
/// idle connection reads into a buffer of the thread and keeps none. Outgoing frames are laid into
/// one buffer together with the pongs that tungstenite wants to send.
pub struct WebSocket<S> {
    stream: S,
    reader: Option<Box<Reader>>,
    out: Outgoing,
    limits: Limits,
    phase: Phase,
    /// Whether our end of the stream is closed. Once is enough, and each time is a system call.
    ended: bool,
    /// Compression, if it was agreed on.
    deflate: Option<Deflate>,
}

#[derive(Clone, Copy)]
struct Limits {
    message: usize,
    fragments: usize,
}

struct Reader {
    context: WebSocketContext,
    fragments: Fragments,
    /// Read but not yet given to tungstenite.
    ahead: Bytes,
}

/// What waits to be written: frames, back to back. The buffer is the thread's until something has to
/// wait beyond the turn.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// We sent a close frame and wait for the peer's.
    Closing,
    /// Nothing more is understood: after a violation, or after the peer's close. What still comes is
    /// thrown away until the peer closes too.
    Deaf,
    /// The stream is broken or at its end.
    Over,
}

/// Bytes queued before the session is asked to wait. One socket buffer's worth keeps the pipe full.
const ROOM: usize = 64 * 1024;

/// Bytes of pongs that tungstenite may hold back while the peer does not read.
const HELD_PONGS: usize = 1024;

/// Capacity of the buffer that tungstenite begins with, at least.
const LEAST_READ: usize = 512;

/// What tungstenite asks for at a time, at most. It zeroes so much before each read, which with 16 KiB was a
/// third of the instructions of an echo of 4 KiB; the stream itself is read by [`scratch::SIZE`].
const PIECE: usize = 2 * 1024;

/// Reads of less than this are made through the thread's buffer, with whatever else has come.
const SMALL_READ: usize = 4 * 1024;

impl<S: Stream> WebSocket<S> {
    /// Takes over a stream after the 101 response; `read` is what the HTTP parser read beyond it.
    pub fn server(stream: S, read: Bytes, config: &Config) -> Self {
        Self::new(stream, read, config, None)
    }

    /// The same, with the compression that was agreed on.
    pub(crate) fn new(stream: S, read: Bytes, config: &Config, deflate: Option<Deflate>) -> Self {
        let mut this = Self {
            stream,
            reader: None,
            out: Outgoing::default(),
            limits: Limits {
                message: config.max_http_buffer_size,
                fragments: config.max_fragments,
            },
            phase: Phase::Open,
            ended: false,
            deflate,
        };
        if !read.is_empty() {
            this.reader = Some(this.reader(read.into()));
        }
        this
    }

    /// The same, if the 101 response is still to be written: it leaves with the first frames.
    #[must_use]
    pub(crate) fn after(mut self, response: Vec<u8>) -> Self {
        self.out.bytes = response;
        self
    }

    /// `first` is what was read already; it becomes tungstenite's buffer as it is.
    fn reader(&self, first: Vec<u8>) -> Box<Reader> {
        Reader::new(self.wire_limits(), first, self.marks())
    }

    /// What tungstenite lets through. More, where messages may be compressed: what cannot shrink grows a
    /// little.
    fn wire_limits(&self) -> Limits {
        let Limits { message, fragments } = self.limits;
        let growth = self.deflate.as_ref().map_or(0, |_| message / 16 + 64);
        Limits {
            message: message.saturating_add(growth),
            fragments,
        }
    }

    fn marks(&self) -> Marks {
        Marks::new(self.deflate.as_ref())
    }

    /// Waits for the first bytes of something, holding nothing meanwhile.
    fn poll_awake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Reader>> {
        if self.reader.is_none() {
            let stream = &mut self.stream;
            let read = scratch::with(|scratch| {
                let read = ready!(Pin::new(stream).poll_read(cx, scratch))?;
                let read = scratch.get(..read).unwrap_or_default();
                let mut first = Vec::with_capacity(read.len().max(LEAST_READ));
                first.extend_from_slice(read);
                Poll::Ready(Ok::<_, io::Error>(first))
            });
            let first = ready!(read)?;
            if first.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.reader = Some(self.reader(first));
        }
        match &mut self.reader {
            Some(reader) => Poll::Ready(Ok(reader)),
            // Set just above.
            None => Poll::Pending,
        }
    }

    /// The next message, and what it was if it came compressed.
    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Message, Option<Mark>), WsError>> {
        // Not asked once it has given out everything: it would zero a buffer to find that out.
        let spent = |reader: &Reader| reader.fragments.is_spent() && reader.ahead.is_empty();
        if self.phase == Phase::Open && self.reader.as_deref().is_some_and(spent) {
            self.reader = None;
        }
        ready!(self.poll_awake(cx)).map_err(WsError::Io)?;
        let Some(reader) = &mut self.reader else {
            return Poll::Pending;
        };
        if reader.fragments.too_many() {
            return Poll::Ready(Err(WsError::Io(io::ErrorKind::InvalidData.into())));
        }
        let mut through = Through {
            stream: &mut self.stream,
            cx,
            ahead: &mut reader.ahead,
            fragments: &mut reader.fragments,
            out: &mut self.out,
        };
        match reader.context.read(&mut through) {
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // Between two messages tungstenite holds nothing but its buffer.
                if reader.fragments.at_rest() && self.phase == Phase::Open {
                    self.reader = None;
                }
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
            Ok(message) => {
                reader.fragments.take();
                let marks = &mut reader.fragments.marks;
                let mark = message.is_binary().then(|| marks.take()).flatten();
                Poll::Ready(Ok((message, mark)))
            }
        }
    }

    /// A message that came compressed, as it was. Else how the connection ends.
    fn inflate(&mut self, payload: &[u8], mark: Mark) -> Result<Frame, WsClosed> {
        let limit = self.limits.message;
        let inflated = self.deflate.as_mut().map(|it| it.inflate(payload, limit));
        let data = match inflated {
            Some(Ok(data)) => Bytes::from(data),
            Some(Err((code, cause))) => return Err(self.end(Some(code), cause)),
            // Nothing is marked where nothing was agreed on.
            None => return Err(self.end(Some(CloseCode::Protocol), WsClosed::Violation)),
        };
        if !mark.is_text() {
            return Ok(Frame::Binary(data));
        }
        ByteString::try_from(data)
            .map(Frame::Text)
            .map_err(|_| self.end(Some(CloseCode::Invalid), WsClosed::Violation))
    }

    /// What a failed read means, with the close frame it asks for queued.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "which variants there are depends on the features that others turn on"
    )]
    fn fail(&mut self, error: &WsError) -> WsClosed {
        let (code, cause) = match error {
            _ if self.reader.as_ref().is_some_and(|r| r.fragments.too_many()) => {
                (Some(CloseCode::Policy), WsClosed::Violation)
            }
            WsError::Capacity(_) => (Some(CloseCode::Size), WsClosed::TooLarge),
            WsError::Utf8(_) => (Some(CloseCode::Invalid), WsClosed::Violation),
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) | WsError::Io(_) => {
                (None, WsClosed::Lost)
            }
            WsError::ConnectionClosed | WsError::AlreadyClosed => (None, WsClosed::Closed),
            _ => (Some(CloseCode::Protocol), WsClosed::Violation),
        };
        self.end(code, cause)
    }

    fn end(&mut self, code: Option<CloseCode>, cause: WsClosed) -> WsClosed {
        self.reader = None;
        self.phase = match (code, cause) {
            (Some(code), _) => {
                self.out.close(code);
                Phase::Deaf
            }
            (None, WsClosed::Closed) => Phase::Deaf,
            (None, _) => Phase::Over,
        };
        cause
    }

    /// Closes our end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(Pin::new(&mut self.stream).poll_close(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Throws away what comes until the peer closes.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stream = &mut self.stream;
        scratch::with(|scratch| {
            for _ in 0..DRAIN_READS {
                match ready!(Pin::new(&mut *stream).poll_read(cx, scratch)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

/// Reads what has come, as much as the thread's buffer takes. Empty: the stream is at its end.
fn poll_read_ahead<S: Stream>(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    scratch::with(|scratch| {
        let read = ready!(Pin::new(stream).poll_read(cx, scratch))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(
            scratch.get(..read).unwrap_or_default(),
        )))
    })
}

fn length(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(data) => data.len(),
    }
}

/// Reads thrown away in one poll before others get their turn.
const DRAIN_READS: usize = 16;

impl<S: Stream> Transport for WebSocket<S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        loop {
            if matches!(self.phase, Phase::Deaf | Phase::Over) {
                return Poll::Ready(Received::Closed(WsClosed::Closed));
            }
            let frame = match ready!(self.poll_message(cx)) {
                // tungstenite has checked the UTF-8; the type does not carry that over.
                Ok((Message::Text(text), _)) => match ByteString::try_from(Bytes::from(text)) {
                    Ok(text) => Frame::Text(text),
                    Err(error) => {
                        let error = WsError::Utf8(error.to_string());
                        return Poll::Ready(Received::Closed(self.fail(&error)));
                    }
                },
                Ok((Message::Binary(data), None)) => Frame::Binary(data),
                Ok((Message::Binary(data), Some(mark))) => match self.inflate(&data, mark) {
                    Ok(frame) => frame,
                    Err(cause) => return Poll::Ready(Received::Closed(cause)),
                },
                Ok((Message::Ping(_) | Message::Pong(_) | Message::Frame(_), _)) => continue,
                Ok((Message::Close(_), _)) => {
                    // One more read queues the answer to it.
                    while let Poll::Ready(Ok(_)) = self.poll_message(cx) {}
                    self.reader = None;
                    self.phase = Phase::Deaf;
                    return Poll::Ready(Received::Closed(WsClosed::Closed));
                }
                Err(error) => return Poll::Ready(Received::Closed(self.fail(&error))),
            };
            // tungstenite knows the limit of what is on the wire.
            if self.deflate.is_some() && length(&frame) > self.limits.message {
                let cause = self.end(Some(CloseCode::Size), WsClosed::TooLarge);
                return Poll::Ready(Received::Closed(cause));
            }
            return Poll::Ready(Received::Frame(frame));
        }
    }

    fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.out.waiting() < ROOM
    }

    fn send(&mut self, head: &'static [u8], part: Part, compress: bool) {
        if self.phase != Phase::Open {
            return;
        }
        let (opcode, payload) = match &part {
            Part::Text(text) => (1, text),
            Part::Binary(data) => (2, data),
        };
        if compress
            && let Some(deflate) = &mut self.deflate
            && let Some(compressed) = deflate.deflate(head, payload)
        {
            return self.out.message(opcode | COMPRESSED, &[], &compressed);
        }
        self.out.message(opcode, head, payload);
    }

    fn close(&mut self, code: Option<u16>) {
        if self.phase != Phase::Open {
            return;
        }
        self.phase = Phase::Closing;
        // From now on tungstenite must know that its own state is closing.
        let (limits, marks) = (self.wire_limits(), self.marks());
        let reader = self
            .reader
            .get_or_insert_with(|| Reader::new(limits, Vec::new(), marks));
        let frame = code.map(|code| CloseFrame {
            code: CloseCode::from(code),
            reason: Utf8Bytes::from_static(""),
        });
        let mut sink = Sink(&mut self.out);
        if reader.context.close(&mut sink, frame).is_err() {
            self.phase = Phase::Deaf;
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
        let mut sent = 0;
        while self.out.waiting() > 0 {
            match Pin::new(&mut self.stream).poll_write(cx, self.out.rest()) {
                Poll::Pending => {
                    self.out.wait();
                    return (sent, Poll::Pending);
                }
                Poll::Ready(Ok(0)) => {
                    self.phase = Phase::Over;
                    self.out.clear();
                    return (sent, Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(count)) => {
                    sent += count;
                    self.out.advance(count);
                }
                Poll::Ready(Err(error)) => {
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
        if let Phase::Open = self.phase {
            self.close(None);
        }
        if self.phase == Phase::Closing {
            loop {
                match self.poll_message(cx) {
                    Poll::Ready(Ok(_)) => {}
                    // The peer's close frame came, or the stream ended: either way it is over.
                    Poll::Ready(Err(_)) => {
                        self.phase = Phase::Over;
                        break;
                    }
                    Poll::Pending => break,
                }
            }
        }
        let flushed = match self.poll_flush(cx).1 {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(flushed) => flushed,
        };
        if flushed.is_err() {
            return Poll::Ready(());
        }
        match self.phase {
            Phase::Open | Phase::Closing => Poll::Pending,
            Phase::Deaf => {
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

impl Reader {
    /// `first` is what was read already; it becomes tungstenite's buffer as it is.
    fn new(limits: Limits, mut first: Vec<u8>, marks: Marks) -> Box<Self> {
        let piece = first.len().clamp(LEAST_READ, PIECE);
        let mut fragments = Fragments::new(limits.fragments, marks);
        // Too many of them are noticed by `too_many` before the first message is taken.
        let _ = fragments.pass(&mut first);
        let config = WebSocketConfig::default()
            .read_buffer_size(piece)
            .write_buffer_size(0)
            .max_write_buffer_size(HELD_PONGS)
            .max_message_size(Some(limits.message))
            .max_frame_size(Some(limits.message));
        Box::new(Self {
            context: WebSocketContext::from_partially_read(first, Role::Server, Some(config)),
            fragments,
            ahead: Bytes::new(),
        })
    }
}

impl Outgoing {
    fn waiting(&self) -> usize {
        self.bytes.len().saturating_sub(self.written)
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.bytes.len());
    }

    fn clear(&mut self) {
        self.written = 0;
        if self.bytes.capacity() > 0 {
            scratch::give_back(std::mem::take(&mut self.bytes));
        }
    }

    /// The peer does not take more for now. What waits keeps no more memory than it needs, and the
    /// thread has its buffer back.
    fn wait(&mut self) {
        if self.written > 0 || self.bytes.capacity() / 2 > self.bytes.len() {
            let rest = self.rest().to_vec();
            self.clear();
            self.bytes = rest;
        }
    }

    fn open(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = scratch::outgoing();
        }
        &mut self.bytes
    }

    fn frame(&mut self, frame: RawFrame) {
        if frame.format(self.open()).is_err() {
            unreachable!("writing to a vector does not fail");
        }
    }

    /// A message in one frame. A server masks nothing (RFC 6455 §5.1).
    fn message(&mut self, opcode: u8, head: &[u8], payload: &[u8]) {
        const FINAL: u8 = 0x80;
        let length = head.len().saturating_add(payload.len());
        let out = self.open();
        out.reserve(length.saturating_add(10));
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..=125), _) => out.extend_from_slice(&[FINAL | opcode, length]),
            (_, Ok(length)) => {
                let [a, b] = length.to_be_bytes();
                out.extend_from_slice(&[FINAL | opcode, 126, a, b]);
            }
            (_, Err(_)) => {
                out.extend_from_slice(&[FINAL | opcode, 127]);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(head);
        out.extend_from_slice(payload);
    }

    fn close(&mut self, code: CloseCode) {
        self.frame(RawFrame::close(Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(""),
        })));
    }
}

/// Where tungstenite reads from and writes to during one call.
struct Through<'a, 'cx, S> {
    stream: &'a mut S,
    cx: &'a mut Context<'cx>,
    ahead: &'a mut Bytes,
    fragments: &'a mut Fragments,
    out: &'a mut Outgoing,
}

impl<S: Stream> Read for Through<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() && buffer.len() < SMALL_READ {
            match poll_read_ahead(self.stream, self.cx) {
                Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
                Poll::Ready(ahead) => *self.ahead = ahead?,
            }
        }
        let count = if self.ahead.is_empty() && buffer.len() >= SMALL_READ {
            match Pin::new(&mut *self.stream).poll_read(self.cx, buffer) {
                Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
                Poll::Ready(read) => read?,
            }
        } else {
            let count = buffer.len().min(self.ahead.len());
            let part = self.ahead.split_to(count);
            if let Some(space) = buffer.get_mut(..count) {
                space.copy_from_slice(&part);
            }
            count
        };
        if !self
            .fragments
            .pass(buffer.get_mut(..count).unwrap_or_default())
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(count)
    }
}

impl<S> Write for Through<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Sink(self.out).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// tungstenite's own frames (pongs, closes) join ours; while the peer reads nothing they wait inside
/// tungstenite, which keeps the latest only.
struct Sink<'a>(&'a mut Outgoing);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.waiting() >= ROOM {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.open().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Sink<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl<S> std::fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    use super::*;

    #[test]
    fn a_message_is_the_frame_that_tungstenite_writes() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; length];
            for head in [&b""[..], &[4]] {
                let mut out = Outgoing::default();
                out.message(2, head, &payload);
                let whole = [head, &payload].concat();
                let frame = RawFrame::message(whole, OpCode::Data(Data::Binary), true);
                let mut expected = Vec::new();
                frame.format(&mut expected).unwrap();
                assert_eq!(out.rest(), expected, "{length}");
                out.clear();
            }
        }
    }

    /// A peer that says nothing more, and what was done to its stream.
    #[derive(Default)]
    struct Counted {
        writes: Vec<Vec<u8>>,
        closes: usize,
    }

    impl futures_io::AsyncRead for Counted {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    impl futures_io::AsyncWrite for Counted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.closes += 1;
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_held_response_leaves_with_the_first_frame_and_the_end_is_said_once() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let config = Config::default();
        let stream = Counted::default();
        let mut socket = WebSocket::server(stream, Bytes::new(), &config).after(b"101".to_vec());
        socket.send(b"", Part::Text(Bytes::from_static(b"0{}")), true);
        assert!(socket.poll_flush(&mut cx).1.is_ready());
        assert_eq!(socket.stream.writes, [b"101\x81\x030{}".to_vec()]);
        socket.phase = Phase::Deaf;
        for _ in 0..3 {
            assert!(socket.poll_finish(&mut cx).is_pending());
        }
        assert_eq!(socket.stream.closes, 1);
    }

    #[test]
    fn what_waits_keeps_no_more_than_itself_and_the_thread_no_more_than_it_may() {
        let mut out = Outgoing::default();
        out.message(2, b"", &[7; 1_000_000]);
        let all = out.rest().to_vec();
        out.advance(999_000);
        out.wait();
        assert_eq!(out.rest(), &all[999_000..]);
        assert!(out.bytes.capacity() < 2_000);
        out.clear();
        assert!(scratch::outgoing().capacity() <= 256 * 1024);
    }
}
