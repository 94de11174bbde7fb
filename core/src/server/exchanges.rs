//! The requests that wait for their answers.

use std::collections::{BTreeMap, BTreeSet};

use super::ConnectionKey;
use crate::deadline::{Deadline, Why};
use crate::engine::{Collector, Exchange, Reply, Response};
use crate::id::RequestId;
use crate::time::Instant;

/// Requests that wait for their answers, and whose they are.
///
/// Those of a clone are answered by the clone.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Exchanges {
    waiting: BTreeMap<RequestId, Waiting>,
    /// When bodies are given up that have not come.
    due: BTreeSet<(Instant, RequestId)>,
}

#[derive(Debug, Hash)]
struct Waiting {
    exchange: Exchange,
    connection: ConnectionKey,
    /// As long as it is on its way.
    body: Option<Box<Body>>,
}

/// The body of a request, as far as it has come.
#[derive(Clone, Debug, Hash)]
pub(super) struct Body {
    pub(super) come: Collector,
    until: Instant,
}

impl Exchanges {
    pub(super) fn wait(&mut self, id: RequestId, exchange: Exchange, connection: ConnectionKey) {
        let it = Waiting {
            exchange,
            connection,
            body: None,
        };
        let before = self.waiting.insert(id, it);
        if let Some(body) = before.and_then(|it| it.body) {
            self.due.remove(&(body.until, id));
        }
    }

    /// The body of a request is on its way.
    pub(super) fn collect(&mut self, id: RequestId, limit: usize, until: Instant) {
        if let Some(it) = self.waiting.get_mut(&id) {
            let come = Collector::new(limit);
            it.body = Some(Box::new(Body { come, until }));
            self.due.insert((until, id));
        }
    }

    /// Whose body is on its way, and what has come of it.
    pub(super) fn body_mut(&mut self, id: RequestId) -> Option<(ConnectionKey, &mut Body)> {
        let it = self.waiting.get_mut(&id)?;
        Some((it.connection, it.body.as_deref_mut()?))
    }

    /// The body is not waited for any more.
    pub(super) fn take_body(&mut self, id: RequestId) -> Option<(ConnectionKey, &Exchange, Body)> {
        let it = self.waiting.get_mut(&id)?;
        let body = it.body.take()?;
        self.due.remove(&(body.until, id));
        Some((it.connection, &it.exchange, *body))
    }

    /// The body that has not come by now.
    pub(super) fn late(&self, now: Instant) -> Option<RequestId> {
        let (until, id) = self.due.first()?;
        (*until <= now).then_some(*id)
    }

    /// When the first body is given up.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let (until, _) = self.due.first()?;
        Some(Deadline::new(*until, Why::Body))
    }

    /// The response that its session's reply makes. `None`: nobody waits.
    pub(super) fn answer(&mut self, id: RequestId, reply: Reply) -> Option<(RequestId, Response)> {
        let it = self.waiting.remove(&id)?;
        if let Some(body) = it.body {
            self.due.remove(&(body.until, id));
        }
        Some((id, it.exchange.respond(reply)))
    }

    /// Whose request it is.
    pub(super) fn of(&self, id: RequestId) -> Option<ConnectionKey> {
        self.waiting.get(&id).map(|it| it.connection)
    }
}

impl Clone for Waiting {
    fn clone(&self) -> Self {
        Self {
            exchange: self.exchange.for_clone(),
            connection: self.connection,
            body: self.body.clone(),
        }
    }
}
