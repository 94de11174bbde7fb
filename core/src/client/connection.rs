//! A whole client: one connection after the other, the namespaces on it, and what waits for them.

mod asking;
mod emits;
mod first;
mod flush;
mod lifecycle;
mod packets;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use http::Response;

use super::config::{Config, ConfigError};
use super::cookies::Jar;
use super::dial::Dial;
use super::draws::Draws;
use super::event::{Event, Told, Work, WsOut};
use super::flushes::Flush;
use super::namespaces::{Auth, Namespaces, State};
use super::reason::Failure;
use super::session::{Session, number_of};
use crate::deadline::{Deadline, Excuse, Why, earliest};
use crate::digest::Apart;
use crate::engine::WsClosed;
use crate::id::{RequestId, SocketId};
use crate::message::Message;
use crate::protocol::TransportKind;
use crate::socket::{Acks, Inbox, SocketKey};
use crate::time::Instant;

/// A client of Socket.IO: it dials, dials again, and carries any number of namespaces over one connection.
///
/// 1. Tell it what happened: `handle_response`, `handle_ws_open`, `handle_ws`, `handle_timeout`, ..
/// 2. Ask for what you want: `open`, `emit`, `request`, `leave`, `close`, ..
/// 3. Carry out what it wants: `poll_event` until it is empty (answering what asks for an answer), then
///    `poll_work` until it is empty, then `poll_ws` for each WebSocket that is open and writable.
/// 4. Sleep until `poll_timeout`, or until there is something for step 1 or 2.
///
/// Steps 1 and 2 may be repeated before step 3, and all are legal in every state. Requests and WebSockets are
/// named by the ids that come with them; ids of what was given up are ignored, so that whoever carries out need
/// not know what became of a connection.
///
/// `T` is the caller's own value that comes back with the answer to a [`request`](Self::request).
#[derive(Clone, Debug)]
pub struct Connection<T> {
    config: Apart<Arc<Config>>,
    dial: Apart<Arc<Dial>>,
    draws: Draws,
    /// The latest time that anyone told, the time that the machine was suspended included.
    now: Instant,
    /// How long it was suspended.
    slept: Duration,
    phase: Phase,
    /// Which session is the last one.
    number: u32,
    session: Option<Session>,
    /// Sessions that were closed, and have to say so still.
    leaving: Vec<Session>,
    jar: Jar,
    inbox: Inbox,
    namespaces: Namespaces<T>,
    acks: Acks<Token<T>>,
    flushes: Vec<Flush<T>>,
    /// Attempts to dial again since a namespace was entered, and which of them the connection is of.
    attempts: u32,
    attempt: u32,
    /// Whether a connection was on a WebSocket at its end.
    upgraded: bool,
    suspended: bool,
    root: Root,
    /// How many times credentials were asked for.
    asked: u32,
    /// Whether an emit was refused for want of room.
    full: bool,
    /// Whether a socket that is in its namespace has something that did not fit.
    held: bool,
    excuse: Excuse,
    events: Told<T>,
}

/// How far the client has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Nothing is dialled, nor will be by itself.
    Idle,
    /// The application is to say where to dial.
    Asked {
        by: Instant,
    },
    /// Dialled.
    Opening,
    /// Connected.
    Open,
    /// It is dialled again.
    Waiting {
        at: Instant,
    },
    /// It was dialled often enough.
    GaveUp,
    /// What was said is to leave.
    Closing {
        by: Instant,
    },
    Closed,
}

/// Where a client of revision 4 is with regard to `/`, into which it is let without asking, whether it wants to be
/// there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Root {
    /// The server will say.
    Unknown,
    /// It is in.
    In,
    /// It was in, and has to ask.
    Left,
}

/// Who waits for an ack.
#[derive(Clone, Debug, Hash)]
enum Token<T> {
    Emit(T),
    /// The first of those that are repeated, in the try of this id.
    Retry(u64),
}

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nothing: no socket wants to be anywhere, or it is not to dial again.
    Idle,
    /// It dials.
    Connecting {
        /// Which attempt to dial again it is; 0 for the first dial.
        attempt: u32,
    },
    /// It is connected.
    Connected {
        /// By what.
        transport: TransportKind,
    },
    /// It dials again after a while.
    Waiting {
        /// Which attempt that will be, from 1.
        attempt: u32,
        /// When.
        until: Instant,
    },
    /// It has dialled often enough. Sockets may still be active, but nobody dials.
    GaveUp,
    /// It was told not to dial.
    Suspended,
    /// It was closed for good.
    Closed,
}

/// What is known of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// There is none.
    Offline,
    /// There is one again.
    Online,
    /// It is another one.
    Changed,
}

/// That there are no credentials to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// What there is to be known of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketState {
    /// Whether it is in its namespace.
    pub connected: bool,
    /// Whether it takes part in the next connection; not whether there will be one: that is what
    /// [`Connection::status`] says.
    pub active: bool,
    /// Its last id.
    pub id: Option<SocketId>,
    /// Whether it has missed nothing between its last connection and the one before (§21).
    pub recovered: bool,
    /// Packets that wait until it is in, and their bytes.
    pub offline: (usize, usize),
    /// Emits that are repeated until they are answered.
    pub retries: usize,
    /// Acks that are open.
    pub acks: usize,
}

impl<T> Connection<T> {
    /// A client that has done nothing yet. The seed decides what nobody is to foresee: when it dials again, and
    /// what keeps caches from answering. It must be from a cryptographic source.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(
        config: Arc<Config>,
        dial: impl Into<Arc<Dial>>,
        seed: [u8; 16],
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            inbox: Inbox::new(&config.parser, config.revision.protocol()),
            jar: Jar::new(config.max_cookies),
            config: Apart(config),
            dial: Apart(dial.into()),
            draws: Draws::new(seed),
            now: Instant::ORIGIN,
            slept: Duration::ZERO,
            phase: Phase::Idle,
            number: 0,
            session: None,
            leaving: Vec::new(),
            namespaces: Namespaces::new(),
            acks: Acks::new(),
            flushes: Vec::new(),
            attempts: 0,
            attempt: 0,
            upgraded: false,
            suspended: false,
            root: Root::Unknown,
            asked: 0,
            full: false,
            held: false,
            excuse: Excuse::default(),
            events: Told(Default::default()),
        })
    }

    /// The socket of a namespace, which wants nothing until it is [`open`](Self::open)ed. There is one for each
    /// name; if it is there already it keeps the credentials that it has. `None`: there are
    /// [`max_namespaces`](Config::max_namespaces).
    pub fn socket(&mut self, namespace: &str, auth: Auth) -> Option<SocketKey> {
        let name = match namespace {
            "" => "/",
            name => name,
        };
        let most = self.config.max_namespaces;
        let known = self.namespaces.find(name);
        known.or_else(|| self.namespaces.insert(name.into(), auth, most))
    }

    /// Its credentials are others from now on.
    pub fn set_auth(&mut self, socket: SocketKey, auth: Auth) {
        if let Some(namespace) = self.namespaces.get_mut(socket) {
            namespace.auth = auth;
        }
    }

    /// Gives back what it keeps for more than there is now. It is called by who knows that nothing much happens: what
    /// is given back is asked for again with the next event.
    pub fn shrink(&mut self) {
        self.events.shrink_to_fit();
        self.leaving.shrink_to_fit();
        self.flushes.shrink_to_fit();
        self.acks.give_back();
        if let Some(session) = &mut self.session {
            session.shrink();
        }
    }

    /// A request was answered, or could not be made or answered. `wall` is the time since 1970, if it is
    /// known, for cookies that say until when they are good.
    pub fn handle_response(
        &mut self,
        now: Instant,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
        wall: Option<Duration>,
    ) {
        let now = self.advance(now);
        let number = number_of(id);
        let mut all = self.leaving.iter_mut().chain(&mut self.session);
        if let Some(session) = all.find(|session| session.number() == number) {
            if self.config.cookies
                && let Ok(response) = &response
            {
                let headers = response.headers();
                self.jar.store(session.dial(), headers, now, wall);
            }
            session.handle_response(now, id, response);
        }
        self.pump();
    }

    /// A WebSocket is open, or could not be opened.
    pub fn handle_ws_open(&mut self, now: Instant, id: RequestId, opened: Result<(), Failure>) {
        self.with(now, id, |session, now| {
            session.handle_ws_open(now, id, opened);
        });
    }

    /// A message has arrived on a WebSocket.
    pub fn handle_ws(&mut self, now: Instant, id: RequestId, frame: Message) {
        self.with(now, id, |session, now| session.handle_ws(now, id, frame));
    }

    /// Some of what [`poll_ws`](Self::poll_ws) gave has left: the server reads.
    pub fn handle_ws_progress(&mut self, now: Instant, id: RequestId) {
        self.with(now, id, |session, now| session.handle_ws_progress(now, id));
    }

    /// All that [`poll_ws`](Self::poll_ws) gave has left.
    pub fn handle_ws_flushed(&mut self, now: Instant, id: RequestId) {
        self.with(now, id, |session, now| session.handle_ws_flushed(now, id));
    }

    /// A pong has come, of the WebSocket's own.
    pub fn handle_ws_pong(&mut self, now: Instant, id: RequestId) {
        self.with(now, id, |session, now| session.handle_ws_pong(now, id));
    }

    /// A WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, id: RequestId, cause: WsClosed) {
        self.with(now, id, |session, now| {
            session.handle_ws_closed(now, id, cause);
        });
    }

    /// The clock that is told here stood still for so long, since the machine was suspended: to the server it
    /// did not.
    pub fn handle_suspended(&mut self, now: Instant, gap: Duration) {
        self.slept = self.slept.saturating_add(gap);
        self.handle_timeout(now);
    }

    /// Acts on every deadline that has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        if let Some(session) = &mut self.session {
            session.handle_timeout(now);
        }
        for session in &mut self.leaving {
            session.handle_timeout(now);
        }
        self.pump();
        if let Some(due) = self.own_deadline().filter(|due| due.at <= now)
            && due.why.ends()
        {
            self.excuse.grant(due, now, None);
        }
        while let Some(due) = self.own_deadline().filter(|due| due.at <= now) {
            self.expire(due);
            self.pump();
        }
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// What is to be done about HTTP, in order. Call [`poll_event`](Self::poll_event) until it is empty first.
    pub fn poll_work(&mut self) -> Option<Work> {
        let mut work = self.leaving.iter_mut().find_map(Session::poll_work);
        if work.is_none() {
            work = self.session.as_mut().and_then(Session::poll_work);
        }
        self.pump();
        let mut work = work?;
        if self.config.cookies {
            match &mut work {
                Work::Request { request, .. } => self.jar.apply(request, self.now),
                Work::OpenWebSocket { request, .. } => self.jar.apply(request, self.now),
                Work::Abort(_) => {}
            }
        }
        Some(work)
    }

    /// What to do next on a WebSocket.
    pub fn poll_ws(&mut self, id: RequestId) -> Option<WsOut> {
        let out = self.session(id)?.poll_ws(id);
        self.pump();
        out
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let sessions = self.leaving.iter().chain(&self.session);
        let first = sessions.fold(self.own_deadline(), |first, session| {
            earliest(first, session.poll_timeout())
        });
        first.map(|due| Deadline::new(due.at.saturating_sub(self.slept), due.why))
    }

    /// What the client is doing.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Idle if self.suspended => Status::Suspended,
            Phase::Idle => Status::Idle,
            Phase::Asked { .. } | Phase::Opening => Status::Connecting {
                attempt: self.attempt,
            },
            Phase::Open => Status::Connected {
                transport: self
                    .session
                    .as_ref()
                    .map_or(TransportKind::Polling, Session::transport),
            },
            Phase::Waiting { at } => Status::Waiting {
                attempt: self.attempts.saturating_add(1),
                until: at.saturating_sub(self.slept),
            },
            Phase::GaveUp => Status::GaveUp,
            Phase::Closing { .. } | Phase::Closed => Status::Closed,
        }
    }

    /// What there is to be known of a socket.
    pub fn state(&self, socket: SocketKey) -> Option<SocketState> {
        let namespace = self.namespaces.get(socket)?;
        Some(SocketState {
            connected: namespace.state == State::Connected,
            active: namespace.state.is_active(),
            id: namespace.id.clone(),
            recovered: namespace.recovered,
            offline: (namespace.offline.packets(), namespace.offline.bytes()),
            retries: namespace.retries.len(),
            acks: namespace.waiting,
        })
    }

    /// The name of a socket's namespace.
    pub fn namespace(&self, socket: SocketKey) -> Option<&ByteString> {
        Some(&self.namespaces.get(socket)?.name)
    }

    /// Feeds what makes a difference to what the client does next: two that were told the same feed the same.
    /// Left out are its configuration, the credentials of its sockets, attachments of events that came before
    /// CONNECT, and what events say that wait to be told: poll those first.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        T: Hash,
    {
        (&self.draws, self.now, self.slept, self.phase, self.number).hash(state);
        (&self.session, &self.leaving, &self.jar).hash(state);
        self.inbox.hash(state);
        self.namespaces.digest(state);
        self.acks.hash(state);
        self.flushes.hash(state);
        (self.attempts, self.attempt, self.upgraded, self.suspended).hash(state);
        (
            self.root,
            self.asked,
            self.full,
            self.held,
            self.events.len(),
        )
            .hash(state);
        self.excuse.hash(state);
    }

    /// The time as it is counted here.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now.saturating_add(self.slept));
        self.now
    }

    fn session(&mut self, id: RequestId) -> Option<&mut Session> {
        let number = number_of(id);
        let mut all = self.leaving.iter_mut().chain(&mut self.session);
        all.find(|session| session.number() == number)
    }

    fn with(&mut self, now: Instant, id: RequestId, tell: impl FnOnce(&mut Session, Instant)) {
        let now = self.advance(now);
        if let Some(session) = self.session(id) {
            tell(session, now);
        }
        self.pump();
    }

    /// What is due first of what is no session's.
    fn own_deadline(&self) -> Option<Deadline> {
        let put_off = |at, why| Deadline::new(self.excuse.put_off(at), why);
        let phase = match self.phase {
            Phase::Asked { by } => Some(put_off(by, Why::Connect)),
            Phase::Waiting { at } => Some(Deadline::new(at, Why::Reconnect)),
            Phase::Closing { by } => Some(Deadline::new(by, Why::Close)),
            Phase::Idle | Phase::Opening | Phase::Open | Phase::GaveUp | Phase::Closed => None,
        };
        let ack = self.acks.deadline().map(|at| put_off(at, Why::Ack));
        let packet = self.inbox.deadline().map(|at| put_off(at, Why::Packet));
        let first = earliest(earliest(phase, ack), packet);
        let asked = self.namespaces.iter().filter_map(|(_, it)| match it.state {
            State::Preparing { by, .. } | State::Asking { by: Some(by) } => Some(by),
            State::Connected => it.first_by,
            State::Asking { by: None } | State::Idle | State::Wanted => None,
        });
        let asked = asked.min().map(|at| put_off(at, Why::Connect));
        earliest(first, asked)
    }
}
