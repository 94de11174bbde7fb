//! What passes between a session and its WebSocket (§7).

use crate::message::Part;
use crate::websocket::{End, Violation};

/// How a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WsClosed {
    /// By a closing handshake, or the end of the stream.
    Closed,
    /// By an error of the connection.
    Lost,
    /// The client sent a message over `max_http_buffer_size`.
    TooLarge,
    /// The client sent a message in more than `max_fragments` frames.
    TooManyFragments,
    /// The client broke another rule of RFC 6455.
    Violation,
}

impl From<End> for WsClosed {
    fn from(end: End) -> Self {
        match end {
            End::Goodbye(_) => Self::Closed,
            End::Lost => Self::Lost,
            End::Violation(Violation::TooLarge) => Self::TooLarge,
            End::Violation(Violation::TooManyFragments) => Self::TooManyFragments,
            End::Violation(
                Violation::UnknownOpcode
                | Violation::ReservedBits
                | Violation::NotMasked
                | Violation::Masked
                | Violation::ControlFrame
                | Violation::Fragmentation
                | Violation::CloseCode
                | Violation::NotUtf8
                | Violation::Compression,
            ) => Self::Violation,
        }
    }
}

/// What to do next on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WsOut {
    /// Send this message.
    Frame {
        /// What goes before the content, in the same message: nothing, the type byte of revision 3, or what
        /// marks the text behind it as base64.
        head: &'static [u8],
        /// Its content.
        part: Part,
        /// Whether it may be compressed.
        compress: bool,
    },
    /// Close it, after what was given before, with this code if any. Nothing more comes for it, and
    /// nothing more is expected from it: the session may take another WebSocket.
    Close(Option<u16>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_that_ends_is_over_for_its_session_by_the_same_cause() {
        for (end, closed) in [
            (End::Goodbye(Some(1000)), WsClosed::Closed),
            (End::Goodbye(None), WsClosed::Closed),
            (End::Lost, WsClosed::Lost),
            (End::Violation(Violation::TooLarge), WsClosed::TooLarge),
            (
                End::Violation(Violation::TooManyFragments),
                WsClosed::TooManyFragments,
            ),
            (End::Violation(Violation::NotMasked), WsClosed::Violation),
            (End::Violation(Violation::Compression), WsClosed::Violation),
        ] {
            assert_eq!(WsClosed::from(end), closed);
        }
    }
}
