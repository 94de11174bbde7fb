//! What is known of the events of a namespace that are handled once, with the clock that it ages by.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use sio_core::config::ExactlyOnce;
use sio_core::once::Once;
use sio_core::time::Instant;

use super::watch::{Clock, Expires, Watching};
use crate::runtime::Runtime;

/// The events of a namespace that are handled once, and who waits for their answers.
pub(super) struct Repeats<W> {
    /// `None`: all that have names.
    events: RwLock<Option<BTreeSet<String>>>,
    machine: Mutex<Once<W>>,
    /// From the first of these events on.
    clock: OnceLock<Box<dyn Clock>>,
    watching: Watching,
}

impl<W> Repeats<W> {
    pub(super) fn new(bounds: ExactlyOnce) -> Self {
        Self {
            events: RwLock::new(Some(BTreeSet::new())),
            machine: Mutex::new(Once::new(bounds)),
            clock: OnceLock::new(),
            watching: Watching::default(),
        }
    }

    pub(super) fn events(&self) -> RwLockWriteGuard<'_, Option<BTreeSet<String>>> {
        self.events.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, event: &str) -> bool {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        events.as_ref().is_none_or(|names| names.contains(event))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Once<W>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is where its server runs, from the first of these events on.
    pub(super) fn tell_clock(&self, runtime: &impl Runtime) {
        self.clock.get_or_init(|| Box::new(runtime.clone()));
    }

    /// The latest time, as far as it is known.
    pub(super) fn now(&self) -> Instant {
        self.clock
            .get()
            .map_or(Instant::ORIGIN, |clock| clock.now())
    }

    /// Whether anything is known that may come again.
    pub(super) fn knows_any(&self) -> bool {
        self.lock().figures().events > 0
    }

    /// Its server is closed.
    pub(super) fn close(&self) {
        self.watching.close();
    }

    /// The same, and ends when nobody looks after it any more.
    pub(super) async fn end(&self) {
        self.close();
        self.watching.end().await;
    }
}

impl<W: Send + 'static> Repeats<W> {
    /// What is known is looked after.
    pub(super) fn attend(self: &Arc<Self>) {
        if let Some(clock) = self.clock.get()
            && self.watching.begin()
        {
            clock.watch(self.clone());
        }
    }
}

impl<W: Send + 'static> Expires for Repeats<W> {
    fn watching(&self) -> &Watching {
        &self.watching
    }

    fn expire(&self) -> Option<Instant> {
        let now = self.now();
        let mut once = self.lock();
        once.handle_timeout(now);
        let next = once.poll_timeout();
        if next.is_none() {
            self.watching.rest();
        }
        next
    }
}

impl<W> fmt::Debug for Repeats<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Repeats")
    }
}
