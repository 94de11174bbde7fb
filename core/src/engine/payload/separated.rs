//! Revision 4: text, U+001E between two packets (§5.3).

use bytestring::ByteString;

use super::Entry;
use crate::engine::packet::{append_base64, part};
use crate::engine::{Packet, PacketError, Revision};
use crate::packet::Part;

/// What stands between two packets.
const SEPARATOR: char = '\u{1e}';

pub(super) fn read(body: &ByteString, at: usize) -> Result<Entry, PacketError> {
    let rest = body.get(at..).unwrap_or_default();
    let (text, more) = match rest.split_once(SEPARATOR) {
        Some((text, _)) => (text, true),
        None => (rest, false),
    };
    let packet = Packet::decode_text(Revision::V4, &part(body, text))?;
    Ok(Entry {
        packet: Some(packet),
        next: more.then(|| at.saturating_add(text.len()).saturating_add(1)),
    })
}

pub(super) fn write(body: &mut Vec<u8>, part: &Part, first: bool) {
    if !first {
        body.push(0x1e);
    }
    match part {
        Part::Text(text) => body.extend_from_slice(text),
        Part::Binary(bytes) => append_base64(body, Revision::V4, bytes),
    }
}
