//! What a connection tells the application.

use crate::details::Details;
use crate::engine::CloseReason;
use crate::socket;

/// What has happened on a connection, in order.
#[derive(Debug)]
pub enum Event<T> {
    /// On one of its sockets.
    Socket(socket::Event<T>),
    /// The connection has moved from polling to WebSocket.
    Upgraded,
    /// The connection is over, and all of its sockets have left. Nothing more comes from it.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What lies behind that, if it was not anybody's wish.
        details: Option<Details>,
    },
}

/// That something has happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brought {
    /// Nothing has.
    Nothing,
    /// On a socket: it is among the events of those.
    Socket,
    Upgraded,
    Closed,
}
