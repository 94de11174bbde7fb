//! A clone of a server goes on as what it was made of.

use crate::config::Config;
use crate::digest;
use crate::engine::{Flags, HandshakeError};
use crate::id::{HashKey, RequestId, Sid, SocketId};
use crate::message::Message;
use crate::packet;
use crate::rooms::Target;
use crate::server::bytes::Bytes;
use crate::server::http::Request;
use crate::server::{ConnectionKey, Event, HandshakeTicket, Server, Socket, Upgraded};
use crate::socket::{AckTicket, ConnectTicket};
use crate::time::Instant;

/// A server, and an application that keeps what it is to answer.
struct World {
    server: Server<u8>,
    now: Instant,
    connections: Vec<ConnectionKey>,
    asked: Vec<(ConnectionKey, ConnectTicket)>,
    waiting: Vec<(Socket, AckTicket)>,
    sockets: Vec<Socket>,
    knocked: Vec<HandshakeTicket>,
}

impl Clone for World {
    fn clone(&self) -> Self {
        let asked = self.asked.iter();
        let waiting = self.waiting.iter();
        Self {
            server: self.server.clone(),
            now: self.now,
            connections: self.connections.clone(),
            asked: asked.map(|(at, it)| (*at, it.for_clone())).collect(),
            waiting: waiting.map(|(at, it)| (*at, it.for_clone())).collect(),
            sockets: self.sockets.clone(),
            knocked: self
                .knocked
                .iter()
                .map(HandshakeTicket::for_clone)
                .collect(),
        }
    }
}

type Step = fn(&mut World);

const SID: &str = "BwcHBwcHBwcHBwcHBwcH";

impl World {
    fn new(key: HashKey) -> Self {
        let mut server = Server::new(Config::v4(), key).unwrap();
        server.open_namespace("/");
        server.open_namespace("/a");
        Self {
            server,
            now: Instant::ORIGIN,
            connections: Vec::new(),
            asked: Vec::new(),
            waiting: Vec::new(),
            sockets: Vec::new(),
            knocked: Vec::new(),
        }
    }

    fn poll(&mut self, id: u64, query: &str) {
        let request = Request::get(format!("/socket.io/?EIO=4&transport=polling{query}"));
        let request = request.body(Bytes::new()).unwrap();
        self.server
            .handle_request(self.now, RequestId(id), request, [7; 15]);
    }

    fn post(&mut self, id: u64, body: &'static str) {
        let request = Request::post(format!("/socket.io/?EIO=4&transport=polling&sid={SID}"))
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        self.server
            .handle_request(self.now, RequestId(id), request, [0; 15]);
    }

    fn knock(&mut self) -> Upgraded {
        let request = Request::get("/socket.io/?EIO=4&transport=websocket")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap();
        let head = request.into_parts().0;
        self.server.handle_upgrade(self.now, &head, [8; 15])
    }

    fn upgrade(&mut self) {
        let upgraded = self.knock();
        let Upgraded::Attached { connection, .. } = upgraded else {
            panic!("{upgraded:?}");
        };
        self.connections.push(connection);
    }

    fn admit(&mut self) {
        let ticket = self.knocked.remove(0);
        self.server.admit(self.now, ticket, Sid::made("made"));
    }

    fn hear(&mut self, text: &str) {
        let frame = Message::Text(text.into());
        self.server.handle_ws(self.now, self.connections[0], frame);
    }

    fn event(&mut self) -> Option<String> {
        let event = self.server.poll_event(self.now)?;
        let text = format!("{event:?}");
        match event {
            Event::Connecting {
                connection, ticket, ..
            } => self.asked.push((connection, ticket)),
            Event::Message { socket, ack, .. } => {
                self.waiting.extend(ack.map(|ack| (socket, ack)));
            }
            Event::Handshake { ticket, .. } => self.knocked.push(ticket),
            Event::Naming { .. }
            | Event::HandshakeOver { .. }
            | Event::Undecided { .. }
            | Event::Error { .. }
            | Event::Acked { .. }
            | Event::Disconnecting { .. }
            | Event::Disconnected { .. }
            | Event::Upgraded { .. }
            | Event::Expired { .. }
            | Event::Closed { .. } => {}
        }
        Some(text)
    }

    fn accept(&mut self) {
        let (connection, ticket) = self.asked.remove(0);
        let id = SocketId::from_random([u8::try_from(self.sockets.len()).unwrap(); 15]);
        let socket = self.server.accept(self.now, connection, ticket, id);
        self.sockets.extend(socket);
    }

    fn broadcast(&mut self) {
        let packet = packet::event("/", None, "all", &1).unwrap();
        let (now, flags) = (self.now, Flags::default());
        self.server
            .broadcast(now, "/", &Target::from(["room"]), &packet, flags);
    }

    fn ask(&mut self) {
        let packet = packet::event("/", Some(1), "ask", &()).unwrap();
        let (now, socket) = (self.now, self.sockets[0]);
        let asked = self.server.request(now, socket, 1, packet, 7, None);
        assert_eq!(asked, Ok(()));
    }

    fn respond(&mut self) {
        let (socket, ticket) = self.waiting.remove(0);
        let packet = packet::ack("/", ticket.id(), &true).unwrap();
        let _ = self.server.respond(self.now, socket, ticket, packet);
    }

    fn upgraded(&mut self) -> Option<String> {
        let (handshake, upgraded) = self.server.poll_upgraded()?;
        Some(match upgraded {
            // The map of headers has an order of its own.
            Upgraded::Attached { connection, .. } => format!("{handshake:?} {connection:?}"),
            Upgraded::Unwanted { response, .. } | Upgraded::Refused(response) => {
                format!("{handshake:?} {}", response.status())
            }
            Upgraded::Waits(_) => panic!("{handshake:?} waits twice"),
        })
    }

    fn responses(&mut self) -> Vec<String> {
        let responses = std::iter::from_fn(|| self.server.poll_http());
        // The map of headers has an order of its own.
        responses
            .map(|(id, response)| {
                let (status, body) = (response.http.status(), response.http.body());
                let mut headers: Vec<_> = response.http.headers().iter().collect();
                headers.sort_unstable_by_key(|(name, _)| name.as_str());
                format!("{id:?} {status} {body:?} {headers:?}")
            })
            .collect()
    }

    fn frames(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Some(connection) = self.server.poll_writable() {
            while let Some(out) = self.server.poll_ws(connection) {
                frames.push(format!("{connection:?} {out:?}"));
            }
        }
        for connection in &self.connections {
            self.server.handle_ws_flushed(self.now, *connection);
        }
        frames
    }

    /// All that can be seen of it.
    fn outputs(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        // Where nothing comes any more: what is flushed is looked at once more.
        for _ in 0..3 {
            seen.extend(std::iter::from_fn(|| self.event()));
            seen.extend(self.responses());
            seen.extend(std::iter::from_fn(|| self.upgraded()));
            seen.extend(self.frames());
        }
        seen.push(format!(
            "{:?} {} {:?}",
            self.server.poll_timeout(),
            self.server.connections(),
            self.server.select("/", &Target::default()),
        ));
        seen
    }

    fn digest(&self) -> u64 {
        digest::of(|state| self.server.digest(state))
    }
}

/// Two clients, one that polls and one by WebSocket.
const HISTORY: [Step; 42] = [
    |world| world.poll(1, ""),
    |world| assert!(world.event().is_none()),
    |world| assert_eq!(world.responses().len(), 1),
    |world| world.upgrade(),
    |world| assert_eq!(world.frames().len(), 1),
    |world| world.hear("40"),
    |world| world.hear("40/a,"),
    |world| assert!(world.event().is_some()),
    |world| assert!(world.event().is_some()),
    |world| world.accept(),
    |world| world.accept(),
    |world| assert_eq!(world.frames().len(), 2),
    |world| world.post(2, "40"),
    |world| assert!(world.event().is_some()),
    |world| world.accept(),
    |world| assert!(world.event().is_none()),
    |world| assert_eq!(world.responses().len(), 1),
    |world| assert_eq!(world.server.join(world.sockets[0], "room"), Ok(true)),
    |world| assert_eq!(world.server.join(world.sockets[2], "room"), Ok(true)),
    |world| world.broadcast(),
    |world| world.poll(3, &format!("&sid={SID}")),
    |world| world.ask(),
    |world| world.hear(r#"423["x"]"#),
    |world| assert!(world.event().is_some()),
    |world| world.respond(),
    |world| world.hear("431[5]"),
    |world| assert!(world.server.leave(world.sockets[0], "room")),
    |world| world.poll(4, &format!("&sid={SID}")),
    |world| world.server.disconnect(world.now, world.sockets[1], false),
    |world| {
        world.now += Config::v4().ping_interval;
        world.server.handle_timeout(world.now);
    },
    |world| world.poll(5, "&sid=nobody"),
    |world| world.server.decide_over_handshakes(true),
    |world| world.poll(6, ""),
    |world| assert!(matches!(world.knock(), Upgraded::Waits(_))),
    |world| world.poll(7, ""),
    |world| assert!(world.event().is_some()),
    |world| assert!(world.event().is_some()),
    |world| world.admit(),
    |world| world.server.handle_aborted(world.now, RequestId(7)),
    |world| {
        let ticket = world.knocked.remove(0);
        let why = HandshakeError::Forbidden(None);
        world.server.refuse(world.now, ticket, why);
    },
    |world| assert!(world.upgraded().is_some()),
    |world| world.server.shut_down(world.now),
];

#[test]
fn a_clone_of_any_moment_goes_on_as_what_it_was_made_of() {
    let start = World::new(HashKey([1, 2]));
    let mut seen = Vec::new();
    for moment in 0..=HISTORY.len() {
        let (before, behind) = HISTORY.split_at(moment);
        let mut one = start.clone();
        for step in before {
            step(&mut one);
        }
        seen.push(one.digest());
        let mut other = one.clone();
        for (step, at) in behind.iter().zip(moment..) {
            step(&mut one);
            step(&mut other);
            assert_eq!(one.digest(), other.digest(), "after {moment}, step {at}");
        }
        assert_eq!(one.outputs(), other.outputs(), "cloned after {moment}");
        assert_eq!(one.digest(), other.digest(), "cloned after {moment}");
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > HISTORY.len() - 4, "{}", seen.len());
}

/// What waits to be told is a part of it.
#[test]
fn what_became_of_a_request_for_a_websocket_makes_a_difference() {
    let mut world = World::new(HashKey([1, 2]));
    world.server.decide_over_handshakes(true);
    assert!(matches!(world.knock(), Upgraded::Waits(_)));
    assert!(world.event().is_some());
    let digests = ["one", "other"].map(|why| {
        let mut world = world.clone();
        let ticket = world.knocked.remove(0);
        let why = HandshakeError::Forbidden(Some(why.to_owned()));
        world.server.refuse(world.now, ticket, why);
        world.digest()
    });
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn what_a_request_that_waits_has_asked_for_makes_a_difference() {
    let digests = ["", "&who=me", "&who=you"].map(|query| {
        let mut world = World::new(HashKey([1, 2]));
        world.server.decide_over_handshakes(true);
        world.poll(1, query);
        world.digest()
    });
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
}

#[test]
fn the_key_under_which_names_are_hashed_makes_no_difference() {
    let mut one = World::new(HashKey([1, 2]));
    let mut other = World::new(HashKey([3, 4]));
    for step in HISTORY {
        step(&mut one);
        step(&mut other);
        assert_eq!(one.digest(), other.digest());
    }
    assert_eq!(one.outputs(), other.outputs());
}
