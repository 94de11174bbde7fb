//! When a connection's task wakes by itself.

use std::future::Future;
use std::task::Context;
use std::time::Instant;

use super::Task;
use crate::runtime::{EARLIEST, Runtime, Sleep};

impl<R: Runtime> Task<R> {
    /// Whether a deadline has come.
    ///
    /// None has while the sleep has not rung, but those that were found when it was set anew: asking the
    /// machine for them in every turn was 150 instructions.
    pub(super) fn is_due(&mut self) -> bool {
        let asleep = self.armed.is_some_and(|at| at > self.now);
        if std::mem::take(&mut self.due) || !asleep {
            let deadline = self.connection.poll_timeout();
            return deadline.is_some_and(|deadline| deadline.at <= self.now);
        }
        false
    }

    /// Sets the timer. `true`: something is due already. `same`: the waker is the one of the last time.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>, same: bool) -> bool {
        if !same {
            self.armed = None;
        }
        let next = self.connection.poll_timeout().map(|deadline| deadline.at);
        let finishing = self.finishing.iter().flat_map(|finishing| finishing.ends());
        let departed = self.departed_until();
        let Some(at) = finishing.chain(next).chain(departed).min() else {
            return false;
        };
        // One that rings too early is set again then; moving it later now would cost as much for every
        // message, and so would asking the clock or the timer whether it has rung.
        let early = self.now.checked_add(EARLIEST);
        let silent = |armed: Instant| armed <= at && early.is_some_and(|early| early < armed);
        if self.armed.is_some_and(silent) {
            return false;
        }
        if at <= self.runtime.now() {
            self.due = true;
            return true;
        }
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if self.armed.is_none_or(|armed| at < armed) {
                    sleep.as_mut().reset(at);
                    self.armed = Some(at);
                }
                sleep
            }
            none => {
                self.armed = Some(at);
                none.insert(Box::pin(self.runtime.sleep_until(at)))
            }
        };
        if sleep.as_mut().poll(cx).is_ready() {
            self.armed = None;
            return true;
        }
        false
    }
}
