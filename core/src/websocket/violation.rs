//! What a peer may not do, and the codes with which it is told so.

use std::fmt;

/// What a peer did that it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// An opcode that is reserved (§5.2).
    UnknownOpcode,
    /// A reserved bit without an extension that gives it a meaning (§5.2).
    ReservedBits,
    /// A client's frame without a mask (§5.1).
    NotMasked,
    /// A server's frame with a mask (§5.1).
    Masked,
    /// A control frame that is fragmented or longer than 125 bytes (§5.5).
    ControlFrame,
    /// A continuation of nothing, or a new message within another (§5.4).
    Fragmentation,
    /// A close frame with half a code, or with one that may not be sent (§5.5.1, §7.4).
    CloseCode,
    /// Text that is not UTF-8 (§8.1).
    NotUtf8,
    /// A compressed message that nobody can have compressed (RFC 7692 §7.2.2).
    Compression,
    /// More than [`Limits::message`](super::Limits::message) bytes. It is said by the head of the frame that would be too much.
    TooLarge,
    /// More than [`Limits::fragments`](super::Limits::fragments) frames.
    TooManyFragments,
}

impl Violation {
    /// The code with which the connection is closed for it (§7.4.1).
    pub const fn code(self) -> u16 {
        match self {
            Self::UnknownOpcode
            | Self::ReservedBits
            | Self::NotMasked
            | Self::Masked
            | Self::ControlFrame
            | Self::Fragmentation
            | Self::CloseCode => code::PROTOCOL_ERROR,
            // For the second as `ws` has it: the RFC names no code.
            Self::NotUtf8 | Self::Compression => code::INVALID_DATA,
            Self::TooLarge => code::TOO_LARGE,
            Self::TooManyFragments => code::POLICY,
        }
    }
}

/// Codes of close frames (§7.4.1).
pub mod code {
    /// The rules of frames were broken.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// What came is not what it said it would be.
    pub const INVALID_DATA: u16 = 1007;
    /// A rule of ours, rather than one of the protocol, was broken.
    pub const POLICY: u16 = 1008;
    /// A message is larger than we take.
    pub const TOO_LARGE: u16 = 1009;
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOpcode => "a frame with a reserved opcode",
            Self::ReservedBits => "a frame with reserved bits",
            Self::NotMasked => "a frame without a mask",
            Self::Masked => "a frame with a mask",
            Self::ControlFrame => "a control frame in pieces, or of more than 125 bytes",
            Self::Fragmentation => "a fragment out of place",
            Self::CloseCode => "a close frame with a code that may not be sent",
            Self::NotUtf8 => "text that is not UTF-8",
            Self::Compression => "a message that cannot be inflated",
            Self::TooLarge => "a message that is too large",
            Self::TooManyFragments => "a message in too many fragments",
        })
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_words_of_its_own_and_a_code_that_may_be_sent() {
        let all = [
            Violation::UnknownOpcode,
            Violation::ReservedBits,
            Violation::NotMasked,
            Violation::Masked,
            Violation::ControlFrame,
            Violation::Fragmentation,
            Violation::CloseCode,
            Violation::NotUtf8,
            Violation::Compression,
            Violation::TooLarge,
            Violation::TooManyFragments,
        ];
        let words: BTreeSet<_> = all.iter().map(Violation::to_string).collect();
        assert_eq!(words.len(), all.len());
        for violation in all {
            assert!((1002..=1009).contains(&violation.code()), "{violation}");
        }
    }
}
