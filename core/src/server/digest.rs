//! What a server is, fed to a hasher.

use std::hash::{Hash, Hasher};

use super::Server;

impl<T> Server<T> {
    /// Feeds all that can make a difference to what the server does next, but for its configuration and the key:
    /// two that were told the same feed the same.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        T: Hash,
    {
        self.hash(state);
    }
}

/// The table by id says nothing that the connections do not.
impl<T: Hash> Hash for Server<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            config: _,
            acceptor: _,
            key: _,
            admission,
            handshakes,
            connections,
            by_sid: _,
            namespaces,
            clients,
            exchanges,
            responses,
            events,
            http,
            writable,
            deadlines,
            recovery_due,
            recovery_news,
            recording: _,
            logs: _,
        } = self;
        admission.hash(state);
        handshakes.hash(state);
        connections.hash(state);
        namespaces.hash(state);
        clients.hash(state);
        exchanges.hash(state);
        responses.hash(state);
        (events, http, writable).hash(state);
        (deadlines, recovery_due, recovery_news).hash(state);
    }
}

#[cfg(test)]
mod tests;
