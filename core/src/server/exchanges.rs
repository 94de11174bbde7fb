//! The requests that wait for their answers.

use std::collections::BTreeMap;

use super::ConnectionKey;
use crate::engine::{Exchange, Reply, Response};
use crate::id::RequestId;

/// Requests that wait for their answers, and whose they are.
///
/// Those of a clone are answered by the clone.
#[derive(Debug, Default, Hash)]
pub(super) struct Exchanges(BTreeMap<RequestId, (Exchange, ConnectionKey)>);

impl Exchanges {
    pub(super) fn wait(&mut self, id: RequestId, exchange: Exchange, connection: ConnectionKey) {
        self.0.insert(id, (exchange, connection));
    }

    /// The response that its session's reply makes. `None`: nobody waits.
    pub(super) fn answer(&mut self, id: RequestId, reply: Reply) -> Option<(RequestId, Response)> {
        let (exchange, _) = self.0.remove(&id)?;
        Some((id, exchange.respond(reply)))
    }

    /// Whose request it is.
    pub(super) fn of(&self, id: RequestId) -> Option<ConnectionKey> {
        self.0.get(&id).map(|(_, connection)| *connection)
    }
}

impl Clone for Exchanges {
    fn clone(&self) -> Self {
        let all = self.0.iter();
        Self(
            all.map(|(id, (exchange, connection))| (*id, (exchange.for_clone(), *connection)))
                .collect(),
        )
    }
}
