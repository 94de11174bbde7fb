//! WebSocket frames, from the client's side and no more of them than the generator needs.
//!
//! They are written by the core. They are not read by it: it copies what was read, so that messages may be kept, and a
//! generator keeps none.

use sio_core::websocket::write;

/// The masking key of every frame. It need not be secret on a loopback, and a fixed one lets a
/// message that is always the same be masked once; it is not zero, so that the server has to unmask.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// The end of the connection.
    Close,
    /// A WebSocket ping.
    Ping,
    /// A WebSocket pong.
    Pong,
}

/// Appends one masked frame, with `payload` behind `head`.
pub fn write(out: &mut Vec<u8>, opcode: Opcode, head: &[u8], payload: &[u8]) {
    let first = 0x80
        | match opcode {
            Opcode::Text => 1,
            Opcode::Binary => 2,
            Opcode::Close => 8,
            Opcode::Ping => 9,
            Opcode::Pong => 10,
        };
    write::frame(out, first, Some(KEY), head, payload);
}

/// What is at the start of the bytes that a server sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A whole frame, and how many bytes it takes.
    Frame(Opcode, &'a [u8], usize),
    /// The frame is not complete.
    Partial,
    /// Fragments, compression, masks or unknown opcodes: nothing the measured servers should send.
    Unexpected,
}

/// Reads one frame of a server.
#[must_use]
pub fn read(bytes: &[u8]) -> Read<'_> {
    let [first, second, rest @ ..] = bytes else {
        return Read::Partial;
    };
    let opcode = match first {
        0x81 => Opcode::Text,
        0x82 => Opcode::Binary,
        0x88 => Opcode::Close,
        0x89 => Opcode::Ping,
        0x8a => Opcode::Pong,
        _ => return Read::Unexpected,
    };
    let (len, rest) = match second {
        0..=125 => (usize::from(*second), rest),
        126 => match rest.split_first_chunk() {
            Some((len, rest)) => (usize::from(u16::from_be_bytes(*len)), rest),
            None => return Read::Partial,
        },
        127 => match rest.split_first_chunk() {
            Some((len, rest)) => match usize::try_from(u64::from_be_bytes(*len)) {
                Ok(len) => (len, rest),
                Err(_) => return Read::Unexpected,
            },
            None => return Read::Partial,
        },
        _ => return Read::Unexpected,
    };
    match rest.get(..len) {
        Some(payload) => Read::Frame(opcode, payload, bytes.len() - rest.len() + len),
        None => Read::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_masked() {
        for len in [0, 1, 7, 125, 126, 0xffff, 0x1_0000] {
            let payload = vec![b'x'; len];
            let (head, tail) = payload.split_at(len / 2);
            let mut out = Vec::new();
            write(&mut out, Opcode::Text, head, tail);
            let unmasked = out[out.len() - len..]
                .iter()
                .zip(KEY.iter().cycle())
                .map(|(byte, key)| byte ^ key)
                .collect::<Vec<_>>();
            assert_eq!(unmasked, payload);

            // The same frame as a server would send it: without the mask.
            let head = out.len() - len - 4;
            let mut served = out[..head].to_vec();
            served[1] &= 0x7f;
            served.extend_from_slice(&payload);
            assert_eq!(
                read(&served[..head]),
                if len == 0 {
                    Read::Frame(Opcode::Text, &[], head)
                } else {
                    Read::Partial
                }
            );
            served.push(0x81);
            assert_eq!(
                read(&served),
                Read::Frame(Opcode::Text, &payload, served.len() - 1)
            );
        }
    }

    #[test]
    fn fragments_masks_and_compression_are_unexpected() {
        for start in [[0x01, 0], [0xc1, 0], [0x81, 0x80], [0x83, 0]] {
            assert_eq!(read(&start), Read::Unexpected);
        }
    }
}
