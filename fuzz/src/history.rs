//! A whole server driven by bytes: each few of them are something that a client, the application or
//! the clock does.

mod clients;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use sio_core::config::Config;
use sio_core::engine::{Close, Eio, Flags, HandshakeError, TransportKind, WsClosed, WsOut};
use sio_core::id::{HashKey, RequestId, Sid, SocketId};
use sio_core::namespaces::ParentKey;
use sio_core::packet;
use sio_core::rooms::Target;
use sio_core::server::{
    ConnectionKey, Event, HandshakeKey, HandshakeTicket, NamingTicket, Server, Socket, Upgraded,
};
use sio_core::socket::{AckTicket, ConnectTicket, Refusal};
use sio_core::time::Instant;

use sio_worlds::{Cells, Standing, Standings};

use clients::{revision, script};

struct World<'a> {
    input: &'a [u8],
    server: Server<u64>,
    config: Config,
    now: Instant,
    drawn: u8,
    /// Session ids that clients know, and the revision of each.
    sids: Vec<(String, u8)>,
    /// WebSockets that are open.
    websockets: Vec<ConnectionKey>,
    /// Those that are over, and not let go of.
    over: Vec<ConnectionKey>,
    sockets: Vec<Socket>,
    /// Handshakes that the application has been asked about and is to decide over.
    handshakes: Vec<HandshakeTicket>,
    undecided: BTreeSet<HandshakeKey>,
    /// Requests for a WebSocket that wait for that.
    upgrades: BTreeSet<HandshakeKey>,
    tickets: Vec<(ConnectionKey, ConnectTicket)>,
    /// Names that parents are asked for.
    named: Vec<NamingTicket>,
    parents: [ParentKey; 3],
    acks: Vec<(Socket, AckTicket)>,
    /// Requests that wait for their answer.
    waiting: BTreeSet<RequestId>,
    /// What is still to come of their bodies.
    bodies: Vec<(RequestId, Bytes)>,
    requests: u64,
    /// Emits that wait for their end.
    asked: BTreeSet<u64>,
    next_ack: BTreeMap<Socket, u64>,
    left: BTreeSet<Socket>,
    standings: Standings,
    cells: Cells,
}

/// Where its packets have been.
pub(crate) fn run(input: &[u8], config: Config) -> Cells {
    let mut server = Server::new(config.clone(), HashKey([5, 6])).expect("a valid configuration");
    server.open_namespace("/");
    server.open_namespace("/a");
    let pattern = |text: &str| text.parse().ok();
    let parents = [pattern("/d/{id}"), None, pattern("/other")];
    let parents = parents.map(|pattern| server.open_parent(pattern));
    let mut world = World {
        input,
        server,
        config,
        now: Instant::ORIGIN,
        drawn: 0,
        sids: Vec::new(),
        websockets: Vec::new(),
        over: Vec::new(),
        sockets: Vec::new(),
        handshakes: Vec::new(),
        undecided: BTreeSet::new(),
        upgrades: BTreeSet::new(),
        tickets: Vec::new(),
        named: Vec::new(),
        parents,
        acks: Vec::new(),
        waiting: BTreeSet::new(),
        bodies: Vec::new(),
        requests: 0,
        asked: BTreeSet::new(),
        next_ack: BTreeMap::new(),
        left: BTreeSet::new(),
        standings: Standings::new(["/", "/a"]),
        cells: Cells::default(),
    };
    world.begins();
    while let Some(what) = world.byte() {
        world.step(what);
        // Outputs may be drained late: several inputs in a row are legal.
        if what & 0x80 == 0 {
            world.drain();
        }
    }
    world.drain();
    world.end();
    world.cells
}

impl World<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*first)
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = usize::from(self.byte()?);
        all.get(at.checked_rem(all.len())?).cloned()
    }

    fn random(&mut self) -> [u8; 15] {
        self.drawn = self.drawn.wrapping_add(1);
        [self.drawn; 15]
    }

    fn step(&mut self, what: u8) {
        let now = self.now;
        match what & 0x0f {
            0 => {
                let eio = revision(what);
                let query = format!("EIO={eio}&transport=polling");
                let random = self.random();
                if let Some(sid) = self.request(http::Method::GET, &query, Bytes::new(), random) {
                    self.sids.push((sid, eio));
                }
            }
            1 | 2 => {
                let (sid, eio) = self.sid(what);
                let script = script(what);
                let query = format!("EIO={eio}&transport=polling&sid={sid}{script}");
                self.request(http::Method::GET, &query, Bytes::new(), [0; 15]);
            }
            3 | 4 => self.post(what),
            5 => self.upgrade(what),
            6..=8 => self.speak(what),
            9 if what & 0x10 != 0 => {
                if let Some(connection) = self.over.pop() {
                    self.server.handle_ws_gone(connection);
                }
            }
            9 => {
                if let Some(connection) = self.pick(&self.websockets.clone()) {
                    self.websockets.retain(|other| *other != connection);
                    self.over.push(connection);
                    self.server
                        .handle_ws_closed(now, connection, WsClosed::Lost);
                }
            }
            10 if what & 0x10 != 0 => self.some_of_a_body(what),
            10 => self.pass(),
            12 if what & 0x50 == 0x50 => self.wait(what),
            11 if what & 0x10 != 0 => self.decide(what),
            11 => self.answer(what),
            12 => {
                if let Some((socket, ticket)) = self.acks.pop() {
                    let packet = packet::ack("/", ticket.id(), &1).expect("a number");
                    let _ = self.server.respond(now, socket, ticket, packet);
                }
            }
            13 => self.emit(what),
            14 => self.act(what),
            _ if what & 0x10 != 0 => self.remove(what),
            _ => self.abort(what),
        }
    }

    /// Time passes.
    fn pass(&mut self) {
        let times: [u64; 6] = [1, 99, 100, 5_000, 20_000, 60_000];
        let time = self.pick(&times).unwrap_or(1);
        self.now += Duration::from_millis(time);
        self.server.handle_timeout(self.now);
        if let Some(due) = self.server.poll_timeout() {
            assert!(due.at > self.now, "{:?} is due already", due.why);
        }
    }

    /// The application answers a client that asks for a namespace.
    fn answer(&mut self, what: u8) {
        let now = self.now;
        if let Some(ticket) = self.named.pop() {
            let next = match what & 0x40 {
                0 => self.server.allow(now, ticket),
                _ => self.server.deny(now, ticket),
            };
            if let Some(event) = next {
                self.event(event);
            }
        } else if let Some((connection, ticket)) = self.tickets.pop() {
            if what & 0x40 == 0 {
                self.lets_in(connection, ticket);
            } else {
                let refusal = Refusal::new("no");
                let key = ticket.socket();
                let socket = Socket { connection, key };
                self.standings.decided(socket, Standing::Unknown);
                self.server.reject(now, connection, ticket, &refusal);
            }
        }
    }

    fn lets_in(&mut self, connection: ConnectionKey, ticket: ConnectTicket) {
        let id = SocketId::from_random(self.random());
        let socket = self.server.accept(self.now, connection, ticket, id);
        self.sockets.extend(socket);
        if let Some(socket) = socket {
            self.standings.decided(socket, Standing::Connected);
            self.named(socket);
        }
    }

    /// The application does something to a socket.
    fn act(&mut self, what: u8) {
        let now = self.now;
        if let Some(socket) = self.pick(&self.sockets.clone()) {
            match what & 0x70 {
                0x00 => self.server.disconnect(now, socket, false),
                0x10 => self.server.disconnect(now, socket, true),
                0x20 => self.server.close(now, socket.connection, Close::Flush),
                0x30 => self.server.close(now, socket.connection, Close::Discard),
                0x40 => drop(self.server.join(socket, "r1")),
                0x50 => drop(self.server.join(socket, "r2")),
                0x60 => drop(self.server.leave(socket, "r1")),
                _ => {
                    let packet = packet::error("/", "no", None);
                    let _ = self.server.deliver(now, socket, packet, Flags::default());
                }
            }
        }
    }

    /// The application takes a namespace away.
    fn remove(&mut self, what: u8) {
        let now = self.now;
        let name = match what & 0x60 {
            0x00 => "/d/1",
            0x20 => "/asked",
            0x40 => "/other",
            // By the application, whose it is from then on.
            _ => {
                self.server.open_namespace("/d/2");
                "/d/3"
            }
        };
        self.server.remove_namespace(now, name);
        assert!(self.server.namespaces().all(|other| other != name));
    }

    /// The application decides over a handshake, or whether it does so from now on.
    fn decide(&mut self, what: u8) {
        let now = self.now;
        if what & 0x20 != 0 {
            return self.server.decide_over_handshakes(what & 0x40 == 0);
        }
        let Some(ticket) = self.handshakes.pop() else {
            return;
        };
        let handshake = ticket.handshake();
        if what & 0x40 != 0 {
            let why = HandshakeError::Forbidden(None);
            return self.server.refuse(now, ticket, why);
        }
        // Sometimes one that is taken.
        let made = self.byte().filter(|byte| byte & 1 == 0);
        let made = made.and_then(|byte| Sid::made(format!("made-{}", byte & 6)));
        let before = self.server.connections();
        let connection = self.server.admit(now, ticket, made);
        let it = connection.and_then(|its| self.server.connection(its));
        let Some(it) = it else {
            assert_eq!(self.server.connections(), before);
            return;
        };
        let session = it.session();
        assert_eq!(self.server.connections(), before + 1);
        let polls = session.transport() == TransportKind::Polling;
        assert_eq!(polls, !self.upgrades.contains(&handshake));
        let eio = match session.revision() {
            Eio::V3 => 3,
            Eio::V4 => 4,
        };
        self.sids.push((it.sid().as_str().to_owned(), eio));
    }

    /// A socket of revision 4 has the id that its client computes.
    fn named(&self, socket: Socket) {
        let Some(it) = self.server.connection(socket.connection) else {
            return;
        };
        let namespace = self.server.namespaces().find(|name| {
            let all = self.server.select(name, &Target::default());
            all.contains(&socket)
        });
        let id = namespace.and_then(|name| it.computed_id(name));
        if let Some(id) = id {
            assert_eq!(self.server.rooms_of(socket)[0], id.as_str());
        }
    }

    fn emit(&mut self, what: u8) {
        let now = self.now;
        let Some(socket) = self.pick(&self.sockets.clone()) else {
            return;
        };
        let flags = Flags {
            volatile: what & 0x10 != 0,
            ..Flags::default()
        };
        if what & 0x20 == 0 {
            let packet = packet::event("/", None, "e", &"x".repeat(300)).expect("text");
            let target: Target = if what & 0x40 == 0 {
                Target::default()
            } else {
                ["r1", "r2"].into()
            };
            self.server.broadcast(now, "/", &target, &packet, flags);
            return;
        }
        let id = *self
            .next_ack
            .entry(socket)
            .and_modify(|id| *id += 2)
            .or_insert(1);
        let packet = packet::event("/", Some(id), "e", &()).expect("no arguments");
        let token = self.requests;
        self.requests += 1;
        let timeout = Some(Duration::from_secs(1));
        if self
            .server
            .request(now, socket, id, packet, token, timeout)
            .is_ok()
        {
            self.asked.insert(token);
        }
    }

    /// No more children than may be: one of the application's beside them.
    fn check_namespaces(&self) {
        let children = self
            .parents
            .map(|parent| self.server.children(parent).count());
        let most = self.config.max_child_namespaces + 1;
        assert!(children.iter().sum::<usize>() <= most, "{children:?}");
        assert_eq!(
            self.server.namespaces().count(),
            children.iter().sum::<usize>() + 2
        );
    }

    /// Takes everything that is to be done, and checks it.
    fn drain(&mut self) {
        self.check_namespaces();
        loop {
            let mut idle = true;
            while let Some(event) = self.server.poll_event(self.now) {
                idle = false;
                self.event(event);
            }
            while let Some((id, _)) = self.server.poll_http() {
                idle = false;
                assert!(self.waiting.remove(&id), "{id:?} is answered twice");
            }
            while let Some((handshake, upgraded)) = self.server.poll_upgraded() {
                idle = false;
                assert!(
                    self.upgrades.remove(&handshake),
                    "{handshake:?} is answered twice"
                );
                match upgraded {
                    Upgraded::Attached { connection, .. } => self.websockets.push(connection),
                    Upgraded::Refused(_) => {}
                    Upgraded::Unwanted { .. } | Upgraded::Waits(_) => panic!("{upgraded:?}"),
                }
            }
            while let Some(connection) = self.server.poll_writable() {
                let mut wrote = false;
                while let Some(out) = self.server.poll_ws(connection) {
                    idle = false;
                    wrote = true;
                    match out {
                        WsOut::Frame { .. } => {}
                        WsOut::Close { .. } => {
                            self.websockets.retain(|it| *it != connection);
                            self.over.push(connection);
                        }
                    }
                }
                if wrote {
                    self.server.handle_ws_flushed(self.now, connection);
                }
                if let Some(it) = self.server.connection(connection) {
                    let most = self.config.max_backlog_bytes + self.config.max_http_buffer_size;
                    assert!(it.session().backlog_bytes() <= most);
                    assert!(
                        it.pending_acks()
                            <= self.config.max_pending_acks
                                * self.config.max_namespaces_per_connection
                    );
                }
            }
            if idle {
                return;
            }
        }
    }

    fn event(&mut self, event: Event<u64>) {
        match event {
            Event::Handshake { ticket, .. } => {
                assert!(
                    self.undecided.insert(ticket.handshake()),
                    "it is told twice"
                );
                self.handshakes.push(ticket);
            }
            Event::HandshakeOver { handshake } => {
                assert!(self.undecided.remove(&handshake), "it was not told");
                self.handshakes.retain(|it| it.handshake() != handshake);
            }
            Event::Naming { ticket, parent } => {
                assert_eq!(parent, self.parents[1], "the others know by themselves");
                self.named.push(ticket);
            }
            Event::Connecting {
                connection,
                ticket,
                namespace,
                ..
            } => {
                let here = self.server.namespaces().any(|name| *name == *namespace);
                assert!(here, "nobody asks for what is not there");
                let id = namespace.strip_prefix("/d/");
                let parameters = self.server.parameters(&namespace);
                assert_eq!(parameters.and_then(|its| its.get("id")), id);
                let key = ticket.socket();
                self.standings.asked(Socket { connection, key }, &namespace);
                self.tickets.push((connection, ticket));
            }
            Event::Message {
                socket,
                namespace,
                ack,
                ..
            } => {
                assert!(self.sockets.contains(&socket), "an event before CONNECT");
                assert_eq!(self.server.namespace(socket), Some(&*namespace));
                assert!(!self.left.contains(&socket), "an event after the end");
                self.acks.extend(ack.map(|ack| (socket, ack)));
            }
            Event::Error { socket, .. } => {
                assert!(self.sockets.contains(&socket), "an error before CONNECT");
                let it = self.server.connection(socket.connection);
                let revision = it.map(|it| it.session().revision());
                assert_eq!(revision, Some(Eio::V3));
            }
            Event::Acked { token, .. } => {
                assert!(self.asked.remove(&token), "an ack ended twice");
            }
            Event::Disconnecting { socket, .. } => {
                assert!(!self.left.contains(&socket));
                if let Some(namespace) = self.server.namespace(socket) {
                    self.standings.left(socket.connection, namespace);
                }
                assert!(!self.server.rooms_of(socket).is_empty());
            }
            Event::Disconnected { socket, .. } => {
                assert!(self.left.insert(socket), "it left twice");
                assert!(self.server.rooms_of(socket).is_empty());
                self.sockets.retain(|other| *other != socket);
            }
            Event::Undecided { socket } => self.standings.decided(socket, Standing::Unknown),
            Event::Closed { connection, .. } => self.standings.closed(connection),
            Event::Expired { .. } | Event::Upgraded { .. } => {}
        }
    }

    /// Everybody goes, and time runs out: nothing may be left.
    fn end(&mut self) {
        self.server.shut_down(self.now);
        self.drain();
        for _ in 0..100 {
            let Some(due) = self.server.poll_timeout() else {
                break;
            };
            self.now = self.now.max(due.at);
            self.server.handle_timeout(self.now);
            self.drain();
        }
        assert_eq!(self.server.poll_timeout(), None);
        assert_eq!((self.server.connections(), self.server.sessions()), (0, 0));
        assert_eq!(self.waiting, BTreeSet::new());
        assert_eq!(self.upgrades, BTreeSet::new());
        assert_eq!(self.asked, BTreeSet::new());
        assert_eq!(self.server.select("/", &Target::default()), []);
        assert_eq!(self.server.select("/a", &Target::default()), []);
        // None but those that are the application's.
        for name in self.server.namespaces() {
            assert!(["/", "/a", "/d/2"].contains(&name), "{name} is left");
        }
    }
}
