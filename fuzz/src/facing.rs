//! Clients and a server, machine against machine, on a network of data in virtual time: bytes decide what is
//! said, how long things take, and what is cut. Afterwards nothing is cut any more, and all must be well.

mod application;
mod ledger;
mod network;

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use sio_core::client::{self, Auth, Backoff, Connection, Dial, Failure, Work};
use sio_core::config;
use sio_core::engine::WsClosed;
use sio_core::id::HashKey;
use sio_core::protocol::TransportKind;
use sio_core::server::{Server, Upgraded};
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

use application::Application;
use ledger::Ledger;
use network::{Delivery, Network, Side};

/// What decides: bytes, and nothing any more when they are over.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// One of the numbers below `end`; 0 when the bytes are over.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % end
    }
}

struct World<'a> {
    choices: Choices<'a>,
    now: Instant,
    clients: Vec<Connection<u64>>,
    /// Which of them speak revision 4 of Socket.IO.
    old: Vec<bool>,
    /// Of each client its sockets.
    sockets: Vec<Vec<SocketKey>>,
    server: Server<u64>,
    drawn: u8,
    network: Network,
    application: Application,
    ledger: Ledger,
    /// Whether things may go wrong.
    rough: bool,
    trace: Vec<u64>,
}

const NAMESPACES: [&str; 2] = ["/", "/b"];

/// Whatever happens between them: both see events in order and none twice, whole; an emit that asks ends
/// once; and once nothing goes wrong any more they come together, and all that was kept arrives.
pub(crate) fn run(input: &[u8]) -> Vec<u64> {
    let mut choices = Choices(input);
    let (clients, old) = (0..1 + choices.below(2))
        .map(|number| client(&mut choices, number))
        .unzip();
    let mut world = World {
        now: Instant::ORIGIN,
        server: server(),
        drawn: 0,
        network: Network::default(),
        application: Application::default(),
        ledger: Ledger::default(),
        rough: true,
        trace: Vec::new(),
        sockets: Vec::new(),
        clients,
        old,
        choices,
    };
    for number in 0..world.clients.len() {
        let client = &mut world.clients[number];
        let sockets: Vec<_> = NAMESPACES
            .iter()
            .map(|name| client.socket(name, Auth::None).expect("there is room"))
            .collect();
        for socket in &sockets {
            client.open(world.now, *socket);
        }
        world.sockets.push(sockets);
    }
    world.settle();
    while let Some(what) = world.choices.byte() {
        world.step(what);
        world.settle();
    }
    world.heal();
    world.close();
    world.trace
}

fn client(choices: &mut Choices<'_>, number: usize) -> (Connection<u64>, bool) {
    let what = choices.below(256);
    let mut config = match what & 1 {
        0 => client::Config::v4(),
        _ => client::Config::v2(),
    };
    config.reconnection = Some(Backoff::new(
        Duration::from_millis(100),
        Duration::from_secs(2),
    ));
    config.max_backlog_bytes = 500;
    config.max_offline_bytes = 500;
    config.max_offline_packets = 20;
    config.max_pending_acks = 8;
    config.remember_upgrade = what & 2 != 0;
    let (polling, websocket) = (TransportKind::Polling, TransportKind::WebSocket);
    let transports = match (what >> 2) % 4 {
        0 => vec![websocket, polling],
        1 => vec![polling, websocket],
        2 => vec![websocket],
        _ => vec![polling],
    };
    let (dial, _) = Dial::parse("http://server/").expect("it is one");
    let seed = [u8::try_from(number).unwrap_or_default(); 16];
    let dial = dial.transports(transports);
    let client = Connection::new(Arc::new(config), dial, seed);
    (client.expect("it is sound"), what & 1 != 0)
}

fn server() -> Server<u64> {
    let config = config::Config::v4()
        .allow_eio3(true)
        .max_http_buffer_size(400)
        .ping_interval(Duration::from_secs(5))
        .ping_timeout(Duration::from_secs(4));
    let mut server = Server::new(config, HashKey([1, 2])).expect("it is sound");
    for name in NAMESPACES {
        server.open_namespace(name);
    }
    server
}

impl World<'_> {
    /// Something that happens.
    fn step(&mut self, what: u8) {
        let number = self.choices.below(self.clients.len());
        let at = self.choices.below(NAMESPACES.len());
        match what % 16 {
            0..=4 => {
                self.next_thing();
            }
            5..=7 => self.client_speaks(number, at),
            8..=9 => self.server_speaks(),
            10 => self.leave_or_open(number, at),
            11 => self.server_takes_out(),
            12 => self.cut(),
            13 => self.lose_response(),
            14 => {
                // The process is stopped: time passes, and nobody looks.
                let pause = self.choices.below(8);
                self.now += Duration::from_secs(pause as u64);
            }
            _ if self.choices.below(8) == 0 => self.restart(),
            _ => {
                let gap = Duration::from_secs(self.choices.below(30) as u64);
                self.clients[number].handle_suspended(self.now, gap);
            }
        }
    }

    /// Time passes until the next thing arrives or is due.
    fn next_thing(&mut self) -> bool {
        let due = self.clients.iter().filter_map(Connection::poll_timeout);
        let due = due.chain(self.server.poll_timeout()).map(|due| due.at);
        let Some(at) = due.chain(self.network.next_at()).min() else {
            return false;
        };
        self.now = self.now.max(at);
        while let Some(delivery) = self.network.arrived(self.now) {
            self.deliver(delivery);
        }
        for client in &mut self.clients {
            if client.poll_timeout().is_some_and(|due| due.at <= self.now) {
                client.handle_timeout(self.now);
                let due = client.poll_timeout();
                assert!(due.is_none_or(|due| due.at > self.now), "pace: {due:?}");
            }
        }
        if self
            .server
            .poll_timeout()
            .is_some_and(|due| due.at <= self.now)
        {
            self.server.handle_timeout(self.now);
        }
        true
    }

    /// How long something is on its way.
    fn delay(&mut self) -> Duration {
        match self.rough {
            true => Duration::from_millis(self.choices.below(40) as u64 * 25),
            false => Duration::from_millis(5),
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Request {
                client,
                id,
                request,
            } => {
                let (head, body) = request.into_parts();
                let request = http::Request::from_parts(network::local(head), body);
                let served = self.network.served(client, id);
                let random = self.random();
                self.server
                    .handle_request(self.now, served, request, random);
            }
            Delivery::Response {
                client,
                id,
                response,
            } => {
                self.network.is_answered(client, id);
                let wall = Some(Duration::from_secs(1));
                self.clients[client].handle_response(self.now, id, response, wall);
            }
            Delivery::Upgrade {
                client,
                id,
                request,
            } => {
                let head = network::asking(network::local(request.into_parts().0));
                let random = self.random();
                let granted = match self.server.handle_upgrade(self.now, &head, random) {
                    Upgraded::Attached { connection, .. } => Some(connection),
                    // Nobody decides over it.
                    Upgraded::Unwanted { .. } | Upgraded::Refused(_) | Upgraded::Waits(_) => None,
                };
                let at = self.now + self.delay();
                self.network.answer_upgrade(at, client, id, granted);
            }
            Delivery::Upgraded { client, id, wire } => match wire {
                Some(wire) if self.network.is_wanted(client, id) => {
                    self.network.is_open(wire);
                    self.clients[client].handle_ws_open(self.now, id, Ok(()));
                }
                Some(wire) => self.cut_wire(wire, true, true),
                None => {
                    let failure = Failure::WebSocket;
                    self.clients[client].handle_ws_open(self.now, id, Err(failure));
                }
            },
            Delivery::Bytes { wire, to, bytes } => {
                self.network.hear(wire, to, &bytes);
                self.listen(wire, to);
            }
            Delivery::Lost { wire, to } => {
                self.network.lose(wire, to);
                self.listen(wire, to);
            }
        }
    }

    /// What one end of a WebSocket makes of what it has read.
    fn listen(&mut self, wire: usize, to: Side) {
        use sio_core::websocket::Event;
        let (client, id, connection) = self.network.ends(wire);
        while let Some(event) = self.network.poll_event(wire, to) {
            match (to, event) {
                (Side::Server, Event::Message(message)) => {
                    self.server.handle_ws(self.now, connection, message);
                }
                (Side::Client, Event::Message(message)) => {
                    self.clients[client].handle_ws(self.now, id, message);
                }
                (Side::Client, Event::Pong(_)) => self.clients[client].handle_ws_pong(self.now, id),
                (Side::Server, Event::Closed(end)) => {
                    let cause = WsClosed::from(end);
                    self.server.handle_ws_closed(self.now, connection, cause);
                }
                (Side::Client, Event::Closed(end)) => {
                    let cause = WsClosed::from(end);
                    self.clients[client].handle_ws_closed(self.now, id, cause);
                }
                (Side::Server, Event::Pong(_)) | (_, Event::Ping | Event::Ignored) => {}
            }
        }
    }

    /// All that follows at once.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut idle = true;
            for number in 0..self.clients.len() {
                while let Some(event) = self.clients[number].poll_event() {
                    idle = false;
                    self.client_hears(number, event);
                }
                while let Some(work) = self.clients[number].poll_work() {
                    idle = false;
                    self.work(number, work);
                }
            }
            while let Some(event) = self.server.poll_event(self.now) {
                idle = false;
                self.server_hears(event);
            }
            while let Some((served, response)) = self.server.poll_http() {
                idle = false;
                let (head, body) = response.http.into_parts();
                let at = self.now + self.delay();
                let response = Response::from_parts(head, body);
                self.network.answer(at, served, Ok(response));
            }
            idle &= !self.write();
            if idle {
                return;
            }
        }
        panic!("pace: it never comes to rest");
    }

    fn work(&mut self, client: usize, work: Work) {
        let at = self.now + self.delay();
        match work {
            Work::Request { id, request } => self.network.request(at, client, id, request),
            Work::OpenWebSocket { id, request } => self.network.upgrade(at, client, id, request),
            Work::Abort(id) => {
                if let Some(wire) = self.network.give_up(client, id) {
                    self.cut_wire(wire, true, true);
                }
                for served in self.network.aborted(client, id) {
                    self.server.handle_aborted(self.now, served);
                }
            }
            other => panic!("new work: {other:?}"),
        }
    }

    /// Writes what there is to be written on WebSockets. Whether there was anything.
    fn write(&mut self) -> bool {
        let mut wrote = false;
        while let Some(connection) = self.server.poll_writable() {
            let wire = self.network.wire_of(connection);
            while let Some(out) = self.server.poll_ws(connection) {
                wrote = true;
                if let Some(wire) = wire {
                    self.network.say(wire, Side::Server, out.into());
                }
            }
        }
        for wire in self.network.open_wires() {
            let (client, id, connection) = self.network.ends(wire);
            while let Some(out) = self.clients[client].poll_ws(id) {
                wrote = true;
                self.network.say(wire, Side::Client, out.into());
            }
            for side in [Side::Client, Side::Server] {
                let at = self.now + self.delay();
                if self.network.send(at, wire, side) {
                    wrote = true;
                    match side {
                        Side::Client => self.clients[client].handle_ws_flushed(self.now, id),
                        Side::Server => self.server.handle_ws_flushed(self.now, connection),
                    }
                }
            }
        }
        wrote
    }

    fn random(&mut self) -> [u8; 15] {
        self.drawn = self.drawn.wrapping_add(1);
        let mut random = [self.drawn; 15];
        random[0] = u8::try_from(self.trace.len() % 251).unwrap_or_default();
        random
    }

    /// A WebSocket is cut: either end hears of it, or only one, and later than what was written before.
    fn cut(&mut self) {
        let wires = self.network.open_wires();
        let which = self.choices.below(4);
        let at = self.choices.below(wires.len().max(1));
        if let Some(wire) = wires.get(at) {
            self.cut_wire(*wire, which != 1, which != 2);
        }
    }

    fn cut_wire(&mut self, wire: usize, client: bool, server: bool) {
        // What is on its way ends anywhere, in the middle of a frame, too.
        let left = self.choices.below(64);
        for (side, hears) in [(Side::Client, client), (Side::Server, server)] {
            let wait = match hears {
                true => self.delay(),
                false => Duration::from_secs(30),
            };
            self.network.cut(self.now + wait, wire, side, left);
        }
    }

    /// A response is lost after its request took effect.
    fn lose_response(&mut self) {
        let at = self.choices.below(8);
        self.network.lose_response(self.now, at);
    }

    /// The server dies, and another one takes its place.
    fn restart(&mut self) {
        self.server = server();
        self.application = Application::default();
        self.ledger.server_died();
        self.network
            .server_died(self.now + Duration::from_millis(1));
    }

    /// Nothing goes wrong any more: they come together.
    fn heal(&mut self) {
        self.rough = false;
        let end = self.now + Duration::from_secs(120);
        loop {
            // Whoever was taken out comes back.
            for (client, sockets) in self.clients.iter_mut().zip(&self.sockets) {
                for socket in sockets {
                    if client.state(*socket).is_some_and(|it| !it.active) {
                        client.open(self.now, *socket);
                    }
                }
            }
            self.settle();
            if self.now >= end || !self.next_thing() {
                break;
            }
            self.settle();
        }
        for (number, client) in self.clients.iter().enumerate() {
            for socket in &self.sockets[number] {
                let state = client.state(*socket).expect("it is there");
                assert!(state.connected, "heal: {:?}", client.status());
                assert_eq!(state.offline, (0, 0), "heal: what was kept has left");
                assert_eq!((state.retries, state.acks), (0, 0), "ack: all have ended");
            }
        }
        let sockets = self.clients.len() * NAMESPACES.len();
        assert_eq!(self.application.sockets(), sockets, "heal: both agree");
        assert_eq!(self.server.connections(), self.clients.len(), "dead");
        self.last_words();
    }

    /// Each says something to the other once more, and all of it arrives.
    fn last_words(&mut self) {
        for number in 0..self.clients.len() {
            for at in 0..NAMESPACES.len() {
                self.emit(number, at, false);
                self.ask(number, at);
            }
        }
        self.server_asks_all();
        let end = self.now + Duration::from_secs(3);
        self.settle();
        while self.now < end && self.next_thing() {
            self.settle();
        }
        self.ledger.all_is_said();
    }

    /// All leave, and nothing is left of them.
    fn close(&mut self) {
        for client in &mut self.clients {
            client.close(self.now);
        }
        self.settle();
        let end = self.now + Duration::from_secs(60);
        while self.now < end && self.next_thing() {
            self.settle();
        }
        for client in &self.clients {
            assert_eq!(client.status(), client::Status::Closed, "rest");
            assert_eq!(client.poll_timeout(), None, "rest");
        }
        assert_eq!(self.ledger.closed(), self.clients.len(), "rest: it is said");
        assert_eq!(self.server.connections(), 0, "rest");
        assert_eq!(self.application.sockets(), 0, "rest");
        self.ledger.all_is_said();
    }

    /// Something that two runs of the same have in common.
    fn note(&mut self, what: u64) {
        self.trace.push(what ^ self.now.as_nanos());
    }
}
