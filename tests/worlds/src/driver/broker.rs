//! What joins the servers of a world: a broker in virtual time, and what goes wrong with it.
//!
//! Orders and events take their time, drawn for each, and overtake none of their own line. A line that is cut loses
//! what is on its way, but for orders that had come through already.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::select;
use sio_sim::choices::Choices;
use sio_sim::cluster::codec::streams::Entry;
use sio_sim::cluster::entry::EntryId;
use sio_sim::cluster::machine::Publication;
use sio_sim::cluster::{Broker, Event, Order, Subscription, Ticket};
use sio_sim::{Runtime, Sim};

/// The host that it runs on.
pub(super) const BROKER: &str = "broker";

/// What a broker is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// It loses, doubles and lets overtake what is published, as no broker may.
    pub(super) rude: bool,
    /// Microseconds that an order or an event takes at most.
    pub(super) delay: u64,
    /// Entries that a stream holds.
    pub(super) kept: usize,
}

/// A broker for the servers of a world. Cheap to clone.
#[derive(Clone)]
pub(super) struct Hub(Arc<Mutex<State>>);

struct State {
    sim: Sim,
    manners: Manners,
    lines: BTreeMap<u64, Line>,
    named: u64,
    /// What is on its way, by when it comes.
    items: BTreeMap<(Duration, u64), (u64, Item)>,
    numbered: u64,
    streams: BTreeMap<String, Vec<(EntryId, Entry)>>,
    /// The last of each that was thrown away.
    trimmed: BTreeMap<String, EntryId>,
    appended: u64,
    /// No server comes any more.
    over: bool,
    /// Something was put on its way since the task has looked.
    fresh: bool,
    task: Option<Waker>,
}

enum Item {
    Order(Order),
    Event(Event),
    /// The line is there, or there again.
    Up,
}

/// Between a server and the broker.
struct Line {
    server: usize,
    is_up: bool,
    ready: VecDeque<Event>,
    waker: Option<Waker>,
    subscriptions: BTreeSet<Subscription>,
    reads: BTreeSet<String>,
    /// Up to where the server has read.
    read: BTreeMap<String, EntryId>,
    /// When the last order comes, and the last event.
    sent: Duration,
    told: Duration,
}

/// Who was woken: with no lock held.
type Woken = Vec<Waker>;

impl Hub {
    /// One that runs in the background until it is [over](Self::end).
    pub(super) fn new(sim: &Sim, manners: Manners) -> Self {
        let host = sim.host(BROKER).sim().clone();
        let hub = Self(Arc::new(Mutex::new(State {
            sim: host.clone(),
            manners,
            lines: BTreeMap::new(),
            named: 0,
            items: BTreeMap::new(),
            numbered: 0,
            streams: BTreeMap::new(),
            trimmed: BTreeMap::new(),
            appended: 0,
            over: false,
            fresh: false,
            task: None,
        })));
        host.spawn(carry(hub.clone()));
        hub
    }

    /// The connection of a server, which is there in a moment.
    pub(super) fn line(&self, server: usize) -> Wire {
        let number = self.with(|state, _| {
            state.named += 1;
            let line = Line {
                server,
                is_up: false,
                ready: VecDeque::new(),
                waker: None,
                subscriptions: BTreeSet::new(),
                reads: BTreeSet::new(),
                read: BTreeMap::new(),
                sent: Duration::ZERO,
                told: Duration::ZERO,
            };
            state.lines.insert(state.named, line);
            let at = state.soon();
            state.put(at, state.named, Item::Up);
            state.named
        });
        Wire {
            hub: self.clone(),
            number,
        }
    }

    /// The line of a server breaks off for so long; or, of `None`, those of all do. Whose did, for it was there.
    pub(super) fn cut(&self, server: Option<usize>, time: Duration) -> Vec<usize> {
        self.with(|state, woken| {
            let all = state.lines.iter();
            let its = all.filter(|(_, line)| server.is_none_or(|it| it == line.server));
            let its: Vec<_> = its.map(|(number, line)| (*number, line.server)).collect();
            let were_cut = its
                .into_iter()
                .filter(|(number, _)| state.cut(*number, time, woken));
            were_cut.map(|(_, server)| server).collect()
        })
    }

    /// Nothing goes wrong from now on: who is away comes back at once.
    pub(super) fn calm(&self) {
        self.with(|state, _| {
            state.manners.rude = false;
            let away = state.items.iter();
            let away = away.filter(|(_, (_, item))| matches!(item, Item::Up));
            let away: Vec<_> = away.map(|(at, _)| *at).collect();
            for at in away {
                if let Some((line, item)) = state.items.remove(&at) {
                    let now = state.sim.elapsed();
                    state.put(now, line, item);
                }
            }
        });
    }

    /// It ends when all servers have gone.
    pub(super) fn end(&self) {
        self.with(|state, woken| {
            state.over = true;
            woken.extend(state.task.take());
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, &mut Woken) -> T) -> T {
        let mut woken = Woken::new();
        let value = {
            let mut state = self.lock();
            let value = act(&mut state, &mut woken);
            if state.fresh {
                woken.extend(state.task.take());
            }
            value
        };
        woken.into_iter().for_each(Waker::wake);
        value
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries everything where it goes, when its time has come.
async fn carry(hub: Hub) {
    let sim = hub.lock().sim.clone();
    loop {
        let now = sim.elapsed();
        let next = hub.with(|state, woken| {
            state.fresh = false;
            state.work(now, woken)
        });
        let waits = poll_fn(|cx| {
            let mut state = hub.lock();
            if state.fresh || state.is_over() {
                return Poll::Ready(());
            }
            state.task = Some(cx.waker().clone());
            Poll::Pending
        });
        if hub.lock().is_over() {
            return;
        }
        match next {
            Some(at) => drop(select(waits, sim.sleep(at - now)).await),
            None => waits.await,
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.over && self.lines.is_empty()
    }

    fn put(&mut self, at: Duration, line: u64, item: Item) {
        self.numbered += 1;
        self.items.insert((at, self.numbered), (line, item));
        self.fresh = true;
    }

    /// When something comes that leaves now.
    fn soon(&mut self) -> Duration {
        let most = self.manners.delay;
        let delay = self.sim.choose(|it| it.below(most + 1));
        self.sim.elapsed() + Duration::from_micros(delay)
    }

    fn chance(&self, draw: impl FnOnce(&mut Choices) -> bool) -> bool {
        self.manners.rude && self.sim.choose(draw)
    }

    /// Does all that is due. When there is more to do.
    fn work(&mut self, now: Duration, woken: &mut Woken) -> Option<Duration> {
        while let Some(entry) = self.items.first_entry() {
            if entry.key().0 > now {
                return Some(entry.key().0);
            }
            let (number, item) = entry.remove();
            match item {
                Item::Order(order) => self.carry_out(number, order),
                Item::Event(event) => self.arrive(number, event, woken),
                Item::Up => {
                    if let Some(line) = self.lines.get_mut(&number) {
                        line.is_up = true;
                        line.ready.push_back(Event::Up);
                        woken.extend(line.waker.take());
                    }
                }
            }
        }
        None
    }

    fn arrive(&mut self, number: u64, event: Event, woken: &mut Woken) {
        if let Some(line) = self.lines.get_mut(&number) {
            line.ready.push_back(event);
            woken.extend(line.waker.take());
        }
    }

    fn order(&mut self, number: u64, order: Order) {
        let soon = self.soon();
        let Some(line) = self.lines.get_mut(&number).filter(|line| line.is_up) else {
            return;
        };
        line.sent = line.sent.max(soon);
        let at = line.sent;
        self.put(at, number, Item::Order(order));
    }

    /// An event leaves for a server.
    fn tell(&mut self, number: u64, event: Event) {
        let twice = match &event {
            Event::Message {
                by,
                channel,
                payload,
            } => Some(Event::Message {
                by: by.clone(),
                channel: channel.clone(),
                payload: payload.clone(),
            }),
            Event::Entry { stream, at, entry } => Some(Event::Entry {
                stream: stream.clone(),
                at: *at,
                entry: entry.clone(),
            }),
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
            | Event::Flushed { .. }
            | _ => None,
        };
        let published = matches!(event, Event::Message { .. });
        if published && self.chance(|it| it.one_in(12)) {
            return;
        }
        if let Some(twice) = twice
            && self.chance(|it| it.one_in(12))
        {
            let at = self.soon() + Duration::from_millis(100);
            self.put(at, number, Item::Event(twice));
        }
        let mut at = self.soon();
        if published && self.chance(|it| it.one_in(3)) {
            at += Duration::from_millis(100);
        } else if let Some(line) = self.lines.get_mut(&number) {
            line.told = line.told.max(at);
            at = line.told;
        }
        self.put(at, number, Item::Event(event));
    }

    /// A line breaks off, if it is there. Of the orders on their way some have come through.
    fn cut(&mut self, number: u64, time: Duration, woken: &mut Woken) -> bool {
        if !self.lines.get(&number).is_some_and(|line| line.is_up) {
            return false;
        }
        let its = self.items.iter().filter(|(_, (line, _))| *line == number);
        let its: Vec<_> = its.map(|(at, _)| *at).collect();
        let orders = its.into_iter().filter_map(|at| self.items.remove(&at));
        let orders = orders.filter_map(|(_, item)| match item {
            Item::Order(order) => Some(order),
            Item::Event(_) | Item::Up => None,
        });
        let orders: Vec<_> = orders.collect();
        let unsure = orders.iter();
        let unsure = unsure.filter(|it| matches!(it, Order::Publish(_))).count();
        let through = self.sim.choose(|it| it.index(orders.len() + 1));
        if let Some(line) = self.lines.get_mut(&number) {
            line.is_up = false;
            line.subscriptions.clear();
            line.reads.clear();
            let why = "the line was cut".to_owned();
            line.ready = [Event::Down { why, unsure }].into();
            woken.extend(line.waker.take());
        }
        for order in orders.into_iter().take(through) {
            if matches!(order, Order::Publish(_) | Order::Append { .. }) {
                self.carry_out(number, order);
            }
        }
        self.put(self.sim.elapsed() + time, number, Item::Up);
        true
    }

    fn carry_out(&mut self, number: u64, order: Order) {
        let is_up = self.lines.get(&number).is_some_and(|line| line.is_up);
        let answer = match order {
            Order::Publish(it) => return self.publish(&it),
            Order::Append {
                ticket,
                stream,
                entry,
            } => self.append(ticket, stream, entry),
            _ if !is_up => return,
            Order::Subscribe(it) => {
                if let Some(line) = self.lines.get_mut(&number) {
                    line.subscriptions.insert(it.clone());
                }
                Event::Subscribed(it)
            }
            Order::Unsubscribe(it) => {
                if let Some(line) = self.lines.get_mut(&number) {
                    line.subscriptions.remove(&it);
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
                let all = self.lines.values();
                let nodes = all.filter(|line| line.subscriptions.contains(&one));
                let nodes = nodes.count() as u64;
                Event::Counted { ticket, nodes }
            }
            Order::Read { stream } => return self.read(number, stream),
            Order::Recall {
                ticket,
                stream,
                uid,
                behind,
            } => {
                let all = self.streams.get(&stream).map_or(&[][..], Vec::as_slice);
                let whole = match behind {
                    Some(behind) => all.iter().any(|(at, _)| *at == behind),
                    None => !self.trimmed.contains_key(&stream),
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
            // Nobody comes back here as who it was.
            Order::Store { .. } | Order::Take { .. } | Order::Range { .. } | _ => return,
        };
        if is_up {
            self.tell(number, answer);
        }
    }

    fn publish(&mut self, it: &Publication) {
        let mut heard = Vec::new();
        for (number, line) in &self.lines {
            let by = line.subscriptions.iter().filter(|by| hears(by, it));
            heard.extend(by.map(|by| (*number, by.clone())));
        }
        for (number, by) in heard {
            let (channel, payload) = (it.channel.clone(), it.payload.clone());
            let message = Event::Message {
                by,
                channel,
                payload,
            };
            self.tell(number, message);
        }
    }

    fn append(&mut self, ticket: Ticket, stream: String, entry: Entry) -> Event {
        self.appended += 1;
        let at = EntryId {
            millis: 1_000_000 + self.appended / 3,
            sequence: self.appended % 3,
        };
        let readers = self.lines.iter();
        let readers = readers.filter(|(_, line)| line.reads.contains(&stream));
        let readers: Vec<_> = readers.map(|(number, _)| *number).collect();
        for number in readers {
            let (stream, entry) = (stream.clone(), entry.clone());
            self.tell(number, Event::Entry { stream, at, entry });
        }
        let entries = self.streams.entry(stream.clone()).or_default();
        entries.push((at, entry));
        let over = entries.len().saturating_sub(self.manners.kept);
        if let Some((last, _)) = entries.drain(..over).next_back() {
            self.trimmed.insert(stream, last);
        }
        Event::Appended { ticket, at }
    }

    /// From its end on; from where it was read, if it was.
    fn read(&mut self, number: u64, stream: String) {
        let entries = self.streams.get(&stream).cloned().unwrap_or_default();
        let end = entries.last().map_or(EntryId::FIRST, |(at, _)| *at);
        let Some(line) = self.lines.get_mut(&number) else {
            return;
        };
        line.reads.insert(stream.clone());
        let from = *line.read.entry(stream.clone()).or_insert(end);
        if let Some(to) = self.trimmed.get(&stream).copied().filter(|to| *to > from) {
            let stream = stream.clone();
            self.tell(number, Event::Lost { stream, from, to });
        }
        for (at, entry) in entries.into_iter().filter(|(at, _)| *at > from) {
            let stream = stream.clone();
            self.tell(number, Event::Entry { stream, at, entry });
        }
    }
}

/// Whether it is heard by this. Patterns are names with `*` at the end.
fn hears(by: &Subscription, it: &Publication) -> bool {
    match by {
        Subscription::Channel(name) => !it.sharded && *name == it.channel,
        Subscription::Sharded(name) => it.sharded && *name == it.channel,
        Subscription::Pattern(pattern) => {
            let begin = pattern.strip_suffix('*').unwrap_or(pattern);
            !it.sharded && it.channel.starts_with(begin)
        }
    }
}

/// One server's connection to a [`Hub`].
pub(super) struct Wire {
    hub: Hub,
    number: u64,
}

impl Broker for Wire {
    fn order(&mut self, order: Order) {
        self.hub.with(|state, _| state.order(self.number, order));
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut state = self.hub.lock();
        let Some(line) = state.lines.get_mut(&self.number) else {
            return Poll::Pending;
        };
        match line.ready.pop_front() {
            Some(event) => {
                if let Event::Entry { stream, at, .. } = &event {
                    let read = line.read.entry(stream.clone()).or_insert(*at);
                    *read = (*read).max(*at);
                }
                Poll::Ready(event)
            }
            None => {
                line.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let line = self.hub.with(|state, woken| {
            let line = state.lines.remove(&self.number);
            woken.extend(state.task.take());
            line
        });
        drop(line);
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.number)
    }
}
