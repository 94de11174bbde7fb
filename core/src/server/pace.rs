//! Clients of whom nothing more is read for a while.

use super::{ConnectionKey, Entry, Server};
use crate::time::Instant;

impl<T> Server<T> {
    /// So many bytes of what a client has sent wait for the application: of events that it was told of, and has not
    /// begun to handle. To be said again whenever that changes.
    ///
    /// While they are more than `max_backlog_bytes`, or while more than half of what may wait for its WebSocket does,
    /// nothing more is read of the client: a POST stays without an answer, with the packets that it brought, and its
    /// WebSocket is not to be [read](Self::is_read). After `pause_timeout` the client is closed.
    pub fn handle_waiting(&mut self, now: Instant, connection: ConnectionKey, bytes: usize) {
        self.with(connection, |it| {
            it.waiting = bytes;
            it.pause(now);
        });
    }

    /// Whether the WebSocket of a client is to be read now. To be asked before each message is handed in.
    pub fn is_read(&self, connection: ConnectionKey) -> bool {
        self.entry(connection).is_none_or(|it| !it.is_full())
    }
}

impl<T> Entry<T> {
    /// Pauses it, or lets it go on.
    pub(super) fn pause(&mut self, now: Instant) {
        let full = self.is_full();
        self.connection.pause(now, full);
    }

    fn is_full(&self) -> bool {
        !self.closed && self.connection.session().is_full(self.waiting)
    }
}

#[cfg(test)]
mod tests;
