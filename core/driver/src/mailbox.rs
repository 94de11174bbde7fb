//! How everybody else reaches a connection's task.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Commands for one task: a vector behind a short lock, and the waker of the task while it sleeps.
#[derive(Debug)]
pub(crate) struct Mailbox<C> {
    inner: Mutex<Inner<C>>,
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

    /// Adds a command that carries a packet of `bytes`, unless more than `limit` would wait then: of
    /// bytes, of packets.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn push_packet(
        &self,
        command: C,
        bytes: usize,
        limit: (usize, usize),
    ) -> Result<Option<Waker>, NotTaken> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotTaken::Closed);
        }
        // One packet larger than the limit is the session's to judge, not the mailbox's.
        let (most_bytes, most_packets) = limit;
        if inner.bytes > 0
            && (inner.bytes.saturating_add(bytes) > most_bytes || inner.packets >= most_packets)
        {
            return Err(NotTaken::Full);
        }
        inner.packets = inner.packets.saturating_add(1);
        inner.bytes = inner.bytes.saturating_add(bytes);
        inner.queue.push(command);
        Ok(inner.rouse())
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
        let mut inner = self.lock();
        inner.take(batch)
    }

    /// Like [`swap`](Self::swap); if nothing waits, the task sleeps from now on and the next push
    /// returns its waker. Both happen under one lock, so no wake-up falls between them.
    pub(crate) fn swap_or_sleep(&self, batch: &mut Vec<C>, waker: &Waker) -> bool {
        debug_assert!(batch.is_empty());
        let mut inner = self.lock();
        let overflowed = inner.take(batch);
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

    fn take(&mut self, batch: &mut Vec<C>) -> bool {
        mem::swap(&mut self.queue, batch);
        self.bytes = 0;
        self.packets = 0;
        self.asleep = false;
        mem::take(&mut self.overflowed)
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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

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
        let mailbox = Mailbox::new();
        assert!(mailbox.push_packet(1, 100, (10, 2)).is_ok());
        assert_eq!(
            mailbox.push_packet(2, 1, (10, 2)).unwrap_err(),
            NotTaken::Full
        );
        assert!(mailbox.overflow().is_none());
        let mut batch = Vec::new();
        assert!(mailbox.swap(&mut batch));
        batch.clear();
        assert!(!mailbox.swap(&mut batch));
        assert!(mailbox.push_packet(3, 5, (10, 2)).is_ok());
        assert!(mailbox.push_packet(4, 1, (10, 2)).is_ok());
        let third = mailbox.push_packet(5, 1, (10, 2));
        assert_eq!(third.unwrap_err(), NotTaken::Full);
        assert_eq!(mailbox.close(), [3, 4]);
        assert_eq!(mailbox.push(6).unwrap_err(), NotTaken::Closed);
    }
}
