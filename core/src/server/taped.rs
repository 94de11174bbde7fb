//! A connection of the server, recorded or not.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::time::Duration;

use crate::connection::{Connection, Event};
use crate::engine::{Close, Flags, Post, Reply, Sent, WsClosed, WsOut};
use crate::id::{RequestId, SocketId};
use crate::message::{Encoded, Message};
use crate::protocol::Eio;
use crate::record::Recorded;
use crate::recovery::Pid;
use crate::socket::{AckError, AckTicket, ConnectTicket, Refusal, SocketKey};
use crate::time::Instant;

/// A connection, recorded or not.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly none are recorded, and those that are not stay where they are"
)]
pub(super) enum Taped<T> {
    Off(Connection<T>),
    On(Box<Recorded<T>>),
}

impl<T> Taped<T> {
    /// Its log, if it was recorded and that is not given out yet.
    pub(super) fn take_log(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Off(_) => None,
            Self::On(recorded) => Some(recorded.take_log()),
        }
    }
}

/// What is only looked at.
impl<T> Deref for Taped<T> {
    type Target = Connection<T>;

    fn deref(&self) -> &Connection<T> {
        match self {
            Self::Off(connection) => connection,
            Self::On(recorded) => recorded,
        }
    }
}

/// What it does next is the same, recorded or not.
impl<T: Hash> Hash for Taped<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Connection::hash(self, state);
    }
}

/// What either is told.
macro_rules! forward {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl<T> Taped<T> {
            $(
                #[inline]
                $(#[$attribute])*
                pub(super) fn $name(&mut self, $($argument: $type),*) $(-> $result)? {
                    match self {
                        Self::Off(it) => it.$name($($argument),*),
                        Self::On(it) => it.$name($($argument),*),
                    }
                }
            )*
        }
    };
}

forward! {
    fn handle_poll(now: Instant, id: RequestId, revision: Eio);
    fn handle_post(now: Instant, id: RequestId, revision: Eio, post: Post);
    fn handle_aborted(now: Instant, id: RequestId);
    fn handle_ws_open(now: Instant, revision: Eio, base64: bool) -> bool;
    fn handle_ws(now: Instant, frame: Message);
    fn handle_ws_progress(now: Instant);
    fn handle_ws_flushed(now: Instant);
    fn handle_ws_closed(now: Instant, cause: WsClosed);
    fn handle_late(now: Instant);
    fn handle_timeout(now: Instant);
    fn accept(now: Instant, ticket: ConnectTicket, id: &SocketId) -> Option<SocketKey>;
    fn accept_recoverable(
        now: Instant, ticket: ConnectTicket, id: &SocketId, pid: &Pid, missed: Vec<Encoded>
    ) -> Option<SocketKey>;
    fn reject(now: Instant, ticket: ConnectTicket, refusal: &Refusal);
    fn supersede(now: Instant, socket: SocketKey);
    fn deliver(now: Instant, socket: SocketKey, packet: Encoded, flags: Flags) -> Sent;
    #[expect(clippy::too_many_arguments, reason = "what an emit with ack consists of")]
    fn request(
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>
    ) -> Result<(), (AckError, T)>;
    fn respond(now: Instant, ticket: AckTicket, packet: Encoded) -> Sent;
    fn disconnect(now: Instant, socket: SocketKey);
    fn disconnect_all(now: Instant);
    fn expel(now: Instant, socket: SocketKey);
    fn shut_down(now: Instant);
    fn close(now: Instant, how: Close);
    fn pause(now: Instant, paused: bool);
    fn poll_event(now: Instant) -> Option<Event<T>>;
    fn poll_http() -> Option<(RequestId, Reply)>;
    fn poll_ws() -> Option<WsOut>;
}
