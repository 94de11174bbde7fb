//! Engine.IO: packets, payloads, the handshake, and one client's session (§2–§12).
//!
//! Usable without Socket.IO: an [`Acceptor`] reads request heads, a [`Session`] is one client. The
//! session knows requests only by their id and answers them with a [`Reply`]; the [`Exchange`] that the
//! acceptor made of the head turns it into a response.

mod backlog;
mod close;
mod context;
mod event;
mod exchange;
mod handshake;
mod heartbeat;
mod jsonp;
mod packet;
mod payload;
mod post;
mod queue;
mod reply;
mod send;
mod session;
mod websocket;

pub use backlog::Backlog;
pub use close::{Close, CloseReason, Violation};
pub use context::{ErrorContext, Mismatch};
pub use event::{Event, Opened, Seen};
pub use exchange::{Exchange, HandshakeError, RequestKind, Response};
pub use handshake::{Acceptor, Route};
pub use packet::{Packet, PacketError};
pub use payload::{Body, Framing, Payload, Writer, split};
pub use post::{Collector, Post, PostFailure};
pub use reply::{Content, Reply};
pub use send::{Flags, Sent};
pub(crate) use session::Next;
pub use session::Session;
pub use websocket::{WsClosed, WsOut};

pub use crate::http::{Coding, ErrorCode, Query, QueryError};
pub(crate) use heartbeat::Times;
pub(crate) use packet::type_byte;
pub(crate) use queue::Queue;

#[doc(no_inline)]
pub use crate::message::Message;
#[doc(no_inline)]
pub use crate::protocol::{Eio, TransportKind};
