//! Where worlds have been: which inputs come in which states of a session, and which packets for which namespaces.

use std::collections::BTreeMap;
use std::fmt::Write;

use sio_core::engine::{Body, Eio, Message, Packet, split};
use sio_core::protocol::TransportKind;
use sio_core::server::{ConnectionKey, Socket};

use crate::network::Side;
use crate::world::World;

/// Something that a server is told of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Get,
    Post,
    Upgrade,
    Message,
    Lost,
    Progress,
    Flushed,
    Timeout,
    Aborted,
    Send,
    Volatile,
    Close,
}

const INPUTS: [&str; 12] = [
    "GET", "POST", "upgrade", "message", "lost", "progress", "flushed", "timeout", "aborted",
    "send", "volatile", "close",
];

/// How far a namespace has come on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub enum Standing {
    /// Its client has not asked for it, or was turned away.
    #[default]
    Unknown,
    /// It is decided over.
    Deciding,
    /// The client is in it.
    Connected,
    /// The client was in it.
    Left,
}

const STANDINGS: [&str; 4] = ["unknown", "deciding", "connected", "left"];
const KINDS: [&str; 6] = [
    "connect",
    "disconnect",
    "event",
    "event that asks",
    "ack",
    "error",
];

/// Cells of both matrices that were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    session: [u64; 9],
    mux: u64,
}

impl Cells {
    /// So many worlds of the core see each cell that can be seen.
    pub const ENOUGH: u64 = 50_000;

    /// Those of several worlds.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (own, other) in self.session.iter_mut().zip(other.session) {
            *own |= other;
        }
        self.mux |= other.mux;
        self
    }

    const fn see_session(&mut self, state: usize, input: Input) {
        let at = state * INPUTS.len() + input as usize;
        self.session[at / 64] |= 1 << (at % 64);
    }

    const fn has_session(&self, state: usize, input: usize) -> bool {
        let at = state * INPUTS.len() + input;
        self.session[at / 64] & 1 << (at % 64) != 0
    }

    const fn mux_at(standing: usize, kind: usize, old: bool) -> u64 {
        1 << ((standing * KINDS.len() + kind) * 2 + old as usize)
    }

    /// Cells that were never seen, and are not known to be impossible or to be met elsewhere.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for state in (0..48).map(State::from_index) {
            for (input, name) in INPUTS.iter().enumerate() {
                let seen = self.has_session(state.index(), input);
                if !seen && state.cannot(input).is_none() {
                    missing.push(format!("{}: {name}", state.name()));
                }
            }
        }
        missing.extend(self.missing_mux());
        missing
    }

    /// Of the namespaces' cells those that were never seen.
    pub fn missing_mux(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (standing, state) in STANDINGS.iter().enumerate() {
            for (kind, packet) in KINDS.iter().enumerate() {
                for (old, revision) in [(false, 5), (true, 4)] {
                    if self.mux & Self::mux_at(standing, kind, old) == 0 {
                        missing.push(format!("revision {revision}, {state}: {packet}"));
                    }
                }
            }
        }
        missing
    }

    /// Both matrices as tables: `x` was seen, `-` cannot be or is met elsewhere, and a dot was never seen.
    pub fn table(&self) -> String {
        let mut table = format!("| session | {} |\n|---", INPUTS.join(" | "));
        table.push_str(&"|---".repeat(INPUTS.len()));
        table.push_str("|\n");
        for state in (0..48).map(State::from_index) {
            let cells = (0..INPUTS.len()).map(|input| {
                match (self.has_session(state.index(), input), state.cannot(input)) {
                    (true, _) => "x",
                    (false, Some(_)) => "-",
                    (false, None) => ".",
                }
            });
            let cells: Vec<_> = cells.collect();
            if cells.iter().any(|cell| *cell != "-") {
                let _ = writeln!(table, "| {} | {} |", state.name(), cells.join(" | "));
            }
        }
        let _ = writeln!(table, "\n| namespace | {} |", KINDS.join(" | "));
        table.push_str("|---|---|---|---|---|---|---|\n");
        for (standing, state) in STANDINGS.iter().enumerate() {
            for (old, revision) in [(false, 5), (true, 4)] {
                let seen = |kind| self.mux & Self::mux_at(standing, kind, old) != 0;
                let cells = (0..KINDS.len()).map(|kind| if seen(kind) { "x" } else { "." });
                let cells: Vec<_> = cells.collect();
                let _ = writeln!(
                    table,
                    "| {state}, revision {revision} | {} |",
                    cells.join(" | ")
                );
            }
        }
        table
    }
}

/// What there is to be told apart of a session.
#[derive(Clone, Copy, Debug)]
struct State {
    websocket: bool,
    ending: bool,
    polls: bool,
    /// A WebSocket beside the polling: none, one, one that was probed.
    beside: usize,
    waits: bool,
}

impl State {
    const fn index(self) -> usize {
        let Self {
            websocket,
            ending,
            polls,
            beside,
            waits,
        } = self;
        ((websocket as usize * 2 + ending as usize) * 2 + polls as usize) * 6
            + beside * 2
            + waits as usize
    }

    const fn from_index(at: usize) -> Self {
        Self {
            websocket: at / 24 == 1,
            ending: at / 12 % 2 == 1,
            polls: at / 6 % 2 == 1,
            beside: at / 2 % 3,
            waits: at % 2 == 1,
        }
    }

    fn name(self) -> String {
        let mut name = String::from(if self.websocket {
            "WebSocket"
        } else {
            "polling"
        });
        for (is, what) in [
            (self.ending, ", ending"),
            (self.polls, ", a GET waits"),
            (self.beside == 1, ", one beside it"),
            (self.beside == 2, ", one probed"),
            (self.waits, ", backlog"),
        ] {
            if is {
                name.push_str(what);
            }
        }
        name
    }

    /// Why an input cannot come in this state, or where else it is met.
    const fn cannot(self, input: usize) -> Option<&'static str> {
        let by_websocket = matches!(input, 3..=6);
        match self {
            Self {
                websocket: true,
                beside: 1..,
                ..
            } => Some("who is on a WebSocket has none beside it"),
            Self {
                websocket: true,
                polls: true,
                ..
            } => Some("polls are answered when the WebSocket takes over"),
            Self {
                websocket: false,
                polls: true,
                waits: true,
                ..
            } => Some("what waits leaves with the poll"),
            Self {
                ending: true,
                polls: true,
                ..
            } => Some("who ends answers the poll, and ends"),
            Self {
                websocket: false,
                beside: 0,
                ..
            } if by_websocket => Some("there is no WebSocket"),
            Self {
                websocket: false, ..
            } if matches!(input, 5) => Some("what leaves a candidate is no part of the session"),
            Self {
                websocket: false,
                ending: false,
                beside: 1,
                ..
            } if input == Input::Flushed as usize => Some("nothing is said before the probe"),
            Self {
                websocket: false,
                ending: true,
                beside: 1..,
                ..
            } if input == Input::Timeout as usize => Some("what was due ends it at once"),
            Self {
                websocket: false,
                ending: true,
                polls: false,
                beside: 2,
                ..
            } if matches!(input, 0 | 2 | 4) => Some(
                "a client goes over as soon as it has probed and its poll is back: histories of the session that are \
                 short have all three",
            ),
            Self { polls: false, .. } if input == Input::Aborted as usize => {
                Some("there is no request to be dropped")
            }
            Self { ending: true, .. } if matches!(input, 9..=11) => Some("its sockets have left"),
            Self {
                websocket: true,
                ending: true,
                waits: false,
                ..
            }
            | Self {
                websocket: true,
                waits: false,
                ..
            } if matches!(input, 5 | 6) => Some("nothing is on its way"),
            Self {
                websocket: true,
                ending: true,
                waits: false,
                ..
            } => Some("who ends by a WebSocket and has nothing to say is over"),
            _ => None,
        }
    }
}

/// What is known of two namespaces, so that it can be told what a packet meets.
#[derive(Debug)]
pub struct Standings {
    names: [&'static str; 2],
    of: BTreeMap<ConnectionKey, [Standing; 2]>,
    deciding: BTreeMap<Socket, usize>,
}

impl Standings {
    /// Of namespaces of these names nothing is known.
    pub fn new(names: [&'static str; 2]) -> Self {
        Self {
            names,
            of: BTreeMap::new(),
            deciding: BTreeMap::new(),
        }
    }

    /// A client asks for a namespace, and the application is asked.
    pub fn asked(&mut self, socket: Socket, namespace: &str) {
        if let Some(at) = self.at(namespace) {
            self.deciding.insert(socket, at);
            self.of.entry(socket.connection).or_default()[at] = Standing::Deciding;
        }
    }

    /// What has become of that.
    pub fn decided(&mut self, socket: Socket, standing: Standing) {
        if let Some(at) = self.deciding.remove(&socket) {
            self.of.entry(socket.connection).or_default()[at] = standing;
        }
    }

    /// A socket has left a namespace.
    pub fn left(&mut self, connection: ConnectionKey, namespace: &str) {
        if let Some(at) = self.at(namespace) {
            self.of.entry(connection).or_default()[at] = Standing::Left;
        }
    }

    /// A connection is over.
    pub fn closed(&mut self, connection: ConnectionKey) {
        self.of.remove(&connection);
        self.deciding
            .retain(|socket, _| socket.connection != connection);
    }

    /// A packet comes, as its text without the digit of the engine.
    pub fn meets(&self, cells: &mut Cells, from: ConnectionKey, revision: Eio, text: &str) {
        let (kind, rest) = text.split_at_checked(1).unwrap_or_default();
        let rest = rest.trim_start_matches(|it: char| it == '-' || it.is_ascii_digit());
        let name = match rest.starts_with('/') {
            true => rest.split([',', '?']).next().unwrap_or_default(),
            false => "/",
        };
        let asks = {
            let head = text.split_once('[').map_or("", |(head, _)| head);
            head.get(1..)
                .is_some_and(|it| it.ends_with(|it: char| it.is_ascii_digit()))
        };
        let kind = match (kind, asks) {
            ("0", _) => 0,
            ("1", _) => 1,
            ("2" | "5", false) => 2,
            ("2" | "5", true) => 3,
            ("3" | "6", _) => 4,
            ("4", _) => 5,
            _ => return,
        };
        let known = self.at(name).zip(self.of.get(&from));
        let standing = known.map_or(Standing::Unknown, |(at, of)| of[at]);
        cells.mux |= Cells::mux_at(standing as usize, kind, revision == Eio::V3);
    }

    fn at(&self, namespace: &str) -> Option<usize> {
        self.names.iter().position(|it| *it == namespace)
    }
}

impl World {
    /// A session is told something.
    pub(crate) fn meets(&mut self, connection: ConnectionKey, input: Input) {
        let Some(its) = self.server.connection(connection) else {
            return;
        };
        let session = its.session();
        let websocket = session.transport() == TransportKind::WebSocket;
        let held = match websocket {
            true => 0,
            false => self.network.held_of(connection).min(1),
        };
        let wire = self.network.wire_of(connection).filter(|_| websocket);
        let state = State {
            websocket,
            ending: !session.is_open(),
            polls: !websocket && self.network.polls_since(connection).is_some(),
            beside: held * (1 + usize::from(self.readers.is_probed(connection))),
            waits: session.backlog_packets() > 0
                || wire.is_some_and(|wire| !self.network.is_flushed(wire, Side::Server)),
        };
        self.cells.see_session(state.index(), input);
    }

    /// Sessions whose time has come are told so.
    pub(crate) fn meet_timeouts(&mut self) {
        let all: Vec<_> = self.ledger.blame.connections().collect();
        for (connection, _) in all {
            let its = self.server.connection(connection);
            let due = its.and_then(|it| it.poll_timeout());
            if due.is_some_and(|due| due.at <= self.now) {
                self.meets(connection, Input::Timeout);
            }
        }
    }

    /// Packets of a POST come.
    pub(crate) fn meet_body(&mut self, connection: ConnectionKey, body: &[u8]) {
        let Some(revision) = self.revision(connection) else {
            return;
        };
        let Ok(text) = std::str::from_utf8(body) else {
            return;
        };
        for packet in split(Body::text(revision, text.into()), 1000) {
            if let Ok(Packet::Message(message)) = packet {
                self.meets_packet(connection, &message);
            }
        }
    }

    /// A message comes on a WebSocket.
    pub(crate) fn meet_frame(&mut self, connection: ConnectionKey, frame: &Message) {
        self.meets(connection, Input::Message);
        if let Message::Text(text) = frame
            && let Some(packet) = text.strip_prefix('4')
            && self
                .server
                .connection(connection)
                .is_some_and(|it| it.session().transport() == TransportKind::WebSocket)
        {
            self.meets_packet(connection, &Message::Text(packet.into()));
        }
    }

    fn revision(&self, connection: ConnectionKey) -> Option<Eio> {
        let its = self.server.connection(connection)?;
        Some(its.session().revision())
    }

    fn meets_packet(&mut self, connection: ConnectionKey, message: &Message) {
        let its = self.server.connection(connection);
        let is_text = its.is_some_and(|its| its.codec().is_built_in());
        let (Message::Text(text), true) = (message, is_text) else {
            return;
        };
        let Some(revision) = self.revision(connection) else {
            return;
        };
        self.standings
            .meets(&mut self.cells, connection, revision, text);
    }
}
