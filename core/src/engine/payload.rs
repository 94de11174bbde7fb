//! Several packets in one polling body (§5.3).
//!
//! Reading shares the body's memory; writing puts every packet, base64 included, straight into the
//! body, which is allocated once.

use base64::Engine;
use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{BASE64, part};
use super::{Packet, PacketError, Revision};
use crate::packet::Part;

/// What stands between two packets.
const SEPARATOR: char = '\u{1e}';

/// The packets of a body, one after the other. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Payload {
    revision: Revision,
    body: ByteString,
    /// Where the next packet begins; `None` behind the last one.
    at: Option<usize>,
    left: usize,
}

/// Reads a body of at most `limit` packets.
pub fn split(revision: Revision, body: ByteString, limit: usize) -> Payload {
    Payload {
        revision,
        body,
        at: Some(0),
        left: limit,
    }
}

impl Iterator for Payload {
    type Item = Result<Packet, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        let Some(left) = self.left.checked_sub(1) else {
            return Some(Err(PacketError::TooMany));
        };
        self.left = left;
        let rest = self.body.get(at..)?;
        let (text, more) = match rest.split_once(SEPARATOR) {
            Some((text, _)) => (text, true),
            None => (rest, false),
        };
        let packet = Packet::decode_text(self.revision, &part(&self.body, text));
        if more && packet.is_ok() {
            self.at = Some(at.saturating_add(text.len()).saturating_add(1));
        }
        Some(packet)
    }
}

/// A body being written.
#[derive(Debug)]
pub struct Writer {
    body: Vec<u8>,
    begun: bool,
}

impl Writer {
    /// An empty body with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            body: Vec::with_capacity(capacity),
            begun: false,
        }
    }

    /// One more packet; bytes travel as base64.
    pub fn push(&mut self, revision: Revision, part: &Part) {
        match revision {
            Revision::V4 => {
                if std::mem::replace(&mut self.begun, true) {
                    self.body.push(0x1e);
                }
                match part {
                    Part::Text(text) => self.body.extend_from_slice(text),
                    Part::Binary(bytes) => {
                        self.body.push(b'b');
                        let from = self.body.len();
                        let most = bytes.len().div_ceil(3).saturating_mul(4);
                        self.body.resize(from.saturating_add(most), 0);
                        let room = self.body.get_mut(from..).unwrap_or_default();
                        // The room is what base64 needs, by its definition.
                        let written = BASE64.encode_slice(bytes, room).unwrap_or_default();
                        self.body.truncate(from.saturating_add(written));
                    }
                }
            }
        }
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        !self.begun
    }

    /// The body.
    pub fn finish(self) -> Bytes {
        self.body.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Data, Frame};
    use super::*;

    fn packet() -> impl Strategy<Value = Packet> {
        prop_oneof![
            "[^\u{1e}]{0,12}".prop_map(|text| Packet::Message(Data::Text(text.into()))),
            prop::collection::vec(any::<u8>(), 0..12)
                .prop_map(|bytes| Packet::Message(Data::Binary(bytes.into()))),
            Just(Packet::Close),
            Just(Packet::Noop),
            Just(Packet::Upgrade),
            "[a-z]{0,5}".prop_map(|text| Packet::Ping(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split_again(packets in prop::collection::vec(packet(), 1..20)) {
            let mut writer = Writer::with_capacity(0);
            for packet in &packets {
                writer.push(Revision::V4, &match packet.encode(Revision::V4, true) {
                    Frame::Text(text) => Part::Text(text.into_bytes()),
                    Frame::Binary(bytes) => Part::Binary(bytes),
                });
            }
            let body = ByteString::try_from(writer.finish()).unwrap();
            let back: Result<Vec<Packet>, PacketError> =
                split(Revision::V4, body, 20).collect();
            prop_assert_eq!(back.unwrap(), packets);
        }

        #[test]
        fn any_body_ends(body in "[0-9b\u{1e}A-Za-z=€]{0,40}", limit in 0..10usize) {
            let read: Vec<_> = split(Revision::V4, body.into(), limit).collect();
            prop_assert!(read.len() <= limit.saturating_add(1));
            let errors = read.iter().filter(|packet| packet.is_err()).count();
            prop_assert!(errors <= 1 && read.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
