//! Several packets in one polling body (§5).
//!
//! Reading shares the body's memory; writing puts every packet, base64 included, straight into the
//! body, which is allocated once.

mod binary;
mod counted;
mod entry;
mod separated;

use bytes::Bytes;
use bytestring::ByteString;

use super::{Packet, PacketError};
use crate::message::Part;
use crate::protocol::Eio;

/// How packets are put together into one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Revision 4: text, a separator between two packets (§5.3).
    Separated,
    /// Revision 3 as text: each packet behind its length (§5.1).
    Counted,
    /// Revision 3 as bytes: each packet behind its kind and its length (§5.2).
    Binary,
}

impl Framing {
    /// The one in which a revision writes packets. Bytes are only for those that are `binary` to a client
    /// that takes them as they are.
    pub const fn of(revision: Eio, binary: bool) -> Self {
        match revision {
            Eio::V3 if binary => Self::Binary,
            Eio::V3 => Self::Counted,
            Eio::V4 => Self::Separated,
        }
    }
}

/// A body that has arrived, and how its packets are put together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// As [`Framing::Separated`].
    Separated(ByteString),
    /// As [`Framing::Counted`].
    Counted(ByteString),
    /// As [`Framing::Binary`].
    Binary(Bytes),
}

impl Body {
    /// No packets, and no fault either.
    pub const NOTHING: Self = Self::Binary(Bytes::new());

    /// Text, as a revision has it.
    pub const fn text(revision: Eio, text: ByteString) -> Self {
        match revision {
            Eio::V3 => Self::Counted(text),
            Eio::V4 => Self::Separated(text),
        }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Separated(text) | Self::Counted(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The packets of a body, one after the other. Ends after the first error.
#[derive(Clone, Debug, Hash)]
pub struct Payload {
    body: Body,
    /// Where the next packet begins; `None` behind the last one.
    at: Option<usize>,
    left: usize,
}

impl Payload {
    /// Bytes of the body, which is kept until all is read.
    pub(super) fn size(&self) -> usize {
        self.body.len()
    }
}

/// Reads a body of at most `limit` packets.
pub fn split(body: Body, limit: usize) -> Payload {
    let nothing = matches!(&body, Body::Binary(bytes) if bytes.is_empty());
    Payload {
        body,
        at: (!nothing).then_some(0),
        left: limit,
    }
}

impl Iterator for Payload {
    type Item = Result<Packet, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.at.take()?;
            let Some(left) = self.left.checked_sub(1) else {
                return Some(Err(PacketError::TooMany));
            };
            self.left = left;
            let entry = match &self.body {
                Body::Separated(text) => {
                    let packet = separated::read(text, at, &mut self.at);
                    if packet.is_err() {
                        self.at = None;
                    }
                    return Some(packet);
                }
                Body::Counted(text) => counted::read(text, at, &mut self.at),
                Body::Binary(bytes) => binary::read(bytes, at, &mut self.at),
            };
            if let Some(packet) = entry.transpose() {
                return Some(packet);
            }
        }
    }
}

/// A body being written.
#[derive(Debug)]
pub struct Writer {
    framing: Framing,
    body: Vec<u8>,
    begun: bool,
}

impl Writer {
    /// An empty body with room for `capacity` bytes.
    pub fn new(framing: Framing, capacity: usize) -> Self {
        Self {
            framing,
            body: Vec::with_capacity(capacity),
            begun: false,
        }
    }

    /// One more packet. Bytes travel as base64 where the body is text.
    pub fn push(&mut self, part: &Part) {
        let begun = std::mem::replace(&mut self.begun, true);
        match self.framing {
            Framing::Separated => separated::write(&mut self.body, part, !begun),
            Framing::Counted => counted::write(&mut self.body, part),
            Framing::Binary => binary::write(&mut self.body, part),
        }
    }

    /// One more packet: a binary message whose base64 is known. Bodies of bytes have no use for it.
    pub(super) fn push_base64(&mut self, digits: &[u8]) {
        let begun = std::mem::replace(&mut self.begun, true);
        match self.framing {
            Framing::Separated => separated::write_digits(&mut self.body, digits, !begun),
            Framing::Counted | Framing::Binary => counted::write_digits(&mut self.body, digits),
        }
    }

    /// Bytes that were written.
    pub(crate) const fn len(&self) -> usize {
        self.body.len()
    }

    /// Takes back what was written behind the first packets.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.body.truncate(len);
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        !self.begun
    }

    /// The body.
    pub fn finish(mut self) -> Bytes {
        // Revision 3 has a word for no packet at all.
        if !self.begun && self.framing == Framing::Counted {
            self.body.extend_from_slice(b"0:");
        }
        self.body.into()
    }
}

/// The packets of a [`Framing::Binary`] body, for a client that turns out to take nothing but text.
pub(super) fn as_text(body: &Bytes) -> Bytes {
    let mut writer = Writer::new(Framing::Counted, body.len().saturating_mul(2));
    for packet in split(Body::Binary(body.clone()), usize::MAX).flatten() {
        writer.push(&packet.to_part());
    }
    writer.finish()
}

#[cfg(test)]
mod tests;
