//! Revision 3 as bytes: each packet behind its kind and its length in bytes (§5.2).

use bytes::Bytes;
use bytestring::ByteString;

use super::entry::{Entry, MAX_DIGITS};
use crate::engine::{Packet, PacketError};
use crate::message::{Message, Part};
use crate::protocol::Eio;

/// What begins a packet that is text. Any other byte begins a binary one.
const TEXT: u8 = 0;
const BINARY: u8 = 1;
/// What ends a length.
const END: u8 = 0xff;
/// What begins a binary message, where text begins with `4`.
const MESSAGE: u8 = 4;

pub(super) fn read(body: &Bytes, at: usize, next: &mut Option<usize>) -> Entry {
    let rest = body.get(at..).unwrap_or_default();
    let (&kind, rest) = rest.split_first().ok_or(PacketError::Length)?;
    let end = rest
        .iter()
        .take(MAX_DIGITS.saturating_add(1))
        .position(|&byte| byte == END)
        .ok_or(PacketError::Length)?;
    let (digits, rest) = rest.split_at(end);
    let rest = rest.get(1..).unwrap_or_default();
    if digits.is_empty() || digits.iter().any(|&digit| digit > 9) {
        return Err(PacketError::Length);
    }
    let length = digits.iter().fold(0usize, |length, &digit| {
        length.saturating_mul(10).saturating_add(digit.into())
    });
    let (packet, rest) = rest.split_at_checked(length).ok_or(PacketError::Length)?;
    let packet = body.slice_ref(packet);
    let packet = if kind == TEXT {
        Packet::decode_text(Eio::V3, &text(packet)?)?
    } else {
        Packet::decode(Eio::V3, Message::Binary(packet))?
    };
    *next = (!rest.is_empty()).then(|| body.len().saturating_sub(rest.len()));
    Ok(Some(packet))
}

/// Halves of surrogate pairs, which JavaScript writes as if they were characters, become U+FFFD; anything
/// else must be UTF-8.
fn text(bytes: Bytes) -> Result<ByteString, PacketError> {
    ByteString::try_from(bytes.clone()).or_else(|_| {
        let mut bytes = bytes.to_vec();
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            rest = match rest {
                // U+FFFD has three bytes, too.
                [a @ 0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, rest @ ..] => {
                    (*a, *b, *c) = (0xef, 0xbf, 0xbd);
                    rest
                }
                [_, rest @ ..] => rest,
                [] => break,
            };
        }
        ByteString::try_from(bytes).map_err(|_| PacketError::Text)
    })
}

pub(super) fn write(body: &mut Vec<u8>, part: &Part) {
    let (kind, length) = match part {
        Part::Text(text) => (TEXT, text.len()),
        Part::Binary(bytes) => (BINARY, bytes.len().saturating_add(1)),
    };
    body.push(kind);
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(length).bytes();
    body.extend(digits.map(|digit| digit.wrapping_sub(b'0')));
    body.push(END);
    match part {
        Part::Text(text) => body.extend_from_slice(text),
        Part::Binary(bytes) => {
            body.push(MESSAGE);
            body.extend_from_slice(bytes);
        }
    }
}
