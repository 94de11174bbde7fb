//! Hosts of clients: names of servers that are not known, and machines that are suspended.

use std::time::Duration;

use sio_core::client::{Failure, Work};
use sio_core::deadline::Deadline;
use sio_core::id::RequestId;
use sio_core::time::Instant;

use crate::failure::hold;
use crate::machine::Machine;
use crate::marks::Mark;
use crate::network::{Delivery, Network, Party, Side};
use crate::options::{Fault, PING_INTERVAL, PING_TIMEOUT};
use crate::world::World;

/// What has come for a client's machine while it is suspended, and until when it is.
#[derive(Debug)]
pub(crate) struct Sleep {
    since: Instant,
    until: Instant,
    /// Whether its clock stands still meanwhile, as that of a machine does that is put to sleep; that of a process
    /// that is stopped goes on.
    clock_stands: bool,
    lies_there: Vec<Delivery>,
}

/// Whoever is away for no longer is missed by nobody.
const UNNOTICED: Duration = Duration::from_secs(1);

/// Longer than that no machine is suspended, in tenths of a second: twice as long as a heartbeat.
const LONGEST: u64 = 180;

impl Machine {
    /// What its clock says.
    pub(crate) fn clock(&self, now: Instant) -> Instant {
        now.saturating_sub(self.slept)
    }

    /// When it has something to do: to go on, if it is suspended.
    pub(crate) fn due(&self, late: Duration) -> Option<Instant> {
        match &self.asleep {
            Some(sleep) => Some(sleep.until),
            None => self.deadline().map(|due| due.at + late),
        }
    }

    /// Its next deadline, by everybody's clock.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let due = self.client.poll_timeout()?;
        Some(Deadline::new(due.at + self.slept, due.why))
    }
}

impl World {
    /// Whether a client's machine is suspended.
    pub(crate) fn is_asleep(&self, party: Party) -> bool {
        let machine = self.machines.get(party);
        machine.is_some_and(|it| it.asleep.is_some())
    }

    /// A client's machine is suspended for a while: for as short as nobody notices, or for longer than a heartbeat.
    pub(crate) fn suspend(&mut self) {
        let party = self.choices.index(self.machines.len());
        let wait = Duration::from_millis(100 + self.choices.below(LONGEST) * 100);
        let clock_stands = self.choices.one_in(2);
        if self.is_asleep(party) {
            return;
        }
        self.settle();
        self.options.does(Fault::Suspend);
        self.note(24, || {
            format!("{party} is suspended for {wait:?}, and its clock: {clock_stands}")
        });
        if wait > UNNOTICED {
            self.ledger.blame.cause(self.now, party, "it was suspended");
        }
        if wait > PING_INTERVAL + PING_TIMEOUT {
            self.marks.reach(Mark::Suspended);
        }
        self.excuse(wait * 2);
        self.machines[party].asleep = Some(Sleep {
            since: self.now,
            until: self.now + wait,
            clock_stands,
            lies_there: Vec::new(),
        });
    }

    /// Keeps for a machine that is suspended what has come for it, and gives back what is for somebody else.
    pub(crate) fn lies_there(&mut self, delivery: Delivery) -> Option<Delivery> {
        let party = for_client(&delivery, &self.network);
        let machine = party.and_then(|party| self.machines.get_mut(party));
        match machine.and_then(|it| it.asleep.as_mut()) {
            Some(sleep) => {
                sleep.lies_there.push(delivery);
                None
            }
            None => Some(delivery),
        }
    }

    /// Goes on with machines whose time has come; `all` of them, if nothing goes wrong any more.
    pub(crate) fn wake(&mut self, all: bool) {
        for party in 0..self.machines.len() {
            let sleep = self.machines[party]
                .asleep
                .take_if(|it| all || it.until <= self.now);
            if let Some(sleep) = sleep {
                self.wakes(party, sleep);
            }
        }
    }

    /// Whether it looks at its clock first or at what lies there, is nobody's to say.
    fn wakes(&mut self, party: Party, sleep: Sleep) {
        let gap = self.now.saturating_duration_since(sleep.since);
        self.note(25, || format!("{party} goes on"));
        if gap > UNNOTICED {
            self.ledger.blame.cause(self.now, party, "it was suspended");
        }
        let stood = if sleep.clock_stands {
            gap
        } else {
            Duration::ZERO
        };
        self.machines[party].slept += stood;
        let looks_first = self.choices.one_in(2);
        if looks_first {
            self.looks_at_its_clock(party, stood);
        }
        for delivery in sleep.lies_there {
            self.deliver(delivery);
        }
        if !looks_first {
            self.looks_at_its_clock(party, stood);
        }
    }

    fn looks_at_its_clock(&mut self, party: Party, stood: Duration) {
        let machine = &mut self.machines[party];
        let now = machine.clock(self.now);
        match stood {
            Duration::ZERO => machine.client.handle_timeout(now),
            stood => machine.client.handle_suspended(now, stood),
        }
        let due = machine.client.poll_timeout();
        hold!(
            Pace,
            due.is_none_or(|due| due.at > now),
            "client {party} goes on: {due:?} is over at {now:?}"
        );
        self.touch(party);
    }

    /// A client calls its server, whose name it has to look up.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an enum that others may add to"
    )]
    pub(crate) fn calls(&mut self, party: Party, work: Work) {
        let mut at = self.now + self.delay();
        if self.options.has(Fault::Names) && self.choices.one_in(8) {
            self.options.does(Fault::Names);
            let cause = "its server's name is not known";
            self.ledger.blame.cause(self.now, party, cause);
            let late = Duration::from_millis(200 + self.choices.below(80) * 100);
            match self.choices.weighted(&[2, 1, 1, 1]) {
                0 => return self.is_not_found(at, party, &work),
                1 => return self.is_not_found(at + late, party, &work),
                2 => at += late,
                _ => {
                    self.marks.reach(Mark::NeverFound);
                    if let Some(id) = called(&work) {
                        self.network.wants(party, id);
                    }
                    return;
                }
            }
        }
        match work {
            Work::Request { id, request } => self.network.request(at, party, id, request),
            Work::OpenWebSocket { id, request } => self.network.upgrade(at, party, id, request),
            other => hold!(Total, false, "no call: {other:?}"),
        }
    }

    fn is_not_found(&mut self, at: Instant, party: Party, work: &Work) {
        let Some(id) = called(work) else { return };
        self.network.wants(party, id);
        let websocket = matches!(work, Work::OpenWebSocket { .. });
        self.network.push(
            at,
            Delivery::NotFound {
                to: party,
                id,
                websocket,
            },
        );
    }

    /// A client hears that nobody knows its server's name.
    pub(crate) fn not_found(&mut self, to: Party, id: RequestId, websocket: bool) {
        if !self.network.unwanted(to, id) {
            return;
        }
        self.marks.reach(Mark::NotFound);
        self.note(13 + id.0, || {
            format!("{to}: the server's name is not known")
        });
        let now = self.machines[to].clock(self.now);
        let client = &mut self.machines[to].client;
        match websocket {
            true => client.handle_ws_open(now, id, Err(Failure::Dns)),
            false => client.handle_response(now, id, Err(Failure::Dns), None),
        }
        self.touch(to);
    }
}

/// What a call is known by.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "an enum that others may add to"
)]
fn called(work: &Work) -> Option<RequestId> {
    match work {
        Work::Request { id, .. } | Work::OpenWebSocket { id, .. } => Some(*id),
        _ => None,
    }
}

/// The client for which something is.
fn for_client(delivery: &Delivery, network: &Network) -> Option<Party> {
    match delivery {
        Delivery::Response { to, .. }
        | Delivery::Upgraded { to, .. }
        | Delivery::NotFound { to, .. }
        | Delivery::Answers { to, .. } => Some(*to),
        Delivery::Frame {
            wire,
            to: Side::Client,
            ..
        }
        | Delivery::Lost {
            wire,
            to: Side::Client,
        }
        | Delivery::Reads {
            wire,
            side: Side::Client,
        } => Some(network.wire(*wire).party),
        Delivery::Request { .. }
        | Delivery::Upgrade { .. }
        | Delivery::Frame { .. }
        | Delivery::Lost { .. }
        | Delivery::Reads { .. }
        | Delivery::Later(_)
        | Delivery::Trickles { .. }
        | Delivery::Polls(_)
        | Delivery::Wakes(_) => None,
    }
}
