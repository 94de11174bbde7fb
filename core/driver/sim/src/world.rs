//! What a simulation is made of, behind one lock.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::choices::Choices;
use crate::history::{Act, Deed, History};
use crate::ids::Ids;
use crate::net::{Ending, Net};

use crate::tasks::{Ready, Tasks};
use crate::timers::{Alarm, Timers};
use crate::trace::{End, Step, Trace};

pub(crate) struct World {
    /// Where the draws come from, in the words of who began the run.
    pub(crate) source: String,
    pub(crate) ready: Arc<Ready>,
    pub(crate) state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) now: Duration,
    pub(crate) choices: Choices,
    pub(crate) ids: Ids,
    pub(crate) tasks: Tasks,
    pub(crate) timers: Timers,
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) history: History,
    /// Woken when the state is not locked any more.
    pub(crate) wake: Vec<Waker>,
}

impl World {
    /// Locks the state for a moment. Who was woken meanwhile is woken after it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        let (value, wake) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let value = look(&mut state);
            (value, std::mem::take(&mut state.wake))
        };
        for waker in wake {
            waker.wake();
        }
        value
    }

    /// Lets time pass until the next timer, and everything happen that is due then.
    pub(crate) fn pass_time(&self) {
        self.with(|state| {
            let Some((now, alarm)) = state.timers.pop() else {
                panic!(
                    "deadlock: no timer is set, and nothing can run{}",
                    state.tasks
                );
            };
            if now > state.now {
                state.now = now;
                state.trace.note(Step::Clock(now));
            }
            state.ring(alarm);
            while let Some(alarm) = state.timers.pop_due(state.now) {
                state.ring(alarm);
            }
        });
    }
}

impl State {
    /// Something has happened at one end of a connection.
    pub(crate) fn record(&mut self, end: End, deed: impl FnOnce() -> Deed) {
        if end.accepted {
            self.history.acts.push(Act {
                at: self.now,
                connection: end.connection,
                deed: deed(),
            });
        }
    }

    fn ring(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Wake(waker) => self.wake.push(waker),
            Alarm::Arrival(pipe) => self.wake.extend(self.net.arrived(pipe)),
        }
    }

    /// When something that is sent now arrives at the other end of a pipe, which will be noticed.
    pub(crate) fn arrival(&mut self, pipe: usize) -> Duration {
        let delay = self.net.delay(&mut self.choices);
        let its = &mut self.net.pipes[pipe];
        let at = its.latest.max(self.now + delay);
        its.latest = at;
        if at > self.now {
            self.timers.set(at, Alarm::Arrival(pipe));
        } else {
            self.wake.extend(its.reader.take());
        }
        at
    }

    /// Ends a direction, unless it has ended.
    pub(crate) fn finish(&mut self, pipe: usize, ending: Ending) {
        if self.net.pipes[pipe].ending.is_none() {
            let at = self.arrival(pipe);
            self.net.pipes[pipe].ending = Some((at, ending));
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
