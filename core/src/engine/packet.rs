//! Packets, one at a time (§4).

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf, Bytes};
use bytestring::ByteString;

use crate::message::{Message, Part};
use crate::protocol::Eio;

/// Standard alphabet; padding is written, and not asked for.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An Engine.IO packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Packet {
    /// The session is open; the handshake as JSON.
    Open(ByteString),
    /// The session ends. Polling only.
    Close,
    /// A sign of life is asked for; `probe` during an upgrade.
    Ping(ByteString),
    /// The sign of life.
    Pong(ByteString),
    /// A message.
    Message(Message),
    /// The upgrade is done.
    Upgrade,
    /// Nothing: it frees a waiting poll.
    Noop,
}

/// What is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketError {
    /// No bytes at all.
    Empty,
    /// This first byte is no packet type.
    Type(u8),
    /// What follows a `b` is not base64.
    Base64,
    /// Text that is not UTF-8, in a binary body.
    Text,
    /// A length that is none, or that says more than there is (revision 3).
    Length,
    /// More packets in one payload than allowed.
    TooMany,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty packet"),
            Self::Type(byte) => write!(f, "unknown packet type {:?}", char::from(*byte)),
            Self::Base64 => f.write_str("invalid base64"),
            Self::Text => f.write_str("text that is not UTF-8"),
            Self::Length => f.write_str("invalid length"),
            Self::TooMany => f.write_str("too many packets in one payload"),
        }
    }
}

impl std::error::Error for PacketError {}

impl Packet {
    /// Reads one WebSocket message.
    ///
    /// # Errors
    /// Why it is no packet.
    pub fn decode(revision: Eio, frame: Message) -> Result<Self, PacketError> {
        match frame {
            Message::Text(text) if is_short(&text) => {
                Ok(Self::Message(Message::Text(behind(text))))
            }
            Message::Text(text) => Self::decode_text(revision, &text),
            Message::Binary(bytes) => match revision {
                // The first byte is the type.
                Eio::V3 => {
                    let kind = bytes.first().copied();
                    let data = || bytes.slice(1..);
                    Ok(Self::of_bytes(kind, data))
                }
                Eio::V4 => Ok(Self::Message(Message::Binary(bytes))),
            },
        }
    }

    /// A packet that came as bytes, in revision 3: its type as a number, and its data. Only a message has
    /// a use for data of this kind, and what has no known type is nobody's: neither is an error (§4).
    fn of_bytes(kind: Option<u8>, data: impl FnOnce() -> Bytes) -> Self {
        match kind {
            Some(0) => Self::Open(ByteString::new()),
            Some(1) => Self::Close,
            Some(2) => Self::Ping(ByteString::new()),
            Some(3) => Self::Pong(ByteString::new()),
            Some(4) => Self::Message(Message::Binary(data())),
            Some(5) => Self::Upgrade,
            Some(_) | None => Self::Noop,
        }
    }

    /// Reads one packet in its text form.
    ///
    /// # Errors
    /// Why it is no packet.
    pub fn decode_text(revision: Eio, text: &ByteString) -> Result<Self, PacketError> {
        let (&kind, rest) = text.as_bytes().split_first().ok_or(PacketError::Empty)?;
        // A digit is one byte, so that what follows it is text, too.
        let data = || {
            text.get(1..)
                .map_or_else(ByteString::new, |rest| part(text, rest))
        };
        match kind {
            b'0' => Ok(Self::Open(data())),
            b'1' => Ok(Self::Close),
            b'2' => Ok(Self::Ping(data())),
            b'3' => Ok(Self::Pong(data())),
            b'4' => Ok(Self::Message(Message::Text(data()))),
            b'5' => Ok(Self::Upgrade),
            b'6' => Ok(Self::Noop),
            b'b' => match revision {
                // A digit, then the data.
                Eio::V3 => {
                    let (kind, data) = rest.split_first().unzip();
                    let data = base64(data.unwrap_or_default())?;
                    let kind = kind.map(|digit| digit.wrapping_sub(b'0'));
                    Ok(Self::of_bytes(kind, || data))
                }
                Eio::V4 => Ok(Self::Message(Message::Binary(base64(rest)?))),
            },
            other => Err(PacketError::Type(other)),
        }
    }

    /// Writes the packet as one WebSocket message; binary data as base64 text where it has to be.
    pub fn encode(&self, revision: Eio, supports_binary: bool) -> Message {
        match self.to_part() {
            // What was built here is UTF-8.
            Part::Text(text) => Message::Text(ByteString::try_from(text).unwrap_or_default()),
            Part::Binary(bytes) if supports_binary => Message::Binary(match type_byte(revision) {
                [] => bytes,
                head => [head, &bytes].concat().into(),
            }),
            Part::Binary(bytes) => Message::Text(base64_text(revision, &bytes)),
        }
    }

    /// The packet as a [`Writer`](super::Writer) takes it.
    pub fn to_part(&self) -> Part {
        match self {
            Self::Open(data) => text(b'0', data),
            Self::Close => text(b'1', ""),
            Self::Ping(data) => text(b'2', data),
            Self::Pong(data) => text(b'3', data),
            Self::Message(Message::Text(data)) => text(b'4', data),
            Self::Message(Message::Binary(bytes)) => Part::Binary(bytes.clone()),
            Self::Upgrade => text(b'5', ""),
            Self::Noop => text(b'6', ""),
        }
    }
}

/// Up to so many bytes, the text of a message is checked once more rather than shared: it takes half
/// the 12 ns that counting its references up and down does.
const SHORT: usize = 256;

/// Whether this is a short message without anything but ASCII, which is checked fastest.
fn is_short(text: &ByteString) -> bool {
    text.starts_with('4') && text.len() <= SHORT && text.is_ascii()
}

/// What follows the first of the characters, which are ASCII.
fn behind(text: ByteString) -> ByteString {
    let mut bytes = text.into_bytes();
    bytes.advance(1);
    ByteString::try_from(bytes).unwrap_or_default()
}

/// What goes before the data of a binary message on a WebSocket.
pub(crate) const fn type_byte(revision: Eio) -> &'static [u8] {
    match revision {
        Eio::V3 => &[4],
        Eio::V4 => &[],
    }
}

/// What goes before a binary message in base64.
pub(super) const fn base64_head(revision: Eio) -> &'static [u8] {
    match revision {
        Eio::V3 => b"b4",
        Eio::V4 => b"b",
    }
}

/// The digits of a binary message, which are the same in every revision.
pub(super) fn base64_digits(bytes: &Bytes) -> Bytes {
    BASE64.encode(bytes).into()
}

/// How long a binary message is whose digits are so many.
pub(super) const fn digits_len(revision: Eio, digits: &[u8]) -> usize {
    digits.len().saturating_add(base64_head(revision).len())
}

/// Appends a binary message whose digits are known.
pub(super) fn append_digits(out: &mut Vec<u8>, revision: Eio, digits: &[u8]) {
    out.extend_from_slice(base64_head(revision));
    out.extend_from_slice(digits);
}

/// How long a binary message is in base64.
pub(super) const fn base64_len(revision: Eio, bytes: &[u8]) -> usize {
    let digits = bytes.len().div_ceil(3).saturating_mul(4);
    digits.saturating_add(base64_head(revision).len())
}

/// Appends a binary message in base64.
pub(super) fn append_base64(out: &mut Vec<u8>, revision: Eio, bytes: &[u8]) {
    let end = out.len().saturating_add(base64_len(revision, bytes));
    out.extend_from_slice(base64_head(revision));
    let from = out.len();
    out.resize(end, 0);
    let room = out.get_mut(from..).unwrap_or_default();
    // The room is what base64 needs, by its definition.
    let written = BASE64.encode_slice(bytes, room).unwrap_or_default();
    out.truncate(from.saturating_add(written));
}

/// A binary message in base64.
pub(super) fn base64_text(revision: Eio, bytes: &[u8]) -> ByteString {
    let mut out = String::with_capacity(base64_len(revision, bytes));
    out.extend(base64_head(revision).iter().copied().map(char::from));
    BASE64.encode_string(bytes, &mut out);
    out.into()
}

fn text(kind: u8, data: &str) -> Part {
    let mut out = Vec::with_capacity(data.len().saturating_add(1));
    out.push(kind);
    out.extend_from_slice(data.as_bytes());
    Part::Text(out.into())
}

/// Padding may be missing, or be too long by what stood before it in another revision (§4).
fn base64(text: &[u8]) -> Result<Bytes, PacketError> {
    let decode = |digits: &[u8]| BASE64.decode(unpadded(digits));
    match decode(text).or_else(|_| decode(&respelled(text))) {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(PacketError::Base64),
    }
}

/// Java's and Android's clients end a line every 76 digits, and the last one too; others write the alphabet
/// of URLs. Both mean one thing alone.
#[cold]
fn respelled(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits = digits.map(|digit| match digit {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    });
    digits.collect()
}

fn unpadded(text: &[u8]) -> &[u8] {
    let bare = text.strip_suffix(b"=").unwrap_or(text);
    bare.strip_suffix(b"=").unwrap_or(bare)
}

/// A part of a text, shared with it.
pub(super) fn part(text: &ByteString, part: &str) -> ByteString {
    if part.is_empty() {
        ByteString::new()
    } else {
        text.slice_ref(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_it_is_spelled_in_the_field() {
        // faults: C1
        let bytes: Vec<u8> = (0..=255).collect();
        let digits = BASE64.encode(&bytes);
        let lines: Vec<_> = digits.as_bytes().chunks(76).collect();
        let url = digits.replace('+', "-").replace('/', "_");
        let bare = url.trim_end_matches('=');
        for text in [
            lines.join(&b"\r\n"[..]),
            [&lines.join(&b"\n"[..]), &b"\n"[..]].concat(),
            format!(" {digits}\t\n").into_bytes(),
            format!("{bare}=\n=\n").into_bytes(),
            url.clone().into_bytes(),
            bare.as_bytes().to_vec(),
        ] {
            assert_eq!(base64(&text), Ok(bytes.clone().into()));
        }
        for text in [
            "A",
            "AAEC!",
            "AA=EC",
            "AAECA",
            "AAEC===",
            "AAEC\0",
            "AA\u{a0}EC",
        ] {
            assert_eq!(
                base64(text.as_bytes()),
                Err(PacketError::Base64),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_short_message_is_what_a_long_one_is() {
        for length in [0, 1, 2, SHORT - 2, SHORT - 1, SHORT, SHORT + 1] {
            for text in ["a".repeat(length), "ä".repeat(length / 2)] {
                let frame = ByteString::from(format!("4{text}"));
                let shared = Packet::decode_text(Eio::V4, &frame);
                assert_eq!(shared, Ok(Packet::Message(Message::Text(text.into()))));
                let moved = Packet::decode(Eio::V4, Message::Text(frame));
                assert_eq!(moved, shared, "{length}");
            }
        }
    }

    #[test]
    fn a_packet_is_read_as_it_is_written() {
        let text = |text: &str| ByteString::from(text);
        for (packet, written) in [
            (Packet::Open(text("{}")), "0{}"),
            (Packet::Close, "1"),
            (Packet::Ping(text("probe")), "2probe"),
            (Packet::Pong(text("probe")), "3probe"),
            (Packet::Message(Message::from("é")), "4é"),
            (Packet::Upgrade, "5"),
            (Packet::Noop, "6"),
        ] {
            for revision in [Eio::V3, Eio::V4] {
                let frame = packet.encode(revision, true);
                assert_eq!(frame, Message::from(written));
                assert_eq!(Packet::decode(revision, frame), Ok(packet.clone()));
            }
        }
        let bytes = Packet::Message(Message::Binary(Bytes::from_static(&[0, 1, 2])));
        for (revision, binary, frame) in [
            (
                Eio::V3,
                true,
                Message::Binary(Bytes::from_static(&[4, 0, 1, 2])),
            ),
            (
                Eio::V4,
                true,
                Message::Binary(Bytes::from_static(&[0, 1, 2])),
            ),
            (Eio::V3, false, Message::from("b4AAEC")),
            (Eio::V4, false, Message::from("bAAEC")),
        ] {
            assert_eq!(bytes.encode(revision, binary), frame);
            assert_eq!(Packet::decode(revision, frame), Ok(bytes.clone()));
        }
    }

    /// In revision 3, where a number is the type.
    #[test]
    fn a_packet_that_comes_as_bytes_has_no_text() {
        let read = |bytes: &'static [u8]| {
            Packet::decode(Eio::V3, Message::Binary(Bytes::from_static(bytes)))
        };
        for (kind, packet) in [
            (0, Packet::Open(ByteString::new())),
            (1, Packet::Close),
            (2, Packet::Ping(ByteString::new())),
            (3, Packet::Pong(ByteString::new())),
            (5, Packet::Upgrade),
            (6, Packet::Noop),
            (7, Packet::Noop),
        ] {
            let frame = Message::Binary(vec![kind, b'x'].into());
            assert_eq!(Packet::decode(Eio::V3, frame), Ok(packet));
        }
        assert_eq!(read(&[]), Ok(Packet::Noop));
    }
}
