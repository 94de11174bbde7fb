//! When a session wants to be called, and what it does then.

use bytes::Bytes;

use super::Session;
use super::state::State;
use crate::deadline::{Deadline, Why, after};
use crate::engine::heartbeat::Times;
use crate::engine::reply::PollAnswer;
use crate::engine::{CloseReason, Flags, Violation};
use crate::message::Encoded;
use crate::protocol::Eio;
use crate::time::Instant;

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
                let now = self.advance(now);
                self.paused = Some(Box::new(after(now, self.config.pause_timeout)));
            }
            (true, false) => {
                let now = self.advance(now);
                self.paused = None;
                self.heartbeat.wait(now, Times::of(&self.config));
            }
            (false, false) | (true, true) => return,
        }
        self.arm();
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
                if let State::Polling(polling) = &mut self.state
                    && polling.beside.frees(self.now)
                {
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
            // The layer above has these, or a client.
            Why::Ack
            | Why::Connect
            | Why::Middleware
            | Why::Packet
            | Why::Pong
            | Why::Reconnect
            | Why::Request => self.deadline = None,
        }
    }

    /// Finds out what is due first.
    pub(super) fn arm(&mut self) {
        let excuse = &self.excuse;
        let ends = |at, why| Deadline::new(excuse.put_off(at), why);
        let other = match &self.state {
            State::Closed(_) => {
                self.deadline = None;
                return;
            }
            State::Polling(polling) => polling.beside.candidate().map(|candidate| {
                let end = ends(candidate.until, Why::Upgrade);
                let noop = candidate.noop_at.filter(|_| polling.parked.is_some());
                noop.map_or(end, |at| end.min(Deadline::new(at, Why::Noop)))
            }),
            State::WebSocket(websocket) => websocket.stalled_at.map(|at| ends(at, Why::Write)),
        };
        let heartbeat = match self.heartbeat.deadline() {
            Deadline { at, why } if why.ends() => ends(at, why),
            begins => begins,
        };
        let mut due = other.map_or(heartbeat, |other| heartbeat.min(other));
        // A client that is gone is not waited for longer than at any other time.
        if let Some(until) = self.closing {
            due = due.min(ends(until, Why::Close));
        }
        if let Some(until) = &self.paused {
            due = due.min(ends(**until, Why::Pause));
        }
        self.deadline = Some(due);
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
