//! Messages that are not as the protocol has them, read: as msgpack, or by a parser of the application's own.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::codec::{Codec, Way, guarded};
#[cfg(feature = "msgpack")]
use super::msgpack;
use super::text::checked;
use super::{Decoder, Parser};
use crate::message::Message;
use crate::packet::{Fault, Limits, Packet};
use crate::protocol::Protocol;

/// Whatever reads them, on one connection.
pub(crate) struct CustomDecoder {
    codec: Codec,
    /// None before the first message, after a fault, and in a clone.
    decoder: Option<Box<dyn Decoder>>,
    /// The messages that have come since the last packet was whole. What the decoder keeps of them cannot be
    /// seen from here, nor cloned: that of a clone is given them again.
    pending: Vec<Message>,
    /// The bytes of all but the first.
    bytes: usize,
}

impl fmt::Debug for CustomDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomDecoder")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl Clone for CustomDecoder {
    fn clone(&self) -> Self {
        Self {
            codec: self.codec.clone(),
            decoder: None,
            pending: self.pending.clone(),
            bytes: self.bytes,
        }
    }
}

impl Hash for CustomDecoder {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pending.hash(state);
    }
}

impl CustomDecoder {
    /// None if the codec is the built-in one.
    pub(crate) fn new(codec: &Codec) -> Option<Self> {
        codec.way()?;
        Some(Self {
            codec: codec.clone(),
            decoder: None,
            pending: Vec::new(),
            bytes: 0,
        })
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// A message has arrived. `None`: more of them make a packet.
    pub(crate) fn add(
        &mut self,
        message: Message,
        protocol: Protocol,
        limits: &Limits,
    ) -> Result<Option<Packet>, Fault> {
        let parser = match self.codec.way() {
            Some(Way::Own(parser, _)) => &**parser,
            #[cfg(feature = "msgpack")]
            Some(Way::Msgpack) => return msgpack::read(&message, protocol, limits).map(Some),
            None => return Err(Fault::Payload),
        };
        if !self.pending.is_empty() {
            self.bytes = self.bytes.saturating_add(message.len());
            if self.pending.len() > limits.attachments || self.bytes > limits.binary {
                return Err(Fault::TooManyAttachments);
            }
        }
        let shared = message.clone();
        let (decoder, pending) = (&mut self.decoder, &self.pending);
        let read = guarded(|| {
            let decoder = decoder.get_or_insert_with(|| refilled(parser, pending, limits));
            decoder.add(message, limits)
        });
        let Some(packet) = read.map_err(|_panicked| Fault::Panicked)?? else {
            // It may wait long, and must not keep a read buffer alive.
            self.pending.push(shared.detached());
            return Ok(None);
        };
        self.forget();
        checked(packet, protocol, limits).map(Some)
    }

    /// Forgets what has arrived of a packet.
    pub(crate) fn reset(&mut self) {
        self.forget();
        let decoder = self.decoder.take();
        // Its destructor is the application's code, too.
        let _ = guarded(|| drop(decoder));
    }

    /// Nothing has arrived of the next packet.
    fn forget(&mut self) {
        self.pending = Vec::new();
        self.bytes = 0;
    }
}

impl Drop for CustomDecoder {
    fn drop(&mut self) {
        self.reset();
    }
}

/// A decoder that has come as far as one that was given these messages, none of which made a packet whole.
fn refilled(parser: &dyn Parser, pending: &[Message], limits: &Limits) -> Box<dyn Decoder> {
    let mut decoder = parser.decoder();
    for message in pending {
        let _ = decoder.add(message.clone(), limits);
    }
    decoder
}

#[cfg(test)]
mod tests;
