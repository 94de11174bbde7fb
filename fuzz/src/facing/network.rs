//! What is on its way: requests that may overtake each other, WebSockets that keep their order, and ends that
//! hear of a cut each for itself.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use sio_core::client::{self, Failure};
use sio_core::engine;
use sio_core::id::RequestId;
use sio_core::packet::Part;
use sio_core::server::ConnectionKey;
use sio_core::time::Instant;
use sio_core::websocket::write::MessageType;
use sio_core::websocket::{self, Event, Limits, Masks};

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Client,
    Server,
}

/// Something that arrives.
#[derive(Debug)]
pub(super) enum Delivery {
    Request {
        client: usize,
        id: RequestId,
        request: Request<Bytes>,
    },
    Response {
        client: usize,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
    },
    Upgrade {
        client: usize,
        id: RequestId,
        request: Request<()>,
    },
    /// `None`: it is refused.
    Upgraded {
        client: usize,
        id: RequestId,
        wire: Option<usize>,
    },
    Bytes {
        wire: usize,
        to: Side,
        bytes: Vec<u8>,
    },
    Lost {
        wire: usize,
        to: Side,
    },
}

/// What an end of a WebSocket is to say.
pub(super) enum Out {
    Frame(&'static [u8], Part),
    Ping,
    Close(Option<u16>),
}

impl From<client::WsOut> for Out {
    fn from(out: client::WsOut) -> Self {
        match out {
            client::WsOut::Frame { head, part, .. } => Self::Frame(head, part),
            client::WsOut::Ping => Self::Ping,
            client::WsOut::Close(code) => Self::Close(code),
        }
    }
}

impl From<engine::WsOut> for Out {
    fn from(out: engine::WsOut) -> Self {
        match out {
            engine::WsOut::Frame { head, part, .. } => Self::Frame(head, part),
            engine::WsOut::Close(code) => Self::Close(code),
        }
    }
}

#[derive(Debug)]
struct Wire {
    client: usize,
    id: RequestId,
    connection: ConnectionKey,
    ends: [End; 2],
    open: bool,
}

#[derive(Debug)]
struct End {
    socket: websocket::Connection<()>,
    /// When the last of what comes to it arrives.
    last: Instant,
    /// Nothing more comes to it, nor from it.
    cut: bool,
    gone: bool,
}

impl End {
    fn new(socket: websocket::Connection<()>) -> Self {
        Self {
            socket,
            last: Instant::ORIGIN,
            cut: false,
            gone: false,
        }
    }
}

#[derive(Default, Debug)]
pub(super) struct Network {
    on_its_way: BTreeMap<(Instant, u64), Delivery>,
    drawn: u64,
    wires: Vec<Wire>,
    /// Requests at the server, by the number that it knows them by.
    at_server: BTreeMap<RequestId, (usize, RequestId)>,
    /// What clients still wait for.
    wanted: BTreeSet<(usize, RequestId)>,
}

const LIMITS: Limits = Limits {
    message: 10_000,
    fragments: 5,
    deflate: false,
};

impl Network {
    fn push(&mut self, at: Instant, delivery: Delivery) {
        self.drawn += 1;
        self.on_its_way.insert((at, self.drawn), delivery);
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.on_its_way.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn arrived(&mut self, now: Instant) -> Option<Delivery> {
        let first = self.on_its_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn request(
        &mut self,
        at: Instant,
        client: usize,
        id: RequestId,
        request: Request<Bytes>,
    ) {
        assert!(self.wanted.insert((client, id)), "ids are drawn once");
        self.push(
            at,
            Delivery::Request {
                client,
                id,
                request,
            },
        );
    }

    pub(super) fn upgrade(
        &mut self,
        at: Instant,
        client: usize,
        id: RequestId,
        request: Request<()>,
    ) {
        assert!(self.wanted.insert((client, id)), "ids are drawn once");
        self.push(
            at,
            Delivery::Upgrade {
                client,
                id,
                request,
            },
        );
    }

    /// The number by which the server knows a request.
    pub(super) fn served(&mut self, client: usize, id: RequestId) -> RequestId {
        self.drawn += 1;
        let served = RequestId(self.drawn);
        self.at_server.insert(served, (client, id));
        served
    }

    /// The server has answered.
    pub(super) fn answer(
        &mut self,
        at: Instant,
        served: RequestId,
        response: Result<Response<Bytes>, Failure>,
    ) {
        let answered = self.at_server.remove(&served);
        let (client, id) = answered.expect("answer: once, and only what was asked");
        if self.wanted.contains(&(client, id)) {
            self.push(
                at,
                Delivery::Response {
                    client,
                    id,
                    response,
                },
            );
        }
    }

    pub(super) fn is_answered(&mut self, client: usize, id: RequestId) {
        self.wanted.remove(&(client, id));
    }

    /// A client waits for this no more. Its WebSocket, if it is one that is there.
    pub(super) fn give_up(&mut self, client: usize, id: RequestId) -> Option<usize> {
        self.wanted.remove(&(client, id));
        self.wires
            .iter()
            .position(|wire| (wire.client, wire.id) == (client, id))
    }

    /// The requests at the server that a client has dropped.
    pub(super) fn aborted(&mut self, client: usize, id: RequestId) -> Vec<RequestId> {
        let is = |it: &(&RequestId, &(usize, RequestId))| *it.1 == (client, id);
        self.at_server.iter().filter(is).map(|it| *it.0).collect()
    }

    pub(super) fn answer_upgrade(
        &mut self,
        at: Instant,
        client: usize,
        id: RequestId,
        granted: Option<ConnectionKey>,
    ) {
        let wire = granted.map(|connection| {
            let masks = Masks::from_random([7; 16]);
            self.wires.push(Wire {
                client,
                id,
                connection,
                ends: [
                    End::new(websocket::Connection::client(LIMITS, masks, ())),
                    End::new(websocket::Connection::server(LIMITS, ())),
                ],
                open: false,
            });
            self.wires.len() - 1
        });
        self.push(at, Delivery::Upgraded { client, id, wire });
    }

    pub(super) fn is_wanted(&mut self, client: usize, id: RequestId) -> bool {
        self.wanted.remove(&(client, id))
    }

    pub(super) fn is_open(&mut self, wire: usize) {
        self.wires[wire].open = true;
    }

    pub(super) fn ends(&self, wire: usize) -> (usize, RequestId, ConnectionKey) {
        let Wire {
            client,
            id,
            connection,
            ..
        } = self.wires[wire];
        (client, id, connection)
    }

    /// WebSockets of which an end is there.
    pub(super) fn open_wires(&self) -> Vec<usize> {
        let is_there = |wire: &Wire| wire.ends.iter().any(|end| !end.gone);
        let all = self.wires.iter().enumerate();
        all.filter(|(_, wire)| is_there(wire))
            .map(|(at, _)| at)
            .collect()
    }

    /// The last WebSocket of a connection: one that was sent away may say goodbye when another is there.
    pub(super) fn wire_of(&self, connection: ConnectionKey) -> Option<usize> {
        let mut all = self.wires.iter().enumerate().rev();
        let is = |wire: &Wire| wire.connection == connection && !wire.ends[1].gone;
        all.find(|(_, wire)| is(wire)).map(|(at, _)| at)
    }

    fn end(&mut self, wire: usize, side: Side) -> &mut End {
        &mut self.wires[wire].ends[usize::from(side == Side::Server)]
    }

    pub(super) fn say(&mut self, wire: usize, side: Side, out: Out) {
        let end = self.end(wire, side);
        match out {
            Out::Frame(head, Part::Text(text)) => {
                end.socket.send(MessageType::Text, head, &text, false);
            }
            Out::Frame(head, Part::Binary(bytes)) => {
                end.socket.send(MessageType::Binary, head, &bytes, false);
            }
            Out::Ping => end.socket.ping(b""),
            Out::Close(code) => end.socket.close(code),
        }
    }

    /// Puts on the wire what an end has to say. Whether there was anything.
    pub(super) fn send(&mut self, at: Instant, wire: usize, side: Side) -> bool {
        let other = match side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let end = self.end(wire, side);
        let bytes = end.socket.poll_output().to_vec();
        if bytes.is_empty() {
            return false;
        }
        end.socket.handle_written(bytes.len());
        let cut = end.cut || end.gone;
        let to = self.end(wire, other);
        if !cut && !to.cut && !to.gone {
            to.last = to.last.max(at);
            let at = to.last;
            // In two pieces, anywhere.
            let (one, two) = bytes.split_at(bytes.len() / 3);
            for bytes in [one, two].map(<[u8]>::to_vec) {
                let to = other;
                self.push(at, Delivery::Bytes { wire, to, bytes });
            }
        }
        true
    }

    pub(super) fn hear(&mut self, wire: usize, to: Side, bytes: &[u8]) {
        let end = self.end(wire, to);
        if !end.gone {
            end.socket.handle_bytes(bytes);
        }
    }

    pub(super) fn lose(&mut self, wire: usize, to: Side) {
        let end = self.end(wire, to);
        end.socket.handle_end();
    }

    pub(super) fn poll_event(&mut self, wire: usize, to: Side) -> Option<Event> {
        let end = self.end(wire, to);
        if end.gone {
            return None;
        }
        let event = end.socket.poll_event();
        if matches!(event, Some(Event::Closed(_))) {
            end.socket.close(None);
            // What it says last is put on the wire all the same.
            end.gone = true;
        }
        event
    }

    /// An end hears no more of the other than is on its way, and of that no more than `left` bytes.
    pub(super) fn cut(&mut self, at: Instant, wire: usize, side: Side, left: usize) {
        let end = self.end(wire, side);
        if end.cut || end.gone {
            return;
        }
        end.cut = true;
        end.last = end.last.max(at);
        let at = end.last;
        let mut left = left;
        for delivery in self.on_its_way.values_mut() {
            match delivery {
                Delivery::Bytes {
                    wire: its,
                    to,
                    bytes,
                } if (*its, *to) == (wire, side) => {
                    bytes.truncate(left);
                    left -= bytes.len();
                }
                _ => {}
            }
        }
        self.push(at, Delivery::Lost { wire, to: side });
    }

    pub(super) fn lose_response(&mut self, now: Instant, at: usize) {
        let mut all = self.on_its_way.iter_mut();
        let response = all.find_map(|((due, _), delivery)| match delivery {
            Delivery::Response { response, .. } if *due >= now => Some(response),
            _ => None,
        });
        if let Some(response) = response.filter(|_| at == 0) {
            *response = Err(Failure::Tcp);
        }
    }

    /// The server is gone with all that it knew, and every client hears of it.
    pub(super) fn server_died(&mut self, at: Instant) {
        for (client, id) in std::mem::take(&mut self.at_server).into_values() {
            let response = Err(Failure::Tcp);
            self.push(
                at,
                Delivery::Response {
                    client,
                    id,
                    response,
                },
            );
        }
        // A WebSocket that was just granted is lost when it is there.
        for wire in 0..self.wires.len() {
            self.wires[wire].ends[1].gone = true;
            self.cut(at, wire, Side::Client, usize::MAX);
        }
    }
}

/// A request as it arrives: its path alone, and the host beside it.
pub(super) fn local(mut head: Parts) -> Parts {
    let path = head.uri.path_and_query().cloned().expect("it has one");
    head.uri = path.into();
    head.headers
        .insert(HOST, HeaderValue::from_static("server"));
    head
}

/// The same, asking for a WebSocket.
pub(super) fn asking(mut head: Parts) -> Parts {
    for (name, value) in [
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    head
}
