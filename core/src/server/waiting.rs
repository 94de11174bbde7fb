//! Handshakes that wait for the application's word.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use http::request::Parts;

use super::event::{HandshakeKey, Upgraded};
use crate::admission::HandshakePermit;
use crate::arena::Pool;
use crate::deadline::{Deadline, Why};
use crate::digest;
use crate::engine::Exchange;
use crate::id::{RequestId, Sid};
use crate::time::Instant;

/// Whose request a handshake is: who gets what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// Of one that polls.
    Poll(RequestId),
    /// Of one that wants a WebSocket.
    Upgrade,
}

/// Handshakes that wait, and what there is to be told about them.
#[derive(Clone, Debug, Hash)]
pub(super) struct Handshakes {
    /// Whether the application decides.
    pub(super) asks: bool,
    pub(super) waiting: Pool<Waiting>,
    /// Those of requests.
    pub(super) by_request: BTreeMap<RequestId, HandshakeKey>,
    /// When each is given up.
    pub(super) due: BTreeSet<(Instant, HandshakeKey)>,
    /// Those that are to be told: as they begin, and, of those that were told, as nobody decides any more.
    pub(super) news: VecDeque<HandshakeKey>,
    /// What became of requests for a WebSocket that had to wait.
    pub(super) upgraded: VecDeque<(HandshakeKey, Upgraded)>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) exchange: Exchange,
    pub(super) asker: Asker,
    pub(super) permit: HandshakePermit,
    /// Its session's, if the application makes none.
    pub(super) sid: Sid,
    pub(super) until: Instant,
    /// Until it is told.
    pub(super) head: Option<Box<Parts>>,
}

impl Handshakes {
    pub(super) fn new() -> Self {
        Self {
            asks: false,
            waiting: Pool::new(),
            by_request: BTreeMap::new(),
            due: BTreeSet::new(),
            news: VecDeque::new(),
            upgraded: VecDeque::new(),
        }
    }

    pub(super) fn wait(&mut self, it: Waiting) -> HandshakeKey {
        let (asker, until) = (it.asker, it.until);
        let handshake = HandshakeKey(self.waiting.insert(it));
        if let Asker::Poll(id) = asker {
            self.by_request.insert(id, handshake);
        }
        self.due.insert((until, handshake));
        self.news.push_back(handshake);
        handshake
    }

    pub(super) fn take(&mut self, handshake: HandshakeKey) -> Option<Waiting> {
        let it = self.waiting.remove(handshake.0)?;
        if let Asker::Poll(id) = it.asker {
            self.by_request.remove(&id);
        }
        self.due.remove(&(it.until, handshake));
        if it.head.is_some() {
            // It was not told, and need not be.
            self.news.retain(|its| *its != handshake);
        }
        Some(it)
    }

    /// When the first of them is given up.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let (until, _) = self.due.first()?;
        Some(Deadline::new(*until, Why::Admission))
    }
}

impl Clone for Waiting {
    fn clone(&self) -> Self {
        Self {
            exchange: self.exchange.for_clone(),
            asker: self.asker,
            permit: self.permit.clone(),
            sid: self.sid.clone(),
            until: self.until,
            head: self.head.clone(),
        }
    }
}

impl Hash for Waiting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            exchange,
            asker,
            permit,
            sid,
            until,
            head,
        } = self;
        (exchange, asker, permit, sid, until).hash(state);
        head.is_some().hash(state);
        if let Some(head) = head {
            (&head.method, &head.uri).hash(state);
            digest::headers(&head.headers, state);
        }
    }
}
