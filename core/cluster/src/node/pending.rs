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
    /// Questions that wait, and the last that have ended: those in their order, and at most so many.
    seen: BTreeSet<Key>,
    ended: VecDeque<Key>,
    most: usize,
}

impl Pending {
    /// So many that have ended are remembered.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            next: 0,
            seen: BTreeSet::new(),
            ended: VecDeque::new(),
            most,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it does not wait, and has not ended before, as far as can be remembered. One that is new has to be
    /// [inserted](Self::insert), or [ended](Self::end).
    pub(super) fn is_new(&mut self, from: Option<&Uid>, id: &RequestId) -> bool {
        self.seen.insert((from.cloned(), id.clone()))
    }

    /// A question has ended, or does not come to that.
    pub(super) fn end(&mut self, from: Option<Uid>, id: RequestId) {
        self.ended.push_back((from, id));
        while self.ended.len() > self.most {
            if let Some(oldest) = self.ended.pop_front() {
                self.seen.remove(&oldest);
            }
        }
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
        self.end(waiting.to.clone(), waiting.id.clone());
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
        self.due.clear();
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            self.end(waiting.to, waiting.id);
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_remembered_beside_the_last_that_have_ended() {
        let id = |number: u8| RequestId::cluster([number; 8]);
        let mut pending = Pending::new(2);
        let begin = |pending: &mut Pending, number| {
            assert!(pending.is_new(None, &id(number)), "{number}");
            let due = Instant::ORIGIN;
            pending.insert(Waiting::new(id(number), None, Otherwise::Value, due))
        };
        let first = begin(&mut pending, 1);
        for number in 2..9 {
            let other = begin(&mut pending, number);
            assert!(pending.remove(other).is_some());
        }
        let known = |pending: &Pending| -> Vec<u8> {
            let known = |number: &u8| pending.seen.contains(&(None, id(*number)));
            (1..9).filter(known).collect()
        };
        assert_eq!(known(&pending), [1, 7, 8]);
        assert!(!pending.is_new(None, &id(1)));
        assert!(pending.remove(first).is_some());
        assert_eq!(known(&pending), [1, 8]);
        begin(&mut pending, 2);
        pending.clear();
        assert_eq!(known(&pending), [1, 2]);
    }
}
