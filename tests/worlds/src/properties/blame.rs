//! *blame*: no connection ends without a cause that the world made.

use std::collections::BTreeMap;
use std::time::Duration;

use sio_core::server::ConnectionKey;
use sio_core::time::Instant;

use crate::failure::{Property, fail, hold};
use crate::network::Party;

/// What the world has done that may end a connection, or what a client takes for one.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    /// Of each connection of the server its client, and the cause.
    connections: BTreeMap<ConnectionKey, (Party, Option<&'static str>)>,
    /// Of each client the last cause, and how long it lasts.
    clients: BTreeMap<Party, (Instant, &'static str)>,
    /// How often something was done to each.
    causes: BTreeMap<Party, u64>,
    /// Until when what is held against a process that stood still is a matter of *patience*.
    stood_still: Option<Instant>,
}

/// As long as anything that was done to a client may take to show: nothing comes on a line for half a
/// minute, and then a ping is missed.
const LASTS: Duration = Duration::from_secs(50);

impl Blame {
    /// `only`: it is the one connection of its client, and what was done to that before holds for it.
    pub(crate) fn opened(&mut self, connection: ConnectionKey, party: Party, only: bool) {
        let before = self.clients.get(&party).filter(|_| only);
        let cause = before.map(|(_, cause)| *cause);
        self.connections.insert(connection, (party, cause));
    }

    pub(crate) fn party(&self, connection: ConnectionKey) -> Option<Party> {
        self.connections.get(&connection).map(|(party, _)| *party)
    }

    /// Whether nothing was done to a connection, nor did its client do anything.
    pub(crate) fn is_blameless(&self, connection: ConnectionKey) -> bool {
        self.connections
            .get(&connection)
            .is_some_and(|(_, cause)| cause.is_none())
    }

    /// Something was done to a client and all its connections.
    pub(crate) fn cause(&mut self, now: Instant, party: Party, cause: &'static str) {
        self.lasts(now, party, cause);
        *self.causes.entry(party).or_default() += 1;
    }

    /// What was done may show for longer.
    fn lasts(&mut self, now: Instant, party: Party, cause: &'static str) {
        for (_, its) in self.connections.values_mut().filter(|it| it.0 == party) {
            its.get_or_insert(cause);
        }
        self.clients.insert(party, (now + LASTS, cause));
    }

    /// How often something was done to a client.
    pub(crate) fn causes(&self, party: Party) -> u64 {
        self.causes.get(&party).copied().unwrap_or(0)
    }

    /// Whether nothing was done to a client that may still show.
    pub(crate) fn is_well(&self, now: Instant, party: Party) -> bool {
        let cause = self.clients.get(&party);
        cause.is_none_or(|(until, _)| *until < now)
    }

    /// Something was done to one connection.
    pub(crate) fn cause_one(&mut self, connection: ConnectionKey, why: &'static str) {
        if let Some((_, cause)) = self.connections.get_mut(&connection) {
            cause.get_or_insert(why);
        }
    }

    /// The server could not be heard, which is no cause for it.
    pub(crate) fn unheard(&mut self, until: Instant, parties: Party) {
        for party in 0..parties {
            self.clients
                .insert(party, (until + LASTS, "the server stood still"));
            *self.causes.entry(party).or_default() += 1;
        }
    }

    pub(crate) fn stood_still(&mut self, until: Instant) {
        self.stood_still = Some(until);
    }

    /// A connection of the server is over.
    pub(crate) fn closed(&mut self, now: Instant, connection: ConnectionKey, reason: &str) {
        match self.connections.remove(&connection) {
            Some((party, Some(cause))) => self.lasts(now, party, cause),
            Some((party, None)) => {
                let property = match self.stood_still.is_some_and(|until| now <= until) {
                    true => Property::Patience,
                    false => Property::Blame,
                };
                fail(
                    property,
                    format!("a connection of {party} ended by {reason}, and nobody did anything"),
                );
            }
            None => fail(
                Property::Life,
                format!("{connection:?} ended, and was not there"),
            ),
        }
    }

    /// A client says that its connection is over, or cannot be made.
    pub(crate) fn lost(&self, now: Instant, party: Party, reason: &str) {
        let cause = self.clients.get(&party);
        hold!(
            Blame,
            cause.is_some_and(|(until, _)| now <= *until),
            "client {party} lost its connection by {reason}, last cause {cause:?}"
        );
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = (ConnectionKey, Party)> {
        self.connections
            .iter()
            .map(|(key, (party, _))| (*key, *party))
    }

    pub(crate) fn server_died(&mut self) {
        self.connections.clear();
    }
}
