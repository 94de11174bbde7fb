//! Revision 4: text, U+001E between two packets (§5.3).

use bytestring::ByteString;

use crate::engine::packet::{append_base64, append_digits, part};
use crate::engine::{Packet, PacketError};
use crate::message::Part;
use crate::protocol::Eio;

/// What stands between two packets.
const SEPARATOR: u8 = 0x1e;

pub(super) fn read(
    body: &ByteString,
    at: usize,
    next: &mut Option<usize>,
) -> Result<Packet, PacketError> {
    let rest = body.get(at..).unwrap_or_default();
    let end = memchr::memchr(SEPARATOR, rest.as_bytes());
    // A separator is one byte, so that what stands before it is text, too.
    let text = end.map_or(rest, |end| rest.get(..end).unwrap_or_default());
    *next = end.map(|end| at.saturating_add(end).saturating_add(1));
    Packet::decode_text(Eio::V4, &part(body, text))
}

/// A binary message whose base64 is known.
pub(super) fn write_digits(body: &mut Vec<u8>, digits: &[u8], first: bool) {
    if !first {
        body.push(SEPARATOR);
    }
    append_digits(body, Eio::V4, digits);
}

pub(super) fn write(body: &mut Vec<u8>, part: &Part, first: bool) {
    if !first {
        body.push(SEPARATOR);
    }
    match part {
        Part::Text(text) => body.extend_from_slice(text),
        Part::Binary(bytes) => append_base64(body, Eio::V4, bytes),
    }
}
