//! What has arrived, put together into packets: by the protocol's own way or the application's parser, at
//! either end (§15).

use std::time::Duration;

use crate::message::Message;
use crate::packet::{Codec, CustomDecoder, Decoder, Fault, Limits, Packet};
use crate::protocol::Protocol;
use crate::time::Instant;

/// Reads the messages of one connection into packets, and knows how long one may take.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Inbox {
    protocol: Protocol,
    decoder: Decoder,
    /// The application's parser, if it has one: the decoder has nothing to do then.
    custom: Option<Box<CustomDecoder>>,
    /// The attachments of a packet must all have come by then.
    until: Option<Instant>,
}

impl Inbox {
    /// `protocol` is what the connection speaks.
    pub(crate) fn new(codec: &Codec, protocol: Protocol) -> Self {
        Self {
            protocol,
            decoder: Decoder::new(protocol),
            custom: CustomDecoder::new(codec).map(Box::new),
            until: None,
        }
    }

    /// A message has arrived. `None`: more of them make the packet, all of which must come within `timeout`.
    // Inlined, since a packet is large to copy.
    #[inline]
    pub(crate) fn read(
        &mut self,
        now: Instant,
        data: Message,
        limits: &Limits,
        timeout: Duration,
    ) -> Result<Option<Packet>, Fault> {
        let read = if let Some(custom) = &mut self.custom {
            custom.add(data, self.protocol, limits)
        } else {
            match data {
                Message::Text(text) => self.decoder.text(text, limits),
                Message::Binary(part) => self.decoder.binary(part, limits),
            }
        };
        match &read {
            Ok(Some(_)) => self.until = None,
            // From its header on, whatever arrives in between.
            Ok(None) => self.until = self.until.or_else(|| now.checked_add(timeout)),
            Err(_) => {}
        }
        read
    }

    /// How packets are written to the peer.
    pub(crate) fn codec(&self) -> &Codec {
        self.custom
            .as_ref()
            .map_or(&Codec::BUILT_IN, |custom| custom.codec())
    }

    /// Forgets what has arrived of a packet.
    pub(crate) fn forget(&mut self) {
        self.decoder.reset();
        if let Some(custom) = &mut self.custom {
            custom.reset();
        }
        self.until = None;
    }

    /// When the packet that has begun is given up.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Whether a packet has begun and is not whole.
    #[cfg(test)]
    pub(crate) fn is_assembling(&self) -> bool {
        // A parser of the application's own does not say how far it has come.
        self.decoder.missing() > 0 || self.custom.is_some() && self.until.is_some()
    }
}
