//! The head of a frame (RFC 6455 §5.2), and the mask over its payload (§5.3).

use super::violation::Violation;

/// Which end of a connection this is. A client masks what it sends, a server masks nothing (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that was asked.
    Server,
    /// The one that asked.
    Client,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// All that stands before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) opcode: Opcode,
    /// Whether the message ends here.
    pub(super) last: bool,
    /// RSV1: the message is compressed (RFC 7692 §6).
    pub(super) compressed: bool,
    /// The mask over the payload. A server's is of zeros: there is none.
    pub(super) key: [u8; 4],
    /// The bytes of the head itself.
    pub(super) size: usize,
    /// The bytes of the payload.
    pub(super) length: u64,
}

pub(super) const FINAL: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
const RESERVED: u8 = 0x30;
pub(super) const MASKED: u8 = 0x80;
/// The longest payload of a control frame (§5.5).
const CONTROL: u64 = 125;

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

impl Head {
    /// Reads a head that came to this end. `None`: there is not all of it yet. What its first bytes break is
    /// said at once.
    ///
    /// Lengths that would have fitted into fewer bytes are read: clients exist that write them, and
    /// nothing follows from it.
    pub(super) fn read(bytes: &[u8], role: Role, deflate: bool) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let Some(opcode) = Opcode::from_bits(first & 0x0f) else {
            return Err(Violation::UnknownOpcode);
        };
        let (last, compressed) = (first & FINAL != 0, first & RSV1 != 0);
        // Only the first frame of a message may say that it is compressed.
        let may_compress = deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & RESERVED != 0 || (compressed && !may_compress) {
            return Err(Violation::ReservedBits);
        }
        match (role, second & MASKED != 0) {
            (Role::Server, true) | (Role::Client, false) => {}
            (Role::Server, false) => return Err(Violation::NotMasked),
            (Role::Client, true) => return Err(Violation::Masked),
        }
        let short = second & !MASKED;
        if opcode.is_control() && (!last || u64::from(short) > CONTROL) {
            return Err(Violation::ControlFrame);
        }
        let (length, size, rest) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4_usize, rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (length, 10, rest)
            }
            (0..=125, rest) => (u64::from(short), 2, rest),
            _ => return Ok(None),
        };
        let (key, size) = match (role, rest) {
            (Role::Server, [a, b, c, d, ..]) => ([*a, *b, *c, *d], size.saturating_add(4)),
            (Role::Server, _) => return Ok(None),
            (Role::Client, _) => ([0; 4], size),
        };
        Ok(Some(Self {
            opcode,
            last,
            compressed,
            key,
            size,
            length,
        }))
    }
}

/// Takes the mask off, or puts it on. In pieces of 32 bytes, which the compiler can turn into vectors, then
/// of four, then byte by byte.
pub(super) fn mask(data: &mut [u8], key: [u8; 4]) {
    let narrow = u32::from_ne_bytes(key);
    let (pieces, rest) = data.as_chunks_mut::<32>();
    for piece in pieces {
        let (words, _) = piece.as_chunks_mut::<4>();
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ narrow).to_ne_bytes();
        }
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ narrow).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_every_fourth_byte_and_its_own_inverse() {
        for length in 0..40 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            mask(&mut masked, [9, 8, 7, 6]);
            for (at, (plain, masked)) in plain.iter().zip(&masked).enumerate() {
                assert_eq!(plain ^ masked, [9, 8, 7, 6][at % 4]);
            }
            mask(&mut masked, [9, 8, 7, 6]);
            assert_eq!(masked, plain);
        }
    }
}
