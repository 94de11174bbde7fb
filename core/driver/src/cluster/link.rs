//! The task of one server's link to its cluster.

mod end;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use sio_cluster::Subscription;
use sio_cluster::codec::streams::Entry;
use sio_cluster::entry::EntryId;
use sio_core::time::Instant;

use super::broker::{Broker, Event, Of, Order, Ticket};
use super::desk::{Desk, What, Wish};
use super::families::Families;
use super::listeners::Listeners;
use super::options::Options;
use super::space::{Space, Wire};
use super::waiter::Waiter;
use crate::adapter::{AdapterError, ClusterEvent};
use crate::log::{debug, error, warn};
use crate::metrics::LinkTally;
use crate::runtime::{Runtime, Sleep};
use crate::sync::guard::guarded;
use crate::sync::one_shot::Answer;

/// Owns the machines of all namespaces of one server, and what carries their messages.
pub(super) struct Link<R: Runtime, B: Broker> {
    runtime: R,
    broker: B,
    desk: Arc<Desk>,
    options: Options,
    /// What it was told and has not carried out.
    wishes: VecDeque<Wish>,
    spaces: BTreeMap<u32, Space>,
    families: Families,
    listeners: Listeners,
    /// Streams that are read.
    streams: BTreeSet<String>,
    /// The last entry of each that was read.
    places: BTreeMap<String, EntryId>,
    due: BTreeSet<(Instant, u32)>,
    up: bool,
    why: String,
    counts: BTreeMap<u64, (u32, Answer<Result<usize, AdapterError>>)>,
    flushes: BTreeMap<u64, Answer<Result<(), AdapterError>>>,
    /// Namespaces that were closed, whose last words are not sent yet.
    closing: BTreeMap<u64, Answer<()>>,
    asked: u64,
    tally: LinkTally,
    left: bool,
    /// Whoever waited for it was told that it has ended.
    over: bool,
    sleep: Option<Pin<Box<R::Sleep>>>,
    armed: Option<Instant>,
}

/// Events of the broker that are taken before others have their turn. Within a factor of four neither showed.
const TURN: usize = 64;

impl<R: Runtime, B: Broker> Link<R, B> {
    pub(super) fn new(runtime: R, broker: B, desk: Arc<Desk>, options: Options) -> Self {
        let tally = LinkTally::new(options.node.dialect);
        Self {
            runtime,
            broker,
            desk,
            families: Families::new(&options.node),
            options,
            wishes: VecDeque::new(),
            spaces: BTreeMap::new(),
            listeners: Listeners::default(),
            streams: BTreeSet::new(),
            places: BTreeMap::new(),
            due: BTreeSet::new(),
            up: false,
            why: "the broker was not reached yet".to_owned(),
            counts: BTreeMap::new(),
            flushes: BTreeMap::new(),
            closing: BTreeMap::new(),
            asked: 0,
            tally,
            left: false,
            over: false,
            sleep: None,
            armed: None,
        }
    }

    fn random(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        self.runtime.random(&mut bytes);
        bytes
    }

    fn gone(&self) -> AdapterError {
        AdapterError::Unreachable(self.why.clone())
    }

    /// Tells a namespace something, and carries out what comes of it.
    fn tell(&mut self, of: u32, tell: impl FnOnce(&mut Space, Instant)) {
        self.tell_it(of, tell);
        // Its parent's children have room together.
        while let Some(oldest) = self.families.over(of) {
            self.tell_it(oldest, |space, now| space.node.drop_oldest(now));
        }
    }

    fn tell_it(&mut self, of: u32, tell: impl FnOnce(&mut Space, Instant)) {
        let now = self.runtime.now();
        let Some(space) = self.spaces.get_mut(&of) else {
            return;
        };
        self.families.lend(of, &mut space.node);
        if let Some(at) = space.stream().and_then(|it| self.places.get(it)) {
            space.node.handle_place(*at);
        }
        tell(space, now);
        let mut wire = Wire {
            broker: &mut self.broker,
            listeners: &mut self.listeners,
            why: &self.why,
            wall: self.runtime.wall_clock(),
            now,
        };
        space.carry_out(&mut wire);
        self.families.weigh(of, &space.node);
        let due = space.node.poll_timeout().map(|deadline| deadline.at);
        if due != space.due {
            if let Some(before) = std::mem::replace(&mut space.due, due) {
                self.due.remove(&(before, of));
            }
            self.due.extend(due.map(|at| (at, of)));
        }
    }

    fn tell_all(&mut self, tell: impl Fn(&mut Space, Instant)) {
        let all: Vec<u32> = self.spaces.keys().copied().collect();
        for of in all {
            self.tell(of, &tell);
        }
    }

    fn wish(&mut self, Wish { of, what }: Wish) {
        match what {
            What::Open(local, known) => {
                let shared = (self.desk.clone(), self.options.share_headers);
                let config = self.options.node.clone();
                let prefix = self.options.session_prefix.clone();
                let sessions = (prefix, self.options.max_returning_sessions);
                let random = self.random();
                let of_it = (of, self.tally.space());
                let space = Space::new(of_it, (local, known), config, shared, sessions, random);
                let stream = space.stream().map(str::to_owned);
                self.families.enter(of, space.parent);
                self.spaces.insert(of, space);
                if self.up {
                    self.read(stream);
                    self.tell(of, |space, now| space.node.handle_connected(now));
                }
            }
            What::Close(answer) => self.close(of, answer),
            What::Nodes(answer) => self.count(of, answer),
            What::Flush(answer) => match self.up {
                true => {
                    let number = self.number();
                    self.flushes.insert(number, answer);
                    let ticket = Ticket(Of::Flush(number));
                    self.broker.order(Order::Flush { ticket });
                }
                false => answer.give(Err(self.gone())),
            },
            What::Rooms => self.tell(of, Space::look_at_rooms),
            What::Persist(session) => {
                let space = self.spaces.get(&of).filter(|_| self.up);
                let order = space.and_then(|space| space.persist(&session));
                self.order(order);
            }
            What::Restore(claim, waits) => {
                let space = self.spaces.get_mut(&of).filter(|_| self.up);
                let order = space.and_then(|space| space.claim(claim, waits));
                self.order(order);
            }
            What::Ask(what, timeout, waiter) => {
                let random = self.random();
                let answers = waiter.answers();
                self.tell(of, |space, now| {
                    if let Err(_why) = space.node.ask(now, random, what, timeout, waiter) {
                        warn!(namespace = space.local.namespace(), why = %_why, "not asked");
                        // Without a word, those here would be all.
                        if let Some(answers) = answers {
                            answers.silent(space.known.others());
                        }
                    }
                });
            }
            what @ (What::Broadcast(..)
            | What::Join(..)
            | What::Leave(..)
            | What::Disconnect(..)
            | What::ServerSide(_)
            | What::ServerSideTo(..)
            | What::Reply(..)
            | What::Ack(..)
            | What::Room { .. }
            | What::Heard(..)) => self.tell(of, |space, now| plain(space, now, what)),
        }
    }

    fn order(&mut self, order: Option<Order>) {
        if let Some(order) = order {
            self.broker.order(order);
        }
    }

    fn number(&mut self) -> u64 {
        self.asked = self.asked.wrapping_add(1);
        self.asked
    }

    fn read(&mut self, stream: Option<String>) {
        if let Some(stream) = stream
            && self.streams.insert(stream.clone())
        {
            self.broker.order(Order::Read { stream });
        }
    }

    fn count(&mut self, of: u32, answer: Answer<Result<usize, AdapterError>>) {
        let Some(space) = self.spaces.get(&of).filter(|_| self.up) else {
            return answer.give(Err(self.gone()));
        };
        match space.node.counted_by() {
            Some((channel, sharded)) => {
                let channel = channel.to_owned();
                let number = self.number();
                self.counts.insert(number, (of, answer));
                let ticket = Ticket(Of::Nodes(number));
                self.broker.order(Order::Count {
                    ticket,
                    channel,
                    sharded,
                });
            }
            None => answer.give(Ok(space.node.status().nodes.saturating_add(1))),
        }
    }

    fn close(&mut self, of: u32, answer: Option<Answer<()>>) {
        self.tell(of, |space, now| space.node.close(now));
        if let Some(space) = self.spaces.remove(&of)
            && let Some(due) = space.due
        {
            self.due.remove(&(due, of));
        }
        self.listeners.forget(of);
        self.families.leave(of);
        let Some(answer) = answer.filter(|_| self.up) else {
            return;
        };
        let number = self.number();
        self.closing.insert(number, answer);
        let ticket = Ticket(Of::Flush(number));
        self.broker.order(Order::Flush { ticket });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Up => {
                debug!("broker reached");
                self.tally.up(self.runtime.now());
                self.up = true;
                for stream in std::mem::take(&mut self.streams) {
                    self.read(Some(stream));
                }
                let streams = self.spaces.values().filter_map(Space::stream);
                let streams: Vec<_> = streams.map(str::to_owned).collect();
                for stream in streams {
                    self.read(Some(stream));
                }
                self.tell_all(|space, now| space.node.handle_connected(now));
            }
            Event::Down { why, unsure } => self.down(why, unsure),
            Event::Subscribed(to) => {
                for of in self.listeners.of(&to).to_vec() {
                    self.tell(of, |space, now| space.node.handle_subscribed(now, &to));
                }
            }
            Event::Unsubscribed(to) => {
                for of in self.listeners.gone(&to) {
                    self.tell(of, |space, now| space.node.handle_unsubscribed(now, &to));
                }
            }
            Event::Message {
                by,
                channel,
                payload,
            } => self.message(&by, &channel, &payload),
            Event::Counted { ticket, nodes } => self.counted(ticket, nodes),
            Event::Appended { ticket, at } => {
                if let Of::Entry(of, token) = ticket.0 {
                    self.tell(of, |space, now| space.node.handle_appended(now, token, at));
                }
            }
            Event::RoundTrip { took } => self.tally.round_trip(took),
            Event::Entry { stream, at, entry } => self.entry(&stream, at, &entry),
            Event::Lost { stream, from, to } => {
                match to < from && to > EntryId::FIRST {
                    // It has gone back, and ends there.
                    true => drop(self.places.insert(stream.clone(), to)),
                    false => drop(self.places.remove(&stream)),
                }
                self.tell_all(|space, now| {
                    if space.stream() == Some(&*stream) {
                        space.node.handle_lost(now, from, to);
                    }
                });
            }
            Event::Recalled {
                ticket,
                found,
                whole,
            } => {
                if let Of::Recall(of) = ticket.0 {
                    self.tell(of, |space, now| {
                        space.node.handle_recalled(now, &found, whole);
                    });
                }
            }
            Event::Taken { ticket, value } => {
                if let Of::Session(of, number) = ticket.0 {
                    let space = self.spaces.get_mut(&of);
                    let order = space.and_then(|space| space.taken(number, value.as_ref()));
                    self.order(order);
                }
            }
            Event::Ranged { ticket, found } => {
                if let Of::Session(of, number) = ticket.0 {
                    let space = self.spaces.get_mut(&of);
                    let order = space.and_then(|space| space.ranged(number, &found));
                    self.order(order);
                }
            }
            Event::Flushed { ticket } => {
                if let Of::Flush(number) = ticket.0 {
                    if let Some(answer) = self.flushes.remove(&number) {
                        answer.give(Ok(()));
                    }
                    if let Some(answer) = self.closing.remove(&number) {
                        answer.give(());
                    }
                }
            }
        }
    }

    fn entry(&mut self, stream: &str, at: EntryId, entry: &Entry) {
        let wall = self.runtime.wall_clock();
        let wall = wall.duration_since(SystemTime::UNIX_EPOCH);
        let added = Duration::from_millis(at.millis);
        let old = wall.unwrap_or_default().saturating_sub(added);
        self.tally.read(old);
        match self.places.get_mut(stream) {
            Some(place) => *place = at,
            None => drop(self.places.insert(stream.to_owned(), at)),
        }
        let namespace = entry.fields().find(|(name, _)| *name == "nsp");
        let Some(namespace) = namespace.map(|(_, it)| it.clone()) else {
            return;
        };
        let its = |space: &Space| {
            space.stream() == Some(stream) && space.local.namespace().as_bytes() == &*namespace
        };
        let its = self.spaces.iter().find(|(_, space)| its(space));
        if let Some(of) = its.map(|(of, _)| *of) {
            self.tell(of, |space, now| space.node.handle_entry(now, at, entry));
        }
    }

    fn message(&mut self, by: &Subscription, channel: &str, payload: &bytes::Bytes) {
        // Mostly there is one, and no list of them is made.
        let mut at = 0;
        while let Some(of) = self.listeners.of(by).get(at).copied() {
            self.tell(of, |space, now| space.hear(now, channel, payload));
            at = at.saturating_add(1);
        }
    }

    fn counted(&mut self, ticket: Ticket, nodes: u64) {
        let count = usize::try_from(nodes).unwrap_or(usize::MAX).max(1);
        match ticket.0 {
            Of::Question(of, token) => self.tell(of, |space, now| {
                space.known.count(count);
                space.node.handle_count(now, token, nodes);
            }),
            Of::Nodes(number) => {
                if let Some((of, answer)) = self.counts.remove(&number) {
                    if let Some(space) = self.spaces.get(&of) {
                        space.known.count(count);
                    }
                    answer.give(Ok(count));
                }
            }
            Of::Entry(..) | Of::Recall(_) | Of::Session(..) | Of::Flush(_) => {}
        }
    }

    fn down(&mut self, why: String, unsure: usize) {
        warn!(why = %why, "broker lost");
        self.tally.down(self.runtime.now(), unsure);
        self.up = false;
        self.why = why;
        self.listeners.clear();
        self.refuse_all(&self.gone());
        self.tell_all(Space::down);
        if unsure > 0
            && let Some(space) = self.spaces.values().next()
        {
            space.tell(&ClusterEvent::Overflow { dropped: unsure });
        }
    }

    /// What is due is done; the next deadline, if there is one.
    fn pass_time(&mut self) -> Option<Instant> {
        let now = self.runtime.now();
        while let Some((at, of)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, of));
            if let Some(space) = self.spaces.get_mut(&of) {
                space.due = None;
            }
            self.tell(of, |space, now| space.node.handle_timeout(now));
        }
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether there is nobody for whom it runs.
    fn is_over(&self) -> bool {
        self.left && self.spaces.is_empty() && self.closing.is_empty() && self.flushes.is_empty()
    }
}

/// What concerns nothing but its namespace.
fn plain(space: &mut Space, now: Instant, what: What) {
    let node = &mut space.node;
    let said = match what {
        What::Broadcast(call, to) => node.broadcast(now, call, to, None),
        What::Join(of, rooms) => node.join(now, of, rooms),
        What::Leave(of, rooms) => node.leave(now, of, rooms),
        What::Disconnect(of, close) => node.disconnect(now, of, close),
        What::ServerSide(call) => node.server_side(now, call),
        What::ServerSideTo(uid, call) => node.server_side_to(now, &uid, call),
        What::Reply(ticket, reply) => node.answer(now, ticket, reply),
        What::Ack(number, answer) => {
            space.acked(now, number, answer);
            Ok(())
        }
        What::Room {
            name,
            there: true,
            is_id,
        } => {
            node.room_created(now, &name, is_id);
            Ok(())
        }
        What::Room { name, is_id, .. } => {
            node.room_deleted(now, &name, is_id);
            Ok(())
        }
        What::Heard(rooms, answer) => {
            let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
            node.when_heard(now, &rooms, Waiter::Heard(answer));
            Ok(())
        }
        // Those are the link's.
        What::Open(..)
        | What::Close(_)
        | What::Persist(_)
        | What::Restore(..)
        | What::Ask(..)
        | What::Rooms
        | What::Nodes(_)
        | What::Flush(_) => Ok(()),
    };
    if let Err(_why) = said {
        warn!(namespace = space.local.namespace(), why = %_why, "not told to other nodes");
    }
}

impl<R: Runtime, B: Broker> Link<R, B> {
    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURN {
            let taken = self.desk.take(cx);
            let mut idle = taken.wishes.is_empty();
            self.left = taken.left;
            self.wishes = taken.wishes;
            while let Some(wish) = self.wishes.pop_front() {
                self.wish(wish);
            }
            for ((of, number), clients) in taken.unheard {
                self.tell(of, |space, _| space.tick_off(number, clients));
            }
            for (of, dropped) in taken.refused {
                self.tally.dropped(dropped);
                if let Some(space) = self.spaces.get(&of) {
                    space.tell(&ClusterEvent::Overflow { dropped });
                }
            }
            for _ in 0..TURN {
                match self.broker.poll_event(cx) {
                    Poll::Ready(event) => {
                        idle = false;
                        self.event(event);
                    }
                    Poll::Pending => break,
                }
            }
            let next = self.pass_time();
            if self.is_over() {
                self.end("the server has left its cluster");
                return Poll::Ready(());
            }
            if idle && self.rest(next, cx) {
                return Poll::Pending;
            }
        }
        // Others have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: Runtime, B: Broker + Unpin> Future for Link<R, B> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match guarded(|| self.turns(cx)) {
            Ok(poll) => poll,
            // The broker may be the application's. Nobody knows what was half done: nothing more is.
            Err(_panic) => {
                error!(why = %_panic.0, "cluster link panicked");
                self.end("the link to the cluster has panicked");
                Poll::Ready(())
            }
        }
    }
}

impl<R: Runtime, B: Broker> Link<R, B> {
    /// Sleeps until there is something to do; whether there is nothing now.
    fn rest(&mut self, next: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(at) = next else {
            self.armed = None;
            return true;
        };
        let runtime = &self.runtime;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(runtime.sleep_until(at)));
        if self.armed != Some(at) {
            sleep.as_mut().reset(at);
            self.armed = Some(at);
        }
        if sleep.as_mut().poll(cx).is_ready() {
            // It may have rung early: it is set again.
            self.armed = None;
            return false;
        }
        true
    }
}

impl<R: Runtime, B: Broker> Unpin for Link<R, B> {}
