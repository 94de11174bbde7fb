//! What must have come of all that was said, much simpler than the machines.

use std::collections::{BTreeMap, BTreeSet};

use sio_core::server::Socket;

/// One socket of a client.
pub(super) type Place = (usize, usize);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The last event that each socket was taken for, and those that a server has seen.
    said: BTreeMap<Place, u64>,
    heard: BTreeSet<(Place, u64)>,
    /// The same by the socket of the server that saw it, which has missed none since its first.
    heard_by: BTreeMap<(u64, Socket), u64>,
    /// How many servers there were before.
    servers: u64,
    /// What each socket of a server said, and how much of it its client has seen.
    told: BTreeMap<u64, u64>,
    seen: BTreeMap<u64, u64>,
    /// Emits that wait for their end: of clients, and of the server.
    asked: BTreeSet<u64>,
    server_asked: BTreeSet<u64>,
    tokens: u64,
    /// What was repeated, and has reached a server.
    reached: BTreeSet<u64>,
    repeated: BTreeSet<u64>,
    connected: BTreeSet<Place>,
    closed: usize,
}

impl Ledger {
    /// The number for the next event of a socket.
    pub(super) fn next_word(&self, place: Place) -> u64 {
        self.said.get(&place).map_or(0, |last| last + 1)
    }

    /// It was taken.
    pub(super) fn said(&mut self, place: Place, number: u64) {
        self.said.insert(place, number);
    }

    /// The server has it.
    pub(super) fn heard(&mut self, place: Place, number: u64, by: Socket) {
        let said = self.said.get(&place).expect("nobody else makes them");
        assert!(number <= *said, "prefix: nobody has said that");
        assert!(self.heard.insert((place, number)), "prefix: twice");
        let last = self.heard_by.insert((self.servers, by), number);
        assert!(
            last.is_none_or(|last| last + 1 == number),
            "prefix: {last:?}, then {number}"
        );
    }

    pub(super) fn next_told(&self, serial: u64) -> u64 {
        self.told.get(&serial).copied().unwrap_or(0)
    }

    pub(super) fn told(&mut self, serial: u64) {
        *self.told.entry(serial).or_default() += 1;
    }

    /// A client has it. `late`: it may have come after the first were sent.
    pub(super) fn seen(&mut self, serial: u64, number: u64, late: bool) {
        let first = if late { number } else { 0 };
        let next = self.seen.entry(serial).or_insert(first);
        assert_eq!(*next, number, "prefix: of what a socket was sent");
        *next += 1;
        assert!(*next <= self.told[&serial], "prefix: nobody has said that");
    }

    pub(super) fn token(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens
    }

    pub(super) fn asked(&mut self, token: u64) {
        assert!(self.asked.insert(token));
    }

    /// A client's emit has ended.
    pub(super) fn ended(&mut self, token: u64, answer: Option<u64>) {
        let repeated = self.repeated.remove(&token);
        assert!(repeated || self.asked.remove(&token), "ack: it ends once");
        assert!(answer.is_none_or(|answer| answer == token), "ack: its own");
        assert!(!repeated || answer.is_none() || self.reached.contains(&token));
    }

    pub(super) fn repeated(&mut self, token: u64) {
        assert!(self.repeated.insert(token));
    }

    /// Something that asks has reached a server.
    pub(super) fn reached(&mut self, token: u64) {
        self.reached.insert(token);
    }

    pub(super) fn server_asked(&mut self, token: u64) {
        assert!(self.server_asked.insert(token));
    }

    pub(super) fn server_ended(&mut self, token: u64, answer: Option<u64>) {
        assert!(self.server_asked.remove(&token), "ack: it ends once");
        assert!(answer.is_none_or(|answer| answer == token), "ack: its own");
    }

    pub(super) fn server_died(&mut self) {
        self.servers += 1;
        self.server_asked.clear();
    }

    pub(super) fn connected(&mut self, place: Place) {
        assert!(self.connected.insert(place), "life: it is in already");
    }

    pub(super) fn disconnected(&mut self, place: Place) {
        assert!(self.connected.remove(&place), "life: it was not in");
    }

    pub(super) fn is_closed(&mut self) {
        self.closed += 1;
    }

    pub(super) const fn closed(&self) -> usize {
        self.closed
    }

    /// All that was taken has arrived, as far as anything ever arrives again; all that was asked has ended.
    pub(super) fn all_is_said(&self) {
        for (place, said) in &self.said {
            let last = self.heard.contains(&(*place, *said));
            assert!(last, "heal: the last word of {place:?}");
        }
        assert!(self.asked.is_empty(), "ack: {:?}", self.asked);
        assert!(self.repeated.is_empty(), "ack: {:?}", self.repeated);
        assert!(self.server_asked.is_empty(), "ack: {:?}", self.server_asked);
    }
}
