//! Clients that read slowly, or not at all, and what a server owes them and does not.

use std::collections::BTreeMap;
use std::time::Duration;

use sio_core::engine::{Flags, Message};
use sio_core::protocol::TransportKind;
use sio_core::server::ConnectionKey;
use sio_core::time::Instant;

use crate::failure::hold;
use crate::marks::Mark;
use crate::network::{Delivery, Side, Taken};
use crate::options::{Fault, UPGRADE_TIMEOUT, WRITE_TIMEOUT};
use crate::world::World;

/// What clients wait for, and servers for clients.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    /// WebSockets of which nothing is taken although there is something, and since when.
    blocked: BTreeMap<usize, Instant>,
    /// WebSockets beside the polling, and since when.
    beside: BTreeMap<usize, Instant>,
    /// Sessions of which a WebSocket was probed, and when that was first.
    probed: BTreeMap<ConnectionKey, Instant>,
    /// Sessions that have ended since it was looked whether their WebSockets have.
    ended: Vec<ConnectionKey>,
    /// Sessions of which all has left that was taken, since it was looked whether one ends by that.
    flushed: Vec<ConnectionKey>,
}

impl Readers {
    /// Whether a WebSocket beside the polling of a session was probed.
    pub(crate) fn is_probed(&self, connection: ConnectionKey) -> bool {
        self.probed.contains_key(&connection)
    }

    pub(crate) fn opened(&mut self, wire: usize, now: Instant) {
        self.beside.insert(wire, now);
    }

    /// The process did not run for so long, or the clock has jumped.
    pub(crate) fn excuse(&mut self, longer: Duration) {
        let all = self.blocked.values_mut().chain(self.beside.values_mut());
        for since in all.chain(self.probed.values_mut()) {
            *since = since.saturating_add(longer);
        }
    }

    pub(crate) fn flushed(&mut self, connection: ConnectionKey) {
        self.flushed.push(connection);
    }

    pub(crate) fn ended(&mut self, connection: ConnectionKey) {
        self.probed.remove(&connection);
        self.ended.push(connection);
    }
}

/// Who reads slowly takes something this often.
const TRICKLE: Duration = Duration::from_millis(1300);
/// A poll is freed for an upgrade within this.
const FREED: Duration = Duration::from_millis(100);

impl World {
    /// Whether a session speaks by this WebSocket.
    pub(crate) fn speaks_by(&self, wire: usize) -> bool {
        let connection = self.network.wire(wire).connection;
        let session = self.server.connection(connection).map(|it| it.session());
        session.is_some_and(|it| it.is_open() && it.transport() == TransportKind::WebSocket)
            && self.network.wire_of(connection) == Some(wire)
    }

    /// A WebSocket that comes into being beside the polling may not be read from its beginning on.
    pub(crate) fn may_be_slow(&mut self, wire: usize) {
        if self.options.has(Fault::Stall) && self.choices.one_in(4) {
            self.stall_one(wire, Side::Server);
        }
    }

    /// A client reads, but slowly: its server goes on.
    pub(crate) fn slow_down(&mut self) {
        let wires = self.network.live().to_vec();
        let Some(wire) = self.choices.pick(&wires).copied() else {
            return;
        };
        let stalled = self.network.is_stalled(wire, Side::Server);
        if !self.speaks_by(wire) || stalled || self.stands_still() {
            return;
        }
        let party = self.network.wire(wire).party;
        self.options.does(Fault::Stall);
        self.note(24, || format!("{party} reads slowly"));
        self.network.stall(wire, Side::Server, Some(8));
        let at = self.now + TRICKLE;
        self.network.push(at, Delivery::Trickles { wire });
        let connection = self.network.wire(wire).connection;
        let mut its = self.application.sockets.keys().copied();
        if let Some(socket) = its.find(|socket| socket.connection == connection) {
            for _ in 0..3 {
                self.tell(socket, Flags::default());
            }
        }
    }

    /// It takes a little, and later it reads on.
    pub(crate) fn trickles(&mut self, wire: usize) {
        if self.network.is_gone(wire, Side::Server) || !self.network.is_stalled(wire, Side::Server)
        {
            return;
        }
        let at = self.now + self.delay();
        let connection = self.network.wire(wire).connection;
        self.readers.blocked.remove(&wire);
        match self.network.trickle(at, wire, Side::Server) {
            Taken::Some => {
                self.marks.reach(Mark::ReadSlowly);
                self.server.handle_ws_progress(self.now, connection);
            }
            Taken::All => self.server.handle_ws_flushed(self.now, connection),
            Taken::Nothing => {}
        }
        let at = self.now + TRICKLE;
        let side = Side::Server;
        self.network.push(at, Delivery::Reads { wire, side });
    }

    /// A message for a session comes by a WebSocket.
    pub(crate) fn may_probe(&mut self, connection: ConnectionKey, message: &Message) {
        let session = self.server.connection(connection).map(|it| it.session());
        let polls = session.is_some_and(|it| it.transport() == TransportKind::Polling);
        if polls && matches!(message, Message::Text(text) if &**text == "2probe") {
            self.readers.probed.entry(connection).or_insert(self.now);
        }
    }

    /// A session goes over to a WebSocket that is not read: the application may have said something just before.
    pub(crate) fn may_move_behind_words(&mut self, wire: usize, message: &Message) {
        let moves = matches!(message, Message::Text(text) if &**text == "5");
        let beside = self.readers.beside.contains_key(&wire);
        if !moves || !beside || !self.network.is_stalled(wire, Side::Server) {
            return;
        }
        let connection = self.network.wire(wire).connection;
        let mut its = self.application.sockets.keys().copied();
        let socket = its.find(|socket| socket.connection == connection);
        if let Some(socket) = socket.filter(|_| self.choices.one_in(2)) {
            self.tell(socket, Flags::default());
        }
    }

    /// All that follows has followed: what is waited for from now on.
    pub(crate) fn watch(&mut self) {
        if self.stands_still() {
            return;
        }
        for connection in std::mem::take(&mut self.readers.flushed) {
            let its = self.server.connection(connection).map(|it| it.session());
            let waits = its.is_some_and(|it| {
                let ends = !it.is_open() && !it.is_closed() && it.backlog_packets() == 0;
                ends && it.transport() == TransportKind::WebSocket
            });
            let wire = self.network.wire_of(connection);
            let idle = wire.is_some_and(|wire| self.network.is_idle(wire, Side::Server));
            hold!(
                Farewell,
                !(waits && idle),
                "all has left that the end of {connection:?} waited for"
            );
        }
        for connection in std::mem::take(&mut self.readers.ended) {
            let held = self.network.held_of(connection);
            hold!(
                Rest,
                held == 0,
                "{held} WebSockets of {connection:?}, which is over, go on"
            );
        }
        if !self.options.has(Fault::Stall) {
            return self.readers.blocked.clear();
        }
        for wire in self.network.live().to_vec() {
            let blocked = self.network.is_stalled(wire, Side::Server)
                && !self.network.is_flushed(wire, Side::Server)
                && self.speaks_by(wire);
            if blocked {
                self.readers.blocked.entry(wire).or_insert(self.now);
            } else {
                self.readers.blocked.remove(&wire);
            }
        }
    }

    /// What should have been done about them by now.
    pub(crate) fn readers_in_time(&mut self) {
        let (now, slack) = (self.now, self.slack());
        // What is over while somebody is excused is looked at once more by then.
        let excused = self.excused;
        let in_time = |since: Instant, wait| now <= (since + wait + slack).max(excused);
        for (wire, since) in &self.readers.blocked {
            let party = self.network.wire(*wire).party;
            hold!(
                Dead,
                in_time(*since, WRITE_TIMEOUT) || !self.speaks_by(*wire),
                "{party} has taken nothing since {since:?}, and it is {now:?}"
            );
        }
        let Self {
            readers,
            network,
            server,
            ledger,
            ..
        } = self;
        readers.probed.retain(|connection, _| {
            let session = server.connection(*connection).map(|it| it.session());
            let polls =
                session.is_some_and(|it| it.is_open() && it.transport() == TransportKind::Polling);
            polls && network.held_of(*connection) > 0
        });
        readers.beside.retain(|wire, _| {
            let connection = network.wire(*wire).connection;
            let session = server.connection(connection).map(|it| it.session());
            let polls =
                session.is_some_and(|it| it.is_open() && it.transport() == TransportKind::Polling);
            polls && !network.is_ending(*wire, Side::Server)
        });
        // Without the WebSocket that probed, polls wait as they did; one that was rude may have lost it.
        let Readers { probed, beside, .. } = readers;
        probed.retain(|connection, _| {
            let mut all = beside.keys().map(|wire| network.wire(*wire).connection);
            ledger.blame.is_blameless(*connection) && all.any(|it| it == *connection)
        });
        for (wire, since) in &readers.beside {
            hold!(
                Dead,
                in_time(*since, UPGRADE_TIMEOUT),
                "{wire} is beside the polling since {since:?}, and it is {now:?}"
            );
        }
        for (connection, probed) in &readers.probed {
            let waits = network.polls_since(*connection);
            let since = waits.map(|since| since.max(*probed));
            hold!(
                Answer,
                since.is_none_or(|since| in_time(since, FREED)),
                "a poll waits since {waits:?}, probed at {probed:?}, and it is {now:?}"
            );
        }
    }
}
