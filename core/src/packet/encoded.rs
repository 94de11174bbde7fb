//! A packet ready for the wire.

use std::sync::Arc;

use bytes::Bytes;

/// A message ready for the wire, the engine's type digit included (`42["tick",1]`), cheap to clone.
///
/// One encoding serves every recipient of a broadcast: a clone counts references, it copies nothing.
/// A packet with attachments is one value, so that the frames of two packets never interleave (§15).
#[derive(Clone, Debug)]
pub struct Encoded(Form);

#[derive(Clone, Debug)]
enum Form {
    /// A text frame, UTF-8, then its attachments as binary frames.
    Text {
        text: Bytes,
        attachments: Option<Arc<[Bytes]>>,
    },
    /// One binary frame on its own: a raw Engine.IO message.
    Binary(Bytes),
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
        Self(Form::Text {
            text,
            attachments: (!attachments.is_empty()).then(|| attachments.into()),
        })
    }

    /// A binary Engine.IO message of its own.
    pub(crate) const fn binary(data: Bytes) -> Self {
        Self(Form::Binary(data))
    }

    /// Its frames, in the order in which they must be sent.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        (0..self.packets()).filter_map(|index| self.part(index))
    }

    /// One of its frames.
    pub fn part(&self, index: usize) -> Option<Part> {
        match (&self.0, index.checked_sub(1)) {
            (Form::Text { text, .. }, None) => Some(Part::Text(text.clone())),
            (Form::Text { attachments, .. }, Some(index)) => {
                attachments.as_ref()?.get(index).cloned().map(Part::Binary)
            }
            (Form::Binary(data), None) => Some(Part::Binary(data.clone())),
            (Form::Binary(_), Some(_)) => None,
        }
    }

    /// Its first frame, which is the only one of a packet without attachments.
    pub(crate) fn into_part(self) -> Part {
        match self.0 {
            Form::Text { text, .. } => Part::Text(text),
            Form::Binary(data) => Part::Binary(data),
        }
    }

    /// How many frames it has.
    pub fn packets(&self) -> usize {
        match &self.0 {
            Form::Text { attachments, .. } => attachments
                .as_ref()
                .map_or(0, |a| a.len())
                .saturating_add(1),
            Form::Binary(_) => 1,
        }
    }

    /// Whether any of its frames is binary.
    pub(crate) fn has_bytes(&self) -> bool {
        match &self.0 {
            Form::Text { attachments, .. } => attachments.is_some(),
            Form::Binary(_) => true,
        }
    }

    /// The bytes of all its frames, before any base64.
    pub fn size(&self) -> usize {
        match &self.0 {
            Form::Text { text, attachments } => attachments
                .iter()
                .flat_map(|a| a.iter())
                .fold(text.len(), |sum, part| sum.saturating_add(part.len())),
            Form::Binary(data) => data.len(),
        }
    }
}
