//! What a simulation is made of, behind one lock.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use sio_driver::binding::Server;

use crate::choices::Choices;
use crate::history::{Act, Deed, History};
use crate::hosts::Hosts;
use crate::ids::Ids;
use crate::net::{Ending, NEVER, Net};

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
    pub(crate) hosts: Hosts,
    pub(crate) tasks: Tasks,
    pub(crate) timers: Timers,
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) history: History,
    /// All that were served.
    pub(crate) servers: Vec<Server>,
    /// Emits of clients that have asked for an answer and have not heard.
    pub(crate) open_acks: usize,
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
                panic!("{}", state.deadlock());
            };
            state.pass_until(now);
            state.ring(alarm);
            state.ring_all();
        });
    }

    /// Lets time pass until a moment, and everything happen that is due by then. A year without anything is the
    /// end.
    #[cfg(feature = "tokio")]
    pub(crate) fn pass_time_until(&self, now: Duration) {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        self.with(|state| {
            let nothing = state.timers.next().is_none() && now >= state.now + YEAR;
            assert!(!nothing, "{}", state.deadlock());
            state.pass_until(now);
            state.ring_all();
        });
    }
}

impl State {
    fn deadlock(&self) -> String {
        let tasks = &self.tasks;
        format!("deadlock: no timer is set, and nothing can run{tasks}")
    }

    fn pass_until(&mut self, now: Duration) {
        if now > self.now {
            self.now = now;
            self.trace.note(Step::Clock(now));
        }
    }

    fn ring_all(&mut self) {
        while let Some(alarm) = self.timers.pop_due(self.now) {
            self.ring(alarm);
        }
    }

    /// Something has happened at one end of a connection.
    pub(crate) fn record(&mut self, end: End, deed: impl FnOnce() -> Deed) {
        if end.accepted {
            self.note(end, deed());
        }
    }

    /// The client has dropped its end of a connection.
    pub(crate) fn leave(&mut self, end: End) {
        if !end.accepted {
            self.note(end, Deed::Left);
        }
    }

    fn note(&mut self, end: End, deed: Deed) {
        self.history.acts.push(Act {
            at: self.now,
            connection: end.connection,
            deed,
        });
    }

    fn ring(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Wake(_, waker) => self.wake.push(waker),
            Alarm::Arrival(pipe) => self.wake.extend(self.net.arrived(pipe)),
            Alarm::Resume(host) => {
                if !self.hosts.is_stalled(host, self.now) {
                    self.hosts.goes_on(host, self.now);
                }
            }
            Alarm::Heal(from, to) => {
                self.open(from, to);
                self.open(to, from);
            }
        }
    }

    /// When something that is sent now arrives at the other end of a pipe, which will be noticed.
    pub(crate) fn arrival(&mut self, pipe: usize) -> Duration {
        let its = &self.net.pipes[pipe];
        if self.net.shut.contains(&(its.from, its.to)) {
            return NEVER;
        }
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

    /// Nothing passes from one host to another any more.
    pub(crate) fn shut(&mut self, from: IpAddr, to: IpAddr) {
        self.net.shut.insert((from, to));
        let pipes = self.net.pipes.iter_mut();
        for pipe in pipes.filter(|pipe| (pipe.from, pipe.to) == (from, to)) {
            let under_way = pipe.segments.iter_mut().map(|it| &mut it.arrives);
            let ending = pipe.ending.as_mut().map(|(at, _)| at);
            for at in under_way.chain(ending).filter(|at| **at > self.now) {
                *at = NEVER;
            }
        }
    }

    /// Everything passes again, and what has waited arrives.
    pub(crate) fn open(&mut self, from: IpAddr, to: IpAddr) {
        if !self.net.shut.remove(&(from, to)) {
            return;
        }
        for at in 0..self.net.pipes.len() {
            let pipe = &self.net.pipes[at];
            let waits = |when: Duration| when == NEVER;
            let held = pipe.segments.iter().any(|it| waits(it.arrives));
            let ends = pipe.ending.is_some_and(|(when, _)| waits(when));
            if (pipe.from, pipe.to) != (from, to) || !(held || ends) {
                continue;
            }
            let arrives = self.arrival(at);
            let pipe = &mut self.net.pipes[at];
            let under_way = pipe.segments.iter_mut().map(|it| &mut it.arrives);
            let ending = pipe.ending.as_mut().map(|(at, _)| at);
            for when in under_way.chain(ending).filter(|when| waits(**when)) {
                *when = arrives;
            }
        }
    }

    /// A connection breaks off, which both ends are told.
    pub(crate) fn sever(&mut self, connection: usize) {
        for pipe in [2 * connection, 2 * connection + 1] {
            let pipe = &mut self.net.pipes[pipe];
            pipe.segments.clear();
            pipe.held = 0;
            pipe.ending = Some((self.now, Ending::Reset));
            self.wake.extend(pipe.reader.take());
            self.wake.extend(pipe.writer.take());
        }
    }

    /// A host runs nothing for so long.
    pub(crate) fn stall(&mut self, host: IpAddr, time: Duration) {
        let until = self.now + time;
        self.hosts.stalled.insert(host, until);
        self.timers.set(until, Alarm::Resume(host));
    }

    /// Which of the woken tasks is next: none, if those that could run may not.
    pub(crate) fn pick(&mut self, queue: &mut Vec<usize>) -> Option<usize> {
        if self.hosts.stalled.is_empty() {
            return (!queue.is_empty()).then(|| queue.remove(self.choices.index(queue.len())));
        }
        let runs = |number: usize| match self.tasks.host(number) {
            Some(host) => !self.hosts.is_stalled(host, self.now),
            None => true,
        };
        let able: Vec<_> = (0..queue.len()).filter(|at| runs(queue[*at])).collect();
        let at = *self.choices.pick(&able)?;
        Some(queue.remove(at))
    }

    /// The weather lets the host of a task stand still.
    pub(crate) fn is_struck(&mut self, number: usize) -> bool {
        let one_of = self.net.weather.stalls as u64;
        let host = self.tasks.host(number);
        // The story itself is told by nobody's process.
        let Some(host) = host.filter(|_| one_of > 0 && number > 0) else {
            return false;
        };
        let struck = self.choices.one_in(one_of);
        if struck {
            let time = self.net.moment(&mut self.choices);
            self.fault(format!("stall {} for {time:?}", self.hosts.name_of(host)));
            self.stall(host, time);
        }
        struck
    }

    /// What the weather does to a connection on which something was written.
    pub(crate) fn weather(&mut self, pipe: usize) {
        let (cuts, outages) = (self.net.weather.cuts, self.net.weather.outages);
        if cuts > 0 && self.choices.one_in(cuts as u64) {
            let names = self.ends(pipe);
            self.fault(format!("cut {} | {}, #{}", names[0], names[1], pipe / 2));
            self.sever(pipe / 2);
        }
        if outages > 0 && self.choices.one_in(outages as u64) {
            let time = self.net.moment(&mut self.choices);
            let (from, to) = (self.net.pipes[pipe].from, self.net.pipes[pipe].to);
            let names = self.ends(pipe);
            self.fault(format!(
                "partition {} | {} for {time:?}",
                names[0], names[1]
            ));
            self.shut(from, to);
            self.shut(to, from);
            self.timers.set(self.now + time, Alarm::Heal(from, to));
        }
    }

    /// The names of the hosts between which a pipe is.
    fn ends(&self, pipe: usize) -> [String; 2] {
        let pipe = &self.net.pipes[pipe];
        [pipe.from, pipe.to].map(|host| self.hosts.name_of(host))
    }

    pub(crate) fn fault(&mut self, what: String) {
        self.history.faults.push((self.now, what.clone()));
        self.trace.note(Step::Fault(what));
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
