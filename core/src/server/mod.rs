//! A whole server in one thread, without IO.
//!
//! For embedders, the fuzzers and the simulation: the machines of this crate, and nothing of its own
//! but the wiring. A request goes in and a response comes out, WebSocket messages go in and come out,
//! and the clock is in your hand.
//!
//! ```
//! use std::time::Duration;
//!
//! use sio_core::config::Config;
//! use sio_core::engine::{Flags, Message, WsOut};
//! use sio_core::id::{HashKey, RequestId, SocketId};
//! use sio_core::packet::{self, Part};
//! use sio_core::server::bytes::Bytes;
//! use sio_core::server::http::Request;
//! use sio_core::server::{Event, Server, Upgraded};
//! use sio_core::time::Instant;
//!
//! let mut now = Instant::ORIGIN;
//! let mut server: Server<()> = Server::new(Config::v4(), HashKey([1, 2])).unwrap();
//! server.open_namespace("/");
//!
//! // A client opens a session by polling. The 15 bytes become its secret id.
//! let request = Request::get("/socket.io/?EIO=4&transport=polling").body(Bytes::new()).unwrap();
//! server.handle_request(now, RequestId(1), request, [7; 15]);
//! let (id, response) = server.poll_http().unwrap();
//! assert_eq!(id, RequestId(1));
//! assert!(response.http.body().starts_with(b"0{\"sid\":\"BwcHBwcHBwcHBwcHBwcH\""));
//!
//! // It opens a WebSocket for the session, and moves over to it.
//! let request = Request::get("/socket.io/?EIO=4&transport=websocket&sid=BwcHBwcHBwcHBwcHBwcH")
//!     .header("connection", "Upgrade")
//!     .header("upgrade", "websocket")
//!     .header("sec-websocket-version", "13")
//!     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
//!     .body(())
//!     .unwrap();
//! let Upgraded::Attached { connection, response } =
//!     server.handle_upgrade(now, &request.into_parts().0, [0; 15])
//! else {
//!     panic!("it is let in")
//! };
//! assert_eq!(response.status(), 101);
//! let mut sent = |server: &mut Server<()>| match server.poll_ws(connection) {
//!     Some(WsOut::Frame { part: Part::Text(text), .. }) => String::from_utf8(text.to_vec()).unwrap(),
//!     other => format!("{other:?}"),
//! };
//! server.handle_ws(now, connection, Message::Text("2probe".into()));
//! assert_eq!(sent(&mut server), "3probe");
//! server.handle_ws(now, connection, Message::Text("5".into()));
//!
//! // It enters the default namespace. The application decides, when it likes.
//! server.handle_ws(now, connection, Message::Text("40{\"token\":\"x\"}".into()));
//! let Some(Event::Upgraded { .. }) = server.poll_event(now) else { panic!("it has moved") };
//! let Some(Event::Connecting { ticket, auth, .. }) = server.poll_event(now) else {
//!     panic!("it asks")
//! };
//! assert_eq!(auth.as_deref(), Some(r#"{"token":"x"}"#));
//! let socket = server.accept(now, connection, ticket, SocketId::from_random([9; 15])).unwrap();
//! assert_eq!(sent(&mut server), r#"40{"sid":"CQkJCQkJCQkJCQkJCQkJ"}"#);
//!
//! // An event with an ack comes in, the answer and a broadcast go out.
//! server.join(socket, "lobby").unwrap();
//! server.handle_ws(now, connection, Message::Text(r#"427["say","hi"]"#.into()));
//! let Some(Event::Message { namespace, name, args, ack, .. }) = server.poll_event(now) else {
//!     panic!("it says something")
//! };
//! let said: String = args.decode().unwrap();
//! assert_eq!((&*namespace, &*name, &*said), ("/", "say", "hi"));
//! let ack = ack.expect("it asked for an answer");
//! let packet = packet::ack("/", ack.id(), &true).unwrap();
//! let _ = server.respond(now, socket, ack, packet);
//! let packet = packet::event("/", None, "said", &said).unwrap();
//! assert_eq!(server.broadcast(now, "/", &["lobby"].into(), &packet, Flags::default()), 1);
//! assert_eq!(sent(&mut server), "437[true]");
//! assert_eq!(sent(&mut server), r#"42["said","hi"]"#);
//!
//! // Time passes, and the server asks for a sign of life. None comes: that is the end of it.
//! server.handle_ws_flushed(now, connection);
//! now += Duration::from_secs(25);
//! assert_eq!(server.poll_timeout().unwrap().at, now);
//! server.handle_timeout(now);
//! assert_eq!(sent(&mut server), "2");
//! now += Duration::from_secs(20);
//! server.handle_timeout(now);
//! let Some(Event::Disconnecting { reason, .. }) = server.poll_event(now) else {
//!     panic!("it is gone")
//! };
//! assert_eq!(reason.as_str(), "ping timeout");
//! while server.poll_event(now).is_some() {}
//! assert_eq!(server.connections(), 0);
//! ```

mod bodies;
mod digest;
mod entering;
mod event;
mod exchanges;
mod handshakes;
mod namespace;
mod pace;
mod recording;
mod recovery;
mod requests;
mod table;
mod taped;
#[cfg(test)]
mod tests;
mod told;
mod waiting;
mod work;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::admission::{Admission, Held, SessionPermit};
use crate::arena::Pool;
use crate::config::Config;
use crate::config::ConfigError;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::engine::{Acceptor, Close, Flags, Response, Sent, WsClosed, WsOut};
use crate::id::{HashKey, RequestId, Sid};
use crate::message::{Encoded, Message};
use crate::namespaces::{ClientNumber, NamespaceKey, Namespaces, Pattern};
use crate::recovery::{Holder, Recovery};
use crate::rooms::{MemberKey, Rooms};
use crate::socket::{AckError, AckTicket, SocketKey};
use crate::time::Instant;

use exchanges::Exchanges;
use taped::Taped;
use waiting::Handshakes;
use work::Work;

pub use event::{
    ConnectionKey, Event, HandshakeKey, HandshakeTicket, NamingTicket, Recovered, Socket, Upgraded,
};

// What the methods here take and give.
pub use ::{bytes, bytestring, http};

/// Connections, namespaces and rooms, and the routing between them.
///
/// After every input, call [`poll_event`](Self::poll_event) until it is empty, then
/// [`poll_http`](Self::poll_http) and, where [handshakes wait](Self::decide_over_handshakes),
/// [`poll_upgraded`](Self::poll_upgraded) until they are, then [`poll_ws`](Self::poll_ws) for the connections that
/// [`poll_writable`](Self::poll_writable) names, and `poll_event` again where one of them closed.
#[derive(Clone, Debug)]
pub struct Server<T> {
    config: Arc<Config>,
    acceptor: Acceptor,
    key: HashKey,
    admission: Admission,
    handshakes: Handshakes,
    connections: Pool<Entry<T>>,
    by_sid: HashMap<Sid, u32, HashKey>,
    /// A parent has a pattern, or is asked.
    namespaces: Namespaces<Namespace, Option<Pattern>>,
    /// The number of the next client.
    clients: u64,
    exchanges: Exchanges,
    responses: VecDeque<(RequestId, Response)>,
    /// Connections to which something has happened since their outputs were drained, each once.
    events: Work,
    http: Work,
    writable: Work,
    deadlines: BTreeSet<(Deadline, u32)>,
    /// When what is kept for those that may come back is to be looked at: no later than the first of it is due.
    recovery_due: Option<Deadline>,
    /// Namespaces of which there may be sessions to be told of that will not come back, or which nobody waits for any
    /// more.
    recovery_news: BTreeSet<NamespaceKey>,
    /// Bytes of the log of each connection that comes, if they are recorded.
    recording: Option<usize>,
    /// Of those that are over.
    logs: VecDeque<Vec<u8>>,
}

#[derive(Clone, Debug, Hash)]
struct Entry<T> {
    connection: Taped<T>,
    /// By which it brings namespaces into being.
    number: ClientNumber,
    /// What it has asked for and is to be decided over.
    asking: SmallVec<[(SocketKey, NamespaceKey); 1]>,
    sockets: SmallVec<[Member; 1]>,
    armed: Option<Deadline>,
    permit: SessionPermit,
    held: Held,
    /// Bytes of what it has sent that wait for handlers.
    waiting: usize,
    /// Whether its last event was handed out: nothing but its farewell is left.
    closed: bool,
    /// When its WebSockets count as let go of, once it is over.
    let_go: Option<Instant>,
}

/// What belongs to a namespace.
#[derive(Clone, Debug, Hash)]
struct Namespace {
    rooms: Rooms<Socket>,
    /// Drawn for broadcasts that ask for answers: even, where sockets draw odd ones.
    next_ack: u64,
    /// If that is on.
    recovery: Option<Recovery<()>>,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Member {
    socket: SocketKey,
    namespace: NamespaceKey,
    member: MemberKey,
    /// If its client may come back as this socket.
    holder: Option<Holder>,
}

impl<T> Server<T> {
    /// A server without namespaces and connections. `key` hashes names that clients choose.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(config: Config, key: HashKey) -> Result<Self, ConfigError> {
        let config = Arc::new(config);
        Ok(Self {
            acceptor: Acceptor::new(config.clone())?,
            admission: Admission::new(&config),
            handshakes: Handshakes::new(),
            namespaces: Namespaces::new(&config),
            clients: 0,
            config,
            key,
            connections: Pool::new(),
            by_sid: HashMap::with_hasher(key),
            exchanges: Exchanges::default(),
            responses: VecDeque::new(),
            events: Work::default(),
            http: Work::default(),
            writable: Work::default(),
            deadlines: BTreeSet::new(),
            recovery_due: None,
            recovery_news: BTreeSet::new(),
            recording: None,
            logs: VecDeque::new(),
        })
    }

    /// A message has arrived on a client's WebSocket.
    pub fn handle_ws(&mut self, now: Instant, connection: ConnectionKey, frame: Message) {
        self.with(connection, |it| it.connection.handle_ws(now, frame));
    }

    /// Some of what [`poll_ws`](Self::poll_ws) gave for a client has left: it reads.
    pub fn handle_ws_progress(&mut self, now: Instant, connection: ConnectionKey) {
        self.with(connection, |it| it.connection.handle_ws_progress(now));
    }

    /// All that [`poll_ws`](Self::poll_ws) gave for a client has left.
    pub fn handle_ws_flushed(&mut self, now: Instant, connection: ConnectionKey) {
        self.with(connection, |it| it.connection.handle_ws_flushed(now));
    }

    /// Nothing more comes on the WebSocket by which a client speaks: it has ended by itself. Its stream may still be
    /// there: see [`handle_ws_gone`](Self::handle_ws_gone).
    pub fn handle_ws_closed(&mut self, now: Instant, connection: ConnectionKey, cause: WsClosed) {
        self.with(connection, |it| {
            it.connection.handle_ws_closed(now, cause);
        });
    }

    /// A stream that became a WebSocket of a client ([`Attached`](Upgraded::Attached),
    /// [`Unwanted`](Upgraded::Unwanted)) is let go of, whoever has ended it. To be said once for each: a session
    /// that is over counts against `max_sessions` until then, or until `close_timeout` has passed.
    pub fn handle_ws_gone(&mut self, connection: ConnectionKey) {
        if let Some(entry) = self.entry_mut(connection) {
            entry.held.websockets = entry.held.websockets.saturating_sub(1);
            self.wind_up(connection);
        }
    }

    /// The deadlines that have come are looked at only now, before
    /// [`handle_timeout`](Self::handle_timeout): as [`Connection::handle_late`] has it, for each connection.
    pub fn handle_late(&mut self, now: Instant) {
        let due = self.deadlines.iter().take_while(|(due, _)| due.at <= now);
        let late: Vec<_> = due.filter_map(|(_, slot)| self.key_of(*slot)).collect();
        for connection in late {
            self.with(connection, |it| it.connection.handle_late(now));
        }
    }

    /// Acts on every deadline that has come. Hand in what has arrived first, as
    /// [`Connection::handle_timeout`] has it.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire_handshakes(now);
        self.expire_bodies(now);
        while let Some((_, slot)) = self.deadlines.first().filter(|(due, _)| due.at <= now) {
            let Some(connection) = self.key_of(*slot) else {
                self.deadlines.pop_first();
                continue;
            };
            self.with(connection, |it| it.handle_timeout(now));
            self.wind_up(connection);
        }
        self.expire_sessions(now);
    }

    /// Sends a packet to one client.
    pub fn deliver(&mut self, now: Instant, to: Socket, packet: Encoded, flags: Flags) -> Sent {
        self.with(to.connection, |it| {
            it.connection.deliver(now, to.key, packet, flags)
        })
        .unwrap_or(Sent::Closed)
    }

    /// Sends a packet that asks for an answer, encoded with this `id`.
    ///
    /// # Errors
    /// Why it was not sent, and the token.
    pub fn request(
        &mut self,
        now: Instant,
        to: Socket,
        id: u64,
        packet: Encoded,
        token: T,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, T)> {
        let mut token = Some(token);
        let asked = self.with(to.connection, |it| {
            let token = token.take()?;
            Some(
                it.connection
                    .request(now, to.key, id, packet, Flags::default(), token, timeout),
            )
        });
        match (asked.flatten(), token) {
            (Some(asked), _) => asked,
            (None, Some(token)) => Err((AckError::Disconnected, token)),
            (None, None) => Ok(()),
        }
    }

    /// Answers a client's event.
    pub fn respond(
        &mut self,
        now: Instant,
        socket: Socket,
        ticket: AckTicket,
        packet: Encoded,
    ) -> Sent {
        self.with(socket.connection, |it| {
            it.connection.respond(now, ticket, packet)
        })
        .unwrap_or(Sent::Closed)
    }

    /// Takes a socket out of its namespace; or closes its whole connection.
    pub fn disconnect(&mut self, now: Instant, socket: Socket, close: bool) {
        self.with(socket.connection, |it| {
            if close {
                it.connection.disconnect_all(now);
            } else {
                it.connection.disconnect(now, socket.key);
            }
        });
    }

    /// Closes a connection under its sockets.
    pub fn close(&mut self, now: Instant, connection: ConnectionKey, how: Close) {
        self.with(connection, |it| it.connection.close(now, how));
    }

    /// The server is closing: every connection ends after what is queued has left, and nobody is let in.
    pub fn shut_down(&mut self, now: Instant) {
        self.admission.shut_down();
        self.refuse_handshakes(now);
        for connection in self.keys() {
            self.with(connection, |it| it.connection.shut_down(now));
        }
    }

    /// What has happened.
    pub fn poll_event(&mut self, now: Instant) -> Option<Event<T>> {
        if let Some(event) = self.handshake_event() {
            return Some(event);
        }
        while let Some(connection) = self.events.first() {
            let event = self.entry_mut(connection).and_then(|it| {
                it.pause(now);
                it.connection.poll_event(now)
            });
            let Some(event) = event else {
                self.events.done();
                self.rearm(connection);
                continue;
            };
            self.http.add(connection);
            self.writable.add(connection);
            if let Some(event) = self.event(now, connection, event) {
                return Some(event);
            }
        }
        self.expired()
    }

    /// The next response. Call [`poll_event`](Self::poll_event) until it is empty first: a POST is
    /// answered after what it brought was processed.
    pub fn poll_http(&mut self) -> Option<(RequestId, Response)> {
        loop {
            if let Some(response) = self.responses.pop_front() {
                return Some(response);
            }
            let connection = self.http.first()?;
            let reply = self
                .entry_mut(connection)
                .and_then(|it| it.connection.poll_http());
            match reply {
                Some((id, reply)) => {
                    let response = self.respond_to(connection, id, reply);
                    if response.is_some() {
                        return response;
                    }
                }
                None => {
                    self.http.done();
                    self.rearm(connection);
                }
            }
        }
    }

    /// A connection whose WebSocket may have something to send, or is to be closed.
    pub fn poll_writable(&mut self) -> Option<ConnectionKey> {
        let connection = self.writable.first();
        self.writable.done();
        connection
    }

    /// What to do next on a client's WebSocket. To be called until it is `None` for every connection
    /// that [`poll_writable`](Self::poll_writable) names: that is when one that is over is forgotten.
    pub fn poll_ws(&mut self, connection: ConnectionKey) -> Option<WsOut> {
        let out = self.entry_mut(connection)?.connection.poll_ws();
        self.rearm(connection);
        if out.is_some() {
            // There may be room for what was paused, which is looked at with its events.
            self.events.add(connection);
        } else {
            self.wind_up(connection);
        }
        out
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.due()
    }

    /// How many sessions count against `max_sessions`: those that are over and not wound up among them.
    pub const fn sessions(&self) -> usize {
        self.admission.sessions()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.by_sid.len()
    }

    /// The connection of a session's id, until it is over.
    pub fn connection_of(&self, sid: &str) -> Option<ConnectionKey> {
        self.key_of(*self.by_sid.get(sid)?)
    }

    /// A connection, to look at.
    pub fn connection(&self, connection: ConnectionKey) -> Option<&Connection<T>> {
        self.entry(connection).map(|it| &*it.connection)
    }
}
