//! A connection in use: what is on its way by it, and whether it lives.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, PushInfo, RedisResult, Value};
use sio_driver::binding::Instant;
use sio_driver::cluster::{Event, Order};

use crate::command::{Refused, Said, Sent, command, pushed, replied};
use crate::inbox::Inbox;
use crate::policy::Policy;
use crate::traffic::{Step, Traffic};

/// A connection to Redis.
pub(crate) struct Line {
    connection: MultiplexedConnection,
    inbox: Arc<Inbox>,
    policy: Policy,
    /// Not written yet.
    queue: VecDeque<Waiting>,
    flying: VecDeque<Batch>,
    bytes: usize,
    done: VecDeque<Said>,
    heard: Instant,
    /// Since when something is not answered.
    asked: Option<Instant>,
}

struct Waiting {
    command: Cmd,
    sent: Sent,
    weight: usize,
}

/// Commands that were written together.
struct Batch {
    replies: Replies,
    sent: Vec<Sent>,
    weight: usize,
}

enum Replies {
    Awaited(Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>),
    There(RedisResult<Vec<Value>>),
}

/// Batches that are on their way at once: the next is not held up by the answer to the last.
const MOST_FLYING: usize = 16;

/// Commands, and bytes, of one batch.
pub(crate) const MOST_COMMANDS: usize = 256;
pub(crate) const MOST_BYTES: usize = 256 << 10;

/// So many times the patience is had with an answer that may stand behind messages: where they come and it never does,
/// the line carries one direction only.
pub(crate) const BEHIND_MESSAGES: u32 = 3;

/// Bytes that a command takes beside what it says.
const OVERHEAD: usize = 128;

impl Line {
    pub(crate) fn new(
        connection: MultiplexedConnection,
        inbox: Arc<Inbox>,
        policy: Policy,
        now: Instant,
    ) -> Self {
        Self {
            connection,
            inbox,
            policy,
            queue: VecDeque::new(),
            flying: VecDeque::new(),
            bytes: 0,
            done: VecDeque::new(),
            heard: now,
            asked: None,
        }
    }

    pub(crate) fn order(&mut self, order: Order) {
        let weight = weight(&order);
        if let Some((command, sent)) = command(order) {
            self.push(command, sent, weight);
        }
    }

    fn push(&mut self, command: Cmd, sent: Sent, weight: usize) {
        self.bytes = self.bytes.saturating_add(weight);
        self.queue.push_back(Waiting {
            command,
            sent,
            weight,
        });
    }

    /// Publications of which nobody knows whether they have arrived.
    pub(crate) fn unsure(&self) -> usize {
        let queued = self.queue.iter().map(|it| &it.sent);
        let flying = self.flying.iter().flat_map(|batch| &batch.sent);
        let all = queued.chain(flying);
        all.filter(|sent| matches!(sent, Sent::Publish)).count()
    }

    /// Whether a single message waits, which may be of any length: it would not be shorter on another connection.
    fn is_alone(&self) -> bool {
        let queued = self.queue.iter().map(|it| &it.sent);
        let flying = self.flying.iter().flat_map(|batch| &batch.sent);
        let weighs = |sent: &&Sent| matches!(sent, Sent::Publish | Sent::Append(_));
        queued.chain(flying).filter(weighs).take(2).count() < 2
    }
}

impl Traffic for Line {
    fn said(&mut self) -> Option<Said> {
        self.done.pop_front()
    }

    fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    fn hear(&mut self, push: PushInfo, now: Instant) -> Option<Step> {
        self.heard = now;
        pushed(push).map(|event| Step::Said(Said::Event(event)))
    }

    fn is_full(&self) -> bool {
        self.bytes > self.policy.max_unsent_bytes && !self.is_alone()
    }

    fn due(&self) -> Instant {
        match self.asked {
            Some(since) => {
                let (heard, patience) = (since.max(self.heard), self.policy.ping_timeout);
                let last = since.saturating_add(patience.saturating_mul(BEHIND_MESSAGES));
                heard.saturating_add(patience).min(last)
            }
            None => self.heard.saturating_add(self.policy.ping_interval),
        }
    }

    fn is_silent(&self, _: Instant) -> Option<Duration> {
        self.asked.map(|_| self.policy.ping_timeout)
    }

    fn ping(&mut self, _: Instant) {
        self.push(redis::cmd("PING"), Sent::Ping, 0);
    }

    fn poll_replies(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, String> {
        for batch in &mut self.flying {
            if let Replies::Awaited(replies) = &mut batch.replies
                && let Poll::Ready(there) = replies.as_mut().poll(cx)
            {
                batch.replies = Replies::There(there);
            }
        }
        let mut any = false;
        while let Some(batch) = self.flying.pop_front() {
            let replies = match batch.replies {
                Replies::There(Ok(replies)) => replies,
                Replies::There(Err(why)) => return Err(why.to_string()),
                Replies::Awaited(_) => {
                    self.flying.push_front(batch);
                    break;
                }
            };
            any = true;
            self.heard = now;
            let took = now.saturating_duration_since(self.asked.unwrap_or(now));
            self.bytes = self.bytes.saturating_sub(batch.weight);
            for (sent, reply) in batch.sent.into_iter().zip(replies) {
                if let Sent::Ping = sent {
                    self.done.push_back(Said::Event(Event::RoundTrip { took }));
                }
                let said = replied(sent, reply).map_err(|Refused(why)| why)?;
                self.done.extend(said);
            }
        }
        if any {
            self.asked = (!self.flying.is_empty()).then_some(now);
        }
        Ok(any)
    }

    fn write(&mut self, now: Instant) -> bool {
        if self.queue.is_empty() || self.flying.len() >= MOST_FLYING {
            return false;
        }
        let mut pipeline = Pipeline::new();
        let (mut sent, mut weight) = (Vec::new(), 0_usize);
        while sent.len() < MOST_COMMANDS
            && weight < MOST_BYTES
            && let Some(waiting) = self.queue.pop_front()
        {
            pipeline.add_command(waiting.command);
            weight = weight.saturating_add(waiting.weight);
            sent.push(waiting.sent);
        }
        let (mut connection, count) = (self.connection.clone(), sent.len());
        let replies = async move { connection.send_packed_commands(&pipeline, 0, count).await };
        self.flying.push_back(Batch {
            replies: Replies::Awaited(Box::pin(replies)),
            sent,
            weight,
        });
        self.asked.get_or_insert(now);
        true
    }
}

/// Bytes that an order takes until it is done. What is said of rooms is bounded by them, and said all at once when the
/// connection is there again.
pub(crate) fn weight(order: &Order) -> usize {
    if let Order::Publish(it) = order {
        let bytes = it.payload.len().saturating_add(it.channel.len());
        OVERHEAD.saturating_add(bytes)
    } else if let Order::Append { entry, .. } = order {
        OVERHEAD.saturating_add(entry.size())
    } else {
        0
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Line");
        shown.field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
