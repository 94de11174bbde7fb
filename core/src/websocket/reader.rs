//! The frames of one peer, read into messages.

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;

use super::frame::{Head, Opcode, Role, mask};
use super::violation::Violation;
use crate::config::Config;

/// Reads the frames of one peer (RFC 6455 §5, §6.2).
///
/// [`feed`](Self::feed) it with what was read, then [`poll`](Self::poll) until that gives `None`. After a
/// [`Violation`] or an [`Incoming::Close`] it is at its end: what still comes means nothing.
///
/// ```
/// use sio_core::websocket::{Incoming, Limits, Reader, Role};
///
/// let mut reader = Reader::new(Role::Server, Limits::default());
/// // A client's `hi`, masked with four zeroes.
/// reader.feed(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
/// assert_eq!(reader.poll(), Ok(Some(Incoming::Text("hi".into()))));
/// assert_eq!(reader.poll(), Ok(None));
/// ```
#[derive(Clone, Debug, Hash)]
pub struct Reader {
    role: Role,
    limits: Limits,
    /// What was read and not given out.
    ahead: BytesMut,
    /// Whether messages that were given out may share the memory of `ahead`.
    shared: bool,
    /// The message of which some frames have come, and its last has not.
    partial: Option<Partial>,
}

/// What a peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of a message on the wire, all its frames together. 1 000 000.
    pub message: usize,
    /// Frames of a message. Bytes alone would let a peer send empty ones for ever. 1024.
    pub fragments: usize,
    /// Whether messages may be compressed, because that was agreed on. `false`.
    pub deflate: bool,
}

impl Limits {
    /// Those that a server's configuration has, for a WebSocket on which nothing is compressed.
    ///
    /// ```
    /// use sio_core::config::Config;
    /// use sio_core::websocket::{Limits, Reader, Role};
    ///
    /// let limits = Limits::of(&Config::v4().max_http_buffer_size(5000));
    /// assert_eq!((limits.message, limits.fragments, limits.deflate), (5000, 1024, false));
    /// let reader = Reader::new(Role::Server, limits);
    /// ```
    pub const fn of(config: &Config) -> Self {
        Self {
            message: config.max_http_buffer_size,
            fragments: config.max_fragments,
            deflate: false,
        }
    }

    /// The same where it was agreed on that messages may be compressed, if so: more bytes may be on the wire
    /// then, since what cannot shrink grows a little. What they become is for the caller to limit.
    #[must_use]
    pub const fn deflate(mut self, agreed: bool) -> Self {
        if agreed && !self.deflate {
            let growth = (self.message / 16).saturating_add(64);
            self.message = self.message.saturating_add(growth);
        }
        self.deflate |= agreed;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 1_000_000,
            fragments: 1024,
            deflate: false,
        }
    }
}

/// What a peer has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
    /// A message that is compressed (RFC 7692); nothing is known of what it will be.
    Compressed {
        /// Whether it must turn out to be UTF-8.
        text: bool,
        /// As it came.
        payload: Bytes,
    },
    /// A ping, to be answered with a pong that carries the same.
    Ping(Bytes),
    /// A pong, with what it carries.
    Pong(Bytes),
    /// The closing handshake, with the peer's code.
    Close(Option<u16>),
}

/// A message that is not whole yet.
#[derive(Clone, Debug, Hash)]
struct Partial {
    text: bool,
    compressed: bool,
    frames: usize,
    data: Vec<u8>,
    /// So much of `data` is known to be UTF-8, if it must be.
    checked: usize,
}

impl Reader {
    /// One at its beginning, at this end of the connection.
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            ahead: BytesMut::new(),
            shared: false,
            partial: None,
        }
    }

    /// What was read, in any pieces. It is copied.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.ahead.extend_from_slice(bytes);
    }

    /// Whether nothing has come that was not given out: a reader made anew would do as well.
    pub fn is_at_rest(&self) -> bool {
        self.ahead.is_empty() && self.partial.is_none()
    }

    /// The next message, `None` until more is fed.
    ///
    /// # Errors
    /// What the peer did wrong. The connection is to be closed, with the [`code`](Violation::code) of it.
    pub fn poll(&mut self) -> Result<Option<Incoming>, Violation> {
        loop {
            let Some(head) = Head::read(&self.ahead, self.role, self.limits.deflate)? else {
                return Ok(self.rest());
            };
            self.check(&head)?;
            // No more than the limit, which is a `usize`.
            let length = usize::try_from(head.length).map_err(|_| Violation::TooLarge)?;
            if self.ahead.len().saturating_sub(head.size) < length {
                return Ok(self.rest());
            }
            self.ahead.advance(head.size);
            if self.role == Role::Server
                && let Some(payload) = self.ahead.get_mut(..length)
            {
                mask(payload, head.key);
            }
            if let Some(incoming) = self.frame(&head, length)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Nothing more can be given out. What is left may wait long: it keeps no memory but its own.
    fn rest(&mut self) -> Option<Incoming> {
        if std::mem::take(&mut self.shared) {
            self.ahead = BytesMut::from(&*self.ahead);
        }
        None
    }

    /// Whether the frame may come now, and may be that long.
    fn check(&self, head: &Head) -> Result<(), Violation> {
        let (had, frames) = match (head.opcode, &self.partial) {
            // The length of these is limited by itself.
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Continuation, Some(partial)) => (partial.data.len(), partial.frames),
            (Opcode::Text | Opcode::Binary, None) => (0, 0),
            (Opcode::Continuation, None) | (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(Violation::Fragmentation);
            }
        };
        if frames >= self.limits.fragments {
            return Err(Violation::TooManyFragments);
        }
        let room = self.limits.message.saturating_sub(had);
        if head.length > room as u64 {
            return Err(Violation::TooLarge);
        }
        Ok(())
    }

    /// A frame is whole, and its payload stands at the beginning of `ahead`.
    fn frame(&mut self, head: &Head, length: usize) -> Result<Option<Incoming>, Violation> {
        match head.opcode {
            Opcode::Text if head.last && !head.compressed => {
                ByteString::try_from(self.split(length))
                    .map(|text| Some(Incoming::Text(text)))
                    .map_err(|_| Violation::NotUtf8)
            }
            Opcode::Binary if head.last && !head.compressed => {
                Ok(Some(Incoming::Binary(self.split(length))))
            }
            Opcode::Text | Opcode::Binary if head.last => Ok(Some(Incoming::Compressed {
                text: head.opcode == Opcode::Text,
                payload: self.split(length),
            })),
            Opcode::Text | Opcode::Binary => {
                let begun = Partial {
                    text: head.opcode == Opcode::Text,
                    compressed: head.compressed,
                    frames: 0,
                    data: Vec::new(),
                    checked: 0,
                };
                self.put(begun, length, false)
            }
            Opcode::Continuation => {
                let begun = self.partial.take().ok_or(Violation::Fragmentation)?;
                self.put(begun, length, head.last)
            }
            Opcode::Ping => Ok(Some(Incoming::Ping(self.split(length)))),
            Opcode::Pong => Ok(Some(Incoming::Pong(self.split(length)))),
            Opcode::Close => {
                close_code(&self.split(length)).map(|code| Some(Incoming::Close(code)))
            }
        }
    }

    /// Puts a frame behind those of its message that came before.
    fn put(
        &mut self,
        mut partial: Partial,
        length: usize,
        last: bool,
    ) -> Result<Option<Incoming>, Violation> {
        let frame = self.ahead.get(..length).unwrap_or_default();
        partial.data.extend_from_slice(frame);
        self.ahead.advance(length);
        partial.frames = partial.frames.saturating_add(1);
        if partial.text && !partial.compressed {
            partial.check_utf8(last)?;
        }
        if !last {
            self.partial = Some(partial);
            return Ok(None);
        }
        let Partial {
            text,
            compressed,
            data,
            ..
        } = partial;
        let payload = Bytes::from(data);
        Ok(Some(match (compressed, text) {
            (true, text) => Incoming::Compressed { text, payload },
            (false, false) => Incoming::Binary(payload),
            (false, true) => {
                let text = ByteString::try_from(payload).map_err(|_| Violation::NotUtf8)?;
                Incoming::Text(text)
            }
        }))
    }

    /// The first bytes of what is ahead. All of it: it is given away, and nothing is counted by reference.
    fn split(&mut self, length: usize) -> Bytes {
        if length == self.ahead.len() {
            self.shared = false;
            return std::mem::take(&mut self.ahead).freeze();
        }
        self.shared = true;
        self.ahead.split_to(length).freeze()
    }
}

impl Partial {
    /// Checks what was not checked yet. A character may be cut by the end of a frame, not by that of the
    /// message.
    fn check_utf8(&mut self, last: bool) -> Result<(), Violation> {
        let unchecked = self.data.get(self.checked..).unwrap_or_default();
        match std::str::from_utf8(unchecked) {
            Ok(_) => self.checked = self.data.len(),
            Err(error) if error.error_len().is_none() && !last => {
                self.checked = self.checked.saturating_add(error.valid_up_to());
            }
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }
}

/// What a close frame says.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let [a, b, reason @ ..] = payload else {
        return match payload {
            [] => Ok(None),
            _ => Err(Violation::CloseCode),
        };
    };
    let code = u16::from_be_bytes([*a, *b]);
    // 1004 to 1006 and 1015 are never sent, what else is below 3000 is not given out yet.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(Violation::NotUtf8);
    }
    Ok(Some(code))
}

#[cfg(test)]
mod tests;
