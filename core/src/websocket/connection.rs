//! One WebSocket, as a server or a client.

use bytes::Bytes;
use bytestring::ByteString;

use super::frame::{FINAL, Opcode, RSV1, Role};
use super::masks::Masks;
use super::outgoing::Outgoing;
use super::reader::{Incoming, Limits, Reader};
use super::violation::Violation;
use super::write::{self, MessageType};
use crate::message::Message;

/// One WebSocket, from the handshake to its end (RFC 6455).
///
/// 1. Tell it what happened: [`handle_bytes`](Self::handle_bytes), [`handle_end`](Self::handle_end),
///    [`handle_written`](Self::handle_written), ..
/// 2. Ask for what you want: [`send`](Self::send) while it [`has_room`](Self::has_room), [`close`](Self::close).
/// 3. Carry out what it wants: [`poll_event`](Self::poll_event) until there is none, write what
///    [`poll_output`](Self::poll_output) gives.
/// 4. After an [`Event::Closed`]: [`close`](Self::close) it, if it says nothing by itself, and go by its
///    [`phase`](Self::phase).
///
/// Pings are answered, and what breaks a rule is told to the peer by the code for it. Messages in fragments
/// come out whole.
///
/// ```
/// use sio_core::websocket::write::MessageType;
/// use sio_core::websocket::{Connection, Event, Limits, Masks};
///
/// let mut client = Connection::client(Limits::default(), Masks::from_random([7; 16]), ());
/// let mut server = Connection::server(Limits::default(), ());
/// client.send(MessageType::Text, b"", &"hi".into(), false);
/// server.handle_bytes(client.poll_output());
/// assert_eq!(server.poll_event(), Some(Event::Message("hi".into())));
/// assert_eq!(server.poll_event(), None);
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Connection<E> {
    /// Only while a message is under way: between messages there is no buffer to read into.
    reader: Option<Box<Reader>>,
    out: Outgoing,
    /// Bytes of a message, inflated, and its frames.
    message: usize,
    fragments: usize,
    phase: Phase,
    /// Whether the stream has ended. It is said behind what came before.
    lost: bool,
    rare: Option<Box<Rare>>,
    embedder: E,
}

/// What few connections have.
#[derive(Clone, Debug, Default, Hash)]
struct Rare {
    /// A client's.
    masks: Option<Masks>,
    /// The answer to the last ping, while the peer takes nothing: earlier ones need none (§5.5.3).
    pong: Option<Box<[u8]>>,
}

/// What a [`Connection`] is given by who embeds it: compression, and memory.
pub trait Embedder {
    /// Whether it was agreed on that messages may be compressed.
    fn compresses(&self) -> bool {
        false
    }

    /// `head`, and `payload` behind it, as the payload of a compressed message (RFC 7692 §7.2.1). `None`: it
    /// goes as it is. Only asked where compression was agreed on.
    fn deflate(&mut self, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        let _ = (head, payload);
        None
    }

    /// The message of which this is the payload (§7.2.2), if it has no more than `limit` bytes. Only asked
    /// where compression was agreed on.
    ///
    /// # Errors
    /// It is too large, or nothing that was compressed.
    fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
        let _ = (payload, limit);
        Err(Unfit::Malformed)
    }

    /// An empty buffer for frames.
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// What [`buffer`](Self::buffer) gave, once all that was in it is written.
    fn give_back(&mut self, buffer: Vec<u8>) {
        let _ = buffer;
    }
}

/// Nothing is compressed, and memory is the allocator's.
impl Embedder for () {}

/// Why a message cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is larger than a message may be; it was inflated no further.
    TooLarge,
    /// It is not what deflate makes.
    Malformed,
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// A ping. It is answered.
    Ping,
    /// A pong, with what it carries.
    Pong(Bytes),
    /// Something that means nothing any more, since this end has said goodbye.
    Ignored,
    /// The connection is over; nothing comes after this. What was said until now may still be sent; what must
    /// be said besides, [`Connection::close`] says.
    Closed(End),
}

/// How a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer said goodbye, by this code.
    Goodbye(Option<u16>),
    /// The peer broke a rule.
    Violation(Violation),
    /// The stream ended, or broke.
    Lost,
}

/// How far a WebSocket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Both ends may speak.
    Open,
    /// The peer broke a rule, and nothing more is understood. [`Connection::close`] tells it so by this code,
    /// after what was answered before.
    Failed(u16),
    /// We sent a close frame and wait for the peer's.
    Closing,
    /// The peer said goodbye and is answered; it has nothing more to say (§5.5.1). When that is written the
    /// stream may be closed: nothing is unread that would make a reset of it.
    Answered,
    /// All is said, and nothing more is understood. When it is written our end is to be closed; what still
    /// comes is thrown away until the peer closes too.
    Deaf,
    /// The stream is broken, or both have said goodbye: it is to be closed.
    Over,
}

/// Bytes queued before more is asked to wait. One socket buffer's worth keeps the pipe full.
const ROOM: usize = 64 * 1024;

impl<E: Embedder> Connection<E> {
    /// The end of who was asked, once it has agreed.
    pub fn server(limits: Limits, embedder: E) -> Self {
        Self::new(limits, None, embedder)
    }

    /// The end of who has asked, once the other has agreed.
    pub fn client(limits: Limits, masks: Masks, embedder: E) -> Self {
        let rare = Rare {
            masks: Some(masks),
            pong: None,
        };
        Self::new(limits, Some(Box::new(rare)), embedder)
    }

    fn new(limits: Limits, rare: Option<Box<Rare>>, embedder: E) -> Self {
        Self {
            reader: None,
            out: Outgoing::default(),
            message: limits.message,
            fragments: limits.fragments,
            phase: Phase::Open,
            lost: false,
            rare,
            embedder,
        }
    }

    /// The same, if something is still to be written: it leaves before the first frame.
    #[must_use]
    pub fn after(mut self, first: Vec<u8>) -> Self {
        self.out = Outgoing::after(first);
        self
    }

    /// What was read, in any pieces. It is copied.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        match self.phase {
            Phase::Open | Phase::Closing if !bytes.is_empty() => {
                let (role, limits) = (self.role(), self.limits());
                self.reader
                    .get_or_insert_with(|| Box::new(Reader::new(role, limits)))
                    .feed(bytes);
            }
            // One that has said goodbye and talks on is one more that breaks a rule.
            Phase::Answered if !bytes.is_empty() => self.phase = Phase::Deaf,
            Phase::Open
            | Phase::Failed(_)
            | Phase::Closing
            | Phase::Answered
            | Phase::Deaf
            | Phase::Over => {}
        }
    }

    /// The stream has ended, or broke, as far as it can be read.
    pub fn handle_end(&mut self) {
        match self.phase {
            Phase::Open | Phase::Closing => self.lost = true,
            // It may still listen to what it did wrong.
            Phase::Failed(_) => {}
            Phase::Answered | Phase::Deaf | Phase::Over => self.phase = Phase::Over,
        }
    }

    /// So much of what [`poll_output`](Self::poll_output) gave is written.
    pub fn handle_written(&mut self, count: usize) {
        self.out.advance(count);
    }

    /// The peer takes no more for now: what waits for it keeps no memory but its own.
    pub fn handle_blocked(&mut self) {
        if let Some(buffer) = self.out.wait() {
            self.embedder.give_back(buffer);
        }
    }

    /// The stream broke while it was written.
    pub fn handle_broken(&mut self) {
        self.reader = None;
        self.phase = Phase::Over;
        self.release();
    }

    /// Queues one message: `head`, and `payload` behind it, which for a [`MessageType::Text`] are UTF-8. `compress`:
    /// it may be compressed, if that was agreed on. Once nothing may be said any more it is dropped.
    pub fn send(&mut self, kind: MessageType, head: &[u8], payload: &Bytes, compress: bool) {
        if !self.may_send() {
            return;
        }
        let first = FINAL | kind.opcode().bits();
        if compress
            && self.embedder.compresses()
            && let Some(compressed) = self.embedder.deflate(head, payload)
        {
            return self.frame(first | RSV1, &[], &compressed);
        }
        self.frame(first, head, payload);
    }

    /// Queues messages that [`write::message`] has laid out, one behind the other, unless there is no room for
    /// all of them, or they would have to be compressed or masked. `false`: they are to be sent one by one.
    pub fn send_frames(&mut self, frames: &[u8], compress: bool) -> bool {
        let fits = self.out.waiting().saturating_add(frames.len()) <= ROOM;
        if !self.may_send()
            || !fits
            || self.role() == Role::Client
            || (compress && self.embedder.compresses())
        {
            return false;
        }
        let Self { out, embedder, .. } = self;
        out.open(|| embedder.buffer()).extend_from_slice(frames);
        true
    }

    /// Queues a ping, with what its answer is to carry: 125 bytes at most (§5.5.2), what is beyond is cut off.
    pub fn ping(&mut self, payload: &[u8]) {
        if self.may_send() {
            let payload = payload.get(..CONTROL).unwrap_or(payload);
            self.frame(FINAL | Opcode::Ping.bits(), &[], payload);
        }
    }

    /// Says goodbye, by this code; if the peer broke a rule, by the code for that. Nothing may be sent after it.
    pub fn close(&mut self, code: Option<u16>) {
        self.close_saying(code, "");
    }

    /// The same, with a reason in words behind the code: 123 bytes of it at most, and none without a code.
    pub fn close_saying(&mut self, code: Option<u16>, reason: &str) {
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Closing;
                self.close_frame(code, reason);
            }
            Phase::Failed(code) => {
                self.phase = Phase::Deaf;
                self.close_frame(Some(code), "");
            }
            Phase::Closing | Phase::Answered | Phase::Deaf | Phase::Over => {}
        }
    }

    /// The next thing that has come. `None`: nothing until more is told.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(reader) = &mut self.reader {
            match reader.poll() {
                // What comes most often has the shortest way.
                Ok(Some(Incoming::Text(text)))
                    if self.phase == Phase::Open && text.len() <= self.message =>
                {
                    return Some(Event::Message(Message::Text(text)));
                }
                Ok(Some(Incoming::Binary(data)))
                    if self.phase == Phase::Open && data.len() <= self.message =>
                {
                    return Some(Event::Message(Message::Binary(data)));
                }
                Ok(Some(incoming)) => return Some(self.take(incoming)),
                Ok(None) if reader.is_at_rest() => self.reader = None,
                Ok(None) => {}
                Err(why) => return Some(self.fail(why)),
            }
        }
        if self.lost && matches!(self.phase, Phase::Open | Phase::Closing) {
            self.reader = None;
            self.phase = Phase::Over;
            return Some(Event::Closed(End::Lost));
        }
        None
    }

    /// What is to be written next. Nothing: all is.
    pub fn poll_output(&mut self) -> &[u8] {
        if self.out.waiting() == 0 {
            self.out_of_words();
        }
        self.out.rest()
    }

    /// Whether another frame may be queued now.
    pub fn has_room(&self) -> bool {
        self.may_send() && self.out.waiting() < ROOM
    }

    /// How far it has come.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        match &self.rare {
            Some(rare) if rare.masks.is_some() => Role::Client,
            Some(_) | None => Role::Server,
        }
    }

    /// What the peer may send.
    fn limits(&self) -> Limits {
        let limits = Limits {
            message: self.message,
            fragments: self.fragments,
            deflate: false,
        };
        limits.deflate(self.embedder.compresses())
    }

    /// Whether what is said now reaches the peer.
    const fn may_send(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Failed(_))
    }

    /// What is no message in its usual form, or too long for one.
    #[inline(never)]
    fn take(&mut self, incoming: Incoming) -> Event {
        if self.phase == Phase::Closing {
            return self.farewell(incoming);
        }
        match incoming {
            // Where messages may be compressed the reader lets more through.
            Incoming::Text(_) | Incoming::Binary(_) => self.fail(Violation::TooLarge),
            Incoming::Compressed { text, payload } => match self.inflate(&payload, text) {
                Ok(message) => Event::Message(message),
                Err(why) => self.fail(why),
            },
            Incoming::Ping(payload) => {
                self.pong(&payload);
                Event::Ping
            }
            Incoming::Pong(payload) => Event::Pong(payload),
            Incoming::Close(code) => {
                self.close_frame(code, "");
                self.reader = None;
                self.phase = Phase::Answered;
                Event::Closed(End::Goodbye(code))
            }
        }
    }

    /// Waits for the peer's close frame, and for nothing else of what it says.
    fn farewell(&mut self, incoming: Incoming) -> Event {
        match incoming {
            Incoming::Close(code) => {
                self.reader = None;
                self.phase = Phase::Over;
                Event::Closed(End::Goodbye(code))
            }
            Incoming::Text(_)
            | Incoming::Binary(_)
            | Incoming::Compressed { .. }
            | Incoming::Ping(_)
            | Incoming::Pong(_) => Event::Ignored,
        }
    }

    /// A message that came compressed, as it was.
    fn inflate(&mut self, payload: &[u8], text: bool) -> Result<Message, Violation> {
        let data = match self.embedder.inflate(payload, self.message) {
            Ok(data) => Bytes::from(data),
            Err(Unfit::TooLarge) => return Err(Violation::TooLarge),
            Err(Unfit::Malformed) => return Err(Violation::Compression),
        };
        if !text {
            return Ok(Message::Binary(data));
        }
        ByteString::try_from(data)
            .map(Message::Text)
            .map_err(|_| Violation::NotUtf8)
    }

    /// The peer broke a rule: it is told so when what was answered before has left. Where goodbye is said
    /// already there is nothing to tell.
    fn fail(&mut self, why: Violation) -> Event {
        self.reader = None;
        self.phase = match self.phase {
            Phase::Closing => Phase::Over,
            Phase::Open | Phase::Failed(_) | Phase::Answered | Phase::Deaf | Phase::Over => {
                Phase::Failed(why.code())
            }
        };
        Event::Closed(End::Violation(why))
    }

    fn pong(&mut self, payload: &[u8]) {
        let kept = if self.out.waiting() < ROOM {
            self.frame(FINAL | Opcode::Pong.bits(), &[], payload);
            None
        } else {
            Some(payload.into())
        };
        if kept.is_some() || self.rare.is_some() {
            self.rare.get_or_insert_default().pong = kept;
        }
    }

    /// All is written but the answer to a ping, if there is one.
    fn out_of_words(&mut self) {
        let kept = self.rare.as_mut().and_then(|rare| rare.pong.take());
        if let Some(payload) = kept
            && self.may_send()
        {
            return self.frame(FINAL | Opcode::Pong.bits(), &[], &payload);
        }
        self.release();
    }

    fn release(&mut self) {
        if let Some(buffer) = self.out.clear() {
            self.embedder.give_back(buffer);
        }
    }

    fn close_frame(&mut self, code: Option<u16>, reason: &str) {
        let first = FINAL | Opcode::Close.bits();
        let Some(code) = code else {
            return self.frame(first, &[], &[]);
        };
        let mut payload = code.to_be_bytes().to_vec();
        let room = reason.len().min(CONTROL.saturating_sub(payload.len()));
        // Whole characters: the other end checks that it is text.
        let whole = (0..=room).rev().find_map(|end| reason.get(..end));
        payload.extend_from_slice(whole.unwrap_or_default().as_bytes());
        self.frame(first, &[], &payload);
    }

    fn frame(&mut self, first: u8, head: &[u8], payload: &[u8]) {
        let masks = self.rare.as_mut().and_then(|rare| rare.masks.as_mut());
        let key = masks.map(Masks::draw);
        let Self { out, embedder, .. } = self;
        write::frame(out.open(|| embedder.buffer()), first, key, head, payload);
    }
}

/// The longest payload of a control frame (§5.5).
const CONTROL: usize = 125;

#[cfg(test)]
mod tests;
