//! The machine of a connection that speaks Socket.IO, recorded or not.

use std::time::Duration;

use sio_core::connection::Connection;
use sio_core::engine::{Flags, Sent};
use sio_core::id::SocketId;
use sio_core::message::Encoded;
use sio_core::record::Recorded;
use sio_core::recovery::Pid;
use sio_core::socket::{AckError, AckTicket, ConnectTicket, Refusal, SocketKey};
use sio_core::time::Instant;

use crate::mailbox::reply::Token;

/// What can be asked of either.
pub(super) enum Speaker<'a> {
    Plain(&'a mut Connection<Token>),
    Recorded(&'a mut Recorded<Token>),
}

macro_rules! either {
    ($speaker:expr, $it:ident => $what:expr) => {
        match $speaker {
            Speaker::Plain($it) => $what,
            Speaker::Recorded($it) => $what,
        }
    };
}

impl Speaker<'_> {
    pub(super) fn accept(
        self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
    ) -> Option<SocketKey> {
        either!(self, it => it.accept(now, ticket, id))
    }

    pub(super) fn accept_recoverable(
        self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
        pid: &Pid,
        missed: Vec<Encoded>,
    ) -> Option<SocketKey> {
        either!(self, it => it.accept_recoverable(now, ticket, id, pid, missed))
    }

    pub(super) fn reject(self, now: Instant, ticket: ConnectTicket, refusal: &Refusal) {
        either!(self, it => it.reject(now, ticket, refusal));
    }

    pub(super) fn disconnect(self, now: Instant, socket: SocketKey) {
        either!(self, it => it.disconnect(now, socket));
    }

    pub(super) fn disconnect_all(self, now: Instant) {
        either!(self, it => it.disconnect_all(now));
    }

    pub(super) fn expel(self, now: Instant, socket: SocketKey) {
        either!(self, it => it.expel(now, socket));
    }

    pub(super) fn supersede(self, now: Instant, socket: SocketKey) {
        either!(self, it => it.supersede(now, socket));
    }

    #[inline]
    pub(super) fn respond(self, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent {
        either!(self, it => it.respond(now, ticket, packet))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    #[inline]
    pub(super) fn request(
        self,
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: Token,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, Token)> {
        either!(self, it => it.request(now, socket, id, packet, flags, token, timeout))
    }

    pub(super) fn computed_id(&self, namespace: &str) -> Option<SocketId> {
        either!(self, it => it.computed_id(namespace))
    }

    pub(super) fn is_recoverable(&self) -> bool {
        either!(self, it => it.is_recoverable())
    }

    /// Whether packets may go past the queue. Of one that is recorded they never do: each is written down, and its
    /// client gets the same bytes.
    #[inline]
    pub(super) fn is_clear(&self, socket: SocketKey) -> bool {
        either!(self, it => it.is_clear(socket))
    }

    /// They did.
    #[inline]
    pub(super) fn passed(self, now: Instant, packets: &[Encoded]) {
        match self {
            Self::Plain(connection) => connection.passed(now),
            Self::Recorded(connection) => connection.passed(now, packets),
        }
    }
}
