//! What is to be listened to, and what is.
//!
//! The wanted set decides. For each channel there is one command at a time on its way; when its confirmation comes and
//! is not what is wanted by then, the next one follows. So a room that was left and joined again within a round trip is
//! listened to.

use std::collections::{BTreeMap, BTreeSet};

use crate::channels::Subscription;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// Whether the broker has it.
    Settled(bool),
    /// A command is on its way: to listen, or not to.
    Asked(bool),
}

#[derive(Clone, Copy, Debug, Hash)]
struct Entry {
    wanted: bool,
    state: State,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Subscribe(Subscription),
    Unsubscribe(Subscription),
}

#[derive(Clone, Debug, Hash)]
pub(super) struct SubscriptionTable<T> {
    entries: BTreeMap<Subscription, Entry>,
    /// Those without which the node is not up.
    awaited: BTreeSet<Subscription>,
    connected: bool,
    /// Who waits for what: by number, with how many are still to come.
    joins: BTreeMap<u64, (T, usize)>,
    waiting: BTreeMap<Subscription, Vec<u64>>,
    next: u64,
}

impl<T> SubscriptionTable<T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            awaited: BTreeSet::new(),
            connected: false,
            joins: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, subscription: &Subscription) -> bool {
        self.entries.contains_key(subscription)
    }

    pub(super) fn wanted(&self) -> impl Iterator<Item = &Subscription> {
        let wanted = self.entries.iter().filter(|(_, entry)| entry.wanted);
        wanted.map(|(subscription, _)| subscription)
    }

    pub(super) fn waiting(&self) -> usize {
        self.joins.len()
    }

    /// All that is wanted is asked for, and awaited.
    pub(super) fn connect(&mut self) -> Vec<Change> {
        self.connected = true;
        self.entries.retain(|_, entry| entry.wanted);
        self.awaited = self.entries.keys().cloned().collect();
        for entry in self.entries.values_mut() {
            entry.state = State::Asked(true);
        }
        self.entries
            .keys()
            .cloned()
            .map(Change::Subscribe)
            .collect()
    }

    /// Nothing is listened to, and nobody waits any more: those who did.
    pub(super) fn disconnect(&mut self) -> Vec<T> {
        self.connected = false;
        self.awaited.clear();
        self.waiting.clear();
        self.entries.retain(|_, entry| entry.wanted);
        for entry in self.entries.values_mut() {
            entry.state = State::Settled(false);
        }
        let joins = std::mem::take(&mut self.joins);
        joins.into_values().map(|(token, _)| token).collect()
    }

    /// Nothing is wanted any more, and no confirmation is waited for: what is still being asked for is taken back at
    /// once.
    pub(super) fn want_nothing(&mut self) -> Vec<Change> {
        let all = std::mem::take(&mut self.entries);
        let listened = all.into_iter().filter(|(_, entry)| match entry.state {
            State::Settled(there) | State::Asked(there) => there,
        });
        listened
            .map(|(subscription, _)| Change::Unsubscribe(subscription))
            .collect()
    }

    pub(super) fn want(&mut self, subscription: Subscription, wanted: bool) -> Option<Change> {
        let Some(entry) = self.entries.get_mut(&subscription) else {
            if wanted {
                let state = State::Settled(false);
                self.entries
                    .insert(subscription.clone(), Entry { wanted, state });
            }
            return self.settle(&subscription);
        };
        entry.wanted = wanted;
        self.settle(&subscription)
    }

    /// The next command for this channel, if there is to be one now.
    fn settle(&mut self, subscription: &Subscription) -> Option<Change> {
        let entry = self.entries.get_mut(subscription)?;
        let State::Settled(there) = entry.state else {
            return None;
        };
        if there == entry.wanted || !self.connected {
            if !entry.wanted {
                self.entries.remove(subscription);
            }
            return None;
        }
        entry.state = State::Asked(entry.wanted);
        Some(match entry.wanted {
            true => Change::Subscribe(subscription.clone()),
            false => Change::Unsubscribe(subscription.clone()),
        })
    }

    /// The broker has done what was asked, or has taken a subscription away by itself: the next command, and those who
    /// waited for this.
    pub(super) fn confirm(
        &mut self,
        subscription: &Subscription,
        there: bool,
    ) -> (Option<Change>, Vec<T>) {
        if !self.connected {
            return (None, Vec::new());
        }
        let Some(entry) = self.entries.get_mut(subscription) else {
            return (None, Vec::new());
        };
        match entry.state {
            // One that was taken away while another was asked for: the answer is still to come.
            State::Asked(asked) if asked != there => return (None, Vec::new()),
            State::Asked(_) | State::Settled(_) => entry.state = State::Settled(there),
        }
        let change = self.settle(subscription);
        let mut done = Vec::new();
        if there {
            self.awaited.remove(subscription);
            done = self.release(subscription);
        } else if change.is_none() {
            // It is not wanted, so that nobody needs it.
            self.awaited.remove(subscription);
            done = self.release(subscription);
        }
        (change, done)
    }

    fn release(&mut self, subscription: &Subscription) -> Vec<T> {
        let mut done = Vec::new();
        for number in self.waiting.remove(subscription).unwrap_or_default() {
            if let Some((_, left)) = self.joins.get_mut(&number) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    done.extend(self.joins.remove(&number).map(|(token, _)| token));
                }
            }
        }
        done
    }

    /// Whether all that was wanted at the connection is listened to.
    pub(super) fn is_ready(&self) -> bool {
        self.connected && self.awaited.is_empty()
    }

    /// Gives the token back if there is nothing to wait for.
    pub(super) fn wait(
        &mut self,
        wanted: impl Iterator<Item = Subscription>,
        token: T,
    ) -> Option<T> {
        let pending = |it: &Subscription| {
            let entry = self.entries.get(it);
            entry.is_some_and(|entry| entry.wanted && entry.state != State::Settled(true))
        };
        let pending: BTreeSet<_> = wanted.filter(pending).collect();
        if pending.is_empty() || !self.connected {
            return Some(token);
        }
        self.next = self.next.wrapping_add(1);
        self.joins.insert(self.next, (token, pending.len()));
        for subscription in pending {
            self.waiting
                .entry(subscription)
                .or_default()
                .push(self.next);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> Subscription {
        Subscription::Sharded(name.to_owned())
    }

    fn connected() -> SubscriptionTable<u8> {
        let mut table = SubscriptionTable::new();
        assert_eq!(table.connect(), []);
        assert!(table.is_ready());
        table
    }

    #[test]
    fn a_room_that_was_left_and_joined_again_is_listened_to() {
        let mut table = connected();
        let asked = Some(Change::Subscribe(room("a")));
        assert_eq!(table.want(room("a"), true), asked);
        // Within the round trip, nothing more is asked for.
        assert_eq!(table.want(room("a"), false), None);
        assert_eq!(table.want(room("a"), true), None);
        assert_eq!(table.want(room("a"), false), None);
        let unasked = Some(Change::Unsubscribe(room("a")));
        assert_eq!(table.confirm(&room("a"), true), (unasked, vec![]));
        assert_eq!(table.want(room("a"), true), None);
        assert_eq!(table.confirm(&room("a"), false), (asked, vec![]));
        assert_eq!(table.confirm(&room("a"), true), (None, vec![]));
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn what_the_broker_takes_away_is_asked_for_again() {
        let mut table = connected();
        table.want(room("a"), true);
        table.confirm(&room("a"), true);
        let asked = Some(Change::Subscribe(room("a")));
        assert_eq!(table.confirm(&room("a"), false), (asked, vec![]));
        // Again, before it has answered: it will.
        assert_eq!(table.confirm(&room("a"), false), (None, vec![]));
        assert_eq!(table.confirm(&room("a"), true), (None, vec![]));
    }

    #[test]
    fn who_waits_is_told_once_all_is_there_or_none_of_it_can_be() {
        let mut table = connected();
        table.want(room("a"), true);
        table.want(room("b"), true);
        assert_eq!(
            table.wait([room("a"), room("b"), room("c")].into_iter(), 1),
            None
        );
        assert_eq!(table.wait([room("c")].into_iter(), 2), Some(2));
        assert_eq!(table.confirm(&room("a"), true), (None, vec![]));
        assert_eq!(table.confirm(&room("b"), true).1, [1]);
        table.want(room("c"), true);
        assert_eq!(table.wait([room("c")].into_iter(), 3), None);
        assert_eq!(table.disconnect(), [3]);
        assert_eq!(table.wait([room("c")].into_iter(), 4), Some(4));
        assert_eq!(table.waiting(), 0);
        let all: Vec<_> = ["a", "b", "c"].map(room).map(Change::Subscribe).into();
        assert_eq!(table.connect(), all);
        assert!(!table.is_ready());
    }

    #[test]
    fn a_node_is_ready_when_the_last_of_what_it_wanted_is_there() {
        let mut table = SubscriptionTable::<u8>::new();
        table.want(room("a"), true);
        table.want(room("b"), true);
        assert_eq!(table.connect().len(), 2);
        table.confirm(&room("a"), true);
        assert!(!table.is_ready());
        // One that is not wanted any more is not waited for longer than it takes to be rid of it.
        table.want(room("b"), false);
        assert_eq!(
            table.confirm(&room("b"), true).0,
            Some(Change::Unsubscribe(room("b")))
        );
        assert!(table.is_ready());
        table.confirm(&room("b"), false);
        assert_eq!(table.len(), 1);
    }
}
