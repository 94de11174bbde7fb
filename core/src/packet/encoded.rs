//! A packet ready for the wire.

use std::sync::Arc;

use bytes::Bytes;

/// A message ready for the wire, the engine's type digit included (`42["tick",1]`), cheap to clone.
///
/// One encoding serves every recipient of a broadcast: a clone counts references, it copies nothing.
/// It is one pointer wide, since a burst of broadcasts writes it into every recipient's mailbox and
/// queue. A packet with attachments is one value, so that the frames of two packets never interleave
/// (§15).
#[derive(Clone, Debug)]
pub struct Encoded(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A text frame, or the one binary frame of a raw Engine.IO message.
    first: Part,
    /// What follows a text frame, as binary frames.
    attachments: Box<[Bytes]>,
    /// The bytes of all frames.
    size: usize,
}

/// One frame of an [`Encoded`] packet, for WebSocket as it is, for polling to be joined into a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// UTF-8 text that begins with the engine's packet type.
    Text(Bytes),
    /// The bytes of a binary message, without any prefix.
    Binary(Bytes),
}

impl Encoded {
    /// A packet whose text is written, engine digit included, with its attachments in order.
    pub(crate) fn text(text: Bytes, attachments: Vec<Bytes>) -> Self {
        debug_assert!(std::str::from_utf8(&text).is_ok());
        Self::new(Part::Text(text), attachments.into())
    }

    /// A binary Engine.IO message of its own.
    pub(crate) fn binary(data: Bytes) -> Self {
        Self::new(Part::Binary(data), Box::default())
    }

    fn new(first: Part, attachments: Box<[Bytes]>) -> Self {
        let size = attachments
            .iter()
            .fold(first.bytes().len(), |sum, it| sum.saturating_add(it.len()));
        Self(Arc::new(Inner {
            first,
            attachments,
            size,
        }))
    }

    /// Its frames, in the order in which they must be sent.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        (0..self.packets()).filter_map(|index| self.part(index))
    }

    /// One of its frames.
    pub fn part(&self, index: usize) -> Option<Part> {
        match index.checked_sub(1) {
            None => Some(self.0.first.clone()),
            Some(index) => self.0.attachments.get(index).cloned().map(Part::Binary),
        }
    }

    /// Its first frame, which is the only one of a packet without attachments.
    pub(crate) fn into_part(self) -> Part {
        // Moved out of a packet for one client: its bytes are never counted by reference.
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.first,
            Err(shared) => shared.first.clone(),
        }
    }

    /// How many frames it has.
    pub fn packets(&self) -> usize {
        self.0.attachments.len().saturating_add(1)
    }

    /// Whether any of its frames is binary.
    pub(crate) fn has_bytes(&self) -> bool {
        match self.0.first {
            Part::Text(_) => !self.0.attachments.is_empty(),
            Part::Binary(_) => true,
        }
    }

    /// The bytes of all its frames, before any base64.
    pub fn size(&self) -> usize {
        self.0.size
    }
}

impl Part {
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod shape {
    use super::*;

    #[test]
    fn a_packet_is_one_pointer() {
        assert_eq!(size_of::<Encoded>(), size_of::<usize>());
    }
}
