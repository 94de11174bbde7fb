//! Revision 3 as text: each packet behind its length in UTF-16 code units (§5.1).

use bytestring::ByteString;

use super::entry::{Entry, MAX_DIGITS};
use crate::engine::packet::{append_base64, append_digits, base64_len, digits_len, part};
use crate::engine::{Packet, PacketError};
use crate::message::Part;
use crate::protocol::Eio;

pub(super) fn read(body: &ByteString, at: usize, next: &mut Option<usize>) -> Entry {
    let rest = body.get(at..).unwrap_or_default();
    let colon = rest
        .bytes()
        .take(MAX_DIGITS.saturating_add(1))
        .position(|byte| byte == b':')
        .ok_or(PacketError::Length)?;
    let (digits, rest) = rest.split_at(colon);
    let rest = rest.get(1..).unwrap_or_default();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PacketError::Length);
    }
    let units = digits.parse().map_err(|_| PacketError::Length)?;
    let (text, rest) = take(rest, units).ok_or(PacketError::Length)?;
    let packet = if text.is_empty() {
        None
    } else {
        Some(Packet::decode_text(Eio::V3, &part(body, text))?)
    };
    *next = (!rest.is_empty()).then(|| body.len().saturating_sub(rest.len()));
    Ok(packet)
}

/// The first `units` UTF-16 code units, and the rest. `None`: there are not so many, or the last is half
/// a character.
fn take(text: &str, units: usize) -> Option<(&str, &str)> {
    // Most packets are ASCII from end to end, and that is found out fast.
    if text.as_bytes().get(..units)?.is_ascii() {
        return text.split_at_checked(units);
    }
    let mut left = units;
    let mut at = 0usize;
    for character in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(character.len_utf16())?;
        at = at.saturating_add(character.len_utf8());
    }
    text.split_at_checked(at).filter(|_| left == 0)
}

pub(super) fn write(body: &mut Vec<u8>, part: &Part) {
    let length = match part {
        Part::Text(text) => units(text),
        Part::Binary(bytes) => base64_len(Eio::V3, bytes),
    };
    body.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    body.push(b':');
    match part {
        Part::Text(text) => body.extend_from_slice(text),
        Part::Binary(bytes) => append_base64(body, Eio::V3, bytes),
    }
}

/// A binary message whose base64 is known.
pub(super) fn write_digits(body: &mut Vec<u8>, digits: &[u8]) {
    let length = digits_len(Eio::V3, digits);
    body.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    body.push(b':');
    append_digits(body, Eio::V3, digits);
}

/// How many UTF-16 code units some UTF-8 is: one for each character, and one more for each of four bytes.
fn units(utf8: &[u8]) -> usize {
    let of =
        |&byte: &u8| usize::from(byte & 0xc0 != 0x80).saturating_add(usize::from(byte >= 0xf0));
    utf8.iter().map(of).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_of_every_length() {
        for (text, length) in [
            ("", 0),
            ("a", 1),
            ("é", 1),
            ("€", 1),
            ("😀", 2),
            ("a😀b", 4),
        ] {
            assert_eq!(units(text.as_bytes()), length, "{text}");
        }
        assert_eq!(take("4😀x", 3), Some(("4😀", "x")));
        assert_eq!(take("4😀x", 2), None);
        assert_eq!(take("4😀", 4), None);
        assert_eq!(take("ab", 0), Some(("", "ab")));
        assert_eq!(take("ab", 3), None);
    }

    proptest! {
        #[test]
        fn what_is_counted_is_taken(text in "\\PC{0,20}", rest in "\\PC{0,5}") {
            let all = format!("{text}{rest}");
            prop_assert_eq!(units(text.as_bytes()), text.encode_utf16().count());
            let taken = take(&all, text.encode_utf16().count());
            prop_assert_eq!(taken, Some((&*text, &*rest)));
        }
    }
}
