//! What lies behind the reason for which a connection ended.

use std::fmt;

use crate::engine::Violation;
use crate::packet::{EncodeError, Fault};

/// What a client did, or what was over, where a connection did not end by somebody's wish, or what the application said when
/// it closed it: the details of a [`CloseReason`](crate::engine::CloseReason). As text for people, the options that set the limit included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Details {
    /// A rule or a limit of Engine.IO.
    Violation(Violation),
    /// A message that is no Socket.IO packet, or is past a limit of those.
    Malformed(Fault),
    /// A packet where none may be: for a namespace that the client is not in, or one that only servers send.
    Unexpected,
    /// Refused too often (`max_refused_connects`).
    Refused,
    /// No namespace joined in time (`connect_timeout`).
    NotJoined,
    /// A packet whose attachments did not come in time (`packet_timeout`).
    Incomplete,
    /// A packet of the protocol's own that the application's parser did not write.
    Unwritten(EncodeError),
    /// The application has closed the connection, in these words.
    Told(Box<str>),
}

impl Details {
    /// The options of [`Config`](crate::config::Config) of which one was reached; empty if it was a rule that
    /// no option sets.
    pub const fn options(&self) -> &'static [&'static str] {
        match self {
            Self::Violation(violation) => violation_options(*violation),
            Self::Malformed(fault) => fault_options(fault),
            Self::Refused => &["max_refused_connects"],
            Self::NotJoined => &["connect_timeout"],
            Self::Incomplete => &["packet_timeout"],
            Self::Unexpected | Self::Unwritten(_) | Self::Told(_) => &[],
        }
    }
}

const fn violation_options(violation: Violation) -> &'static [&'static str] {
    match violation {
        Violation::TooLarge => &["max_http_buffer_size"],
        Violation::TooSlow => &["request_body_timeout"],
        Violation::TooManyPackets => &["max_packets_per_payload"],
        Violation::TooManyFragments => &["max_fragments"],
        Violation::SlowReader => &["max_backlog_bytes", "max_backlog_packets", "write_timeout"],
        Violation::LeftUnread => &["max_running_handlers", "max_running_bytes", "pause_timeout"],
        Violation::SecondPoll
        | Violation::SecondPost
        | Violation::Aborted
        | Violation::BinaryBody
        | Violation::NotUtf8
        | Violation::Malformed(_)
        | Violation::PingFromClient
        | Violation::BrokenSocket => &[],
    }
}

const fn fault_options(fault: &Fault) -> &'static [&'static str] {
    match fault {
        Fault::TooManyAttachments => &["max_attachments", "max_binary_packet"],
        Fault::Namespace => &["max_namespace_bytes"],
        Fault::Depth => &["max_json_depth"],
        Fault::Arguments => &["max_arguments"],
        Fault::Name => &["max_event_name_bytes"],
        Fault::Kind
        | Fault::Attachments
        | Fault::AckId
        | Fault::Payload
        | Fault::Reserved
        | Fault::UnexpectedText
        | Fault::UnexpectedBinary
        | Fault::Placeholder
        | Fault::Panicked => &[],
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(why) => why.fmt(f),
            Self::Malformed(why) => why.fmt(f),
            Self::Unexpected => f.write_str("a packet where none may be"),
            Self::Refused => f.write_str("refused too often"),
            Self::NotJoined => f.write_str("no namespace joined in time"),
            Self::Incomplete => f.write_str("a packet whose attachments did not come in time"),
            Self::Unwritten(why) => why.fmt(f),
            Self::Told(words) => f.write_str(words),
        }?;
        let mut before = " (";
        for option in self.options() {
            write!(f, "{before}{option}")?;
            before = ", ";
        }
        if before == ", " {
            f.write_str(")")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::PacketError;

    #[test]
    fn they_name_the_limit_of_a_session() {
        let violation = Details::Violation;
        for (details, words) in [
            (
                violation(Violation::SecondPoll),
                "a second GET while one was waiting",
            ),
            (
                violation(Violation::SecondPost),
                "a second POST while one was being read",
            ),
            (
                violation(Violation::Aborted),
                "a request was dropped by the client",
            ),
            (
                violation(Violation::TooLarge),
                "a body or message over the limit (max_http_buffer_size)",
            ),
            (
                violation(Violation::TooSlow),
                "a body that did not come in time (request_body_timeout)",
            ),
            (violation(Violation::BinaryBody), "a binary body"),
            (violation(Violation::NotUtf8), "a body that is not UTF-8"),
            (
                violation(Violation::TooManyPackets),
                "too many packets in one body (max_packets_per_payload)",
            ),
            (
                violation(Violation::TooManyFragments),
                "a message in too many fragments (max_fragments)",
            ),
            (
                violation(Violation::Malformed(PacketError::Empty)),
                "empty packet",
            ),
            (
                violation(Violation::Malformed(PacketError::Type(b'x'))),
                "unknown packet type 'x'",
            ),
            (
                violation(Violation::Malformed(PacketError::Base64)),
                "invalid base64",
            ),
            (
                violation(Violation::Malformed(PacketError::Text)),
                "text that is not UTF-8",
            ),
            (
                violation(Violation::Malformed(PacketError::Length)),
                "invalid length",
            ),
            (
                violation(Violation::Malformed(PacketError::TooMany)),
                "too many packets in one payload",
            ),
            (
                violation(Violation::PingFromClient),
                "a ping from the client",
            ),
            (
                violation(Violation::BrokenSocket),
                "the WebSocket was broken or lost",
            ),
            (
                violation(Violation::SlowReader),
                "the client does not read (max_backlog_bytes, max_backlog_packets, write_timeout)",
            ),
            (
                violation(Violation::LeftUnread),
                "the client was left unread for too long \
                 (max_running_handlers, max_running_bytes, pause_timeout)",
            ),
        ] {
            assert_eq!(details.to_string(), words);
        }
    }

    #[test]
    fn they_name_the_limit_of_packets() {
        let malformed = Details::Malformed;
        let reserved = EncodeError::Reserved("connect".into());
        for (details, words) in [
            (
                malformed(Fault::TooManyAttachments),
                "too many attachments (max_attachments, max_binary_packet)",
            ),
            (
                malformed(Fault::Namespace),
                "namespace too long (max_namespace_bytes)",
            ),
            (
                malformed(Fault::Depth),
                "payload nested too deeply (max_json_depth)",
            ),
            (
                malformed(Fault::Arguments),
                "too many arguments (max_arguments)",
            ),
            (
                malformed(Fault::Name),
                "event name too long (max_event_name_bytes)",
            ),
            (malformed(Fault::Kind), "unknown packet type"),
            (Details::Unexpected, "a packet where none may be"),
            (Details::Refused, "refused too often (max_refused_connects)"),
            (
                Details::NotJoined,
                "no namespace joined in time (connect_timeout)",
            ),
            (
                Details::Incomplete,
                "a packet whose attachments did not come in time (packet_timeout)",
            ),
            (
                Details::Unwritten(reserved),
                "\"connect\" is a reserved event name",
            ),
            (Details::Told("not you".into()), "not you"),
        ] {
            assert_eq!(details.to_string(), words);
        }
    }
}
