//! Questions of this node, and what has come of them.

use std::collections::{BTreeMap, BTreeSet};

use sio_core::time::Instant;

use super::output::{Answer, CountToken};
use crate::id::{RequestId, Uid};
use crate::message::Reply;

/// What makes an answer one, and when there are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Sockets, of each node.
    Sockets,
    /// Ids of sockets, of each node.
    Ids,
    /// Names of rooms, of each node.
    Rooms,
    /// Names of rooms, of whoever has the socket.
    RoomsOf,
    /// A value, of each node.
    Value,
    /// A count of each node, and so many acks.
    Clients,
    /// A word of whoever has the socket.
    One,
    /// A value, of one node.
    Node,
}

impl Kind {
    /// The answer in the terms of the question, if it is one to it.
    fn fit(self, reply: Reply) -> Option<Reply> {
        match (self, reply) {
            (Self::Sockets, reply) if reply.is_no_socket() => Some(Reply::Sockets(Vec::new())),
            (Self::Ids, reply) if reply.is_no_socket() => Some(Reply::Ids(Vec::new())),
            // Where only sockets can be asked for, the rest is made of them.
            (Self::Ids, Reply::Sockets(sockets)) => {
                Some(Reply::Ids(sockets.into_iter().map(|it| it.id).collect()))
            }
            (Self::Rooms, Reply::Sockets(sockets)) => {
                let rooms = sockets.into_iter().flat_map(|it| it.rooms);
                let rooms: BTreeSet<String> = rooms.collect();
                Some(Reply::Rooms(rooms.into_iter().collect()))
            }
            (Self::RoomsOf, Reply::Sockets(sockets)) => {
                let rooms = sockets.into_iter().next().map(|it| it.rooms)?;
                Some(Reply::Rooms(rooms))
            }
            (Self::Sockets, reply @ Reply::Sockets(_))
            | (Self::Ids, reply @ Reply::Ids(_))
            | (Self::Rooms | Self::RoomsOf, reply @ Reply::Rooms(_))
            | (Self::Value | Self::Node, reply @ Reply::Value(_))
            | (Self::Clients, reply @ (Reply::Clients(_) | Reply::Ack { .. }))
            | (Self::One, reply @ Reply::Done) => Some(reply),
            (
                Self::Sockets
                | Self::Ids
                | Self::Rooms
                | Self::RoomsOf
                | Self::Value
                | Self::Clients
                | Self::One
                | Self::Node,
                _,
            ) => None,
        }
    }

    /// One answer is enough.
    fn is_of_one(self) -> bool {
        match self {
            Self::RoomsOf | Self::One | Self::Node => true,
            Self::Sockets | Self::Ids | Self::Rooms | Self::Value | Self::Clients => false,
        }
    }
}

/// Which nodes are to answer.
#[derive(Clone, Debug, Hash)]
pub(super) enum Expected {
    /// It is being counted.
    Counting,
    /// So many others.
    Others(u64),
    /// These, still.
    Known(BTreeSet<Uid>),
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Open<T> {
    pub(super) token: T,
    kind: Kind,
    pub(super) since: Instant,
    due: Instant,
    /// The one node that is asked, if it is one.
    alone: Option<Uid>,
    count: Option<CountToken>,
    pub(super) expected: Expected,
    /// Nodes that have answered; of those that say who they are, which.
    pub(super) nodes: u64,
    named: BTreeSet<Uid>,
    /// Clients that were asked, acks that came; of nodes that say who they are, by node.
    clients: u64,
    acks: u64,
    by_node: BTreeMap<Uid, (u64, u64)>,
    /// Clients that have answered, where that is told.
    acked: BTreeSet<String>,
    pub(super) got: Vec<Answer>,
    bytes: usize,
}

impl<T> Open<T> {
    pub(super) fn new(
        token: T,
        kind: Kind,
        (since, due): (Instant, Instant),
        expected: Expected,
    ) -> Self {
        Self {
            token,
            kind,
            since,
            due,
            alone: None,
            count: None,
            expected,
            nodes: 0,
            named: BTreeSet::new(),
            clients: 0,
            acks: 0,
            by_node: BTreeMap::new(),
            acked: BTreeSet::new(),
            got: Vec::new(),
            bytes: 0,
        }
    }

    /// Of this node alone.
    pub(super) fn of(mut self, node: Option<Uid>) -> Self {
        self.alone = node;
        self
    }

    /// Acks that are still to come.
    pub(super) fn missing(&self) -> u64 {
        self.clients.saturating_sub(self.acks)
    }

    pub(super) fn is_answered_by_one(&self) -> bool {
        self.kind.is_of_one() && self.nodes > 0
    }

    pub(super) const fn is_of_one_node(&self) -> bool {
        self.alone.is_some()
    }

    fn is_complete(&self) -> bool {
        let all = match &self.expected {
            Expected::Counting => false,
            Expected::Others(others) => self.nodes >= *others,
            Expected::Known(waiting) => waiting.is_empty(),
        };
        self.is_answered_by_one() || all && self.missing() == 0
    }

    /// Whether this node or this client has answered before. Who does not say who it is is always new.
    fn is_again(&mut self, from: Option<&Uid>, reply: &Reply) -> bool {
        match (reply, from) {
            (
                Reply::Ack {
                    from: Some(client), ..
                },
                _,
            ) => !self.acked.insert(client.clone()),
            (Reply::Ack { from: None, .. }, _) | (_, None) => false,
            (_, Some(uid)) => !self.named.insert(uid.clone()),
        }
    }

    /// A node has answered.
    fn tick_off(&mut self, from: Option<&Uid>) {
        self.nodes = self.nodes.saturating_add(1);
        if let (Expected::Known(waiting), Some(uid)) = (&mut self.expected, from) {
            waiting.remove(uid);
        }
    }

    fn take(&mut self, from: Option<Uid>, reply: Reply) {
        match reply {
            Reply::Clients(count) => {
                self.tick_off(from.as_ref());
                self.clients = self.clients.saturating_add(count);
                if let Some(uid) = from {
                    self.by_node.entry(uid).or_default().0 = count;
                }
                return;
            }
            Reply::Ack { .. } => {
                self.acks = self.acks.saturating_add(1);
                if let Some(uid) = &from {
                    if self.named.contains(uid) && !self.by_node.contains_key(uid) {
                        // Its clients were given up with it: this one is none of those who are still waited for.
                        self.clients = self.clients.saturating_add(1);
                    } else {
                        let acks = &mut self.by_node.entry(uid.clone()).or_default().1;
                        *acks = acks.saturating_add(1);
                    }
                }
            }
            Reply::Sockets(_) | Reply::Ids(_) | Reply::Rooms(_) | Reply::Value(_) | Reply::Done => {
                self.tick_off(from.as_ref())
            }
        }
        self.got.push(Answer { from, reply });
    }

    /// A node that will not answer any more, nor its clients.
    fn strike_off(&mut self, uid: &Uid) {
        let Expected::Known(waiting) = &mut self.expected else {
            return;
        };
        waiting.remove(uid);
        if let Some((count, acks)) = self.by_node.remove(uid) {
            self.clients = self.clients.saturating_sub(count.saturating_sub(acks));
        }
    }
}

/// What became of an answer.
#[derive(Debug)]
pub(super) enum Taken<T> {
    /// Nobody waits for it, or it came before.
    Late,
    Kept,
    /// There is no room for it.
    Over,
    /// It was the last.
    Last(Box<Open<T>>),
}

/// What may be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) answers: usize,
    pub(super) bytes: usize,
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Questions<T> {
    open: BTreeMap<RequestId, Open<T>>,
    due: BTreeSet<(Instant, RequestId)>,
    counting: BTreeMap<CountToken, RequestId>,
    counted: u64,
    bytes: usize,
}

impl<T> Questions<T> {
    pub(super) const fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            counting: BTreeMap::new(),
            counted: 0,
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.open.contains_key(id)
    }

    /// A question; the name of the count that it waits for, if it does.
    pub(super) fn insert(&mut self, id: RequestId, mut open: Open<T>) -> Option<CountToken> {
        let counting = matches!(open.expected, Expected::Counting);
        let count = counting.then(|| {
            self.counted = self.counted.wrapping_add(1);
            CountToken(self.counted)
        });
        open.count = count;
        self.counting.extend(count.map(|token| (token, id.clone())));
        self.due.insert((open.due, id.clone()));
        self.open.insert(id, open);
        count
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Open<T>> {
        let open = self.open.remove(id)?;
        self.due.remove(&(open.due, id.clone()));
        if let Some(count) = open.count {
            self.counting.remove(&count);
        }
        self.bytes = self.bytes.saturating_sub(open.bytes);
        Some(open)
    }

    pub(super) fn count(&mut self, token: CountToken, nodes: u64) -> Option<Open<T>> {
        let id = self.counting.remove(&token)?;
        let open = self.open.get_mut(&id)?;
        open.count = None;
        open.expected = match &open.alone {
            Some(uid) => Expected::Known((nodes > 0).then(|| uid.clone()).into_iter().collect()),
            // This node is one of them.
            None => Expected::Others(nodes.saturating_sub(1)),
        };
        open.is_complete().then(|| self.remove(&id)).flatten()
    }

    pub(super) fn answer(
        &mut self,
        id: &RequestId,
        from: Option<Uid>,
        reply: Reply,
        (size, room): (usize, Room),
    ) -> Taken<T> {
        let Some(open) = self.open.get_mut(id) else {
            return Taken::Late;
        };
        if open.alone.is_some() && open.alone != from {
            return Taken::Late;
        }
        let Some(reply) = open.kind.fit(reply) else {
            return Taken::Late;
        };
        let bytes = self.bytes.saturating_add(size);
        let is_count = matches!(reply, Reply::Clients(_));
        // Counts are not kept, but who has counted is.
        let kept = open.got.len().max(open.named.len());
        if kept >= room.answers || bytes > room.bytes && !is_count {
            return Taken::Over;
        }
        if open.is_again(from.as_ref(), &reply) {
            return Taken::Late;
        }
        if !is_count {
            self.bytes = bytes;
            open.bytes = open.bytes.saturating_add(size);
        }
        open.take(from, reply);
        if !open.is_complete() {
            return Taken::Kept;
        }
        self.remove(id)
            .map_or(Taken::Late, |open| Taken::Last(Box::new(open)))
    }

    /// The question, if nobody needs to answer it.
    pub(super) fn take_complete(&mut self, id: &RequestId) -> Option<Open<T>> {
        let complete = self.open.get(id)?.is_complete();
        complete.then(|| self.remove(id)).flatten()
    }

    /// Those that are complete without this node.
    pub(super) fn strike_off(&mut self, uid: &Uid) -> Vec<Open<T>> {
        let mut complete = Vec::new();
        for (id, open) in &mut self.open {
            open.strike_off(uid);
            if open.is_complete() {
                complete.push(id.clone());
            }
        }
        complete.iter().filter_map(|id| self.remove(id)).collect()
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Open<T>> {
        let (at, id) = self.due.first()?;
        let id = (*at <= now).then(|| id.clone())?;
        self.remove(&id)
    }

    pub(super) fn pop(&mut self) -> Option<Open<T>> {
        let (_, id) = self.due.first()?;
        let id = id.clone();
        self.remove(&id)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}
