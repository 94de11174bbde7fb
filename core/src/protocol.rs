//! What clients choose for their connection: a revision of the protocol, and a transport.

use std::fmt;

/// A revision of Engine.IO (§1). Chosen by each client for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Eio {
    /// `EIO=3`: the client pings, packets of a payload stand behind their lengths.
    V3,
    /// `EIO=4`: the server pings, payloads are joined by U+001E.
    V4,
}

impl Eio {
    /// The number that the query names.
    pub const fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }

    /// The revision of Socket.IO that travels over it: the one above (§1).
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::V3 => Protocol::V4,
            Self::V4 => Protocol::V5,
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

/// A revision of Socket.IO (§1). It follows from that of the engine below ([`Eio::protocol`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Clients are in `/` without asking, credentials are a query behind a namespace's name.
    V4,
    /// Every namespace is asked for, with credentials as JSON.
    V5,
}

/// How a session's packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
