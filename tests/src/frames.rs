//! WebSocket frames one by one (RFC 6455 §5.2), for tests that are about them: with any first byte, in any order, and as
//! they came. Where the messages are what matters, a test has the client's half of the core's
//! [`Connection`](sio_core::websocket::Connection).

use bytes::{Bytes, BytesMut};
use sio_core::websocket::write;

/// The first byte of a frame that is a whole text message.
pub const TEXT: u8 = 0x81;
/// The first byte of a frame that is a whole binary message.
pub const BINARY: u8 = 0x82;
/// The first byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// The first byte of a ping frame.
pub const PING: u8 = 0x89;
/// The first byte of a pong frame.
pub const PONG: u8 = 0x8a;
/// In the first byte: more fragments of the message follow.
pub const UNFINISHED: u8 = 0x80;

/// One frame, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Opcode and flags.
    pub first: u8,
    /// What it carries, without its mask.
    pub payload: Bytes,
    /// Whether it was masked: a client's is, a server's is not.
    pub masked: bool,
    /// Bytes of all of it.
    pub length: usize,
}

/// The frame that these bytes begin with. `None`: it has not come whole.
pub fn read(bytes: &[u8]) -> Option<Frame> {
    let head = head(bytes)?;
    let whole = Bytes::copy_from_slice(bytes.get(..head.length)?);
    Some(head.frame(&whole))
}

/// The same, taken out without a copy.
pub fn take(ahead: &mut BytesMut) -> Option<Frame> {
    let head = head(ahead)?;
    Some(head.frame(&ahead.split_to(head.length).freeze()))
}

/// All bytes of it, as they came.
pub fn take_whole(ahead: &mut BytesMut) -> Option<Bytes> {
    let Head { length, .. } = head(ahead)?;
    Some(ahead.split_to(length).freeze())
}

/// What stands before the payload of a frame.
struct Head {
    first: u8,
    key: Option<[u8; 4]>,
    /// Where the payload begins.
    payload: usize,
    length: usize,
}

impl Head {
    fn frame(&self, whole: &Bytes) -> Frame {
        let payload = whole.slice(self.payload..);
        Frame {
            first: self.first,
            payload: match self.key {
                Some(key) => unmasked(&payload, key),
                None => payload,
            },
            masked: self.key.is_some(),
            length: self.length,
        }
    }
}

fn unmasked(payload: &[u8], key: [u8; 4]) -> Bytes {
    let pairs = payload.iter().zip(key.iter().cycle());
    pairs.map(|(byte, key)| byte ^ key).collect()
}

/// Of the frame that these bytes begin with, if all of it is there.
fn head(bytes: &[u8]) -> Option<Head> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let (carried, rest) = match second & !MASKED {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (key, rest) = match second & MASKED {
        0 => (None, rest),
        _ => {
            let (key, rest) = rest.split_first_chunk::<4>()?;
            (Some(*key), rest)
        }
    };
    let payload = bytes.len() - rest.len();
    rest.get(..carried).map(|carried| Head {
        first: *first,
        key,
        payload,
        length: payload + carried.len(),
    })
}

/// The bytes of a client's frame. [`UNFINISHED`] is a bit to be taken away from `first`.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, [0x5a, 0x01, 0xfe, 0x37], payload)
}

/// The same under this key.
pub fn masked(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::frame(&mut bytes, first, Some(key), &[], payload);
    bytes
}

/// The header of a client's frame that claims this length, without its mask.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => vec![first, MASKED | short],
        (_, Ok(medium)) => [&[first, MASKED | 126], &medium.to_be_bytes()[..]].concat(),
        _ => [&[first, MASKED | 127], &length.to_be_bytes()[..]].concat(),
    }
}

/// The bytes of a text message in these fragments.
pub fn fragments<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut parts = parts.into_iter().peekable();
    let mut bytes = Vec::new();
    let mut first = TEXT & !UNFINISHED;
    while let Some(part) = parts.next() {
        let last = if parts.peek().is_none() {
            UNFINISHED
        } else {
            0
        };
        bytes.extend(frame(first | last, part));
        first = 0;
    }
    bytes
}

const MASKED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_once_it_has_come_whole() {
        for length in [0, 1, 125, 126, 0xffff, 0x1_0000] {
            let payload = vec![b'x'; length];
            let client = frame(TEXT, &payload);
            let mut server = Vec::new();
            write::frame(&mut server, TEXT, None, &[], &payload);
            for (bytes, masked) in [(client, true), (server, false)] {
                assert_eq!(read(&bytes[..bytes.len() - 1]), None);
                assert_eq!(read(&bytes[..1]), None);
                let frame = Frame {
                    first: TEXT,
                    payload: payload.clone().into(),
                    masked,
                    length: bytes.len(),
                };
                let mut ahead = BytesMut::from(&[&bytes[..], b"more"].concat()[..]);
                assert_eq!(read(&ahead), Some(frame.clone()));
                assert_eq!(take_whole(&mut ahead.clone()), Some(bytes.into()));
                assert_eq!(take(&mut ahead), Some(frame));
                assert_eq!((&ahead[..], take(&mut ahead.clone())), (&b"more"[..], None));
            }
        }
    }
}
