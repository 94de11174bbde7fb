//! How everybody else reaches a connection's task.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Commands for one task: a vector behind a short lock, and the waker of the task while it sleeps.
#[derive(Debug)]
pub(crate) struct Mailbox<C> {
    inner: Mutex<Inner<C>>,
    /// What the task has taken out and not written yet. Raised under the lock as packets are taken, so
    /// that they are counted all the time, and set to what is true at the end of each turn.
    session_bytes: AtomicUsize,
    session_packets: AtomicUsize,
}

/// What a packet adds to a backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) bytes: usize,
    /// Frames: a packet with attachments is several.
    pub(crate) packets: usize,
}

/// What may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) bytes: usize,
    pub(crate) packets: usize,
    /// Whether what waits in the session counts too: where the one who emits is told.
    pub(crate) with_session: bool,
}

#[derive(Debug)]
struct Inner<C> {
    queue: Vec<C>,
    /// Bytes of packets among what waits, so that a task that does not run cannot be buried.
    bytes: usize,
    /// Those packets.
    packets: usize,
    /// The task's waker, kept from turn to turn; taken out of use by `asleep`.
    waker: Option<Waker>,
    asleep: bool,
    closed: bool,
    overflowed: bool,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The task has ended.
    Closed,
    /// More bytes wait than the limit allows.
    Full,
}

impl<C> Mailbox<C> {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: Vec::new(),
                bytes: 0,
                packets: 0,
                waker: None,
                asleep: false,
                closed: false,
                overflowed: false,
            }),
            session_bytes: AtomicUsize::new(0),
            session_packets: AtomicUsize::new(0),
        }
    }

    /// Adds a command. Wake what comes back, once every lock is released.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn push(&self, command: C) -> Result<Option<Waker>, NotTaken> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotTaken::Closed);
        }
        inner.queue.push(command);
        Ok(inner.rouse())
    }

    /// Adds a command that carries a packet, unless that would be too much. Gives it back with the
    /// reason why not.
    pub(crate) fn push_packet(
        &self,
        command: C,
        weight: Weight,
        most: Most,
    ) -> Result<Option<Waker>, (NotTaken, C)> {
        let mut inner = self.lock();
        if inner.closed {
            return Err((NotTaken::Closed, command));
        }
        let (mut held, mut packets) = (inner.bytes, inner.packets);
        if most.with_session {
            held = held.saturating_add(self.session_bytes.load(Ordering::Relaxed));
            packets = packets.saturating_add(self.session_packets.load(Ordering::Relaxed));
        }
        // One packet larger than the limit is the session's to judge, not the mailbox's.
        if held > 0 && (held.saturating_add(weight.bytes) > most.bytes || packets >= most.packets) {
            return Err((NotTaken::Full, command));
        }
        inner.bytes = inner.bytes.saturating_add(weight.bytes);
        inner.packets = inner.packets.saturating_add(weight.packets);
        inner.queue.push(command);
        Ok(inner.rouse())
    }

    /// Takes the first command out for which `weigh` says what it frees. `false`: there is
    /// none.
    pub(crate) fn evict(&self, weigh: impl Fn(&C) -> Option<Weight>) -> bool {
        let mut inner = self.lock();
        let found = inner
            .queue
            .iter()
            .enumerate()
            .find_map(|(at, command)| Some((at, weigh(command)?)));
        let Some((at, weight)) = found else {
            return false;
        };
        let evicted = inner.queue.remove(at);
        inner.bytes = inner.bytes.saturating_sub(weight.bytes);
        inner.packets = inner.packets.saturating_sub(weight.packets);
        drop(inner);
        drop(evicted);
        true
    }

    /// What waits in the session, as its task sees it.
    pub(crate) fn set_session(&self, bytes: usize, packets: usize) {
        self.session_bytes.store(bytes, Ordering::Relaxed);
        self.session_packets.store(packets, Ordering::Relaxed);
    }

    /// Bytes that wait in the session, as its task saw it last.
    pub(crate) fn session_bytes(&self) -> usize {
        self.session_bytes.load(Ordering::Relaxed)
    }

    /// Tells the task that packets for it had to be dropped.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn overflow(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.overflowed = true;
        inner.rouse()
    }

    /// Swaps what waits into `batch`, which must be empty. Says whether packets were dropped.
    pub(crate) fn swap(&self, batch: &mut Vec<C>) -> bool {
        debug_assert!(batch.is_empty());
        self.take(&mut self.lock(), batch)
    }

    /// Like [`swap`](Self::swap); if nothing waits, the task sleeps from now on and the next push
    /// returns its waker. Both happen under one lock, so no wake-up falls between them.
    pub(crate) fn swap_or_sleep(&self, batch: &mut Vec<C>, waker: &Waker) -> bool {
        debug_assert!(batch.is_empty());
        let mut inner = self.lock();
        let overflowed = self.take(&mut inner, batch);
        if batch.is_empty() && !overflowed {
            inner.asleep = true;
            match &mut inner.waker {
                Some(kept) => kept.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        overflowed
    }

    /// Gives back the memory of bursts that have passed.
    pub(crate) fn shrink(&self) {
        let mut inner = self.lock();
        if inner.queue.is_empty() {
            inner.queue = Vec::new();
        }
    }

    /// Refuses everything from now on and returns what waited.
    pub(crate) fn close(&self) -> Vec<C> {
        let mut inner = self.lock();
        inner.closed = true;
        inner.bytes = 0;
        inner.waker = None;
        mem::take(&mut inner.queue)
    }

    fn take(&self, inner: &mut Inner<C>, batch: &mut Vec<C>) -> bool {
        mem::swap(&mut inner.queue, batch);
        let (bytes, packets) = (mem::take(&mut inner.bytes), mem::take(&mut inner.packets));
        self.session_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.session_packets.fetch_add(packets, Ordering::Relaxed);
        inner.asleep = false;
        mem::take(&mut inner.overflowed)
    }

    /// Nothing under this lock can panic half way, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Inner<C> {
    fn rouse(&mut self) -> Option<Waker> {
        mem::take(&mut self.asleep)
            .then(|| self.waker.clone())
            .flatten()
    }
}

/// Wakers gathered under a lock, woken when it is released.
#[derive(Debug, Default)]
#[must_use = "tasks sleep until these are woken"]
pub(crate) struct Wakers(smallvec::SmallVec<[Waker; 8]>);

impl Wakers {
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }

    /// Call this with no lock held: a waker may run anything, on this stack.
    pub(crate) fn wake(self) {
        for waker in self.0 {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    const fn bytes(bytes: usize) -> Weight {
        Weight { bytes, packets: 1 }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_sleeping_task_is_woken_once_and_a_running_one_never() {
        let mailbox = Mailbox::new();
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut batch = Vec::new();

        assert!(mailbox.push(1).unwrap().is_none());
        mailbox.swap_or_sleep(&mut batch, &waker);
        assert_eq!(batch, [1]);
        batch.clear();
        mailbox.swap_or_sleep(&mut batch, &waker);
        assert!(batch.is_empty());
        mailbox.push(2).unwrap().unwrap().wake();
        assert!(mailbox.push(3).unwrap().is_none());
        mailbox.swap(&mut batch);
        assert_eq!(batch, [2, 3]);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn packets_over_the_limit_are_refused_and_the_task_hears_of_it() {
        let most = Most {
            bytes: 10,
            packets: 2,
            with_session: false,
        };
        let refusal = |result: Result<_, (NotTaken, i32)>| result.unwrap_err().0;
        let mailbox = Mailbox::new();
        assert!(mailbox.push_packet(1, bytes(100), most).is_ok());
        assert_eq!(
            refusal(mailbox.push_packet(2, bytes(1), most)),
            NotTaken::Full
        );
        assert!(mailbox.overflow().is_none());
        let mut batch = Vec::new();
        assert!(mailbox.swap(&mut batch));
        batch.clear();
        assert!(!mailbox.swap(&mut batch));
        assert!(mailbox.push_packet(3, bytes(5), most).is_ok());
        assert!(mailbox.push_packet(4, bytes(1), most).is_ok());
        assert_eq!(
            refusal(mailbox.push_packet(5, bytes(1), most)),
            NotTaken::Full
        );
        assert!(mailbox.evict(|command| (*command == 4).then_some(bytes(1))));
        assert!(!mailbox.evict(|command| (*command == 4).then_some(bytes(1))));
        assert!(mailbox.push_packet(6, bytes(1), most).is_ok());
        assert_eq!(mailbox.close(), [3, 6]);
        assert_eq!(mailbox.push(7).unwrap_err(), NotTaken::Closed);
    }

    #[test]
    fn what_the_task_has_taken_counts_until_it_says_that_it_is_written() {
        let most = Most {
            bytes: 10,
            packets: 9,
            with_session: true,
        };
        let mailbox = Mailbox::new();
        assert!(mailbox.push_packet(1, bytes(8), most).is_ok());
        mailbox.swap(&mut Vec::new());
        assert!(mailbox.push_packet(2, bytes(3), most).is_err());
        assert!(mailbox.push_packet(2, bytes(2), most).is_ok());
        mailbox.set_session(0, 0);
        assert!(mailbox.push_packet(3, bytes(8), most).is_ok());
    }
}
