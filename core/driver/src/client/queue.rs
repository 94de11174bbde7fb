//! Events that wait to be taken from a stream.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How many events of a stream may wait, and what becomes of more.
///
/// What waits is also bounded in bytes: by 1 MiB, of which each event takes 128 beside its content. One event may
/// always wait, however large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) overflow: Overflow,
}

/// What becomes of events for which there is no room in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The client reads no further until there is room: its server waits, and in the end drops it. What was read
    /// already still comes in.
    #[default]
    Wait,
    /// The oldest that waits is dropped for it.
    DropOldest,
    /// It is dropped itself.
    DropNewest,
    /// The socket leaves its namespace.
    Disconnect,
}

impl Inbox {
    /// Room for so many events, at least one.
    pub const fn new(events: usize, overflow: Overflow) -> Self {
        Self {
            events: if events == 0 { 1 } else { events },
            bytes: BYTES,
            overflow,
        }
    }

    /// Room for so many bytes of them. 1 MiB if not given.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

impl Default for Inbox {
    /// 256 events, [`Overflow::Wait`].
    fn default() -> Self {
        Self::new(256, Overflow::Wait)
    }
}

/// Bytes that wait in a stream, if nothing else is said.
const BYTES: usize = 1024 * 1024;

/// What an event takes beside its content.
const EVENT: usize = 128;

/// The events that wait.
pub(super) struct Queue<E> {
    inbox: Inbox,
    waiting: Mutex<Waiting<E>>,
}

struct Waiting<E> {
    events: VecDeque<(E, usize)>,
    bytes: usize,
    dropped: u64,
    reader: Option<Waker>,
    ended: bool,
}

/// What came of an event that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Kept,
    /// It, or an older one, is gone.
    Dropped,
    /// The socket is to leave.
    Disconnect,
    /// Nobody takes them any more.
    Ended,
}

impl<E> Queue<E> {
    pub(super) fn new(inbox: Inbox) -> Self {
        Self {
            inbox,
            waiting: Mutex::new(Waiting {
                events: VecDeque::new(),
                bytes: 0,
                dropped: 0,
                reader: None,
                ended: false,
            }),
        }
    }

    /// Puts an event of so many bytes in.
    pub(super) fn push(&self, event: E, size: usize) -> Pushed {
        let size = size.saturating_add(EVENT);
        // What is dropped is dropped outside the lock.
        let (pushed, reader, _gone) = {
            let mut waiting = self.lock();
            if waiting.ended {
                return Pushed::Ended;
            }
            let mut gone = Vec::new();
            let mut pushed = Pushed::Kept;
            while self.is_full_for(&waiting, size) {
                match self.inbox.overflow {
                    Overflow::Wait => break,
                    Overflow::DropOldest => {
                        pushed = Pushed::Dropped;
                        waiting.dropped += 1;
                        if let Some((event, size)) = waiting.events.pop_front() {
                            waiting.bytes = waiting.bytes.saturating_sub(size);
                            gone.push(event);
                        }
                    }
                    Overflow::DropNewest => {
                        waiting.dropped += 1;
                        return Pushed::Dropped;
                    }
                    Overflow::Disconnect => {
                        waiting.dropped += 1;
                        return Pushed::Disconnect;
                    }
                }
            }
            waiting.bytes = waiting.bytes.saturating_add(size);
            waiting.events.push_back((event, size));
            (pushed, waiting.reader.take(), gone)
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        pushed
    }

    /// The next event, and whether there is room again for which the client waits.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<(E, bool)>> {
        let mut waiting = self.lock();
        let was_full = self.is_full(&waiting);
        match waiting.events.pop_front() {
            Some((event, size)) => {
                waiting.bytes = waiting.bytes.saturating_sub(size);
                let freed = was_full && !self.is_full(&waiting);
                Poll::Ready(Some((event, freed)))
            }
            None if waiting.ended => Poll::Ready(None),
            None => {
                waiting.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Whether the client is to read no further.
    pub(super) fn holds(&self) -> bool {
        self.inbox.overflow == Overflow::Wait && self.is_full(&self.lock())
    }

    /// How many were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let reader = {
            let mut waiting = self.lock();
            waiting.ended = true;
            waiting.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Nobody takes what waits.
    pub(super) fn abandon(&self) {
        let events = {
            let mut waiting = self.lock();
            waiting.ended = true;
            waiting.bytes = 0;
            std::mem::take(&mut waiting.events)
        };
        drop(events);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    fn is_full_for(&self, waiting: &Waiting<E>, size: usize) -> bool {
        let bytes = waiting.bytes.saturating_add(size);
        !waiting.events.is_empty()
            && (waiting.events.len() >= self.inbox.events || bytes > self.inbox.bytes)
    }

    fn is_full(&self, waiting: &Waiting<E>) -> bool {
        waiting.events.len() >= self.inbox.events || waiting.bytes > self.inbox.bytes
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<E>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(queue: &Queue<u8>) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match queue.poll(&mut cx) {
            Poll::Ready(Some((event, _))) => Some(event),
            Poll::Ready(None) | Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn at_the_limit_and_one_past_it() {
        for (overflow, last, kept) in [
            (Overflow::Wait, Pushed::Kept, vec![1, 2, 3]),
            (Overflow::DropOldest, Pushed::Dropped, vec![2, 3]),
            (Overflow::DropNewest, Pushed::Dropped, vec![1, 2]),
            (Overflow::Disconnect, Pushed::Disconnect, vec![1, 2]),
        ] {
            for inbox in [
                Inbox::new(2, overflow),
                Inbox::new(9, overflow).bytes(2 * (10 + EVENT)),
            ] {
                let queue = Queue::new(inbox);
                assert_eq!(queue.push(1, 10), Pushed::Kept);
                assert!(!queue.holds());
                assert_eq!(queue.push(2, 10), Pushed::Kept);
                assert_eq!(queue.push(3, 10), last, "{overflow:?}");
                assert_eq!(queue.holds(), overflow == Overflow::Wait);
                assert_eq!(queue.dropped(), u64::from(overflow != Overflow::Wait));
                assert_eq!(taken(&queue), kept, "{overflow:?}");
            }
        }
    }

    #[test]
    fn one_may_always_wait() {
        let queue = Queue::new(Inbox::new(0, Overflow::DropNewest).bytes(1));
        assert_eq!(queue.push(1, 10), Pushed::Kept);
        assert_eq!(queue.push(2, 10), Pushed::Dropped);
        queue.end();
        assert_eq!(queue.push(3, 10), Pushed::Ended);
        assert_eq!(taken(&queue), [1]);
    }
}
