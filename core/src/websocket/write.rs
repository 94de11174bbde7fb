//! Frames of a server, laid one behind the other into a buffer. A server masks nothing (RFC 6455 §5.1).

use super::frame::{Opcode, RSV1};

const FINAL: u8 = 0x80;

/// How a message goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// As text, which the caller has checked.
    Text,
    /// As bytes.
    Binary,
}

impl MessageType {
    const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A message in one frame: `head`, and `payload` behind it.
pub fn message(out: &mut Vec<u8>, kind: MessageType, head: &[u8], payload: &[u8]) {
    frame(out, kind.opcode().bits(), head, payload);
}

/// A compressed message in one frame (RFC 7692 §6), for a client with which that was agreed on.
pub fn compressed(out: &mut Vec<u8>, kind: MessageType, payload: &[u8]) {
    frame(out, kind.opcode().bits() | RSV1, &[], payload);
}

/// A close frame, with a code or without (§5.5.1).
pub fn close(out: &mut Vec<u8>, code: Option<u16>) {
    match code {
        Some(code) => frame(out, Opcode::Close.bits(), &[], &code.to_be_bytes()),
        None => frame(out, Opcode::Close.bits(), &[], &[]),
    }
}

/// The answer to a ping, with what it carried: 125 bytes at most (§5.5.3).
pub fn pong(out: &mut Vec<u8>, payload: &[u8]) {
    debug_assert!(payload.len() <= 125);
    frame(out, Opcode::Pong.bits(), &[], payload);
}

fn frame(out: &mut Vec<u8>, opcode: u8, head: &[u8], payload: &[u8]) {
    let length = head.len().saturating_add(payload.len());
    out.reserve(length.saturating_add(10));
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.extend_from_slice(&[FINAL | opcode, length]),
        (_, Ok(length)) => {
            let [a, b] = length.to_be_bytes();
            out.extend_from_slice(&[FINAL | opcode, 126, a, b]);
        }
        (_, Err(_)) => {
            out.extend_from_slice(&[FINAL | opcode, 127]);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
}
