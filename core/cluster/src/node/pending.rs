//! Questions of other nodes that wait for an answer from here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sio_core::packet::Args;
use sio_core::time::Instant;

use crate::id::{RequestId, Uid};
use crate::message::Reply;

/// What is answered where nobody here does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Otherwise {
    Sockets,
    Ids,
    Rooms,
    Value,
    Clients,
    /// Somebody else has what was asked for.
    Nothing,
}

impl Otherwise {
    pub(super) fn reply(self) -> Option<Reply> {
        match self {
            Self::Sockets => Some(Reply::Sockets(Vec::new())),
            Self::Ids => Some(Reply::Ids(Vec::new())),
            Self::Rooms => Some(Reply::Rooms(Vec::new())),
            Self::Value => Some(Reply::Value(Args::default())),
            Self::Clients => Some(Reply::Clients(0)),
            Self::Nothing => None,
        }
    }
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) to: Option<Uid>,
    pub(super) otherwise: Otherwise,
    due: Instant,
    /// Acks that may still be sent, once clients were counted, and how long they are waited for.
    acks: Option<u64>,
    pub(super) acks_until: Instant,
}

impl Waiting {
    pub(super) fn new(id: RequestId, to: Option<Uid>, otherwise: Otherwise, due: Instant) -> Self {
        Self {
            id,
            to,
            otherwise,
            due,
            acks: None,
            acks_until: due,
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.acks.is_some()
    }
}

/// By whom a question was asked, and how it is called.
type Key = (Option<Uid>, RequestId);

#[derive(Clone, Debug, Hash)]
pub(super) struct Pending {
    waiting: BTreeMap<u64, Waiting>,
    due: BTreeSet<(Instant, u64)>,
    next: u64,
    /// Questions that were asked before, in their order.
    seen: BTreeSet<Key>,
    order: VecDeque<Key>,
}

impl Pending {
    pub(super) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            next: 0,
            seen: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it was not asked before, as far as can be remembered.
    pub(super) fn is_new(&mut self, from: Option<&Uid>, id: &RequestId, most: usize) -> bool {
        let key = (from.cloned(), id.clone());
        if !self.seen.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        while self.order.len() > most {
            if let Some(oldest) = self.order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
        true
    }

    pub(super) fn insert(&mut self, waiting: Waiting) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.due.insert((waiting.due, self.next));
        self.waiting.insert(self.next, waiting);
        self.next
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        self.due.remove(&(waiting.due, number));
        Some(waiting)
    }

    /// So many clients were asked. Once only.
    pub(super) fn count(&mut self, number: u64, count: u64) -> Option<&Waiting> {
        let waiting = self.waiting.get_mut(&number)?;
        if waiting.otherwise != Otherwise::Clients || waiting.is_counted() {
            return None;
        }
        waiting.acks = Some(count);
        self.due.remove(&(waiting.due, number));
        waiting.due = waiting.acks_until;
        self.due.insert((waiting.due, number));
        Some(waiting)
    }

    /// A client has answered. None beyond those that were counted.
    pub(super) fn ack(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.get_mut(&number)?;
        let left = waiting.acks?.checked_sub(1)?;
        waiting.acks = Some(left);
        match left {
            0 => self.remove(number),
            _ => Some(waiting.clone()),
        }
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Waiting> {
        let (at, number) = *self.due.first()?;
        (at <= now).then(|| self.remove(number)).flatten()
    }

    /// Who asked is not there any more, or cannot be reached.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.due.clear();
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}
