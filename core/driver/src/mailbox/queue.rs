//! How everybody else reaches a connection's task.

use std::collections::VecDeque;
use std::mem;
use std::sync::PoisonError;
use std::task::Waker;

use crate::mailbox::weight::{Most, Weight};
use crate::sync::primitives::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::primitives::{Mutex, MutexGuard};

/// Commands for one task: a queue behind a short lock, and the waker of the task while it sleeps.
#[derive(Debug)]
pub(crate) struct Mailbox<C> {
    inner: Mutex<Inner<C>>,
    /// Whether something waits. Changed under the lock.
    waiting: AtomicBool,
    /// What the task has taken out and not written yet. Raised under the lock as packets are taken, so
    /// that they are counted all the time, and set to what is true at the end of each turn.
    session_bytes: AtomicU32,
    session_packets: AtomicU32,
    /// Bytes of answers to polls that are not written yet, and whether they count where it is asked if more
    /// may wait.
    unwritten: AtomicU32,
    counts_unwritten: AtomicBool,
}

#[derive(Debug)]
struct Inner<C> {
    queue: VecDeque<C>,
    /// Before this place nothing can be evicted.
    settled: u32,
    /// Places whose packets were evicted. All of them are before `settled`.
    holes: u32,
    /// The packets among what waits, so that a task that does not run cannot be buried.
    held_bytes: usize,
    held_packets: u32,
    /// The task's waker, kept from turn to turn; taken out of use by `asleep`.
    waker: Option<Waker>,
    asleep: bool,
    closed: bool,
    overflowed: bool,
    /// Whether the last command may still grow. It is sealed before anything else happens here, so that
    /// what it grows by has the place that it would have had by itself.
    open: bool,
}

/// What a mailbox wants to know of its commands.
pub(crate) trait Perishable {
    /// What it gives free, if it may be lost.
    fn weight(&self) -> Option<Weight>;

    /// Whether it takes the place of `other`, if both may be lost.
    fn is_namesake(&self, other: &Self) -> bool;

    /// What stands in the place of one that was.
    fn hole() -> Self;

    /// Whether it stands there.
    fn is_hole(&self) -> bool;

    /// From now on it does not grow. What it has grown by since it was pushed.
    fn seal(&self) -> Weight;
}

/// What [`Mailbox::swap_or_sleep`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    Some,
    /// Packets were dropped; there may be others.
    Overflowed,
    /// Nothing, so the task sleeps; whether with the waker of the last time.
    Nothing {
        same_waker: bool,
    },
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
    /// What tells it from all others as long as it lives.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<C: Perishable> Mailbox<C> {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                settled: 0,
                holes: 0,
                held_bytes: 0,
                held_packets: 0,
                waker: None,
                asleep: false,
                closed: false,
                overflowed: false,
                open: false,
            }),
            waiting: AtomicBool::new(false),
            session_bytes: AtomicU32::new(0),
            session_packets: AtomicU32::new(0),
            unwritten: AtomicU32::new(0),
            counts_unwritten: AtomicBool::new(false),
        }
    }

    /// Adds a command. Wake what comes back, once every lock is released.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn push(&self, command: C) -> Result<Option<Waker>, NotTaken> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotTaken::Closed);
        }
        inner.seal();
        self.add(&mut inner, command);
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
        inner.seal();
        if !self.has_room(inner.held(), weight, most) {
            return Err((NotTaken::Full, command));
        }
        inner.hold(weight);
        self.add(&mut inner, command);
        Ok(inner.rouse())
    }

    /// The same for what many get, which may grow as long as it is the last here: made only where there is
    /// room for it, and never moved. Says, too, by how much it may grow.
    pub(crate) fn push_open(
        &self,
        weight: Weight,
        most: Most,
        command: impl FnOnce() -> C,
    ) -> Result<(Option<Waker>, Weight), NotTaken> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotTaken::Closed);
        }
        inner.seal();
        if !self.has_room(inner.held(), weight, most) {
            return Err(NotTaken::Full);
        }
        inner.hold(weight);
        self.add(&mut inner, command());
        inner.open = true;
        let all = self.beside(inner.held(), most);
        let room = Weight {
            bytes: most.bytes.saturating_sub(all.bytes),
            packets: most.packets.saturating_sub(all.packets),
        };
        Ok((inner.rouse(), room))
    }

    /// Adds the commands of this weight that the task's own handlers have told it, before whatever was told
    /// by others since.
    pub(crate) fn put_first(&self, commands: &mut VecDeque<C>, weight: Weight) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        inner.hold(weight);
        if mem::take(&mut inner.holes) > 0 {
            inner.queue.retain(|command| !command.is_hole());
        }
        inner.settled = 0;
        mem::swap(&mut inner.queue, commands);
        inner.queue.append(commands);
        self.waiting
            .store(!inner.queue.is_empty(), Ordering::Relaxed);
    }

    /// Whether there is room for a packet beside so many. One packet larger than the limit is the
    /// session's to judge, not the mailbox's.
    pub(crate) fn has_room(&self, beside: Weight, weight: Weight, most: Most) -> bool {
        let Weight { bytes, packets } = self.beside(beside, most);
        bytes == 0 || (bytes.saturating_add(weight.bytes) <= most.bytes && packets < most.packets)
    }

    /// What counts beside a packet, where so much waits outside the session.
    fn beside(&self, mut waiting: Weight, most: Most) -> Weight {
        if most.with_session {
            let unread = match self.counts_unwritten.load(Ordering::Relaxed) {
                true => self.unwritten(),
                false => 0,
            };
            let session = self.session_bytes.load(Ordering::Relaxed) as usize;
            waiting.add(Weight {
                bytes: session.saturating_add(unread),
                packets: self.session_packets.load(Ordering::Relaxed) as usize,
            });
        }
        waiting
    }

    /// Whether something waits that the task has not taken. Who has seen a command pushed sees it here.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes the first packet out that may be lost. `false`: there is none.
    ///
    /// A mailbox that is full is asked this for each packet, so none is looked at twice: the search goes
    /// on where the last one ended, and holes are closed when they are as many as the rest.
    pub(crate) fn evict(&self) -> bool {
        let mut guard = self.lock();
        let inner = &mut *guard;
        inner.seal();
        let settled = inner.settled as usize;
        let mut behind = inner.queue.iter_mut().enumerate().skip(settled);
        let found = behind.find_map(|(at, command)| Some((at, command.weight()?, command)));
        let Some((at, weight, command)) = found else {
            inner.settled = short(inner.queue.len());
            return false;
        };
        let evicted = mem::replace(command, C::hole());
        let mut held = inner.release();
        held.remove(weight);
        inner.hold(held);
        inner.settled = short(at.saturating_add(1));
        inner.holes = inner.holes.saturating_add(1);
        if inner.holes as usize > inner.queue.len() / 2 {
            inner.queue.retain(|command| !command.is_hole());
            inner.settled = inner.settled.saturating_sub(mem::take(&mut inner.holes));
        }
        drop(guard);
        drop(evicted);
        true
    }

    /// Takes the packet out in whose place `command` comes. `false`: there is none.
    pub(crate) fn supersede(&self, command: &C) -> bool {
        let mut guard = self.lock();
        let inner = &mut *guard;
        inner.seal();
        let settled = inner.settled as usize;
        let mut lost = inner.queue.iter().enumerate().skip(settled);
        let found = lost
            .find_map(|(at, its)| Some((at, its.weight().filter(|_| its.is_namesake(command))?)));
        let Some((at, weight)) = found else {
            return false;
        };
        let mut held = inner.release();
        held.remove(weight);
        inner.hold(held);
        // Nothing that is settled can be lost, so the places before stay as they are.
        let superseded = inner.queue.remove(at);
        drop(guard);
        drop(superseded);
        true
    }

    /// What waits in the session, as its task sees it.
    pub(crate) fn set_session(&self, bytes: usize, packets: usize) {
        self.session_bytes.store(short(bytes), Ordering::Relaxed);
        self.session_packets
            .store(short(packets), Ordering::Relaxed);
    }

    /// Bytes that wait in the session, as its task saw it last, and those that are not written yet.
    pub(crate) fn session_bytes(&self) -> usize {
        let session = self.session_bytes.load(Ordering::Relaxed) as usize;
        session.saturating_add(self.unwritten())
    }

    /// An answer of so many bytes is to be written.
    pub(crate) fn owe(&self, bytes: usize) {
        self.unwritten.fetch_add(short(bytes), Ordering::Relaxed);
    }

    /// It was, or will never be.
    pub(crate) fn settle(&self, bytes: usize) {
        self.unwritten.fetch_sub(short(bytes), Ordering::Relaxed);
    }

    /// Bytes of answers that are not written yet.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Relaxed) as usize
    }

    /// Whether those count where it is asked if more may wait.
    pub(crate) fn count_unwritten(&self, counts: bool) {
        self.counts_unwritten.store(counts, Ordering::Relaxed);
    }

    /// Bytes of packets that the task has not taken.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held().bytes
    }

    /// Packets that the task has not taken.
    pub(crate) fn held(&self) -> Weight {
        self.lock().held()
    }

    /// All that waits, where `held` has not been taken yet: in the session as its task saw it last, and unwritten.
    pub(crate) fn all(&self, mut held: Weight) -> Weight {
        held.add(Weight {
            bytes: self.session_bytes(),
            packets: self.session_packets.load(Ordering::Relaxed) as usize,
        });
        held
    }

    /// Tells the task that packets for it had to be dropped.
    #[must_use = "the connection sleeps until this is woken"]
    pub(crate) fn overflow(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.overflowed = true;
        inner.rouse()
    }

    /// Moves what waits behind what is in `batch`. Says whether packets were dropped.
    pub(crate) fn swap(&self, batch: &mut VecDeque<C>) -> bool {
        self.take(&mut self.lock(), batch)
    }

    /// Like [`swap`](Self::swap); if nothing waits, the task sleeps from now on and the next push
    /// returns its waker. Both happen under one lock, so no wake-up falls between them.
    pub(crate) fn swap_or_sleep(&self, batch: &mut VecDeque<C>, waker: &Waker) -> Took {
        let mut inner = self.lock();
        if self.take(&mut inner, batch) {
            return Took::Overflowed;
        }
        if !batch.is_empty() {
            return Took::Some;
        }
        inner.asleep = true;
        let same_waker = match &mut inner.waker {
            Some(kept) if kept.will_wake(waker) => true,
            kept => {
                *kept = Some(waker.clone());
                false
            }
        };
        Took::Nothing { same_waker }
    }

    /// Gives back the memory of bursts that have passed.
    pub(crate) fn shrink(&self) {
        let mut inner = self.lock();
        if inner.queue.is_empty() {
            inner.queue = VecDeque::new();
        }
    }

    /// Refuses everything from now on and returns what waited.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut inner = self.lock();
        inner.closed = true;
        inner.open = false;
        inner.release();
        inner.waker = None;
        mem::take(&mut inner.queue)
    }

    /// Counts packets that the task has taken from elsewhere, like those that it takes from here.
    ///
    /// Only the task changes these, so they are read and set, which costs no locked instruction.
    pub(crate) fn count(&self, weight: Weight) {
        let bytes = self.session_bytes.load(Ordering::Relaxed);
        let packets = self.session_packets.load(Ordering::Relaxed);
        self.session_bytes
            .store(bytes.saturating_add(short(weight.bytes)), Ordering::Relaxed);
        let packets = packets.saturating_add(short(weight.packets));
        self.session_packets.store(packets, Ordering::Relaxed);
    }

    fn take(&self, inner: &mut Inner<C>, batch: &mut VecDeque<C>) -> bool {
        inner.seal();
        if !inner.queue.is_empty() {
            if batch.is_empty() {
                // Both keep their memory.
                mem::swap(batch, &mut inner.queue);
            } else {
                batch.append(&mut inner.queue);
            }
            self.count(inner.release());
            (inner.settled, inner.holes) = (0, 0);
            self.waiting.store(false, Ordering::Relaxed);
        }
        inner.asleep = false;
        mem::take(&mut inner.overflowed)
    }

    fn add(&self, inner: &mut Inner<C>, command: C) {
        inner.queue.push_back(command);
        self.waiting.store(true, Ordering::Relaxed);
    }

    /// Nothing under this lock can panic half way, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Places and packets are counted in 32 bits, and the bytes of a session: a mailbox with more of them does not
/// fit into memory, and no session may hold as many.
fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl<C: Perishable> Inner<C> {
    fn seal(&mut self) {
        if mem::take(&mut self.open)
            && let Some(last) = self.queue.back()
        {
            let growth = last.seal();
            self.hold(growth);
        }
    }

    fn held(&self) -> Weight {
        Weight {
            bytes: self.held_bytes,
            packets: self.held_packets as usize,
        }
    }

    fn hold(&mut self, weight: Weight) {
        self.held_bytes = self.held_bytes.saturating_add(weight.bytes);
        self.held_packets = self.held_packets.saturating_add(short(weight.packets));
    }

    fn release(&mut self) -> Weight {
        let held = self.held();
        (self.held_bytes, self.held_packets) = (0, 0);
        held
    }

    fn rouse(&mut self) -> Option<Waker> {
        mem::take(&mut self.asleep)
            .then(|| self.waker.clone())
            .flatten()
    }
}

/// Wakers gathered under a lock, woken when it is released.
#[derive(Debug, Default)]
#[must_use = "tasks sleep until these are woken"]
pub(crate) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.0.push(waker);
        }
    }

    /// Call this with no lock held: a waker may run anything, on this stack.
    pub(crate) fn wake(self) {
        for waker in self.0 {
            waker.wake();
        }
    }
}

#[cfg(test)]
#[path = "queue/tests.rs"]
mod tests;
