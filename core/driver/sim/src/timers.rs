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
    /// For when those are due that a clock has brought nearer, by their numbers.
    nearer: BTreeMap<u64, Duration>,
}

/// A moment after the start, for which it was set, and a number that nobody else has.
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
        let (at, number) = key;
        let at = self.nearer.remove(&number).unwrap_or(at);
        self.due.remove(&(at, number));
    }

    /// When the first of all is over.
    #[cfg(feature = "tokio")]
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// The first of all, with its time.
    pub(crate) fn pop(&mut self) -> Option<(Duration, Alarm)> {
        let ((at, number), alarm) = self.due.pop_first()?;
        self.nearer.remove(&number);
        Some((at, alarm))
    }

    /// The first of those that are due by `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Alarm> {
        let first = self.due.first_entry()?;
        let (at, number) = *first.key();
        if at > now {
            return None;
        }
        self.nearer.remove(&number);
        Some(first.remove())
    }

    /// The clock of a host has jumped by so much: its sleeps end that much sooner. None rings before its moment: who
    /// waits for one may not look again before it does.
    pub(crate) fn jump(&mut self, host: IpAddr, time: Duration) {
        let its = |alarm: &Alarm| matches!(alarm, Alarm::Wake(at, _) if *at == host);
        let (moved, rest): (BTreeMap<_, _>, _) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(_, alarm)| its(alarm));
        self.due = rest;
        for ((at, number), alarm) in moved {
            let at = at.saturating_sub(time);
            self.nearer.insert(number, at);
            self.due.insert((at, number), alarm);
        }
    }
}
