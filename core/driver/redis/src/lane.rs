//! What waits to be said to a slot of a Redis Cluster.

use std::collections::VecDeque;

use redis::Cmd;
use redis::cluster_routing::Slot;
use sio_driver::binding::Instant;
use sio_driver::cluster::{Order, Subscription};

use crate::command::Sent;
use crate::line::{MOST_BYTES, MOST_COMMANDS};
use crate::way::PLAIN;

/// Whom something is said to.
#[derive(Clone, Copy)]
pub(crate) enum To {
    All,
    /// Whoever has this slot, behind what was said there before.
    Slot(Slot),
    /// The one by whom all goes that all of them tell, behind nothing: to listen there waits for nothing, and nobody
    /// redirects it.
    Plain,
}

#[derive(Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Waiting>,
    pub(crate) busy: bool,
    /// Since when it is told to go elsewhere. Until that has succeeded, one command goes alone: it is what makes the
    /// client look for the slot.
    pub(crate) astray: Option<Instant>,
}

pub(crate) struct Waiting {
    /// `None`: nobody waits until it is done.
    pub(crate) number: Option<u64>,
    pub(crate) command: Cmd,
    pub(crate) sent: Sent,
    pub(crate) weight: usize,
}

/// What waits to be written or answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) bytes: usize,
    /// What may be of any length.
    pub(crate) messages: usize,
    pub(crate) publications: usize,
}

impl Lane {
    /// What is to be written next, if anything.
    pub(crate) fn take(&mut self) -> Option<Vec<Waiting>> {
        if self.busy {
            return None;
        }
        let first = self.queue.pop_front()?;
        self.busy = true;
        let alone = self.astray.is_some() || first.is_alone();
        let mut weight = first.weight;
        let mut batch = vec![first];
        while !alone
            && batch.len() < MOST_COMMANDS
            && weight < MOST_BYTES
            && self.queue.front().is_some_and(|next| !next.is_alone())
            && let Some(next) = self.queue.pop_front()
        {
            weight = weight.saturating_add(next.weight);
            batch.push(next);
        }
        Some(batch)
    }
}

impl Waiting {
    /// No part of a transaction, which ends where one of it is refused: what may be without harm to others, and to
    /// listen, or not to any more.
    pub(crate) const fn is_alone(&self) -> bool {
        matches!(
            self.sent,
            Sent::Listen | Sent::Store | Sent::Take(_) | Sent::Range(_)
        )
    }

    pub(crate) const fn is_to_listen(&self) -> bool {
        matches!(self.sent, Sent::Listen)
    }

    pub(crate) const fn is_message(&self) -> bool {
        matches!(self.sent, Sent::Publish | Sent::Append(_))
    }
}

impl Load {
    pub(crate) fn add(&mut self, it: &Waiting) {
        self.bytes = self.bytes.saturating_add(it.weight);
        let message = usize::from(it.is_message());
        self.messages = self.messages.saturating_add(message);
        let publication = usize::from(matches!(it.sent, Sent::Publish));
        self.publications = self.publications.saturating_add(publication);
    }

    pub(crate) fn subtract(&mut self, it: &Waiting) {
        self.bytes = self.bytes.saturating_sub(it.weight);
        let message = usize::from(it.is_message());
        self.messages = self.messages.saturating_sub(message);
        let publication = usize::from(matches!(it.sent, Sent::Publish));
        self.publications = self.publications.saturating_sub(publication);
    }
}

impl To {
    pub(crate) fn of(order: &Order) -> Self {
        Self::Slot(match order {
            Order::Publish(it) if it.sharded => Slot::for_key(&it.channel),
            Order::Subscribe(Subscription::Sharded(name))
            | Order::Unsubscribe(Subscription::Sharded(name)) => Slot::for_key(name),
            Order::Subscribe(_) | Order::Unsubscribe(_) => return Self::Plain,
            Order::Append { stream, .. }
            | Order::Recall { stream, .. }
            | Order::Range { stream, .. }
            | Order::Read { stream } => Slot::for_key(stream),
            Order::Store { key, .. } | Order::Take { key, .. } => Slot::for_key(key),
            Order::Count { .. } => return Self::All,
            // One tells it to all others.
            Order::Publish(_) | Order::Flush { .. } | _ => PLAIN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(all: Vec<Sent>) -> Lane {
        let waiting = |sent| Waiting {
            number: None,
            command: Cmd::new(),
            sent,
            weight: 1,
        };
        Lane {
            queue: all.into_iter().map(waiting).collect(),
            ..Lane::default()
        }
    }

    fn batches(mut lane: Lane) -> Vec<usize> {
        let next = || {
            let batch = lane.take();
            lane.busy = false;
            batch.map(|it| it.len())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn what_may_be_refused_is_no_part_of_a_transaction() {
        let publish = || Sent::Publish;
        assert_eq!(batches(lane(vec![publish(), publish(), publish()])), [3]);
        for alone in [Sent::Listen, Sent::Store] {
            let all = vec![publish(), publish(), alone, publish(), publish()];
            assert_eq!(batches(lane(all)), [2, 1, 2]);
        }
    }

    #[test]
    fn of_what_is_told_to_go_elsewhere_one_goes_first() {
        let mut astray = lane(vec![Sent::Publish, Sent::Publish]);
        astray.astray = Some(Instant::ORIGIN);
        assert_eq!(astray.take().map(|it| it.len()), Some(1));
        assert!(astray.take().is_none(), "one is on its way");
    }
}
