//! What Redis does, as far as nodes can see.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sio_cluster::Subscription;
use sio_cluster::codec::streams::Entry;
use sio_cluster::entry::EntryId;
use sio_cluster::node::{AppendToken, CountToken, Publication};

/// What a node wants of it.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe(Subscription),
    Unsubscribe(Subscription),
    Publish(Publication),
    Append(AppendToken, Entry),
    Recall(Option<EntryId>),
    Count(CountToken, String),
    /// Entries behind this, from now on. `None`: from the end.
    Read(Option<EntryId>),
}

/// What a node hears of it.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    Subscribed(Subscription),
    Unsubscribed(Subscription),
    Message(String, Bytes),
    Appended(AppendToken, EntryId),
    /// What was found, and whether nothing can have been thrown away.
    Recalled(Vec<(EntryId, Entry)>, bool),
    Count(CountToken, u64),
    Entry(EntryId, Entry),
    /// Reading begins behind this.
    Reading(EntryId),
}

#[derive(Debug, Default)]
pub(crate) struct Broker {
    subscribers: BTreeMap<Subscription, BTreeSet<usize>>,
    readers: BTreeSet<usize>,
    stream: Vec<(EntryId, Entry)>,
    last: u64,
}

impl Broker {
    /// Who hears what because of a command.
    pub(crate) fn handle(
        &mut self,
        host: usize,
        uid: &str,
        command: Command,
    ) -> Vec<(usize, Word)> {
        match command {
            Command::Subscribe(it) => {
                self.subscribers.entry(it.clone()).or_default().insert(host);
                vec![(host, Word::Subscribed(it))]
            }
            Command::Unsubscribe(it) => {
                if let Some(hosts) = self.subscribers.get_mut(&it) {
                    hosts.remove(&host);
                }
                vec![(host, Word::Unsubscribed(it))]
            }
            Command::Publish(it) => self.publish(&it),
            Command::Append(token, entry) => {
                self.last += 1;
                let at = EntryId {
                    millis: 1_000_000 + self.last / 3,
                    sequence: self.last % 3,
                };
                self.stream.push((at, entry.clone()));
                let read = self
                    .readers
                    .iter()
                    .map(|reader| (*reader, Word::Entry(at, entry.clone())));
                [(host, Word::Appended(token, at))]
                    .into_iter()
                    .chain(read)
                    .collect()
            }
            Command::Recall(behind) => {
                let own = self.stream.iter().filter(|(at, entry)| {
                    Some(*at) > behind && entry.uid.as_deref() == Some(uid.as_bytes())
                });
                let is_there = |behind| self.stream.iter().any(|(at, _)| *at == behind);
                let whole = behind.is_none_or(is_there);
                vec![(host, Word::Recalled(own.cloned().collect(), whole))]
            }
            Command::Count(token, channel) => {
                let count = self.count(&channel);
                vec![(host, Word::Count(token, count))]
            }
            Command::Read(behind) => {
                self.readers.insert(host);
                let end = self.stream.last().map_or(EntryId::FIRST, |(at, _)| *at);
                let behind = behind.unwrap_or(end);
                let missed = self.stream.iter().filter(|(at, _)| *at > behind);
                let missed = missed.map(|(at, entry)| (host, Word::Entry(*at, entry.clone())));
                [(host, Word::Reading(behind))]
                    .into_iter()
                    .chain(missed)
                    .collect()
            }
        }
    }

    /// Each subscription brings one.
    fn publish(&self, it: &Publication) -> Vec<(usize, Word)> {
        let hears = |subscription: &Subscription| match subscription {
            Subscription::Channel(name) => !it.sharded && *name == it.channel,
            Subscription::Pattern(pattern) => {
                let begins = pattern.strip_suffix('*').expect("a pattern ends so");
                !it.sharded && it.channel.starts_with(begins)
            }
            Subscription::Sharded(name) => it.sharded && *name == it.channel,
        };
        let word = || Word::Message(it.channel.clone(), it.payload.clone());
        let subscriptions = self.subscribers.iter().filter(|(it, _)| hears(it));
        subscriptions
            .flat_map(|(_, hosts)| hosts)
            .map(|host| (*host, word()))
            .collect()
    }

    pub(crate) fn count(&self, channel: &str) -> u64 {
        let all = self.subscribers.iter().filter(|(it, _)| match it {
            Subscription::Channel(name) | Subscription::Sharded(name) => name == channel,
            Subscription::Pattern(_) => false,
        });
        all.map(|(_, hosts)| hosts.len() as u64).sum()
    }

    /// A connection has broken.
    pub(crate) fn cut(&mut self, host: usize) {
        for hosts in self.subscribers.values_mut() {
            hosts.remove(&host);
        }
        self.readers.remove(&host);
    }

    /// A slot has moved: a subscription is taken away.
    pub(crate) fn take_away(&mut self, host: usize, subscription: &Subscription) -> bool {
        let hosts = self.subscribers.get_mut(subscription);
        hosts.is_some_and(|hosts| hosts.remove(&host))
    }

    /// Whether this host listens to that.
    pub(crate) fn has(&self, host: usize, subscription: &Subscription) -> bool {
        let hosts = self.subscribers.get(subscription);
        hosts.is_some_and(|hosts| hosts.contains(&host))
    }

    /// What this host listens to.
    pub(crate) fn of(&self, host: usize) -> Vec<Subscription> {
        let its = self
            .subscribers
            .iter()
            .filter(|(_, hosts)| hosts.contains(&host));
        its.map(|(subscription, _)| subscription.clone()).collect()
    }
}
