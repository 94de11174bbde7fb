//! The timers of a session, one for each [`Why`]: when it wants to be called, and what it does then.
//!
//! A timer stands in the state that it ends, and goes with it. Whoever leaves a state calls
//! [`arm`](Session::arm).

use std::time::Duration;

use bytes::Bytes;

use super::Session;
use super::state::{Beside, State};
use crate::deadline::{Deadline, Why, after, earliest};
use crate::engine::heartbeat::Times;
use crate::engine::reply::PollAnswer;
use crate::engine::{CloseReason, Flags, Violation};
use crate::message::Encoded;
use crate::protocol::Eio;
use crate::time::Instant;

/// What the layer above waits for, or a client.
macro_rules! not_of_sessions {
    () => {
        Why::Ack
            | Why::Connect
            | Why::Admission
            | Why::Body
            | Why::Middleware
            | Why::Packet
            | Why::Pong
            | Why::Reconnect
            | Why::Recovery
            | Why::Request
    };
}

impl Session {
    /// Acts on every deadline that has come. Hand in what has arrived first: whatever was handed in before
    /// has come in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.expire_all();
    }

    /// The deadline of [`poll_timeout`](Self::poll_timeout) is looked at only now; call it before
    /// [`handle_timeout`](Self::handle_timeout), which comes next.
    ///
    /// A process that was held up finds deadlines over, and beside them the bytes that would have met them,
    /// some of them not read yet. If it was, for longer than a busy timer takes, what others had to do by now
    /// is looked at once more, after as much time as was lost and 10 s at most. Whether it was cannot be known of
    /// what fell due just now: a client that speaks by requests, which come by other streams than the one that
    /// is being read, gets a tenth of a second more for its pong in any case, if `ping_timeout` is 5 s or more.
    pub fn handle_late(&mut self, now: Instant) {
        if let Some(due) = self.deadline {
            self.excuse(due, now);
        }
    }

    /// The same for a deadline of the layer above, too.
    pub(crate) fn excuse(&mut self, due: Deadline, now: Instant) {
        let now = self.advance(now);
        let by_requests = matches!(self.state, State::Polling(_));
        let apart = by_requests.then_some(self.config.ping_timeout);
        self.excuse.grant(due, now, apart);
        // A pong's time may be over in the same moment.
        if let Some(at) = self.timer(Why::PingTimeout).filter(|&at| at <= now) {
            self.excuse
                .grant(Deadline::new(at, Why::PingTimeout), now, apart);
        }
        self.arm();
    }

    /// When that is looked at which is due at `at` for the layer above.
    pub(crate) fn put_off(&self, at: Instant) -> Instant {
        self.excuse.put_off(at)
    }

    /// Leaves the packets of POSTs unread while the application has enough to do: their answers wait, and
    /// the client with them. Of WebSockets, the caller reads nothing meanwhile. A pong may be among what
    /// is not read, so that none is missed before reading goes on, or `pause_timeout` is over.
    pub fn pause(&mut self, now: Instant, paused: bool) {
        match (self.paused.is_some(), paused) {
            (false, true) => {
                self.advance(now);
                self.start(Why::Pause, self.config.pause_timeout);
            }
            (true, false) => {
                let now = self.advance(now);
                self.stop(Why::Pause);
                self.heartbeat.wait(now, Times::of(&self.config));
                self.arm();
            }
            (false, false) | (true, true) => {}
        }
    }

    /// The clock as this session knows it. Deadlines are not looked at: what is handed in before
    /// `handle_timeout` has come in time.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// Acts on every deadline that has come.
    pub(super) fn expire_all(&mut self) {
        while let Some(due) = self.deadline.filter(|due| due.at <= self.now) {
            self.expire(due.why);
            self.arm();
        }
    }

    fn expire(&mut self, why: Why) {
        match why {
            Why::Close => self.end(CloseReason::ForcedClose, None),
            Why::Noop => {
                if self.frees(false) {
                    self.answer_poll(PollAnswer::Noop);
                }
            }
            Why::Ping => {
                self.heartbeat.ping(self.now, Times::of(&self.config));
                // One that is closing says nothing more but that.
                if !self.is_closing() {
                    self.push(
                        Encoded::text(Bytes::from_static(b"2"), Vec::new()),
                        Flags::default(),
                    );
                }
            }
            // A client sends one POST at a time, and what comes by WebSocket is not read while paused: it
            // waits for us, and so does its pong. It must go on hearing of us, and if it is gone, what
            // is written to it shows that.
            Why::PingTimeout if self.is_held_back() => {
                let times = Times::of(&self.config);
                if self.heartbeat.is_clients() {
                    self.heartbeat.wait(self.now, times);
                } else {
                    self.heartbeat.ping(self.now, times);
                }
                if self.is_writable() {
                    let word: &[u8] = match self.revision {
                        Eio::V3 => b"6",
                        Eio::V4 => b"2",
                    };
                    let packet = Encoded::text(Bytes::from_static(word), Vec::new());
                    self.push(packet, Flags::default());
                }
            }
            Why::PingTimeout => {
                if self.heartbeat.is_over(self.now, Times::of(&self.config)) {
                    self.end(CloseReason::PingTimeout, None);
                }
            }
            Why::Pause => self.blame(Violation::LeftUnread),
            Why::Upgrade => {
                if let State::Polling(polling) = &mut self.state {
                    polling.beside.dismiss(None);
                }
            }
            Why::Write => self.violate(Violation::SlowReader),
            not_of_sessions!() => self.deadline = None,
        }
    }

    /// The table: when this is due, if the session is in a state that it belongs to.
    #[inline]
    pub(super) fn timer(&self, why: Why) -> Option<Instant> {
        match (why, &self.state) {
            (_, State::Closed(_)) => None,
            (Why::Close, State::Polling(_) | State::WebSocket(_)) => {
                self.closing.as_deref().copied()
            }
            (Why::Pause, State::Polling(_) | State::WebSocket(_)) => {
                self.paused.as_deref().copied()
            }
            (Why::Ping | Why::PingTimeout, State::Polling(_) | State::WebSocket(_)) => {
                let due = self.heartbeat.deadline();
                (due.why == why).then_some(due.at)
            }
            (Why::Noop, State::Polling(polling)) => {
                let candidate = polling.beside.candidate()?;
                candidate.noop_at.filter(|_| polling.parked.is_some())
            }
            (Why::Upgrade, State::Polling(polling)) => Some(polling.beside.candidate()?.until),
            (Why::Write, State::WebSocket(websocket)) => websocket.stalled_at,
            (Why::Noop | Why::Upgrade, State::WebSocket(_)) | (Why::Write, State::Polling(_)) => {
                None
            }
            (not_of_sessions!(), _) => None,
        }
    }

    /// Begins a wait, or begins it again: it may take this long from now on. A close that waits already does
    /// not wait for longer.
    #[inline]
    pub(super) fn start(&mut self, why: Why, wait: Duration) {
        let until = after(self.now, wait);
        match (why, &mut self.state) {
            (Why::Close, _) => {
                let sooner = self.closing.as_deref().copied();
                let until = sooner.map_or(until, |sooner| sooner.min(until));
                self.closing = Some(Box::new(until));
            }
            (Why::Pause, _) => self.paused = Some(Box::new(until)),
            (Why::Noop, State::Polling(polling)) => {
                if let Beside::Candidate(candidate) = &mut polling.beside {
                    candidate.noop_at = Some(until);
                }
            }
            (Why::Upgrade, State::Polling(polling)) => {
                if let Beside::Candidate(candidate) = &mut polling.beside {
                    candidate.until = until;
                }
            }
            (Why::Write, State::WebSocket(websocket)) => websocket.stalled_at = Some(until),
            (Why::Noop | Why::Upgrade, State::WebSocket(_) | State::Closed(_))
            | (Why::Write, State::Polling(_) | State::Closed(_)) => {}
            // The heartbeat counts by itself.
            (Why::Ping | Why::PingTimeout, _) => {}
            (not_of_sessions!(), _) => {}
        }
        // It can only be the first if it is sooner, or was: this runs for each message that comes alone, and
        // asking all cost 60 instructions.
        match self.deadline {
            Some(first) if first.why == why => self.arm(),
            first => {
                let due = self.timer(why).map(|at| self.due(at, why));
                self.deadline = earliest(first, due);
            }
        }
    }

    /// Ends a wait before its time, of a state that lasts.
    #[inline]
    pub(super) fn stop(&mut self, why: Why) {
        match (why, &mut self.state) {
            (Why::Close, _) => self.closing = None,
            (Why::Pause, _) => self.paused = None,
            (Why::Write, State::WebSocket(websocket)) => websocket.stalled_at = None,
            (Why::Write, State::Polling(_) | State::Closed(_)) => {}
            // These go with the candidate, and the heartbeat never ends.
            (Why::Noop | Why::Upgrade | Why::Ping | Why::PingTimeout, _) => {}
            (not_of_sessions!(), _) => {}
        }
        if self.deadline.is_some_and(|first| first.why == why) {
            self.arm();
        }
    }

    /// Finds out what is due first.
    pub(super) fn arm(&mut self) {
        let due = |why| Some(self.due(self.timer(why)?, why));
        self.deadline = TIMERS.into_iter().filter_map(due).min();
    }

    /// When that is looked at which is due at `at`.
    fn due(&self, at: Instant, why: Why) -> Deadline {
        let at = match why.ends() {
            true => self.excuse.put_off(at),
            false => at,
        };
        Deadline::new(at, why)
    }

    /// Whether its client's pong may be among what we do not read, or wait for us to do so.
    fn is_held_back(&self) -> bool {
        match &self.state {
            State::WebSocket(_) => self.paused.is_some(),
            State::Polling(_) => self.reading().is_some_and(|reading| !reading.abandoned),
            State::Closed(_) => false,
        }
    }
}

/// What a session waits for.
pub(super) const TIMERS: [Why; 7] = [
    Why::Close,
    Why::Noop,
    Why::Pause,
    Why::Ping,
    Why::PingTimeout,
    Why::Upgrade,
    Why::Write,
];
