//! The broker comes and goes.

use sio_core::time::Instant;

use super::appends::Fates;
use super::machine::{Link, Node, Written};
use super::outage::Held;
use super::output::{AppendToken, CountToken, End, Notice, Output, Overflow};
use super::peers::Peers;
use crate::channels::Subscription;
use crate::codec::streams::Entry;
use crate::entry::EntryId;
use crate::message::Message;

impl<T> Node<T> {
    /// The broker is there, and knows nothing of this node.
    pub fn handle_connected(&mut self, now: Instant) {
        let now = self.advance(now);
        match self.link {
            Link::Closed => return,
            Link::Up | Link::Joining => self.handle_down(now),
            Link::Down => {}
        }
        self.link = Link::Joining;
        for change in self.subscriptions.connect() {
            self.change(change);
        }
        if let Some(behind) = self.appends.recall() {
            self.outputs.push_back(Output::Recall { behind });
        }
        self.come_up();
    }

    /// The broker has gone: nothing that was on its way can be counted on.
    pub fn handle_down(&mut self, now: Instant) {
        let now = self.advance(now);
        if matches!(self.link, Link::Down | Link::Closed) {
            return;
        }
        let was_up = self.link == Link::Up;
        self.link = Link::Down;
        if was_up {
            self.up_since = now;
        }
        self.appends.forget_recall();
        // It may not be read for long, and those here are told first.
        let untold = self.own.tell_all();
        self.tell_own(&untold);
        for token in self.subscriptions.disconnect() {
            self.outputs.push_back(Output::Heard { token });
        }
        self.pending.clear();
        while let Some(open) = self.questions.pop() {
            self.done(open, End::Down);
        }
        if was_up {
            self.notice(Notice::Down);
        }
    }

    /// The broker has confirmed that this is listened to.
    pub fn handle_subscribed(&mut self, now: Instant, subscription: &Subscription) {
        self.confirm(now, subscription, true);
    }

    /// The broker has confirmed that this is not listened to, or has decided so by itself.
    pub fn handle_unsubscribed(&mut self, now: Instant, subscription: &Subscription) {
        self.confirm(now, subscription, false);
    }

    fn confirm(&mut self, now: Instant, subscription: &Subscription, there: bool) {
        self.advance(now);
        let (change, heard) = self.subscriptions.confirm(subscription, there);
        if let Some(change) = change {
            self.change(change);
        }
        for token in heard {
            self.outputs.push_back(Output::Heard { token });
        }
        self.come_up();
    }

    /// Once all is listened to, what waited is sent, in its order, and then what comes.
    fn come_up(&mut self) {
        if self.link != Link::Joining
            || self.appends.is_recalling()
            || !self.subscriptions.is_ready()
        {
            return;
        }
        self.link = Link::Up;
        self.up_since = self.now;
        self.notice(Notice::Up);
        let again: Vec<_> = self.appends.again().collect();
        for (token, entry) in again {
            self.outputs.push_back(Output::Append { token, entry });
        }
        // Behind these: it may go by the stream itself, and what is recalled comes in the order in which it was sent.
        if self.config.heartbeat.is_some() {
            self.tell(&Message::Hello);
        }
        let mut stale = Vec::new();
        while let Some((since, held)) = self.outage.pop() {
            if since.saturating_add(self.config.outage_age) < self.now {
                stale.push(held);
                continue;
            }
            match held {
                Held::Publication(it) => self.publish(it.channel, it.payload),
                Held::Entry(entry, token) => {
                    let number = self.append(entry.clone(), token);
                    if self.config.own_by_stream {
                        // They have heard it, or it is nothing that they hear.
                        let gone = self.own.push(number, entry, true, self.window);
                        self.tell_own(&gone);
                    }
                }
            }
        }
        self.dropped(stale);
    }

    /// So many are subscribed to the channel that was to be counted.
    pub fn handle_count(&mut self, now: Instant, token: CountToken, nodes: u64) {
        self.advance(now);
        if let Some(open) = self.questions.count(token, nodes) {
            self.done(open, End::Counted);
        }
    }

    /// An entry is in the stream.
    pub fn handle_appended(&mut self, now: Instant, token: AppendToken, at: EntryId) {
        self.advance(now);
        self.own.arrived(token, at);
        if let Some(token) = self.appends.arrived(token, at) {
            let at = Some(at);
            self.outputs.push_back(Output::Appended { token, at });
        }
    }

    /// What of this node is in the stream behind the entry that was named, in its order, and whether that is whole: of
    /// what was added behind it nothing can have been thrown away, for it is there itself.
    ///
    /// What is not found is said again where that is certain not to be in the stream: nobody hears it twice. What may have
    /// arrived and was thrown away is not ([`Overflow::Unsure`]).
    pub fn handle_recalled(&mut self, now: Instant, found: &[(EntryId, Entry)], whole: bool) {
        self.advance(now);
        let Fates { over, unsure } = self.appends.recalled(found, whole);
        for (number, token, at) in over {
            match at {
                Some(at) => self.own.arrived(number, at),
                None => self.own.forget(number),
            }
            if let Some(token) = token {
                self.outputs.push_back(Output::Appended { token, at });
            }
        }
        if unsure > 0 {
            let unsure = u64::try_from(unsure).unwrap_or(u64::MAX);
            self.counts.dropped = self.counts.dropped.saturating_add(unsure);
            self.notice(Notice::Overflow(Overflow::Unsure(unsure)));
        }
        self.come_up();
    }

    /// Something in the stream between these is lost to this node: a [`Gap`](crate::reader::Gap).
    pub fn handle_lost(&mut self, now: Instant, from: EntryId, to: EntryId) {
        self.advance(now);
        if self.link == Link::Closed {
            return;
        }
        self.last_entry = None;
        if to < from {
            self.appends.go_back(to);
        }
        let untold = self.own.tell_all();
        self.tell_own(&untold);
        self.notice(Notice::Lost { from, to });
    }

    /// Leaves the cluster. Nothing happens any more.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        if self.link == Link::Closed {
            return;
        }
        self.tell(&Message::Bye);
        for change in self.subscriptions.want_nothing() {
            self.change(change);
        }
        for token in self.subscriptions.disconnect() {
            self.outputs.push_back(Output::Heard { token });
        }
        self.link = Link::Closed;
        self.pending.clear();
        self.peers = Peers::new();
        while let Some(open) = self.questions.pop() {
            self.done(open, End::Closed);
        }
        let mut held = Vec::new();
        while let Some((_, it)) = self.outage.pop() {
            held.push(it);
        }
        self.dropped(held);
        let waiting = self.appends.close();
        self.no_places(waiting);
    }

    /// Tells all nodes something about this one, where the wire has words for it.
    pub(super) fn tell(&mut self, message: &Message) {
        match self.written(message, None) {
            Ok(Written::Entry(entry)) if self.is_up() => drop(self.append(entry, None)),
            Ok(Written::Payload(payload)) => {
                self.publish(self.channels.requests().to_owned(), payload);
            }
            Ok(Written::Entry(_)) | Err(_) => {}
        }
    }
}
