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
use redis::{Cmd, Pipeline, PushInfo, PushKind, RedisResult, Value, cmd};
use sio_driver::binding::Instant;
use sio_driver::cluster::{Event, Order, Subscription, Ticket};

use crate::command::{Refused, Said, Sent, command, count, pushed, replied};
use crate::inbox::Inbox;
use crate::lane::{Lane, Load, To, Waiting};
use crate::line::{BEHIND_MESSAGES, weight};
use crate::policy::Policy;
use crate::traffic::{Step, Traffic};
use crate::undone::Undone;
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
    /// To listen to what is told by all of them, which none redirects. One waits for no other, nor does what is said.
    listens: VecDeque<Waiting>,
    flying: Vec<Flight>,
    load: Load,
    undone: Undone<Ticket>,
    /// Sharded channels that are being left.
    leaving: BTreeSet<String>,
    done: VecDeque<Said>,
    pinged: Instant,
    /// When a message came last.
    heard: Instant,
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

struct Flight {
    by: By,
    to: To,
    batch: Vec<Waiting>,
    since: Instant,
    replies: Replies,
}

/// Which of the connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Said,
    Heard,
}

type Replies = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

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
            listens: VecDeque::new(),
            flying: Vec::new(),
            load: Load::default(),
            undone: Undone::new(),
            leaving: BTreeSet::new(),
            done: VecDeque::new(),
            pinged: now,
            heard: now,
            pings: 0,
        }
    }

    pub(crate) fn order(&mut self, order: Order) {
        if let Order::Flush { ticket } = order {
            self.undone.flush(ticket);
            return self.flush();
        }
        if let Order::Unsubscribe(Subscription::Sharded(name)) = &order {
            self.leaving.insert(name.clone());
        }
        let (to, weight) = (To::of(&order), weight(&order));
        let Some((command, sent)) = command(order) else {
            return;
        };
        let waiting = Waiting {
            number: Some(self.undone.begin()),
            command,
            sent,
            weight,
        };
        self.load.add(&waiting);
        match to {
            To::All => self.asks.push_back(waiting),
            To::Plain => self.listens.push_back(waiting),
            To::Slot(slot) => {
                let lane = self.lanes.entry(slot).or_default();
                lane.queue.push_back(waiting);
                if !lane.busy && lane.queue.len() == 1 {
                    self.ready.push_back(slot);
                }
            }
        }
    }

    /// Publications of which nobody knows whether they have arrived.
    pub(crate) const fn unsure(&self) -> usize {
        self.load.publications
    }

    /// By when it is to be answered: later where the answer may stand behind messages.
    fn late(&self, flight: &Flight) -> Instant {
        let (since, patience) = (flight.since, self.policy.ping_timeout);
        match flight.by {
            By::Said => since.saturating_add(patience),
            By::Heard => {
                let last = since.saturating_add(patience.saturating_mul(BEHIND_MESSAGES));
                let heard = since.max(self.heard);
                heard.saturating_add(patience).min(last)
            }
        }
    }

    fn land(
        &mut self,
        flight: Flight,
        replies: RedisResult<Vec<Value>>,
        now: Instant,
    ) -> Result<(), String> {
        let Flight {
            by,
            to,
            batch,
            since,
            ..
        } = flight;
        let replies = match (replies, to) {
            (Ok(replies), _) if replies.len() == batch.len() => replies,
            (Ok(_), _) => return Err("not all of it was answered".to_owned()),
            (Err(why), To::Slot(slot)) if is_elsewhere(&why) => {
                return self
                    .go_astray(slot, batch, now)
                    .map_err(|()| why.to_string());
            }
            (Err(why), _) => return Err(why.to_string()),
        };
        for (waiting, reply) in batch.into_iter().zip(replies) {
            if let Some(number) = waiting.number {
                self.undone.end(number);
            }
            self.load.subtract(&waiting);
            let said = match to {
                To::Slot(_) | To::Plain => {
                    replied(waiting.sent, reply).map_err(|Refused(why)| why)?
                }
                To::All => self.told(waiting.sent, reply, now.saturating_duration_since(since))?,
            };
            // Of two pings, one is measured: the other may stand behind messages.
            let is_measure = matches!(said, Some(Said::Event(Event::RoundTrip { .. })));
            self.done
                .extend(said.filter(|_| !is_measure || by == By::Said));
        }
        if let To::Slot(slot) = to {
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
        while let Some(ticket) = self.undone.flushed() {
            self.done.push_back(Said::Event(Event::Flushed { ticket }));
        }
    }

    fn fly(&mut self, by: By, to: To, batch: Vec<Waiting>, now: Instant) {
        let mut cluster = match by {
            By::Said => self.said_by.clone(),
            By::Heard => self.heard_by.clone(),
        };
        let commands: Vec<Cmd> = batch.iter().map(|it| it.command.clone()).collect();
        // Nodes that copy are listened to as well.
        let (slot, route) = match (to, batch.first().map(|it| &it.sent)) {
            (To::All, Some(Sent::Count(_))) => (PLAIN, all_nodes()),
            (To::All, _) => (PLAIN, all_masters()),
            (To::Slot(slot), _) => (slot, to_slot(slot)),
            (To::Plain, _) => (PLAIN, to_slot(PLAIN)),
        };
        let replies = async move {
            let mut commands = commands.into_iter();
            let (first, rest) = (commands.next().unwrap_or_default(), commands.len());
            if rest == 0 {
                return Ok(vec![cluster.route_command(first, route).await?]);
            }
            let mut pipeline = Pipeline::with_capacity(rest.saturating_add(1));
            pipeline.atomic().add_command(first);
            for command in commands {
                pipeline.add_command(command);
            }
            // Before the replies there is one that a transaction begins, and one for each that is queued.
            let skipped = rest.saturating_add(2);
            let node = one_node(slot);
            let replies = cluster.route_pipeline(pipeline, skipped, 1, node).await?;
            match replies.into_iter().next() {
                Some(Value::Array(replies)) => Ok(replies),
                _ => Ok(Vec::new()),
            }
        };
        self.flying.push(Flight {
            by,
            to,
            batch,
            since: now,
            replies: Box::pin(replies),
        });
    }
}

impl Traffic for Lines {
    fn said(&mut self) -> Option<Said> {
        self.done.pop_front()
    }

    fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    fn hear(&mut self, push: PushInfo, now: Instant) -> Option<Step> {
        self.heard = now;
        let left = push.kind == PushKind::SUnsubscribe;
        let event = pushed(push)?;
        if left
            && let Event::Unsubscribed(Subscription::Sharded(name)) = &event
            && !self.leaving.remove(name)
        {
            return Some(Step::Moved(MOVED));
        }
        Some(Step::Said(Said::Event(event)))
    }

    fn is_full(&self) -> bool {
        self.load.bytes > self.policy.max_unsent_bytes && self.load.messages > 1
    }

    fn due(&self) -> Instant {
        let late = self.flying.iter().map(|flight| self.late(flight));
        let again = self.again.iter().map(|(at, _)| *at);
        let ping = self.pinged.saturating_add(self.policy.ping_interval);
        let ping = (self.pings == 0).then_some(ping);
        let due = late.chain(again).chain(ping).min();
        due.unwrap_or(self.pinged)
    }

    fn is_silent(&self, now: Instant) -> Option<Duration> {
        let mut flying = self.flying.iter();
        let late = flying.any(|flight| self.late(flight) <= now);
        late.then_some(self.policy.ping_timeout)
    }

    /// All of the masters are asked whether they are there.
    fn ping(&mut self, now: Instant) {
        self.pinged = now;
        for by in [By::Said, By::Heard] {
            let waiting = Waiting {
                number: None,
                command: cmd("PING"),
                sent: Sent::Ping,
                weight: 0,
            };
            self.pings = self.pings.saturating_add(1);
            self.fly(by, To::All, vec![waiting], now);
        }
    }

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
            self.fly(By::Said, To::All, vec![ask], now);
            return true;
        }
        while let Some(slot) = self.ready.pop_front() {
            if let Some(lane) = self.lanes.get_mut(&slot)
                && let Some(batch) = lane.take()
            {
                let by = match batch.first().is_some_and(Waiting::is_to_listen) {
                    true => By::Heard,
                    false => By::Said,
                };
                self.fly(by, To::Slot(slot), batch, now);
                return true;
            }
        }
        // Last, for they may be many.
        if let Some(listen) = self.listens.pop_front() {
            self.fly(By::Heard, To::Plain, vec![listen], now);
            return true;
        }
        false
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Lines");
        shown.field("load", &self.load).finish_non_exhaustive()
    }
}
