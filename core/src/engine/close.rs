//! How sessions end, and what clients do that ends theirs.

use std::fmt;

use http::StatusCode;

use super::PacketError;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed it, or its connection ended.
    TransportClose,
    /// Requests overlapped or broke off, a message was too large, the client does not read.
    TransportError,
    /// A ping was not answered in time.
    PingTimeout,
    /// Something that is no packet.
    ParseError,
    /// The application, or the layer above the engine, closed it.
    ForcedClose,
}

impl CloseReason {
    /// In the words of the reference, which handlers of `disconnect` compare (§18).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How to close a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Close {
    /// After what is queued has left.
    Flush,
    /// At once; what is queued is lost.
    Discard,
}

/// What a client did that ended its session. For logs and counters; what follows from it on the wire
/// is the session's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A GET while another was waiting (§9.4).
    SecondPoll,
    /// A POST while another was being read (§9.4).
    SecondPost,
    /// A request that the client dropped (§9.4).
    Aborted,
    /// A body or a message over `max_http_buffer_size`.
    TooLarge,
    /// A POST whose body did not come within `request_body_timeout`.
    TooSlow,
    /// A binary body, which this revision does not have (§9.3).
    BinaryBody,
    /// A body that is not UTF-8.
    NotUtf8,
    /// More than `max_packets_per_payload` in one body.
    TooManyPackets,
    /// A message of a WebSocket in more than `max_fragments` frames.
    TooManyFragments,
    /// Not a packet.
    Malformed(PacketError),
    /// A ping from the side that only answers them (§11).
    PingFromClient,
    /// The WebSocket broke its protocol, or was lost.
    BrokenSocket,
    /// Nothing was read for `write_timeout`, or the backlog outgrew its limit.
    SlowReader,
    /// More was sent than may wait for handlers, and they did not end for `pause_timeout`.
    LeftUnread,
}

impl Violation {
    /// How a POST that did this is answered.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow | Self::LeftUnread => StatusCode::REQUEST_TIMEOUT,
            // The reference answers the ping as any other packet before it closes (§11).
            Self::PingFromClient => StatusCode::OK,
            Self::SecondPoll
            | Self::SecondPost
            | Self::Aborted
            | Self::BinaryBody
            | Self::NotUtf8
            | Self::TooManyPackets
            | Self::TooManyFragments
            | Self::Malformed(_)
            | Self::BrokenSocket
            | Self::SlowReader => StatusCode::BAD_REQUEST,
        }
    }

    /// What the session reports.
    pub const fn reason(self) -> CloseReason {
        match self {
            Self::NotUtf8 | Self::TooManyPackets | Self::Malformed(_) => CloseReason::ParseError,
            Self::LeftUnread => CloseReason::PingTimeout,
            Self::SecondPoll
            | Self::SecondPost
            | Self::Aborted
            | Self::TooLarge
            | Self::TooSlow
            | Self::BinaryBody
            | Self::TooManyFragments
            | Self::PingFromClient
            | Self::BrokenSocket
            | Self::SlowReader => CloseReason::TransportError,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondPoll => f.write_str("a second GET while one was waiting"),
            Self::SecondPost => f.write_str("a second POST while one was being read"),
            Self::Aborted => f.write_str("a request was dropped by the client"),
            Self::TooLarge => f.write_str("a body or message over the limit"),
            Self::TooSlow => f.write_str("a body that did not come in time"),
            Self::BinaryBody => f.write_str("a binary body"),
            Self::NotUtf8 => f.write_str("a body that is not UTF-8"),
            Self::TooManyPackets => f.write_str("too many packets in one body"),
            Self::TooManyFragments => f.write_str("a message in too many fragments"),
            Self::Malformed(why) => why.fmt(f),
            Self::PingFromClient => f.write_str("a ping from the client"),
            Self::BrokenSocket => f.write_str("the WebSocket was broken or lost"),
            Self::SlowReader => f.write_str("the client does not read"),
            Self::LeftUnread => f.write_str("the client was left unread for too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_did_is_answered_by_a_status_and_ends_its_session_for_a_reason() {
        let transport = CloseReason::TransportError;
        for (violation, status, reason) in [
            (Violation::SecondPoll, 400, transport),
            (Violation::SecondPost, 400, transport),
            (Violation::Aborted, 400, transport),
            (Violation::TooLarge, 413, transport),
            (Violation::TooSlow, 408, transport),
            (Violation::BinaryBody, 400, transport),
            (Violation::NotUtf8, 400, CloseReason::ParseError),
            (Violation::TooManyPackets, 400, CloseReason::ParseError),
            (Violation::TooManyFragments, 400, transport),
            (
                Violation::Malformed(PacketError::Empty),
                400,
                CloseReason::ParseError,
            ),
            (Violation::PingFromClient, 200, transport),
            (Violation::BrokenSocket, 400, transport),
            (Violation::SlowReader, 400, transport),
            (Violation::LeftUnread, 408, CloseReason::PingTimeout),
        ] {
            let its = (violation.status().as_u16(), violation.reason());
            assert_eq!(its, (status, reason), "{violation}");
        }
    }
}
