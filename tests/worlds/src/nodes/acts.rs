//! What hosts do, each by chance.

use std::time::Duration;

use sio_cluster::message::{Flags, Question, Reply, To};
use sio_cluster::node::{AckTicket, Asked, Ticket};
use sio_core::packet::{Args, Call};

use super::broker::Word;
use super::world::{Fault, Item, Kind, Manners, Purpose, ROOMS, World};

/// What is said here is within all limits.
const WRITTEN: &str = "it can be written";

impl World {
    pub(crate) fn act(&mut self) {
        let host = self.random.index(self.hosts.len());
        match self.random.below(20) {
            0..=7 => self.broadcast(host),
            8..=9 => self.enter(host),
            10 => self.exit(host),
            11..=14 => self.ask(host),
            15 => self.move_others(host),
            16 => self.cut(host),
            17 if self.random.chance(30) => self.restart(host),
            18 if self.random.chance(20) => {
                for host in 0..self.hosts.len() {
                    self.cut(host);
                }
            }
            19 => self.move_slot(host),
            _ => {
                // A burst: more than the buffer of an outage holds.
                for _ in 0..self.random.below(12) {
                    self.broadcast(host);
                }
            }
        }
    }

    pub(crate) fn broadcast(&mut self, host: usize) {
        self.next += 1;
        let number = self.next;
        let rooms = match self.random.below(3) {
            0 => vec![],
            1 => vec![(*self.random.pick(&ROOMS)).to_owned()],
            _ => vec!["a".to_owned(), (*self.random.pick(&ROOMS)).to_owned()],
        };
        let volatile = self.random.chance(15);
        let to = To {
            rooms,
            flags: Flags {
                volatile,
                ..Flags::default()
            },
            ..To::default()
        };
        self.senders.insert(number, host);
        let args = Args::from_arguments(&(number, "x".repeat(50))).expect(WRITTEN);
        let call = Call {
            name: "e".into(),
            args,
        };
        let token = self
            .random
            .chance(50)
            .then(|| self.token(host, Purpose::Place));
        let node = &mut self.hosts[host].node;
        node.broadcast(self.now, call, to, token).expect(WRITTEN);
        self.drain(host);
    }

    pub(crate) fn enter(&mut self, host: usize) {
        let room = *self.random.pick(&ROOMS);
        let token = self.token(host, Purpose::Room(host, room.to_owned()));
        let it = &mut self.hosts[host];
        if it.rooms.insert(room.to_owned()) {
            it.node.room_created(self.now, room, false);
        }
        it.node.when_heard(self.now, &[room], token);
        self.drain(host);
    }

    pub(crate) fn exit(&mut self, host: usize) {
        let room = *self.random.pick(&ROOMS);
        let it = &mut self.hosts[host];
        if it.rooms.remove(room) {
            it.heard.remove(room);
            it.node.room_deleted(self.now, room, false);
            if self.random.chance(50) {
                // And back within the round trip.
                return self.enter(host);
            }
        }
        self.drain(host);
    }

    pub(crate) fn ask(&mut self, host: usize) {
        self.next += 1;
        let number = Args::from_arguments(&self.next).expect(WRITTEN);
        let call = Call {
            name: "q".into(),
            args: number.clone(),
        };
        let v2 = self.kind == Kind::V2;
        let what = match self.random.below(5) {
            0 if !v2 => Asked::Clients {
                call,
                to: To::default(),
            },
            1 if !v2 => Asked::Servers(call),
            2 if !v2 => Asked::Nodes(Question::Fetch(To::default())),
            3 => Asked::Nodes(Question::Rooms),
            _ => Asked::Nodes(Question::Sockets(vec![])),
        };
        let clients = matches!(what, Asked::Clients { .. });
        let timeout = self
            .random
            .chance(30)
            .then(|| Duration::from_millis(self.random.below(1500)));
        let token = self.token(host, Purpose::Question { clients });
        let random = self.random.next().to_be_bytes();
        let node = &mut self.hosts[host].node;
        node.ask(self.now, random, what, timeout, token)
            .expect(WRITTEN);
        self.drain(host);
    }

    pub(crate) fn move_others(&mut self, host: usize) {
        if self.kind == Kind::V2 {
            return;
        }
        let room = (*self.random.pick(&ROOMS)).to_owned();
        let node = &mut self.hosts[host].node;
        let said = match self.random.below(3) {
            0 => node.join(self.now, To::default(), vec![room]),
            1 => node.leave(self.now, To::default(), vec![room]),
            _ => node.server_side(
                self.now,
                Call {
                    name: "s".into(),
                    args: Args::default(),
                },
            ),
        };
        said.expect(WRITTEN);
        self.drain(host);
    }

    /// The broker takes a subscription away.
    pub(crate) fn move_slot(&mut self, host: usize) {
        let its = self.broker.of(host);
        if matches!(self.kind, Kind::Classic | Kind::V2 | Kind::Streams) || its.is_empty() {
            return;
        }
        let subscription = self.random.pick(&its).clone();
        if self.broker.take_away(host, &subscription) {
            self.did.insert(Fault::TakenAway);
            // It is deaf there until it has asked again, and nobody can help it.
            self.due.retain(|(receiver, _), _| *receiver != host);
            self.hosts[host].heard.clear();
            self.hosts[host].deaf.insert(subscription.clone());
            self.post(host, Word::Unsubscribed(subscription));
        }
    }

    pub(crate) fn consider(&mut self, host: usize, ticket: Ticket, what: Asked) {
        let number = number(&what);
        if let Some(number) = number {
            // So many that were answered are remembered, and a broker may bring one again behind them.
            let forgotten = self.manners == Manners::None && !self.owed.contains(&(host, number));
            let first = self.asked.insert((host, number));
            assert!(first || forgotten, "asked twice: {number}");
        }
        let owed = number.map(|number| (host, number));
        let life = self.hosts[host].life;
        match self.random.below(10) {
            0..=6 => self.answer(host, ticket, &what),
            7..=8 => {
                self.owed.extend(owed);
                self.later(6000, Item::Answer(host, life, ticket, what));
            }
            _ => {
                self.owed.extend(owed);
                drop(ticket);
            }
        }
    }

    pub(crate) fn answer(&mut self, host: usize, ticket: Ticket, what: &Asked) {
        let now = self.now;
        if let Some(number) = number(what) {
            self.owed.remove(&(host, number));
        }
        let life = self.hosts[host].life;
        let clients = self.random.below(4);
        let node = &mut self.hosts[host].node;
        let reply = match what {
            Asked::Clients { .. } => {
                let ticket = node.count(now, ticket, clients);
                if clients > 0 {
                    // One more than counted now and then: it must not leave.
                    self.later(500, Item::Acks(host, life, ticket, clients + 1));
                }
                return self.drain(host);
            }
            Asked::Servers(_) => Reply::Value(Args::from_arguments(&host).expect(WRITTEN)),
            Asked::Nodes(Question::Rooms) => Reply::Rooms(vec!["a".to_owned()]),
            Asked::Nodes(Question::Sockets(_)) => Reply::Ids(vec![format!("s{host}")]),
            Asked::Nodes(Question::Fetch(_)) => Reply::Sockets(vec![]),
            other => panic!("{other:?}"),
        };
        node.answer(now, ticket, reply).expect(WRITTEN);
        self.drain(host);
    }

    pub(crate) fn ack(&mut self, host: usize, ticket: &AckTicket) {
        self.next += 1;
        let client = format!("c{}", self.next);
        let node = &mut self.hosts[host].node;
        node.ack(self.now, ticket, Some(client), Args::default())
            .expect(WRITTEN);
        self.drain(host);
    }
}

/// The number of a question that is asked of applications.
fn number(what: &Asked) -> Option<u64> {
    match what {
        Asked::Clients { call, .. } | Asked::Servers(call) => call.args.get(0).ok(),
        Asked::Nodes(_) | Asked::One { .. } => None,
        other => panic!("{other:?}"),
    }
}
