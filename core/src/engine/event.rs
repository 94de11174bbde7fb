//! What happens on a session.

use super::{CloseReason, Packet, Violation};
use crate::message::Message;
use crate::protocol::{Eio, TransportKind};

/// How a session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// By a poll or by a WebSocket.
    pub transport: TransportKind,
    /// The client's revision.
    pub revision: Eio,
    /// Whether the client takes no binary frames on the transport it opened (`b64`).
    pub base64: bool,
}

/// What has happened on a session, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A message.
    Message(Message),
    /// The session has moved to a WebSocket.
    Upgraded,
    /// The session is over: the last event.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What the client did that ended it, if it did something wrong.
        violation: Option<Violation>,
    },
}

/// What is told of a session that is [observed](super::Session::observe), beside its events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// A packet has come.
    Received(Packet),
    /// A packet was made. It is sent, unless the session ends first or, being volatile, it gives way to another.
    Created(Packet),
    /// A WebSocket was probed, and may take over.
    Upgrading,
}
