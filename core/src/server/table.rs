//! The connections of a server: their places, what they wait for, and how many are pending.

use smallvec::SmallVec;

use super::{ConnectionKey, Entry, Server};
use crate::connection::Connection;
use crate::engine::{HandshakeError, Opened, Session};
use crate::id::Sid;
use crate::time::Instant;

impl<T> Server<T> {
    /// Does something to a connection, and notes that its outputs are to be looked at.
    pub(super) fn with<R>(
        &mut self,
        connection: ConnectionKey,
        act: impl FnOnce(&mut Entry<T>) -> R,
    ) -> Option<R> {
        let done = act(self.entry_mut(connection)?);
        self.recount(connection);
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
        let next = entry.connection.poll_timeout();
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

    /// Frees the place of a connection that is over; whoever still waits for its answer gets it.
    pub(super) fn forget(&mut self, connection: ConnectionKey) {
        let Some(entry) = self.entry_mut(connection).filter(|it| it.closed) else {
            return;
        };
        let mut replies: SmallVec<[_; 2]> = SmallVec::new();
        while let Some(reply) = entry.connection.poll_http() {
            replies.push(reply);
        }
        for (id, reply) in replies {
            if let Some((exchange, _)) = self.exchanges.remove(&id) {
                self.responses.push_back((id, exchange.respond(reply)));
            }
        }
        if let Some(entry) = self.connections.remove(connection.0) {
            self.pending = self.pending.saturating_sub(usize::from(entry.pending));
            if let Some(armed) = entry.armed {
                self.deadlines.remove(&(armed, connection.0.slot()));
            }
        }
    }

    /// Why no more sessions are taken, if so.
    pub(super) fn full(&self) -> Option<HandshakeError> {
        let sessions = self.by_sid.len();
        let full = self
            .config
            .max_sessions
            .is_some_and(|most| sessions >= most);
        debug_assert_eq!(self.pending, self.count_pending());
        let most = self.config.max_pending_sessions;
        let crowded = sessions >= most && self.pending >= most;
        (full || crowded).then_some(HandshakeError::TooManySessions)
    }

    /// What [`pending`](Self::pending) must be. Each handshake asks for it: counting took as long as there
    /// were connections.
    pub(super) fn count_pending(&self) -> usize {
        let entries = self.connections.iter();
        entries.filter(|(_, it)| it.is_pending()).count()
    }

    /// Keeps the number of pending connections true for one of them.
    pub(super) fn recount(&mut self, connection: ConnectionKey) {
        let Some(entry) = self.entry_mut(connection) else {
            return;
        };
        let is = entry.is_pending();
        let was = std::mem::replace(&mut entry.pending, is);
        let others = self.pending.saturating_sub(usize::from(was));
        self.pending = others.saturating_add(usize::from(is));
    }

    pub(super) fn open(&mut self, now: Instant, sid: Sid, opened: Opened) -> ConnectionKey {
        let session = Session::new(now, sid.clone(), opened, self.config.clone());
        let connection = Connection::new(now, session, self.config.clone());
        let entry = Entry {
            connection,
            sockets: SmallVec::new(),
            armed: None,
            pending: true,
            closed: false,
        };
        let key = self.connections.insert(entry);
        self.pending = self.pending.saturating_add(1);
        self.by_sid.insert(sid, key.slot());
        ConnectionKey(key)
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
    pub(super) fn is_pending(&self) -> bool {
        self.sockets.is_empty() || !self.connection.session().has_returned()
    }
}
