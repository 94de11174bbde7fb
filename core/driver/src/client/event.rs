//! What happens to a client, besides the events that its server sends.

use std::time::Duration;

use sio_core::client::{DisconnectReason, TransportError};
use sio_core::id::SocketId;

use super::error::ConnectError;

/// A socket is in its namespace: for handlers of `connect`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// Its id there.
    pub id: SocketId,
    /// Whether it is the one that it was before, and has missed nothing (§21).
    pub recovered: bool,
}

/// A socket has left its namespace: for handlers of `disconnect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// Why.
    pub reason: DisconnectReason,
    /// Whether it takes part in the next connection.
    pub active: bool,
}

/// What happens to a client as a whole: for [`Client::on_event`](super::Client::on_event).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Happening {
    /// A connection is there. Which attempt to dial again it was; 0 for the first dial.
    Opened {
        /// That number.
        attempt: u32,
    },
    /// An attempt to dial has failed.
    Failed {
        /// Which attempt to dial again it was; 0 for the first dial.
        attempt: u32,
        /// Why.
        error: TransportError,
    },
    /// It is dialled again after a while.
    Waiting {
        /// Which attempt it will be, from 1.
        attempt: u32,
        /// How long that is.
        wait: Duration,
    },
    /// It is dialled again.
    Attempt {
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// As many attempts have failed as may.
    GaveUp,
    /// The connection has moved from polling to a WebSocket.
    Upgraded,
    /// It could not, and stays with polling.
    UpgradeFailed(TransportError),
    /// The server has pinged, and is answered.
    Pinged,
    /// The server sent what is no Socket.IO packet; the connection ends for it.
    Malformed,
    /// The client is closed.
    Closed,
}

/// For which attempt something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which attempt to dial again it is; 0 for the first dial.
    pub number: u32,
    /// How often in a row this socket was refused before.
    pub refusals: u32,
}

/// What becomes of a socket that is refused: for [`Builder::on_refused`](super::Builder::on_refused).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// It stays out.
    #[default]
    Stay,
    /// It asks again after so long.
    Again(Duration),
}

impl From<Option<Duration>> for Decision {
    /// `None`: it stays out.
    fn from(wait: Option<Duration>) -> Self {
        wait.map_or(Self::Stay, Self::Again)
    }
}

/// What an event of a client's socket is about, besides its arguments.
#[derive(Clone, Debug)]
pub enum About {
    /// It is in its namespace.
    Connect(Connected),
    /// What its server has sent.
    Event,
    /// It has left.
    Disconnect(Disconnected),
    /// It is not let in, or there is no connection; and whether it takes part in the next one.
    ConnectError(ConnectError, bool),
    /// In revision 4: something that it sent was refused.
    Error,
}
