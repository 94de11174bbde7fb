//! Engine.IO: packets, payloads, the handshake, and one client's session (§2–§12).
//!
//! Usable without Socket.IO: an [`Acceptor`] reads request heads, a [`Session`] is one client. The
//! session knows requests only by their id and answers them with a [`Reply`]; the [`Exchange`] that the
//! acceptor made of the head turns it into a response.

mod close;
mod exchange;
mod handshake;
mod heartbeat;
mod jsonp;
mod packet;
mod payload;
mod queue;
mod reply;
mod session;
mod upgrade;

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

pub use close::{CloseReason, Violation};
pub use exchange::{Exchange, Kind, Refusal, Response};
pub use handshake::{Acceptor, Route};
pub use packet::{Packet, PacketError};
pub use payload::{Body, Framing, Payload, Writer, split};
pub use reply::{Content, Reply};
pub use session::Session;

pub use crate::http::{Coding, ErrorCode, Query, QueryError};

use crate::packet::Part;

/// A message's content (§4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// One WebSocket message (§7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
}

/// A revision of the protocol (§1). Chosen by each client for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// `EIO=3`: the client pings, packets of a payload stand behind their lengths.
    V3,
    /// `EIO=4`: the server pings, payloads are joined by U+001E.
    V4,
}

impl Revision {
    /// The number that the query names.
    pub const fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }

    /// The one that a query's `EIO` names: literally `3` or `4`.
    pub fn from_query(text: &str) -> Option<Self> {
        match text {
            "3" => Some(Self::V3),
            "4" => Some(Self::V4),
            _ => None,
        }
    }
}

/// How a session's packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// HTTP requests: GETs that wait for packets, POSTs that bring them.
    Polling,
    /// A WebSocket.
    WebSocket,
}

impl TransportKind {
    /// Its name in the query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// By a poll or by a WebSocket.
    pub transport: TransportKind,
    /// The client's revision.
    pub revision: Revision,
    /// Whether the client takes no binary frames on the transport it opened (`b64`).
    pub base64: bool,
}

/// What goes with a packet that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Drop it if it cannot leave at once (§20).
    pub volatile: bool,
    /// Compress it where that is on.
    pub compress: bool,
}

impl Default for Flags {
    /// Not volatile, compressed where that is on.
    fn default() -> Self {
        Self {
            volatile: false,
            compress: true,
        }
    }
}

/// What became of a packet that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a packet may have been refused"]
pub enum Sent {
    /// It is queued, and is sent unless the connection ends first.
    Queued,
    /// It was volatile and could not leave at once.
    Dropped,
    /// The backlog is full, and the policy is to refuse.
    Full,
    /// The session is closed or closing.
    Closed,
}

/// How to close a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// After what is queued has left.
    Flush,
    /// At once; what is queued is lost.
    Discard,
}

/// What has happened on a session, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message(Data),
    /// The session has moved to a WebSocket.
    Upgraded,
    /// The session is over: the last event.
    Closed(CloseReason),
}

/// What is known of a POST (§9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// Its head is here, its body is not yet. Tell it, and `End` will follow, even if the session has
    /// answered meanwhile.
    Begun,
    /// The body of one that had begun, or why there is none.
    End(Result<Body, PostFailure>),
    /// Head and body at once.
    Whole(Result<Body, PostFailure>),
}

/// Why a POST's body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostFailure {
    /// Over `max_http_buffer_size`.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// `application/octet-stream`, which this revision does not take.
    Binary,
    /// It did not come within `request_body_timeout`.
    Timeout,
    /// The client went away half-way.
    Lost,
}

/// How a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WsClosed {
    /// By a closing handshake, or the end of the stream.
    Closed,
    /// By an error of the connection.
    Lost,
    /// The client sent a message over `max_http_buffer_size`.
    TooLarge,
    /// The client broke another rule of RFC 6455.
    Violation,
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
