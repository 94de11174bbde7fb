//! Events that clients send until they are answered, and that are handled once.
//!
//! A client with `retries` sends an event again that was not answered in time, or whose connection has ended before:
//! its server hears of it once or more often (§23). One that is to be handled once carries a name that its client has
//! made up for it, as an object before its other arguments, `{"once":"…"}` ([`Named`]): the same each time, and
//! never used for another.
//!
//! | an event comes | [`meet`](Once::meet) says | and whoever asks |
//! |---|---|---|
//! | of a name that is not known | [`New`](Meeting::New): it is to be handled | waits for the answer |
//! | whose handlers have not ended | [`Known`](Meeting::Known) | waits in place of whoever waited before |
//! | that was answered | [`Answered`](Meeting::Answered) | gets the first answer |
//! | that was not answered, or whose answer was let go of | [`Known`](Meeting::Known) | hears nothing |
//! | of a name that is not known, where there is no room | [`Full`](Meeting::Full): it is not handled | hears nothing, and sends it again |
//!
//! So an event is handled at most once, as long as it is known, and its answer told as often as it takes. Names are
//! their namespace's, not a connection's or a session's: whoever comes as a new client after all has the answer, too.

mod named;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use compact_str::CompactString;

use crate::arena::{Key, Pool};
use crate::config::ExactlyOnce;
use crate::digest::Apart;
use crate::id::SocketId;
use crate::packet::Args;
use crate::time::Instant;

pub use named::Named;

/// The events of one namespace that are handled once. `W` is who waits for an answer.
#[derive(Clone, Debug, Hash)]
pub struct Once<W> {
    options: Apart<ExactlyOnce>,
    /// The latest time that anyone told.
    now: Instant,
    events: Pool<Known<W>>,
    /// Ordered, not hashed: clients choose the names.
    by_name: BTreeMap<CompactString, Key>,
    /// How many each socket has sent.
    by_sender: BTreeMap<CompactString, usize>,
    /// Whose handlers have ended, and until when they are known; in that order.
    ended: VecDeque<(Instant, Key)>,
    /// Whose answers are kept, the oldest first; those among them that are gone.
    answered: VecDeque<Key>,
    bytes: usize,
    counts: Counts,
}

#[derive(Clone, Debug, Hash)]
struct Known<W> {
    name: CompactString,
    sender: CompactString,
    state: State<W>,
}

#[derive(Clone, Debug, Hash)]
enum State<W> {
    /// Its handlers have not ended. Who waits.
    Handled(Option<W>),
    Answered(Args),
    Unanswered,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Counts {
    repeated: u64,
    refused: u64,
    let_go: u64,
}

/// An event that is being handled: for [`Once::answer`] or [`Once::end`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "whoever waits for the answer waits for ever"]
pub struct Turn(Key);

/// What an event is.
#[derive(Debug, PartialEq)]
pub enum Meeting<W> {
    /// Nobody has sent it before: it is to be handled.
    New(Turn),
    /// It was answered with this, which is to be told to whoever asks.
    Answered(Option<W>, Args),
    /// It was handled or is, and there is nothing to tell now. Who is not told any more, if that is somebody.
    Known(Option<W>),
    /// There is no room for it: it is not to be handled. Who hears nothing.
    Full(Option<W>),
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Events that are known.
    pub events: usize,
    /// Bytes of the answers that are kept.
    pub bytes: usize,
    /// Events that came again, and were not handled again.
    pub repeated: u64,
    /// Events that came while there was no room for them.
    pub refused: u64,
    /// Answers that were let go of before their time, so that others could be kept.
    pub let_go: u64,
}

impl<W> Once<W> {
    /// For one namespace.
    pub fn new(options: ExactlyOnce) -> Self {
        Self {
            options: Apart(options),
            now: Instant::ORIGIN,
            events: Pool::new(),
            by_name: BTreeMap::new(),
            by_sender: BTreeMap::new(),
            ended: VecDeque::new(),
            answered: VecDeque::new(),
            bytes: 0,
            counts: Counts::default(),
        }
    }

    /// An event comes by this name. `waiter`: who asks for an answer, if anybody does.
    pub fn meet(
        &mut self,
        now: Instant,
        sender: &SocketId,
        name: &str,
        waiter: Option<W>,
    ) -> Meeting<W> {
        self.handle_timeout(now);
        if let Some(known) = self.by_name.get(name).copied() {
            self.counts.repeated = self.counts.repeated.saturating_add(1);
            return self.meet_again(known, waiter);
        }
        let sent = self.by_sender.get(sender.as_str()).copied();
        let sent = sent.unwrap_or_default();
        if self.events.len() >= self.options.max_once_events
            || sent >= self.options.max_once_events_per_socket
        {
            self.counts.refused = self.counts.refused.saturating_add(1);
            return Meeting::Full(waiter);
        }
        let (name, sender) = (CompactString::from(name), sender.as_str().into());
        self.by_sender
            .insert(CompactString::clone(&sender), sent.saturating_add(1));
        let key = self.events.insert(Known {
            name: name.clone(),
            sender,
            state: State::Handled(waiter),
        });
        self.by_name.insert(name, key);
        Meeting::New(Turn(key))
    }

    fn meet_again(&mut self, key: Key, waiter: Option<W>) -> Meeting<W> {
        match self.events.get_mut(key).map(|event| &mut event.state) {
            Some(State::Handled(waiting)) => {
                if waiter.is_none() {
                    return Meeting::Known(None);
                }
                // Whoever asked before does so no more.
                Meeting::Known(std::mem::replace(waiting, waiter))
            }
            Some(State::Answered(answer)) => Meeting::Answered(waiter, answer.clone()),
            Some(State::Unanswered) | None => Meeting::Known(waiter),
        }
    }

    /// An event is answered: who is to be told.
    pub fn answer(&mut self, now: Instant, turn: Turn, answer: &Args) -> Option<W> {
        self.handle_timeout(now);
        let Turn(key) = turn;
        let waiter = self.close(key)?;
        let size = size(answer);
        if size > self.options.max_once_bytes {
            self.counts.let_go = self.counts.let_go.saturating_add(1);
            return waiter;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.answered.push_back(key);
        if let Some(event) = self.events.get_mut(key) {
            event.state = State::Answered(answer.detached());
        }
        while self.bytes > self.options.max_once_bytes {
            self.let_go();
        }
        waiter
    }

    /// The handlers of an event have ended, and nobody will answer it.
    pub fn end(&mut self, now: Instant, turn: Turn) -> Option<W> {
        self.handle_timeout(now);
        self.close(turn.0)?
    }

    /// Forgets what has been known for long enough.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while let Some((until, key)) = self.ended.front().copied() {
            if until > self.now {
                return;
            }
            self.ended.pop_front();
            self.forget(key);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ended.front().map(|(until, _)| *until)
    }

    /// How many there are.
    pub fn figures(&self) -> Figures {
        Figures {
            events: self.events.len(),
            bytes: self.bytes,
            repeated: self.counts.repeated,
            refused: self.counts.refused,
            let_go: self.counts.let_go,
        }
    }

    /// Feeds all that can make a difference to what it does next, but for its configuration.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        W: Hash,
    {
        self.hash(state);
    }

    /// The handlers of an event have ended: who waits. `None`: they had before.
    fn close(&mut self, key: Key) -> Option<Option<W>> {
        let event = self.events.get_mut(key)?;
        let State::Handled(waiter) = &mut event.state else {
            return None;
        };
        let waiter = waiter.take();
        event.state = State::Unanswered;
        let until = self.now.saturating_add(self.options.once_duration);
        self.ended.push_back((until, key));
        Some(waiter)
    }

    /// The oldest answer goes. Its event stays.
    fn let_go(&mut self) {
        let Some(key) = self.answered.pop_front() else {
            return;
        };
        if let Some(event) = self.events.get_mut(key)
            && let State::Answered(answer) = &event.state
        {
            self.bytes = self.bytes.saturating_sub(size(answer));
            event.state = State::Unanswered;
            self.counts.let_go = self.counts.let_go.saturating_add(1);
        }
    }

    fn forget(&mut self, key: Key) {
        let Some(event) = self.events.remove(key) else {
            return;
        };
        self.events.shrink();
        self.by_name.remove(&event.name);
        if let Some(sent) = self.by_sender.get_mut(&event.sender) {
            *sent = sent.saturating_sub(1);
            if *sent == 0 {
                self.by_sender.remove(&event.sender);
            }
        }
        if let State::Answered(answer) = &event.state {
            self.bytes = self.bytes.saturating_sub(size(answer));
            // They end in the order in which they are answered.
            if self.answered.front() == Some(&key) {
                self.answered.pop_front();
            }
        }
    }
}

/// What an answer takes.
fn size(answer: &Args) -> usize {
    answer.size().saturating_add(size_of::<Args>())
}
