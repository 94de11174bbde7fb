//! What was wrong with a request, beyond its code.

use std::fmt;

use http::{HeaderValue, Method};

use crate::http::ErrorCode;
use crate::id::Sid;
use crate::protocol::{Eio, TransportKind};

/// What was wrong with a request that was refused, beyond its [`ErrorCode`]: the `context` of Node's
/// `connection_error`. It is among the extensions of the response.
///
/// As text for people; [`name`](Self::name) is Node's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorContext {
    /// The transport that was asked for, which is none or not enabled (code 0).
    Transport(Option<Box<str>>),
    /// The id of no session (code 1).
    Sid(Sid),
    /// The method, by which no session is opened or used (code 2).
    Method(Method),
    /// `Origin` is there twice, or is no text (code 3).
    InvalidOrigin(HeaderValue),
    /// Another transport than the session's (code 3).
    TransportMismatch {
        /// The request's.
        transport: TransportKind,
        /// The session's.
        previous: TransportKind,
    },
    /// Another revision than the session's (code 3).
    ProtocolMismatch {
        /// The request's, if it is one that is spoken here.
        protocol: Option<Eio>,
        /// The session's; `None` where that did not matter.
        previous: Option<Eio>,
    },
    /// A WebSocket without its handshake, or with one that cannot be granted; or a poll with one (code 3).
    TransportHandshake,
    /// The application made no id for the session, or one that is in use: why (code 3).
    IdGeneration(Box<str>),
    /// A part of the head that cannot be read: `query`, or a header's name (code 3).
    Malformed(&'static str),
    /// The parser that was asked for, of which there is none here (code 3).
    Parser(Box<str>),
    /// The application has refused it, in these words (code 4).
    Forbidden(Option<Box<str>>),
    /// The origin, which is not among those that get in (code 4).
    Origin(Box<str>),
    /// The revision that was asked for, which is none or not spoken here (code 5).
    Protocol(Option<Box<str>>),
    /// A middleware of the engine has answered in its place, has panicked, or has taken too long.
    Middleware,
    /// The options of which one was reached.
    Limit(&'static [&'static str]),
    /// The server is closing.
    ShuttingDown,
    /// Something of the application's has panicked.
    Failed,
}

impl ErrorContext {
    /// What Node names it in `context.name`, if it does.
    pub const fn name(&self) -> Option<&'static str> {
        match self {
            Self::InvalidOrigin(_) => Some("INVALID_ORIGIN"),
            Self::TransportMismatch { .. } => Some("TRANSPORT_MISMATCH"),
            Self::ProtocolMismatch { .. } => Some("PROTOCOL_MISMATCH"),
            Self::TransportHandshake => Some("TRANSPORT_HANDSHAKE_ERROR"),
            Self::IdGeneration(_) => Some("ID_GENERATION_ERROR"),
            Self::Middleware => Some("MIDDLEWARE_FAILURE"),
            Self::Transport(_)
            | Self::Sid(_)
            | Self::Method(_)
            | Self::Malformed(_)
            | Self::Parser(_)
            | Self::Forbidden(_)
            | Self::Origin(_)
            | Self::Protocol(_)
            | Self::Limit(_)
            | Self::ShuttingDown
            | Self::Failed => None,
        }
    }
}

impl fmt::Display for ErrorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = |text: &Option<Box<str>>| match text {
            Some(text) => format!("{text:?}"),
            None => "none".to_owned(),
        };
        match self {
            Self::Transport(text) => write!(f, "transport {}", asked(text)),
            Self::Sid(sid) => write!(f, "unknown {sid:?}"),
            Self::Method(method) => write!(f, "method {method}"),
            Self::InvalidOrigin(origin) => write!(f, "invalid origin {origin:?}"),
            Self::TransportMismatch {
                transport,
                previous,
            } => write!(f, "{transport} where the session has {previous}"),
            Self::ProtocolMismatch { .. } => f.write_str("another revision than the session's"),
            Self::TransportHandshake => f.write_str("no handshake for this transport"),
            Self::IdGeneration(why) => write!(f, "no session id: {why}"),
            Self::Malformed(part) => write!(f, "{part} cannot be read"),
            Self::Parser(name) => write!(f, "no parser {name:?}"),
            Self::Forbidden(None) => f.write_str("refused by the application"),
            Self::Forbidden(Some(words)) => write!(f, "refused by the application: {words}"),
            Self::Origin(origin) => write!(f, "origin {origin:?} is not allowed"),
            Self::Protocol(text) => write!(f, "revision {}", asked(text)),
            Self::Middleware => f.write_str("a middleware of the engine"),
            Self::Limit(options) => write!(f, "limit reached ({})", options.join(", ")),
            Self::ShuttingDown => f.write_str("the server is shutting down"),
            Self::Failed => f.write_str("the application has failed"),
        }
    }
}

/// What a session has that a request for it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// It is over.
    Gone,
    /// Its transport.
    Transport(TransportKind),
    /// Its revision.
    Protocol(Eio),
}

impl Mismatch {
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::Gone => ErrorCode::UnknownSid,
            Self::Transport(_) | Self::Protocol(_) => ErrorCode::BadRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_as_people_read_it_and_by_the_name_that_node_has() {
        let mismatch = ErrorContext::TransportMismatch {
            transport: TransportKind::Polling,
            previous: TransportKind::WebSocket,
        };
        let revisions = ErrorContext::ProtocolMismatch {
            protocol: None,
            previous: Some(Eio::V4),
        };
        let origin = HeaderValue::from_static("null");
        let all = [
            (ErrorContext::Transport(None), None, "transport none"),
            (
                ErrorContext::Sid(Sid::presented("abcdefgh")),
                None,
                "unknown Sid(\"abcd\"…)",
            ),
            (
                ErrorContext::Parser("cbor".into()),
                None,
                "no parser \"cbor\"",
            ),
            (ErrorContext::Method(Method::PUT), None, "method PUT"),
            (
                ErrorContext::InvalidOrigin(origin),
                Some("INVALID_ORIGIN"),
                "invalid origin \"null\"",
            ),
            (
                mismatch,
                Some("TRANSPORT_MISMATCH"),
                "polling where the session has websocket",
            ),
            (
                revisions,
                Some("PROTOCOL_MISMATCH"),
                "another revision than the session's",
            ),
            (
                ErrorContext::TransportHandshake,
                Some("TRANSPORT_HANDSHAKE_ERROR"),
                "no handshake for this transport",
            ),
            (
                ErrorContext::IdGeneration("it is in use".into()),
                Some("ID_GENERATION_ERROR"),
                "no session id: it is in use",
            ),
            (
                ErrorContext::Malformed("query"),
                None,
                "query cannot be read",
            ),
            (
                ErrorContext::Forbidden(None),
                None,
                "refused by the application",
            ),
            (
                ErrorContext::Forbidden(Some("not you".into())),
                None,
                "refused by the application: not you",
            ),
            (
                ErrorContext::Origin("http://a".into()),
                None,
                "origin \"http://a\" is not allowed",
            ),
            (
                ErrorContext::Protocol(Some("7".into())),
                None,
                "revision \"7\"",
            ),
            (
                ErrorContext::Middleware,
                Some("MIDDLEWARE_FAILURE"),
                "a middleware of the engine",
            ),
            (
                ErrorContext::Limit(&["max_sessions", "max_pending_sessions"]),
                None,
                "limit reached (max_sessions, max_pending_sessions)",
            ),
            (
                ErrorContext::ShuttingDown,
                None,
                "the server is shutting down",
            ),
            (ErrorContext::Failed, None, "the application has failed"),
        ];
        for (context, name, words) in all {
            assert_eq!((context.name(), &*context.to_string()), (name, words));
        }
    }
}
