//! Packets, one at a time (§4).

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;

use super::{Data, Frame, Revision};

/// Standard alphabet; padding is written, and not asked for.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An Engine.IO packet.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    Message(Data),
    /// The upgrade is done.
    Upgrade,
    /// Nothing: it frees a waiting poll.
    Noop,
}

/// What is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// No bytes at all.
    Empty,
    /// This first byte is no packet type.
    Type(u8),
    /// What follows a `b` is not base64.
    Base64,
    /// More packets in one payload than allowed.
    TooMany,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty packet"),
            Self::Type(byte) => write!(f, "unknown packet type {:?}", char::from(*byte)),
            Self::Base64 => f.write_str("invalid base64"),
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
    pub fn decode(revision: Revision, frame: Frame) -> Result<Self, PacketError> {
        match frame {
            Frame::Text(text) => Self::decode_text(revision, &text),
            Frame::Binary(bytes) => match revision {
                Revision::V4 => Ok(Self::Message(Data::Binary(bytes))),
            },
        }
    }

    /// Reads one packet in its text form.
    ///
    /// # Errors
    /// Why it is no packet.
    pub fn decode_text(revision: Revision, text: &ByteString) -> Result<Self, PacketError> {
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
            b'4' => Ok(Self::Message(Data::Text(data()))),
            b'5' => Ok(Self::Upgrade),
            b'6' => Ok(Self::Noop),
            b'b' => match revision {
                Revision::V4 => Ok(Self::Message(Data::Binary(base64(rest)?))),
            },
            other => Err(PacketError::Type(other)),
        }
    }

    /// Writes the packet as one WebSocket message; binary data as base64 text where it has to be.
    pub fn encode(&self, revision: Revision, supports_binary: bool) -> Frame {
        match self {
            Self::Open(data) => text(b'0', data),
            Self::Close => text(b'1', ""),
            Self::Ping(data) => text(b'2', data),
            Self::Pong(data) => text(b'3', data),
            Self::Message(Data::Text(data)) => text(b'4', data),
            Self::Message(Data::Binary(bytes)) => match revision {
                Revision::V4 if supports_binary => Frame::Binary(bytes.clone()),
                Revision::V4 => {
                    let mut out = String::from("b");
                    BASE64.encode_string(bytes, &mut out);
                    Frame::Text(out.into())
                }
            },
            Self::Upgrade => text(b'5', ""),
            Self::Noop => text(b'6', ""),
        }
    }
}

fn text(kind: u8, data: &str) -> Frame {
    let mut out = String::with_capacity(data.len().saturating_add(1));
    out.push(char::from(kind));
    out.push_str(data);
    Frame::Text(out.into())
}

/// Padding may be missing, or be too long by what stood before it in another revision (§4).
fn base64(text: &[u8]) -> Result<Bytes, PacketError> {
    let bare = text.strip_suffix(b"=").unwrap_or(text);
    let bare = bare.strip_suffix(b"=").unwrap_or(bare);
    match BASE64.decode(bare) {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(PacketError::Base64),
    }
}

/// A part of a text, shared with it.
pub(super) fn part(text: &ByteString, part: &str) -> ByteString {
    if part.is_empty() {
        ByteString::new()
    } else {
        text.slice_ref(part)
    }
}
