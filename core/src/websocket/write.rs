//! Frames, laid one behind the other into a buffer. A server masks nothing (RFC 6455 §5.1): what a client
//! sends, a [`Connection`](super::Connection) in that role lays out.

use super::frame::{FINAL, MASKED, Opcode, mask};

/// How a message goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// As text, which the caller has checked.
    Text,
    /// As bytes.
    Binary,
}

impl MessageType {
    pub(super) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A server's message in one frame: `head`, and `payload` behind it.
pub fn message(out: &mut Vec<u8>, kind: MessageType, head: &[u8], payload: &[u8]) {
    unmasked(out, FINAL | kind.opcode().bits(), head, payload);
}

/// A frame with any first byte (§5.2): the bit of its end, the reserved ones and the opcode are the caller's,
/// whether they may stand together or not. Behind it `head`, and `payload` behind that, under the key of a
/// client.
pub fn frame(out: &mut Vec<u8>, first: u8, key: Option<[u8; 4]>, head: &[u8], payload: &[u8]) {
    let Some(key) = key else {
        return unmasked(out, first, head, payload);
    };
    let length = head.len().saturating_add(payload.len());
    out.reserve(length.saturating_add(14));
    begin(out, first, MASKED, length as u64);
    out.extend_from_slice(&key);
    let at = out.len();
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
    mask(out.get_mut(at..).unwrap_or_default(), key);
}

/// What stands before the payload of a frame, but the key.
#[inline(always)]
fn begin(out: &mut Vec<u8>, first: u8, masked: u8, length: u64) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.extend_from_slice(&[first, masked | length]),
        (_, Ok(length)) => {
            let [a, b] = length.to_be_bytes();
            out.extend_from_slice(&[first, masked | 126, a, b]);
        }
        (_, Err(_)) => {
            out.extend_from_slice(&[first, masked | 127]);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

fn unmasked(out: &mut Vec<u8>, first: u8, head: &[u8], payload: &[u8]) {
    let length = head.len().saturating_add(payload.len());
    out.reserve(length.saturating_add(10));
    begin(out, first, 0, length as u64);
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_frame_with_the_shortest_length() {
        for (kind, first) in [(MessageType::Text, 0x81), (MessageType::Binary, 0x82)] {
            for (length, head) in [
                (0, &[0][..]),
                (125, &[125]),
                (126, &[126, 0, 126]),
                (65_535, &[126, 255, 255]),
                (65_536, &[127, 0, 0, 0, 0, 0, 1, 0, 0]),
            ] {
                let payload = vec![b'x'; length];
                let (before, behind) = payload.split_at(length.min(1));
                let mut out = Vec::new();
                message(&mut out, kind, before, behind);
                assert_eq!(out, [&[first], head, &payload].concat());
            }
        }
    }
}
