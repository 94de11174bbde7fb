//! The first word of a socket that is in its namespace, before all that it has kept.

use std::time::Duration;

use super::Connection;
use super::emits::Emit;
use crate::client::event::EntryTicket;
use crate::client::namespaces::State;
use crate::engine::{Flags, Sent};
use crate::message::Encoded;
use crate::socket::{AckError, SocketKey};
use crate::time::Instant;

impl<T> Connection<T> {
    /// Whether a socket has a first word each time that it is in its namespace: what it has kept, and what is emitted
    /// meanwhile, then waits for it, and for no longer than
    /// [`connect_timeout`](crate::client::Config::connect_timeout).
    pub fn ask_first(&mut self, socket: SocketKey, yes: bool) {
        if let Some(namespace) = self.namespaces.get_mut(socket) {
            namespace.has_first = yes;
        }
    }

    /// Sends an event before all that the socket has kept. It is said on this connection or not at all: on the next
    /// one there is another first word.
    pub fn emit_first(
        &mut self,
        now: Instant,
        ticket: &EntryTicket,
        packet: Encoded,
        flags: Flags,
    ) -> Sent {
        self.advance(now);
        if !self.is_entering(ticket) {
            return Sent::Closed;
        }
        let sent = self.send(ticket.socket, packet, flags, None, true);
        self.pump();
        sent
    }

    /// The same for an event that asks for an answer, as [`request`](Self::request) has it.
    ///
    /// # Errors
    /// Why it was not sent, and the token.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    pub fn request_first(
        &mut self,
        now: Instant,
        ticket: &EntryTicket,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, T)> {
        let now = self.advance(now);
        if !self.is_entering(ticket) {
            return Err((AckError::Disconnected, token));
        }
        let emit = Emit {
            id,
            packet,
            flags,
            timeout,
        };
        self.request_by(now, ticket.socket, emit, token, true)
    }

    /// The first word is said: what the socket has kept may leave.
    pub fn entered(&mut self, now: Instant, ticket: EntryTicket) {
        self.advance(now);
        if self.is_entering(&ticket) {
            self.release(ticket.socket);
        }
        self.pump();
    }

    fn is_entering(&self, ticket: &EntryTicket) -> bool {
        self.namespaces.get(ticket.socket).is_some_and(|it| {
            it.state == State::Connected && it.stay == ticket.stay && it.first_by.is_some()
        })
    }

    fn release(&mut self, socket: SocketKey) {
        if let Some(namespace) = self.namespaces.get_mut(socket) {
            namespace.first_by = None;
        }
        self.send_offline(socket);
        self.send_retry(socket);
    }

    /// Waits no longer for first words that are overdue. `false`: there are none.
    pub(super) fn release_unsaid(&mut self) -> bool {
        let late = self.namespaces.iter().filter(|(_, it)| {
            let by = it.first_by.map(|by| self.excuse.put_off(by));
            by.is_some_and(|by| by <= self.now)
        });
        let late: Vec<_> = late.map(|(socket, _)| socket).collect();
        for socket in &late {
            self.release(*socket);
        }
        !late.is_empty()
    }
}
