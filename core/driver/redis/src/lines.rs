//! A Redis Cluster in use: what is on its way to its slots, and whether all of it lives.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::Slot;
use redis::{Cmd, Pipeline, PushKind, RedisResult, Value, cmd};
use sio_driver::binding::Instant;
use sio_driver::cluster::{Event, Order, Subscription, Ticket};

use crate::command::{Refused, Said, Sent, command, count, pushed, replied};
use crate::inbox::Inbox;
use crate::line::{MOST_BYTES, MOST_COMMANDS, Step, weight};
use crate::policy::Policy;
use crate::way::{PLAIN, all_masters, all_nodes, is_elsewhere, one_node, to_slot};

/// The connections to a Redis Cluster, which its own client keeps: some to say things, and some to listen, for what is
/// heard while a transaction is done stands in the midst of its replies.
///
/// Of each slot one batch is on its way at a time, done by its shard as a whole or not at all: so what is told to go
/// elsewhere, since the slot has moved, can be said again, in its order, and nothing twice.
pub(crate) struct Lines {
    said_by: ClusterConnection,
    heard_by: ClusterConnection,
    /// So many masters have to answer.
    masters: usize,
    inbox: Arc<Inbox>,
    policy: Policy,
    /// Of the slots to which something is to be said. Probed, never walked.
    lanes: HashMap<Slot, Lane>,
    /// Those to which something may be written.
    ready: VecDeque<Slot>,
    /// Those that are tried again, and when.
    again: Vec<(Instant, Slot)>,
    /// What is for all of them.
    asks: VecDeque<Waiting>,
    flying: Vec<Flight>,
    load: Load,
    /// The numbers of what is not done.
    open: BTreeSet<u64>,
    next: u64,
    /// Who waits until all before that number is done.
    flushes: VecDeque<(u64, Ticket)>,
    /// Sharded channels that are being left.
    leaving: BTreeSet<String>,
    done: VecDeque<Said>,
    pinged: Instant,
    /// Of so many the answer is awaited.
    pings: usize,
}

/// What a Redis Cluster is reached by.
pub(crate) struct Spread {
    pub(crate) said_by: ClusterConnection,
    pub(crate) heard_by: ClusterConnection,
    /// How many masters it has.
    pub(crate) masters: usize,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Waiting>,
    busy: bool,
    /// Since when it is told to go elsewhere. Until that has succeeded, one command goes alone: it is what makes the
    /// client look for the slot.
    astray: Option<Instant>,
}

struct Waiting {
    number: u64,
    command: Cmd,
    sent: Sent,
    weight: usize,
}

struct Flight {
    /// `None`: to all of them.
    slot: Option<Slot>,
    batch: Vec<Waiting>,
    since: Instant,
    replies: Replies,
}

type Replies = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

/// What waits to be written or answered.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    bytes: usize,
    /// What may be of any length.
    messages: usize,
    publications: usize,
}

/// Batches that are on their way at once.
const MOST_FLYING: usize = 64;

/// How long it is waited before a slot that is nobody's yet is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Why the connections are made anew when a slot goes to another shard. The client takes the news, which Redis tells by
/// itself, for the reply to whatever was asked last of that shard: its replies cannot be told apart any more.
const MOVED: &str = "a slot that was listened to has moved to another shard";

impl Lines {
    pub(crate) fn new(by: Spread, inbox: Arc<Inbox>, policy: Policy, now: Instant) -> Self {
        Self {
            said_by: by.said_by,
            heard_by: by.heard_by,
            masters: by.masters,
            inbox,
            policy,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            again: Vec::new(),
            asks: VecDeque::new(),
            flying: Vec::new(),
            load: Load::default(),
            open: BTreeSet::new(),
            next: 0,
            flushes: VecDeque::new(),
            leaving: BTreeSet::new(),
            done: VecDeque::new(),
            pinged: now,
            pings: 0,
        }
    }

    pub(crate) fn order(&mut self, order: Order) {
        if let Order::Flush { ticket } = order {
            self.flushes.push_back((self.next, ticket));
            return self.flush();
        }
        if let Order::Unsubscribe(Subscription::Sharded(name)) = &order {
            self.leaving.insert(name.clone());
        }
        let (slot, weight) = (slot(&order), weight(&order));
        let Some((command, sent)) = command(order) else {
            return;
        };
        let waiting = Waiting {
            number: self.next,
            command,
            sent,
            weight,
        };
        self.next = self.next.wrapping_add(1);
        self.open.insert(waiting.number);
        self.load.add(&waiting);
        match slot {
            Some(slot) => {
                let lane = self.lanes.entry(slot).or_default();
                lane.queue.push_back(waiting);
                if !lane.busy && lane.queue.len() == 1 {
                    self.ready.push_back(slot);
                }
            }
            None => self.asks.push_back(waiting),
        }
    }

    /// Publications of which nobody knows whether they have arrived.
    pub(crate) const fn unsure(&self) -> usize {
        self.load.publications
    }

    /// When it is to be looked at again, if nothing happens.
    pub(crate) fn due(&self) -> Instant {
        let late = self.flying.iter().map(|flight| self.late(flight));
        let again = self.again.iter().map(|(at, _)| *at);
        let ping = self.pinged.saturating_add(self.policy.ping_interval);
        let ping = (self.pings == 0).then_some(ping);
        let due = late.chain(again).chain(ping).min();
        due.unwrap_or(self.pinged)
    }

    fn late(&self, flight: &Flight) -> Instant {
        flight.since.saturating_add(self.policy.ping_timeout)
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Step> {
        loop {
            if let Some(said) = self.done.pop_front() {
                return Poll::Ready(Step::Said(said));
            }
            match self.inbox.poll(cx) {
                Poll::Ready(Ok(push)) => {
                    let left = push.kind == PushKind::SUnsubscribe;
                    let event = pushed(push);
                    if left
                        && let Some(Event::Unsubscribed(Subscription::Sharded(name))) = &event
                        && !self.leaving.remove(name)
                    {
                        return Poll::Ready(Step::Moved(MOVED));
                    }
                    if let Some(event) = event {
                        return Poll::Ready(Step::Said(Said::Event(event)));
                    }
                    continue;
                }
                Poll::Ready(Err(why)) => return Poll::Ready(Step::Gone(why.to_owned())),
                Poll::Pending => {}
            }
            if self.load.bytes > self.policy.max_unsent_bytes && self.load.messages > 1 {
                let why = "more waited to be sent than may wait (max_unsent_bytes)";
                return Poll::Ready(Step::Gone(why.to_owned()));
            }
            match self.poll_replies(cx, now) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(why) => return Poll::Ready(Step::Gone(why)),
            }
            if self.write(now) {
                continue;
            }
            if now < self.due() {
                return Poll::Pending;
            }
            if self.flying.iter().any(|flight| self.late(flight) <= now) {
                let why = format!("nothing came for {:?}", self.policy.ping_timeout);
                return Poll::Ready(Step::Gone(why));
            }
            self.ping(now);
        }
    }

    /// All of the masters are asked whether they are there.
    fn ping(&mut self, now: Instant) {
        self.pinged = now;
        for by in [self.said_by.clone(), self.heard_by.clone()] {
            let waiting = Waiting {
                number: self.next,
                command: cmd("PING"),
                sent: Sent::Ping,
                weight: 0,
            };
            self.pings = self.pings.saturating_add(1);
            self.fly_by(by, None, vec![waiting], now);
        }
    }

    /// Whether something was answered.
    fn poll_replies(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, String> {
        let (mut at, mut any) = (0, false);
        while let Some(flight) = self.flying.get_mut(at) {
            match flight.replies.as_mut().poll(cx) {
                Poll::Ready(replies) => {
                    any = true;
                    let flight = self.flying.swap_remove(at);
                    self.land(flight, replies, now)?;
                }
                Poll::Pending => at = at.saturating_add(1),
            }
        }
        Ok(any)
    }

    fn land(
        &mut self,
        flight: Flight,
        replies: RedisResult<Vec<Value>>,
        now: Instant,
    ) -> Result<(), String> {
        let Flight {
            slot, batch, since, ..
        } = flight;
        let replies = match (replies, slot) {
            (Ok(replies), _) if replies.len() == batch.len() => replies,
            (Ok(_), _) => return Err("not all of it was answered".to_owned()),
            (Err(why), Some(slot)) if is_elsewhere(&why) => {
                return self
                    .go_astray(slot, batch, now)
                    .map_err(|()| why.to_string());
            }
            (Err(why), _) => return Err(why.to_string()),
        };
        for (waiting, reply) in batch.into_iter().zip(replies) {
            self.open.remove(&waiting.number);
            self.load.subtract(&waiting);
            let said = match slot {
                Some(_) => answered(waiting.sent, reply)?,
                None => self.told(waiting.sent, reply, now.saturating_duration_since(since))?,
            };
            self.done.extend(said);
        }
        if let Some(slot) = slot {
            let lane = self.lanes.entry(slot).or_default();
            (lane.busy, lane.astray) = (false, None);
            match lane.queue.is_empty() {
                true => drop(self.lanes.remove(&slot)),
                false => self.ready.push_back(slot),
            }
        }
        self.flush();
        Ok(())
    }

    /// The slot is another's: it is said again, before all that came later. Fails when that has taken too long.
    fn go_astray(&mut self, slot: Slot, batch: Vec<Waiting>, now: Instant) -> Result<(), ()> {
        let lane = self.lanes.entry(slot).or_default();
        lane.busy = false;
        for waiting in batch.into_iter().rev() {
            lane.queue.push_front(waiting);
        }
        match lane.astray {
            Some(since) if now >= since.saturating_add(self.policy.ping_timeout) => return Err(()),
            Some(_) => self.again.push((now.saturating_add(PAUSE), slot)),
            None => {
                lane.astray = Some(now);
                self.ready.push_back(slot);
            }
        }
        Ok(())
    }

    /// What all of them have answered.
    fn told(&mut self, sent: Sent, reply: Value, took: Duration) -> Result<Option<Said>, String> {
        let Value::Map(replies) = reply else {
            return Err("what was asked of all was answered by one".to_owned());
        };
        for (_, reply) in &replies {
            if let Value::ServerError(why) = reply {
                return Err(why.to_string());
            }
        }
        if let Sent::Count(ticket) = sent {
            let nodes = replies.iter().map(|(_, reply)| count(reply));
            let nodes: Option<Vec<u64>> = nodes.collect();
            let nodes = nodes.ok_or("a count is none")?;
            let nodes = nodes.into_iter().fold(0, u64::saturating_add);
            return Ok(Some(Said::Event(Event::Counted { ticket, nodes })));
        }
        self.pings = self.pings.saturating_sub(1);
        match replies.len() >= self.masters {
            true => Ok(Some(Said::Event(Event::RoundTrip { took }))),
            false => Err("not all masters of the Redis Cluster can be reached".to_owned()),
        }
    }

    /// Whoever waited for all that is done by now is told.
    fn flush(&mut self) {
        let first = self.open.first().copied();
        while let Some((before, ticket)) = self.flushes.front().copied() {
            if first.is_some_and(|first| first < before) {
                break;
            }
            self.flushes.pop_front();
            self.done.push_back(Said::Event(Event::Flushed { ticket }));
        }
    }

    /// Whether a batch was written.
    fn write(&mut self, now: Instant) -> bool {
        let ready = &mut self.ready;
        self.again.retain(|(at, slot)| {
            let wait = *at > now;
            if !wait {
                ready.push_back(*slot);
            }
            wait
        });
        if self.flying.len() >= MOST_FLYING {
            return false;
        }
        if let Some(ask) = self.asks.pop_front() {
            self.fly(None, vec![ask], now);
            return true;
        }
        while let Some(slot) = self.ready.pop_front() {
            if let Some(lane) = self.lanes.get_mut(&slot)
                && let Some(batch) = lane.take()
            {
                self.fly(Some(slot), batch, now);
                return true;
            }
        }
        false
    }

    fn fly(&mut self, slot: Option<Slot>, batch: Vec<Waiting>, now: Instant) {
        let by = match batch.first().is_some_and(Waiting::is_alone) {
            true => self.heard_by.clone(),
            false => self.said_by.clone(),
        };
        self.fly_by(by, slot, batch, now);
    }

    fn fly_by(
        &mut self,
        mut cluster: ClusterConnection,
        slot: Option<Slot>,
        batch: Vec<Waiting>,
        now: Instant,
    ) {
        let commands: Vec<Cmd> = batch.iter().map(|it| it.command.clone()).collect();
        // Nodes that copy are listened to as well.
        let all = match batch.first().map(|it| &it.sent) {
            Some(Sent::Count(_)) => all_nodes(),
            _ => all_masters(),
        };
        let replies = async move {
            let mut commands = commands.into_iter();
            let (first, rest) = (commands.next().unwrap_or_default(), commands.len());
            if rest == 0 {
                let route = slot.map_or(all, to_slot);
                return Ok(vec![cluster.route_command(first, route).await?]);
            }
            let mut pipeline = Pipeline::with_capacity(rest.saturating_add(1));
            pipeline.atomic().add_command(first);
            for command in commands {
                pipeline.add_command(command);
            }
            // Before the replies there is one that a transaction begins, and one for each that is queued.
            let skipped = rest.saturating_add(2);
            let node = one_node(slot.unwrap_or(PLAIN));
            let replies = cluster.route_pipeline(pipeline, skipped, 1, node).await?;
            match replies.into_iter().next() {
                Some(Value::Array(replies)) => Ok(replies),
                _ => Ok(Vec::new()),
            }
        };
        self.flying.push(Flight {
            slot,
            batch,
            since: now,
            replies: Box::pin(replies),
        });
    }
}

impl Lane {
    /// What is to be written next, if anything.
    fn take(&mut self) -> Option<Vec<Waiting>> {
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
    /// To listen, or not to any more: no part of a transaction.
    const fn is_alone(&self) -> bool {
        matches!(self.sent, Sent::Listen)
    }

    const fn is_message(&self) -> bool {
        matches!(self.sent, Sent::Publish | Sent::Append(_))
    }
}

impl Load {
    fn add(&mut self, it: &Waiting) {
        self.bytes = self.bytes.saturating_add(it.weight);
        let message = usize::from(it.is_message());
        self.messages = self.messages.saturating_add(message);
        let publication = usize::from(matches!(it.sent, Sent::Publish));
        self.publications = self.publications.saturating_add(publication);
    }

    fn subtract(&mut self, it: &Waiting) {
        self.bytes = self.bytes.saturating_sub(it.weight);
        let message = usize::from(it.is_message());
        self.messages = self.messages.saturating_sub(message);
        let publication = usize::from(matches!(it.sent, Sent::Publish));
        self.publications = self.publications.saturating_sub(publication);
    }
}

/// Whose it is; `None`: all of theirs.
fn slot(order: &Order) -> Option<Slot> {
    Some(match order {
        Order::Publish(it) if it.sharded => Slot::for_key(&it.channel),
        Order::Subscribe(Subscription::Sharded(name))
        | Order::Unsubscribe(Subscription::Sharded(name)) => Slot::for_key(name),
        Order::Append { stream, .. }
        | Order::Recall { stream, .. }
        | Order::Range { stream, .. }
        | Order::Read { stream } => Slot::for_key(stream),
        Order::Store { key, .. } | Order::Take { key, .. } => Slot::for_key(key),
        Order::Count { .. } => return None,
        // One tells it to all others.
        _ => PLAIN,
    })
}

/// What one shard has answered. That it has answered something else is as bad as nothing.
fn answered(sent: Sent, reply: Value) -> Result<Option<Said>, String> {
    let asked = matches!(sent, Sent::Append(_));
    let said = replied(sent, reply).map_err(|Refused(why)| why)?;
    match asked && said.is_none() {
        true => Err("the place of an entry is none".to_owned()),
        false => Ok(said),
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Lines");
        shown.field("load", &self.load).finish_non_exhaustive()
    }
}
