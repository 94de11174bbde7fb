//! *answer*: every ticket is answered once, in time. Requests are the network's to count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sio_core::server::{ConnectionKey, Socket};
use sio_core::time::Instant;

use crate::failure::hold;

/// Clients that wait to be let in, and until when they may.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    tickets: BTreeMap<Socket, Instant>,
    /// Of whom the application has heard nothing yet, and the machine wants no word any more.
    late: BTreeSet<Socket>,
    /// How many of each connection wait to hear whether a parent has a child.
    naming: BTreeMap<ConnectionKey, usize>,
    /// Of connections that are closing: they hold their places still.
    closing: BTreeSet<Socket>,
}

impl Answers {
    pub(crate) fn ticket(&mut self, socket: Socket, by: Instant) {
        let twice = self.tickets.insert(socket, by);
        hold!(Answer, twice.is_none(), "{socket:?} has two tickets");
    }

    /// It is asked whether a parent has a child, and does not say so at once.
    pub(crate) fn named_late(&mut self, connection: ConnectionKey) {
        *self.naming.entry(connection).or_default() += 1;
    }

    /// It has said so in time.
    pub(crate) fn named(&mut self, connection: ConnectionKey) {
        let waits = self.naming.get_mut(&connection);
        hold!(
            Answer,
            waits.as_ref().is_some_and(|waits| **waits > 0),
            "{connection:?} did not wait for a name"
        );
        if let Some(waits) = waits {
            *waits -= 1;
        }
    }

    /// Whether nobody waits to be let in.
    pub(crate) fn is_quiet(&self) -> bool {
        self.tickets.is_empty() && self.closing.is_empty()
    }

    /// The application has decided, in time or too late.
    pub(crate) fn decided(&mut self, socket: Socket) {
        self.tickets.remove(&socket);
    }

    /// It has decided when the machine had done so already, which it may be told only now.
    pub(crate) fn too_late(&mut self, socket: Socket) {
        self.late.insert(socket);
    }

    /// The machine says that nobody did.
    pub(crate) fn undecided(&mut self, socket: Socket) {
        let late = self.late.remove(&socket);
        let mut waited = self.tickets.remove(&socket).is_some() || late;
        if !waited && let Some(waits) = self.naming.get_mut(&socket.connection) {
            waited = *waits > 0;
            *waits = waits.saturating_sub(1);
        }
        hold!(Answer, waited, "{socket:?} was undecided, and did not wait");
    }

    pub(crate) fn closed(&mut self, connection: ConnectionKey) {
        self.tickets
            .retain(|socket, _| socket.connection != connection);
        self.late.retain(|socket| socket.connection != connection);
        self.closing
            .retain(|socket| socket.connection != connection);
        self.naming.remove(&connection);
    }

    pub(crate) fn excuse(&mut self, longer: Duration) {
        for by in self.tickets.values_mut() {
            *by = by.saturating_add(longer);
        }
    }

    /// `lives`: whether a connection goes on. One that is closing asks nobody any more.
    pub(crate) fn overdue(&mut self, now: Instant, lives: impl Fn(ConnectionKey) -> bool) {
        let late = |by: &Instant| *by < now;
        if self.tickets.values().any(late) {
            self.tickets.retain(|socket, by| {
                let waits = !late(by) || lives(socket.connection);
                if !waits {
                    self.closing.insert(*socket);
                }
                waits
            });
        }
        let late = self.tickets.iter().find(|(_, by)| late(by));
        hold!(Answer, late.is_none(), "{late:?} is undecided at {now:?}");
    }

    pub(crate) fn server_died(&mut self) {
        self.tickets.clear();
        self.late.clear();
        self.naming.clear();
        self.closing.clear();
    }
}
