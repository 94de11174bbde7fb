//! A node: its parts, and what comes out of it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use sio_core::time::Instant;

use super::appends::Appends;
use super::outage::{Held, Outage};
use super::output::{Answers, AppendToken, Counts, End, Notice, Output, Overflow, Publication};
use super::own::Own;
use super::peers::Peers;
use super::pending::Pending;
use super::questions::{Expected, Kind, Open, Questions};
use super::subscriptions::{Change, SubscriptionTable};
use crate::channels::Channels;
use crate::codec::classic::Author;
use crate::codec::streams::{self, Entry};
use crate::codec::{self, EncodeError};
use crate::config::{Config, Dialect};
use crate::digest::Apart;
use crate::id::Uid;
use crate::message::Message;

/// One namespace of one server, among the others of its cluster.
///
/// What happens to the sockets here is the caller's doing, at once and whatever the broker does; a node publishes it to
/// the others, and says what they have done.
///
/// 1. Tell it what happened: [`handle_connected`](Self::handle_connected), [`handle_message`](Self::handle_message),
///    [`handle_timeout`](Self::handle_timeout), ..
/// 2. Tell it what to tell the others: [`broadcast`](Self::broadcast), [`join`](Self::join), [`ask`](Self::ask),
///    [`answer`](Self::answer), ..
/// 3. Carry out what it wants: [`poll`](Self::poll) until it is empty.
/// 4. Sleep until [`poll_timeout`](Self::poll_timeout), or until there is something for step 1 or 2.
///
/// Steps 1 and 2 may be repeated before step 3. `T` is what the caller knows a question by.
#[derive(Clone, Debug, Hash)]
pub struct Node<T> {
    pub(super) config: Apart<Config>,
    pub(super) channels: Apart<Channels>,
    pub(super) uid: Uid,
    pub(super) now: Instant,
    pub(super) link: Link,
    /// When the node was up last, and when it has last said anything.
    pub(super) up_since: Instant,
    pub(super) spoke: Instant,
    pub(super) questions: Questions<T>,
    pub(super) pending: Pending,
    pub(super) subscriptions: SubscriptionTable<T>,
    /// How many of them are always there.
    pub(super) base: usize,
    pub(super) peers: Peers,
    pub(super) appends: Appends<T>,
    pub(super) own: Own,
    pub(super) outage: Outage<T>,
    /// Rooms that other nodes' sockets were told to join, and until when that is recent.
    pub(super) joined: BTreeMap<String, Instant>,
    /// There were too many of them: all rooms are recent until then.
    pub(super) all_joined: Instant,
    pub(super) last_entry: Option<crate::entry::EntryId>,
    pub(super) told_foreign: bool,
    /// Bytes of entries that may be on their way, of the window.
    pub(super) window: usize,
    pub(super) counts: Counts,
    pub(super) outputs: Outputs<T>,
}

/// What was not polled yet.
#[derive(Debug, Hash)]
pub(super) struct Outputs<T>(VecDeque<Output<T>>);

impl<T> Outputs<T> {
    pub(super) fn push_back(&mut self, output: Output<T>) {
        self.0.push_back(output);
    }
}

impl<T: Clone> Clone for Outputs<T> {
    fn clone(&self) -> Self {
        Self(self.0.iter().map(Output::copy).collect())
    }
}

/// A message that can leave: by the stream, or by a channel.
#[derive(Debug)]
pub(super) enum Written {
    Entry(Entry),
    Payload(Bytes),
}

/// How it stands with the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Link {
    Down,
    /// There, and not all is listened to yet.
    Joining,
    Up,
    Closed,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Status {
    /// Others can be reached.
    pub up: bool,
    /// When it was up last; meaningless if it never was.
    pub since: Instant,
    /// Other nodes that were heard, and not for gone.
    pub nodes: usize,
    /// Questions that wait for answers.
    pub questions: usize,
    /// Questions of others that wait for an answer from here.
    pub pending: usize,
    /// Channels.
    pub subscriptions: usize,
    /// Bytes that wait for the broker.
    pub buffered: usize,
    /// Bytes of entries that were added to the stream, and whose places are not known or were not read yet.
    pub unplaced: usize,
}

impl<T> Node<T> {
    /// A node that is not connected yet. `uid` is made of random bytes: [`Uid::classic`] for classic and v2, else
    /// [`Uid::cluster`].
    pub fn new(config: Config, uid: Uid) -> Self {
        let config = config.heeded();
        let channels = Channels::new(&config, &uid);
        let mut subscriptions = SubscriptionTable::new();
        let base = channels.base();
        let count = base.len();
        let window = config.append_window;
        for subscription in base {
            // Nothing is connected yet, so that nothing is asked for.
            let _ = subscriptions.want(subscription, true);
        }
        Self {
            pending: Pending::new(config.max_pending_answers),
            config: Apart(config),
            channels: Apart(channels),
            uid,
            now: Instant::ORIGIN,
            link: Link::Down,
            up_since: Instant::ORIGIN,
            spoke: Instant::ORIGIN,
            questions: Questions::new(),
            subscriptions,
            base: count,
            peers: Peers::new(),
            appends: Appends::new(),
            own: Own::new(),
            outage: Outage::new(),
            joined: BTreeMap::new(),
            all_joined: Instant::ORIGIN,
            last_entry: None,
            told_foreign: false,
            window,
            counts: Counts::default(),
            outputs: Outputs(VecDeque::new()),
        }
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output<T>> {
        self.outputs.0.pop_front()
    }

    /// This node's name.
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The channel whose subscribers are the nodes of this namespace, this one included, and whether it is a sharded
    /// one. `None`: nodes know each other by their heartbeats, and [`Status::nodes`] are the others.
    pub fn counted_by(&self) -> Option<(&str, bool)> {
        let counted = self.config.heartbeat.is_none();
        counted.then(|| (self.channels.requests(), self.channels.is_sharded()))
    }

    /// How it is.
    pub fn status(&self) -> Status {
        Status {
            up: self.link == Link::Up,
            since: self.up_since,
            nodes: self.peers.len(),
            questions: self.questions.len(),
            pending: self.pending.len(),
            subscriptions: self.subscriptions.len(),
            buffered: self.outage.bytes(),
            unplaced: self.appends.bytes().max(self.own.bytes()),
        }
    }

    /// Since when the oldest message waits for the broker, if any does.
    pub fn oldest_waiting(&self) -> Option<Instant> {
        self.outage.oldest()
    }

    /// The oldest message that waits for the broker is not sent, as if there had been no room for it
    /// ([`outage_buffer`](Config::outage_buffer)): nodes that share what one may hold are not to hold more together.
    pub fn drop_oldest(&mut self, now: Instant) {
        self.advance(now);
        if let Some((_, held)) = self.outage.pop() {
            self.dropped(vec![held]);
        }
    }

    /// So many bytes of entries may be on their way from now on, and not more than
    /// [`append_window`](Config::append_window): the rest of it is others' who share it.
    pub fn limit_appends(&mut self, bytes: usize) {
        self.window = bytes.min(self.config.append_window);
    }

    /// What was counted since it began.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Tells a hasher all that makes a difference to what comes next.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        T: Hash,
    {
        self.hash(state);
    }

    /// The clock as this node knows it: the latest time anyone told it.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    pub(super) fn is_up(&self) -> bool {
        self.link == Link::Up
    }

    /// Whether the broker is there, all being listened to or not.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.link, Link::Up | Link::Joining)
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    pub(super) fn change(&mut self, change: Change) {
        self.outputs.push_back(match change {
            Change::Subscribe(subscription) => Output::Subscribe(subscription),
            Change::Unsubscribe(subscription) => Output::Unsubscribe(subscription),
        });
    }

    fn author<'a>(&'a self, to: Option<&Uid>) -> Author<'a> {
        Author {
            uid: &self.uid,
            namespace: &self.config.namespace,
            to_ours: to.is_some_and(Uid::is_ours),
        }
    }

    /// A message as it leaves by the way that is for it, `to` whom it is for.
    pub(super) fn written(
        &mut self,
        message: &Message,
        to: Option<&Uid>,
    ) -> Result<Written, EncodeError> {
        let written = match self.is_for_stream(message) {
            true => Written::Entry(streams::encode(message, self.author(to))?),
            false => Written::Payload(codec::payload(
                self.config.dialect,
                message,
                self.author(to),
            )?),
        };
        self.counts.said.count(message.kind());
        Ok(written)
    }

    fn is_for_stream(&self, message: &Message) -> bool {
        let kept = match message {
            // What may be lost is not told to clients who come back: it does not belong into the stream.
            Message::Broadcast { ask, to, .. } => ask.is_none() && !to.flags.volatile,
            Message::Join { .. } | Message::Leave { .. } | Message::Disconnect { .. } => true,
            // One node reads it, where nobody else does.
            Message::ServerSide { to: Some(_), .. } => return false,
            Message::Ask { .. }
            | Message::ServerSide { .. }
            | Message::One { .. }
            | Message::Answer { .. }
            | Message::Hello
            | Message::Beat
            | Message::Bye => false,
        };
        self.config.dialect == Dialect::Streams && (kept || self.config.everything_in_stream)
    }

    /// Now, or never.
    pub(super) fn publish(&mut self, channel: String, payload: Bytes) {
        if self.link == Link::Up {
            self.publish_now(channel, payload);
        }
    }

    /// Whoever has asked counts this node as soon as it listens, and waits for it: answers leave before all is listened
    /// to.
    pub(super) fn publish_answer(&mut self, channel: String, payload: Bytes) {
        if self.is_there() {
            self.publish_now(channel, payload);
        }
    }

    fn publish_now(&mut self, channel: String, payload: Bytes) {
        self.sent(payload.len());
        let sharded = self.channels.is_sharded();
        self.outputs.push_back(Output::Publish(Publication {
            channel,
            sharded,
            payload,
        }));
    }

    /// Now, or when the broker is back.
    pub(super) fn publish_or_hold(&mut self, channel: String, payload: Bytes) {
        if self.link == Link::Up {
            return self.publish(channel, payload);
        }
        let sharded = self.channels.is_sharded();
        self.hold(Held::Publication(Publication {
            channel,
            sharded,
            payload,
        }));
    }

    pub(super) fn append_or_hold(&mut self, entry: Entry, token: Option<T>) {
        match self.link {
            Link::Up => drop(self.append(entry, token)),
            Link::Down | Link::Joining | Link::Closed => self.hold(Held::Entry(entry, token)),
        }
    }

    pub(super) fn append(&mut self, entry: Entry, token: Option<T>) -> AppendToken {
        self.sent(entry.size());
        let most = self.window;
        let (token, told) = self.appends.push(entry.clone(), token, most);
        self.outputs.push_back(Output::Append { token, entry });
        self.no_places(told);
        token
    }

    fn hold(&mut self, held: Held<T>) {
        let most = match self.link {
            Link::Closed => 0,
            Link::Up | Link::Down | Link::Joining => self.config.outage_buffer,
        };
        let gone = self.outage.push(self.now, held, most);
        self.dropped(gone);
    }

    /// Messages that are not sent after all.
    pub(super) fn dropped(&mut self, gone: Vec<Held<T>>) {
        let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return;
        }
        self.counts.dropped = self.counts.dropped.saturating_add(count);
        self.notice(Notice::Overflow(Overflow::Outage(count)));
        let tokens = gone.into_iter().filter_map(|held| match held {
            Held::Entry(_, token) => token,
            Held::Publication(_) => None,
        });
        self.no_places(tokens.collect());
    }

    /// Those who wait for the places of their entries, and are to have none.
    pub(super) fn no_places(&mut self, tokens: Vec<T>) {
        for token in tokens {
            self.outputs.push_back(Output::Appended { token, at: None });
        }
    }

    fn sent(&mut self, bytes: usize) {
        self.spoke = self.now;
        self.counts.send(bytes);
    }

    /// Which nodes a question waits for, as far as that is known when it is asked.
    pub(super) fn expected(&self, kind: Kind) -> Expected {
        match (kind, self.config.heartbeat) {
            // Whoever has the socket.
            (Kind::One | Kind::RoomsOf, _) => Expected::Others(u64::MAX),
            // Whether it is there.
            (Kind::Node, _) => Expected::Counting,
            (_, Some(_)) => Expected::Known(self.peers.all()),
            (_, None) => Expected::Counting,
        }
    }

    /// A question is over.
    pub(super) fn done(&mut self, open: Open<T>, end: End) {
        let silent = match end {
            End::Down | End::Closed | End::Refused => None,
            End::Counted | End::Timeout => self.silent(&open),
        };
        let answers = Answers {
            missing: open.missing(),
            silent_nodes: silent,
            got: open.got,
            end,
            took: self.now.saturating_duration_since(open.since),
        };
        self.outputs.push_back(Output::Done {
            token: open.token,
            answers,
        });
    }

    /// How many nodes should have answered and have not.
    fn silent(&self, open: &Open<T>) -> Option<u64> {
        if open.is_answered_by_one() {
            return Some(0);
        }
        if open.is_of_one_node() {
            return Some(1);
        }
        let silent = match &open.expected {
            Expected::Counting | Expected::Others(u64::MAX) => return None,
            Expected::Others(others) => others.saturating_sub(open.nodes),
            Expected::Known(waiting) => u64::try_from(waiting.len()).unwrap_or(u64::MAX),
        };
        // The count may be too small: others may not listen again yet.
        let heard = match self.config.heartbeat {
            Some(_) => 0,
            None => u64::try_from(self.peers.len()).unwrap_or(u64::MAX),
        };
        let settling = self.now < self.up_since.saturating_add(self.config.settle);
        let unheard = heard.saturating_sub(open.nodes);
        Some(silent.max(unheard).max(u64::from(settling)))
    }
}
