//! What has been set to happen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::task::Waker;
use std::time::Duration;

/// What has been set to happen, by when, and among equals by when it was set.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<Key, Alarm>,
    next: u64,
}

/// A moment after the start, and a number that nobody else has.
pub(crate) type Key = (Duration, u64);

/// What happens when a timer is over.
#[derive(Debug)]
pub(crate) enum Alarm {
    /// A sleep ends, of a task on this host.
    Wake(IpAddr, Waker),
    /// What was written to a pipe (by its number) arrives.
    Arrival(usize),
    /// A host goes on.
    Resume(IpAddr),
    /// Two hosts reach each other again.
    Heal(IpAddr, IpAddr),
}

impl Timers {
    pub(crate) fn set(&mut self, at: Duration, alarm: Alarm) -> Key {
        let key = (at, self.next);
        self.next += 1;
        self.due.insert(key, alarm);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.due.remove(&key);
    }

    /// When the first of all is over.
    #[cfg(feature = "tokio")]
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// The first of all, with its time.
    pub(crate) fn pop(&mut self) -> Option<(Duration, Alarm)> {
        let ((at, _), alarm) = self.due.pop_first()?;
        Some((at, alarm))
    }

    /// The first of those that are due by `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Alarm> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Ends all sleeps on a host, which will see what time it is.
    pub(crate) fn wake_all(&mut self, host: IpAddr) -> Vec<Waker> {
        let its = |alarm: &Alarm| matches!(alarm, Alarm::Wake(at, _) if *at == host);
        let (woken, rest): (BTreeMap<_, _>, _) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(_, alarm)| its(alarm));
        self.due = rest;
        let wakers = woken.into_values().filter_map(|alarm| match alarm {
            Alarm::Wake(_, waker) => Some(waker),
            Alarm::Arrival(_) | Alarm::Resume(_) | Alarm::Heal(..) => None,
        });
        wakers.collect()
    }
}
