//! What goes wrong, and whose cause that is.

use std::time::Duration;

use sio_core::deadline::Why;
use sio_core::protocol::{Eio, TransportKind};

use crate::marks::Mark;
use crate::network::{Delivery, Side};
use crate::options::{Fault, PING_TIMEOUT};
use crate::world::World;

/// An end that is not told that it is cut hears of it only after this.
const UNTOLD: Duration = Duration::from_secs(30);
/// Longer than that nobody stands still: machines forgive as much.
const STOP: u64 = 8;

impl World {
    /// One of those that are switched on.
    pub(crate) fn fault(&mut self) {
        match self.choices.below(7) {
            0 if self.options.has(Fault::Cut) => self.cut_one(false),
            1 if self.options.has(Fault::OneSided) => self.cut_one(true),
            2 if self.options.has(Fault::Lost) => self.lose(),
            3 if self.options.has(Fault::Stall) => match self.choices.one_in(3) {
                false => self.stall(),
                true => self.slow_down(),
            },
            4 if self.options.has(Fault::Stop) && self.may_stop() => {
                let wait = Duration::from_millis(100 + self.choices.below(STOP * 10) * 100);
                match self.choices.one_in(3) {
                    false => {
                        self.options.does(Fault::Stop);
                        self.stop(wait);
                    }
                    true => self.stops_at_ping(wait),
                }
            }
            5 => self.worse(),
            6 if self.options.has(Fault::Suspend) => self.suspend(),
            _ => {}
        }
    }

    /// It does when the next ping waits that nobody has fetched, and then for longer than a pong may take.
    fn stops_at_ping(&mut self, wait: Duration) {
        self.stops_at_ping = Some(PING_TIMEOUT + Duration::from_secs(2) + wait / 4);
    }

    /// A deadline was met: a ping may have been sent.
    pub(crate) fn may_stop_at_ping(&mut self) {
        if !self.may_stop() || self.stops_at_ping.is_none() {
            return;
        }
        let unfetched = |(connection, _)| {
            let its = self.server.connection(connection).map(|it| it.session());
            its.is_some_and(|it| {
                let asked = it
                    .poll_timeout()
                    .is_some_and(|due| due.why == Why::PingTimeout);
                asked && it.transport() == TransportKind::Polling && it.backlog_packets() > 0
            }) && self.network.polls_since(connection).is_none()
        };
        if self.ledger.blame.connections().any(unfetched)
            && let Some(wait) = self.stops_at_ping.take()
        {
            self.marks.reach(Mark::StoppedAtPing);
            self.options.does(Fault::Stop);
            self.stop(wait);
        }
    }

    /// Those that a server may miss which stands still, though nobody's bytes were late. A client of revision 3 pings
    /// anew so long after it was answered, and the server waits from the ping on; and who reads slowly finds nothing to
    /// take meanwhile.
    pub(crate) fn is_late_for_some(&mut self, wait: Duration) {
        let all: Vec<_> = self.ledger.blame.connections().collect();
        for (connection, _) in all {
            let its = self.server.connection(connection);
            let pings = its.is_some_and(|it| it.session().revision() == Eio::V3);
            let wire = self.network.wire_of(connection);
            let cause = if pings && wait >= PING_TIMEOUT / 2 {
                "its pong was late, and so is its next ping"
            } else if wire.is_some_and(|wire| self.network.is_stalled(wire, Side::Server)) {
                "there was nothing that it could take"
            } else {
                continue;
            };
            self.ledger.blame.cause_one(connection, cause);
        }
    }

    fn worse(&mut self) {
        match self.choices.below(8) {
            0..=1 if self.options.has(Fault::Jump) && self.may_stop() => {
                let by = Duration::from_secs(1 + self.choices.below(20));
                self.options.does(Fault::Jump);
                self.note(20, || format!("the clock jumps by {by:?}"));
                self.excuse(by * 2);
                self.now += by;
                self.rests();
                self.blame_all("the clock jumped");
            }
            2 if self.options.has(Fault::Restart) => {
                self.options.does(Fault::Restart);
                self.restart();
            }
            _ => {}
        }
    }

    fn cut_one(&mut self, one_sided: bool) {
        let wires = self.network.live().to_vec();
        let Some(wire) = self.choices.pick(&wires).copied() else {
            return;
        };
        let (client, server) = match one_sided {
            false => (true, true),
            true if self.choices.one_in(2) => (true, false),
            true => (false, true),
        };
        self.options.does(match one_sided {
            true => Fault::OneSided,
            false => Fault::Cut,
        });
        self.cut(wire, client, server);
    }

    /// Cuts a WebSocket; who does not hear of it at once hears of it late.
    pub(crate) fn cut(&mut self, wire: usize, client: bool, server: bool) {
        let party = self.network.wire(wire).party;
        self.note(21, || {
            format!("the WebSocket of {party} is cut, client told: {client}, server: {server}")
        });
        self.ledger.blame.cause(self.now, party, "it was cut");
        let connection = self.network.wire(wire).connection;
        let session = self.server.connection(connection).map(|it| it.session());
        if session.is_some_and(|it| it.transport() == TransportKind::Polling) {
            self.marks.reach(Mark::CandidateCut);
        }
        // What is on its way ends anywhere.
        let left = self.choices.index(8);
        for (side, told) in [(Side::Client, client), (Side::Server, server)] {
            let wait = match told {
                true => self.delay(),
                false => UNTOLD,
            };
            self.network.cut(self.now + wait, wire, side, left);
        }
    }

    fn lose(&mut self) {
        let at = self.choices.index(3);
        if let Some(party) = self.network.lose_response(at) {
            self.options.does(Fault::Lost);
            self.note(22, || format!("a response for {party} is lost"));
            self.ledger
                .blame
                .cause(self.now, party, "a response was lost");
        }
    }

    /// An end of a WebSocket is not read for a while.
    fn stall(&mut self) {
        let wires = self.network.live().to_vec();
        let Some(wire) = self.choices.pick(&wires).copied() else {
            return;
        };
        let side = match self.choices.one_in(3) {
            false => Side::Server,
            true => Side::Client,
        };
        if self.network.is_stalled(wire, side) || self.network.is_gone(wire, side) {
            return;
        }
        self.stall_one(wire, side);
    }

    pub(crate) fn stall_one(&mut self, wire: usize, side: Side) {
        let wait = Duration::from_millis(250 + 250 * self.choices.below(24));
        self.options.does(Fault::Stall);
        let party = self.network.wire(wire).party;
        self.note(23, || {
            format!("the {side:?} of {party} can write nothing for {wait:?}")
        });
        self.ledger
            .blame
            .cause(self.now + wait, party, "nobody read");
        let room = 1 + self.choices.index(4);
        self.network.stall(wire, side, Some(room));
        self.network
            .push(self.now + wait, Delivery::Reads { wire, side });
    }
}
