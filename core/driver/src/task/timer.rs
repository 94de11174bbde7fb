//! When a connection's task wakes by itself.

use std::task::Context;

use sio_core::time::Instant;

use crate::alarm::Alarm;
use crate::runtime::{EARLIEST, Runtime};

/// The sleep of a connection, set for whatever is due first.
pub(super) struct Timer<R: Runtime> {
    alarm: Alarm<R>,
    /// Whether a deadline may have come for which the sleep was not set.
    unset: bool,
}

impl<R: Runtime> Timer<R> {
    pub(super) const fn new() -> Self {
        Self {
            alarm: Alarm::new(),
            unset: false,
        }
    }

    /// The next turn asks for deadlines, whatever the sleep says: it was not set for what there is by now.
    pub(super) fn unset(&mut self) {
        self.unset = true;
    }

    /// Whether a deadline may have come.
    ///
    /// None has while the sleep has not rung, but those that were found when it was set anew: asking the
    /// machine for them in every turn was 150 instructions.
    pub(super) fn may_be_due(&mut self, now: Instant) -> bool {
        let asleep = self.alarm.at().is_some_and(|at| at > now);
        std::mem::take(&mut self.unset) || !asleep
    }

    /// Sets the sleep. `true`: it has rung, or `at` has come already. `same`: the waker is the one of the last
    /// time.
    pub(super) fn arm(
        &mut self,
        cx: &mut Context<'_>,
        runtime: &R,
        now: Instant,
        at: Option<Instant>,
        same: bool,
    ) -> bool {
        if !same {
            self.alarm.forget();
        }
        let Some(at) = at else {
            return false;
        };
        // One that rings too early is set again then; moving it later now would cost as much for every
        // message, and so would asking the clock or the timer whether it has rung.
        let early = now.checked_add(EARLIEST);
        let silent = |armed: Instant| armed <= at && early.is_some_and(|early| early < armed);
        if self.alarm.at().is_some_and(silent) {
            return false;
        }
        if at <= runtime.now() {
            self.unset = true;
            return true;
        }
        self.alarm.set(cx, runtime, at)
    }
}
