//! The connections of a server: their places, and what they wait for.

use smallvec::SmallVec;

use super::handshakes::opened_by;
use super::{ConnectionKey, Entry, Server};
use crate::admission::{HandshakePermit, Held};
use crate::deadline::{Deadline, Why, after, earliest};
use crate::engine::{Exchange, HandshakeError, Reply, Response};
use crate::id::{RequestId, Sid};
use crate::namespaces::ClientNumber;
use crate::time::Instant;

impl<T> Server<T> {
    /// Does something to a connection, and notes that its outputs are to be looked at.
    pub(super) fn with<R>(
        &mut self,
        connection: ConnectionKey,
        act: impl FnOnce(&mut Entry<T>) -> R,
    ) -> Option<R> {
        let entry = self.connections.get_mut(connection.0)?;
        let done = act(entry);
        if !entry.connection.is_pending() {
            self.admission.settle(&mut entry.permit);
        }
        self.events.add(connection);
        self.http.add(connection);
        self.writable.add(connection);
        self.rearm(connection);
        Some(done)
    }

    /// Keeps the table of deadlines true for one connection.
    pub(super) fn rearm(&mut self, connection: ConnectionKey) {
        let Some(entry) = self.entry_mut(connection) else {
            return;
        };
        let let_go = entry.let_go.map(|at| Deadline::new(at, Why::Close));
        let next = earliest(entry.connection.poll_timeout(), let_go);
        let old = std::mem::replace(&mut entry.armed, next);
        if old != next {
            if let Some(old) = old {
                self.deadlines.remove(&(old, connection.0.slot()));
            }
            if let Some(next) = next {
                self.deadlines.insert((next, connection.0.slot()));
            }
        }
    }

    /// A request of a connection waits for its answer.
    pub(super) fn wait(&mut self, id: RequestId, exchange: Exchange, connection: ConnectionKey) {
        if let Some(entry) = self.entry_mut(connection) {
            entry.held.requests = entry.held.requests.saturating_add(1);
        }
        self.exchanges.wait(id, exchange, connection);
    }

    /// The response that a session's reply makes. `None`: nobody waits.
    pub(super) fn respond_to(
        &mut self,
        connection: ConnectionKey,
        id: RequestId,
        reply: Reply,
    ) -> Option<(RequestId, Response)> {
        let response = self.exchanges.answer(id, reply)?;
        if let Some(entry) = self.entry_mut(connection) {
            entry.held.requests = entry.held.requests.saturating_sub(1);
        }
        Some(response)
    }

    /// A stream has become a WebSocket of a connection.
    pub(super) fn hold_websocket(&mut self, connection: ConnectionKey) {
        if let Some(entry) = self.entry_mut(connection) {
            entry.held.websockets = entry.held.websockets.saturating_add(1);
        }
    }

    /// Frees the place of a connection that is over and done with; whoever still waits for its answer gets it.
    pub(super) fn wind_up(&mut self, connection: ConnectionKey) {
        let Some(entry) = self.entry_mut(connection).filter(|it| it.closed) else {
            return;
        };
        let mut replies: SmallVec<[_; 2]> = SmallVec::new();
        while let Some(reply) = entry.connection.poll_http() {
            replies.push(reply);
        }
        for (id, reply) in replies {
            let response = self.respond_to(connection, id, reply);
            self.responses.extend(response);
        }
        let held = self.entry(connection).map(|it| it.held);
        if held.is_some_and(|held| held.is_wound_up(true))
            && let Some(mut entry) = self.connections.remove(connection.0)
        {
            self.keep_log(entry.connection.take_log());
            self.admission.end(entry.permit);
            if let Some(armed) = entry.armed {
                self.deadlines.remove(&(armed, connection.0.slot()));
            }
        }
    }

    /// A new session, if it is let in. Never over a live one.
    pub(super) fn open(
        &mut self,
        now: Instant,
        handshake: HandshakePermit,
        sid: Sid,
        exchange: &Exchange,
    ) -> Result<ConnectionKey, HandshakeError> {
        let permit = self.admission.admit(handshake)?;
        if self.by_sid.contains_key(&sid) {
            self.admission.end(permit);
            return Err(HandshakeError::IdGeneration("it is in use".to_owned()));
        }
        let opened = opened_by(exchange);
        let connection = self.taped(now, sid.clone(), opened, exchange.codec());
        let number = ClientNumber(self.clients);
        self.clients = self.clients.wrapping_add(1);
        let entry = Entry {
            number,
            asking: SmallVec::new(),
            connection,
            sockets: SmallVec::new(),
            armed: None,
            permit,
            held: Held::default(),
            waiting: 0,
            closed: false,
            let_go: None,
        };
        let key = self.connections.insert(entry);
        self.by_sid.insert(sid, key.slot());
        Ok(ConnectionKey(key))
    }

    /// A connection is over: its id names nobody, and it is forgotten once it has nothing more to say.
    pub(super) fn over(&mut self, now: Instant, connection: ConnectionKey) {
        let until = after(now, self.config.close_timeout);
        let Some(entry) = self.connections.get_mut(connection.0) else {
            return;
        };
        entry.closed = true;
        entry.let_go = (entry.held.websockets > 0).then_some(until);
        self.admission.settle(&mut entry.permit);
        self.by_sid.remove(entry.connection.sid());
        let asking = std::mem::take(&mut entry.asking);
        for (_, namespace) in asking {
            self.part(namespace);
        }
        self.rearm(connection);
    }

    pub(super) fn find(&self, sid: &Sid) -> Option<ConnectionKey> {
        self.key_of(*self.by_sid.get(sid)?)
    }

    pub(super) fn key_of(&self, slot: u32) -> Option<ConnectionKey> {
        let (key, _) = self.connections.at(slot)?;
        Some(ConnectionKey(key))
    }

    pub(super) fn keys(&self) -> Vec<ConnectionKey> {
        let connections = self.connections.iter();
        let mut keys: Vec<_> = connections.map(|(key, _)| ConnectionKey(key)).collect();
        keys.sort_unstable();
        keys
    }

    pub(super) fn entry(&self, connection: ConnectionKey) -> Option<&Entry<T>> {
        self.connections.get(connection.0)
    }

    pub(super) fn entry_mut(&mut self, connection: ConnectionKey) -> Option<&mut Entry<T>> {
        self.connections.get_mut(connection.0)
    }
}

impl<T> Entry<T> {
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
        if self.let_go.take_if(|at| *at <= now).is_some() {
            self.held.websockets = 0;
        }
    }
}
