//! A broker in memory, for several servers of one process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use sio_cluster::Subscription;
use sio_cluster::codec::streams::Entry;
use sio_cluster::entry::EntryId;
use sio_cluster::node::Publication;

use super::broker::{Broker, Event, Order, Ticket};

/// A broker in memory: the servers of one process whose clusters are [joined](Self::broker) by it are one.
///
/// It is what Redis is to several processes, and passes on the same bytes. [`cut`](Self::cut) is its outage.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Hub>>);

#[derive(Default)]
struct Hub {
    links: BTreeMap<u64, Desk>,
    next: u64,
    down: bool,
    streams: BTreeMap<String, Vec<(EntryId, Entry)>>,
    appended: u64,
    /// In the order in which they were stored.
    stored: VecDeque<(String, Bytes)>,
}

/// What waits for one link.
#[derive(Default)]
struct Desk {
    events: VecDeque<Event>,
    subscriptions: BTreeSet<Subscription>,
    reads: BTreeSet<String>,
    /// Up to where streams were read, now or before the line was cut.
    read: BTreeMap<String, EntryId>,
    bytes: usize,
    down: bool,
    waker: Option<Waker>,
}

impl Desk {
    fn cut(&mut self) -> Option<Waker> {
        if self.down {
            return None;
        }
        let why = "the broker was cut off".to_owned();
        *self = Self {
            events: [Event::Down { why, unsure: 0 }].into(),
            down: true,
            waker: self.waker.take(),
            read: std::mem::take(&mut self.read),
            ..Self::default()
        };
        self.waker.take()
    }

    fn heal(&mut self) -> Option<Waker> {
        if !std::mem::take(&mut self.down) {
            return None;
        }
        self.events.push_back(Event::Up);
        self.waker.take()
    }

    fn tell(&mut self, event: Event, wakers: &mut Vec<Waker>) {
        self.bytes = self.bytes.saturating_add(weight(&event));
        self.events.push_back(event);
        if self.bytes > MOST_WAITING {
            // As Redis does with whoever does not read.
            let why = "more waited for this server than may (8 MiB)".to_owned();
            *self = Self {
                events: [Event::Down { why, unsure: 0 }, Event::Up].into(),
                waker: self.waker.take(),
                read: std::mem::take(&mut self.read),
                ..Self::default()
            };
        }
        wakers.extend(self.waker.take());
    }

    fn next(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight(&event));
        if let Event::Entry { stream, at, .. } = &event {
            self.read.insert(stream.clone(), *at);
        }
        Some(event)
    }
}

fn weight(event: &Event) -> usize {
    match event {
        Event::Message {
            channel, payload, ..
        } => channel.len().saturating_add(payload.len()),
        Event::Entry { entry, .. } => entry.size(),
        Event::Up
        | Event::Down { .. }
        | Event::Subscribed(_)
        | Event::Unsubscribed(_)
        | Event::Counted { .. }
        | Event::Appended { .. }
        | Event::Lost { .. }
        | Event::Recalled { .. }
        | Event::Taken { .. }
        | Event::Ranged { .. }
        | Event::RoundTrip { .. }
        | Event::Flushed { .. } => 0,
    }
}

/// Bytes of messages that may wait for one server.
const MOST_WAITING: usize = 8 << 20;

/// Entries that a stream holds: as many as the JavaScript adapter keeps. And sessions that are kept, for as long as
/// there are no more of them.
const KEPT: usize = 10_000;

impl Memory {
    /// One that joins nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connection of one server to it.
    pub fn broker(&self) -> InMemoryBroker {
        let mut hub = self.lock();
        hub.next = hub.next.wrapping_add(1);
        let number = hub.next;
        let down = hub.down;
        let mut desk = Desk {
            down,
            ..Desk::default()
        };
        if !down {
            desk.events.push_back(Event::Up);
        }
        hub.links.insert(number, desk);
        InMemoryBroker {
            hub: self.0.clone(),
            number,
        }
    }

    /// Goes away from all servers. What waits for them is lost.
    pub fn cut(&self) {
        let mut hub = self.lock();
        hub.down = true;
        let wakers = hub.links.values_mut().filter_map(Desk::cut).collect();
        drop(hub);
        wake(wakers);
    }

    /// Comes back to all servers.
    pub fn heal(&self) {
        let mut hub = self.lock();
        hub.down = false;
        let wakers = hub.links.values_mut().filter_map(Desk::heal).collect();
        drop(hub);
        wake(wakers);
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} servers)", self.lock().links.len())
    }
}

/// One server's connection to a [`Memory`].
pub struct InMemoryBroker {
    hub: Arc<Mutex<Hub>>,
    number: u64,
}

impl InMemoryBroker {
    /// The line of this server alone, to be cut.
    pub fn line(&self) -> Line {
        Line {
            hub: self.hub.clone(),
            number: self.number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between one server and a [`Memory`].
#[derive(Clone)]
pub struct Line {
    hub: Arc<Mutex<Hub>>,
    number: u64,
}

impl Line {
    /// It is cut. What waits for the server is lost.
    pub fn cut(&self) {
        self.change(Desk::cut);
    }

    /// It is whole again.
    pub fn heal(&self) {
        self.change(Desk::heal);
    }

    fn change(&self, change: fn(&mut Desk) -> Option<Waker>) {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = hub.links.get_mut(&self.number).and_then(change);
        drop(hub);
        wake(waker.into_iter().collect());
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({})", self.number)
    }
}

/// With no lock held.
fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl Broker for InMemoryBroker {
    fn order(&mut self, order: Order) {
        let mut wakers = Vec::new();
        let mut hub = self.lock();
        if hub.links.get(&self.number).is_some_and(|desk| !desk.down) {
            hub.carry_out(self.number, order, &mut wakers);
        }
        drop(hub);
        wake(wakers);
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut hub = self.lock();
        let Some(desk) = hub.links.get_mut(&self.number) else {
            return Poll::Pending;
        };
        match desk.next() {
            Some(event) => Poll::Ready(event),
            None => {
                desk.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for InMemoryBroker {
    fn drop(&mut self) {
        let desk = self.lock().links.remove(&self.number);
        drop(desk);
    }
}

impl std::fmt::Debug for InMemoryBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InMemoryBroker({})", self.number)
    }
}

impl Hub {
    fn carry_out(&mut self, number: u64, order: Order, wakers: &mut Vec<Waker>) {
        let answer = match order {
            Order::Publish(it) => return self.publish(&it, wakers),
            Order::Subscribe(it) => {
                if let Some(desk) = self.links.get_mut(&number) {
                    desk.subscriptions.insert(it.clone());
                }
                Event::Subscribed(it)
            }
            Order::Unsubscribe(it) => {
                if let Some(desk) = self.links.get_mut(&number) {
                    desk.subscriptions.remove(&it);
                }
                Event::Unsubscribed(it)
            }
            Order::Count {
                ticket,
                channel,
                sharded,
            } => {
                let one = match sharded {
                    true => Subscription::Sharded(channel),
                    false => Subscription::Channel(channel),
                };
                let all = self.links.values();
                let all = all.filter(|desk| desk.subscriptions.contains(&one));
                let nodes = u64::try_from(all.count()).unwrap_or(u64::MAX);
                Event::Counted { ticket, nodes }
            }
            Order::Read { stream } => return self.read(number, stream, wakers),
            Order::Store { key, value, .. } => {
                self.stored.retain(|(its, _)| *its != key);
                self.stored.push_back((key, value));
                if self.stored.len() > KEPT {
                    self.stored.pop_front();
                }
                return;
            }
            Order::Take { ticket, key } => {
                let at = self.stored.iter().position(|(its, _)| *its == key);
                let value = at.and_then(|at| self.stored.remove(at));
                let value = value.map(|(_, value)| value);
                Event::Taken { ticket, value }
            }
            Order::Range {
                ticket,
                stream,
                from,
                most,
            } => {
                let all = self.streams.get(&stream).into_iter().flatten();
                let found = all.filter(|(at, _)| *at >= from).take(most);
                let found = found.cloned().collect();
                Event::Ranged { ticket, found }
            }
            Order::Append {
                ticket,
                stream,
                entry,
            } => self.append(ticket, stream, entry, wakers),
            Order::Recall {
                ticket,
                stream,
                uid,
                behind,
            } => {
                let all = self.streams.get(&stream).map_or(&[][..], Vec::as_slice);
                let whole = match behind {
                    Some(behind) => all.iter().any(|(at, _)| *at == behind),
                    None => !is_full(all),
                };
                let its = Some(uid.as_str().as_bytes());
                let found = all.iter().filter(|it| Some(it.0) > behind);
                let found = found.filter(|it| it.1.uid.as_deref() == its);
                let found = found.cloned().collect();
                Event::Recalled {
                    ticket,
                    found,
                    whole,
                }
            }
            Order::Flush { ticket } => Event::Flushed { ticket },
        };
        if let Some(desk) = self.links.get_mut(&number) {
            desk.tell(answer, wakers);
        }
    }

    /// From its end on; from where it was read, if it was.
    fn read(&mut self, number: u64, stream: String, wakers: &mut Vec<Waker>) {
        let entries = self.streams.get(&stream);
        let last = entries.and_then(|it| it.last());
        let end = last.map_or(EntryId::FIRST, |(at, _)| *at);
        let Some(desk) = self.links.get_mut(&number) else {
            return;
        };
        desk.reads.insert(stream.clone());
        let from = *desk.read.entry(stream.clone()).or_insert(end);
        let behind = entries.into_iter().flatten().filter(|(at, _)| *at > from);
        let bytes = behind.fold(desk.bytes, |sum, (_, it)| sum.saturating_add(it.size()));
        if bytes > MOST_WAITING {
            // It would be cut off over these again and again.
            desk.read.insert(stream.clone(), end);
            let to = end;
            return desk.tell(Event::Lost { stream, from, to }, wakers);
        }
        // Entries have the numbers in which they were added to any stream: whether some between had to go is seen by
        // what is left.
        let first = entries.and_then(|it| it.first()).map(|(at, _)| *at);
        if let Some(to) =
            first.filter(|first| *first > from && entries.is_some_and(|it| is_full(it)))
        {
            let stream = stream.clone();
            desk.tell(Event::Lost { stream, from, to }, wakers);
        }
        for (at, entry) in entries.into_iter().flatten().filter(|(at, _)| *at > from) {
            let (stream, at, entry) = (stream.clone(), *at, entry.clone());
            desk.tell(Event::Entry { stream, at, entry }, wakers);
        }
    }

    fn publish(&mut self, it: &Publication, wakers: &mut Vec<Waker>) {
        for desk in self.links.values_mut() {
            let heard = desk.subscriptions.iter();
            let heard: Vec<_> = heard.filter(|by| hears(by, it)).cloned().collect();
            for by in heard {
                let (channel, payload) = (it.channel.clone(), it.payload.clone());
                let message = Event::Message {
                    by,
                    channel,
                    payload,
                };
                desk.tell(message, wakers);
            }
        }
    }

    fn append(
        &mut self,
        ticket: Ticket,
        stream: String,
        entry: Entry,
        wakers: &mut Vec<Waker>,
    ) -> Event {
        self.appended = self.appended.saturating_add(1);
        let at = EntryId {
            millis: self.appended,
            sequence: 0,
        };
        for desk in self.links.values_mut() {
            if desk.reads.contains(&stream) {
                let (stream, entry) = (stream.clone(), entry.clone());
                desk.tell(Event::Entry { stream, at, entry }, wakers);
            }
        }
        let entries = self.streams.entry(stream).or_default();
        entries.push((at, entry));
        let over = entries.len().saturating_sub(KEPT);
        entries.drain(..over);
        Event::Appended { ticket, at }
    }
}

/// Whether some may have had to go.
fn is_full(entries: &[(EntryId, Entry)]) -> bool {
    entries.len() >= KEPT
}

/// Whether it is heard by this. Patterns are those of nodes: names with `*` at the end, in which what would be
/// one is escaped.
fn hears(by: &Subscription, it: &Publication) -> bool {
    match by {
        Subscription::Channel(name) => !it.sharded && *name == it.channel,
        Subscription::Sharded(name) => it.sharded && *name == it.channel,
        Subscription::Pattern(pattern) => {
            let Some(begin) = pattern.strip_suffix('*').filter(|_| !it.sharded) else {
                return false;
            };
            let mut rest = it.channel.chars();
            let mut letters = begin.chars();
            while let Some(letter) = letters.next() {
                let letter = match letter {
                    '\\' => letters.next(),
                    letter => Some(letter),
                };
                if rest.next() != letter {
                    return false;
                }
            }
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use sio_cluster::id::Uid;

    use super::super::broker::Of;
    use super::*;

    fn on(channel: &str, sharded: bool) -> Publication {
        Publication {
            channel: channel.to_owned(),
            sharded,
            payload: bytes::Bytes::new(),
        }
    }

    #[test]
    fn what_is_published_is_heard_by_whoever_listens() {
        let pattern = Subscription::Pattern(r"k#/a\[b\]#*".to_owned());
        assert!(hears(&pattern, &on("k#/a[b]#", false)));
        assert!(hears(&pattern, &on("k#/a[b]#room#", false)));
        for other in ["k#/a[b]", "k#/ab#", "k#/a\\[b\\]#"] {
            assert!(!hears(&pattern, &on(other, false)), "{other}");
        }
        assert!(!hears(&pattern, &on("k#/a[b]#", true)));
        let (plain, sharded) = (
            Subscription::Channel("c".to_owned()),
            Subscription::Sharded("c".to_owned()),
        );
        for it in [true, false] {
            assert_eq!(hears(&plain, &on("c", it)), !it);
            assert_eq!(hears(&sharded, &on("c", it)), it);
        }
    }

    #[test]
    fn whoever_does_not_read_is_cut_off() {
        let memory = Memory::new();
        let (mut here, mut there) = (memory.broker(), memory.broker());
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = |broker: &mut InMemoryBroker| {
            let mut count = 0;
            let mut last = String::new();
            while let Poll::Ready(event) = broker.poll_event(&mut cx) {
                count += 1;
                last = format!("{event:?}");
            }
            (count, last)
        };
        there.order(Order::Subscribe(Subscription::Channel("c".to_owned())));
        all(&mut there);
        let megabyte = |bytes: usize| Publication {
            payload: vec![0; bytes].into(),
            ..on("c", false)
        };
        for _ in 0..7 {
            here.order(Order::Publish(megabyte((1 << 20) - 1)));
        }
        // Up to the last byte it waits.
        here.order(Order::Publish(megabyte((1 << 20) - 1)));
        assert_eq!(all(&mut there).0, 8);
        for _ in 0..8 {
            here.order(Order::Publish(megabyte((1 << 20) - 1)));
        }
        here.order(Order::Publish(megabyte(0)));
        assert_eq!(all(&mut there), (2, "Up".to_owned()));
    }

    /// What a node finds of its own, and whether none behind that entry can have been thrown away.
    fn recalled(broker: &mut InMemoryBroker, behind: Option<EntryId>) -> (usize, bool) {
        broker.order(Order::Recall {
            ticket: Ticket(Of::Recall(0)),
            stream: "s".to_owned(),
            uid: Uid::from("me"),
            behind,
        });
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(event) = broker.poll_event(&mut cx) {
            if let Event::Recalled { found, whole, .. } = event {
                return (found.len(), whole);
            }
        }
        panic!("it is answered");
    }

    #[test]
    fn what_is_behind_an_entry_is_whole_while_that_is_there() {
        let memory = Memory::new();
        let mut broker = memory.broker();
        let append = |broker: &mut InMemoryBroker, uid: &'static str| {
            broker.order(Order::Append {
                ticket: Ticket(Of::Recall(0)),
                stream: "s".to_owned(),
                entry: Entry::from_fields([("uid".into(), uid.into())]),
            });
        };
        let first = "1-0".parse().ok();
        for uid in ["you", "me", "me"] {
            append(&mut broker, uid);
        }
        assert_eq!(recalled(&mut broker, None), (2, true));
        assert_eq!(recalled(&mut broker, first), (2, true));
        for _ in 3..KEPT {
            append(&mut broker, "you");
        }
        assert_eq!(recalled(&mut broker, first), (2, true));
        append(&mut broker, "you");
        assert_eq!(recalled(&mut broker, None), (2, false));
        assert_eq!(recalled(&mut broker, first), (2, false));
    }

    #[test]
    fn a_broker_that_was_cut_off_forgets_and_comes_back() {
        let memory = Memory::new();
        let mut broker = memory.broker();
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = |broker: &mut InMemoryBroker| match broker.poll_event(&mut cx) {
            Poll::Ready(event) => format!("{event:?}"),
            Poll::Pending => String::new(),
        };
        assert_eq!(next(&mut broker), "Up");
        let channel = Subscription::Channel("c".to_owned());
        broker.order(Order::Subscribe(channel.clone()));
        memory.cut();
        assert!(next(&mut broker).starts_with("Down"));
        broker.order(Order::Subscribe(channel));
        assert_eq!(next(&mut broker), "");
        memory.heal();
        assert_eq!(next(&mut broker), "Up");
        broker.order(Order::Publish(on("c", false)));
        assert_eq!(next(&mut broker), "", "nothing is listened to");
    }
}
