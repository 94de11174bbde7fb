//! How a session ends (§10).

use std::time::Duration;

use http::StatusCode;

use super::Session;
use super::state::{Closed, Incoming, State};
use crate::deadline::Why;
use crate::engine::reply::PollAnswer;
use crate::engine::{Close, CloseReason, Event, Reply, Violation};
use crate::time::Instant;

impl Session {
    /// Closes the session (§10). What is queued still leaves, if it is to be flushed: on polling with the
    /// next polls, within `polling_close_timeout`; on a WebSocket within `close_timeout`.
    pub fn close(&mut self, now: Instant, how: Close) {
        self.now = self.now.max(now);
        match how {
            Close::Discard => self.end(CloseReason::ForcedClose, None),
            Close::Flush => self.close_within(self.config.polling_close_timeout),
        }
        self.arm();
    }

    /// The server is closing: as [`close`](Self::close) with what is queued, but nobody is waited for
    /// longer than `close_timeout`, and a WebSocket is closed with code 1001: who is told that the server goes
    /// comes back, where an end without a code is one that was meant.
    pub fn shut_down(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.leaving = true;
        self.close_within(self.config.close_timeout);
        self.arm();
    }

    /// The layer above found something that a session does not survive: it closes at once.
    pub fn fail(&mut self, now: Instant, reason: CloseReason) {
        self.now = self.now.max(now);
        self.end(reason, None);
        self.arm();
    }

    /// Whether the session is over.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    /// What the client did that ended the session, if it did something wrong.
    pub const fn violation(&self) -> Option<Violation> {
        match &self.state {
            State::Closed(closed) => closed.violation,
            State::Polling(_) | State::WebSocket(_) => None,
        }
    }

    /// Whether that has been answered, to the request by which it was done ([`Reply::violation`]).
    pub const fn is_violation_answered(&self) -> bool {
        match &self.state {
            State::Closed(closed) => closed.answered,
            State::Polling(_) | State::WebSocket(_) => false,
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// The client did something that a session does not survive.
    pub(super) fn violate(&mut self, violation: Violation) {
        self.settle();
        self.blame(violation);
        self.arm();
    }

    pub(super) fn blame(&mut self, violation: Violation) {
        self.end(violation.reason(), Some(violation));
    }

    /// Closes once what is queued has left, and a polling client has been told: that may take `patience`.
    fn close_within(&mut self, patience: Duration) {
        // What was sent while a GET waited leaves with it.
        self.flush();
        let wait = match &self.state {
            State::Closed(_) => return,
            State::WebSocket(_) => (!self.queue.is_empty()).then_some(self.config.close_timeout),
            State::Polling(polling) => polling.parked.is_none().then_some(patience),
        };
        let Some(wait) = wait else {
            return self.end(CloseReason::ForcedClose, None);
        };
        self.start(Why::Close, wait);
    }

    /// The session is over: whoever waits is answered, and nothing is kept.
    pub(super) fn end(&mut self, reason: CloseReason, violation: Option<Violation>) {
        if self.is_closed() {
            return;
        }
        self.answer_poll(match reason {
            CloseReason::TransportClose => PollAnswer::Noop,
            CloseReason::TransportError
            | CloseReason::PingTimeout
            | CloseReason::ParseError
            | CloseReason::ForcedClose => PollAnswer::Close,
        });
        let code = match violation {
            Some(Violation::TooLarge) => Some(CODE_TOO_LARGE),
            Some(_) | None => self.leaving.then_some(CODE_GOING_AWAY),
        };
        let farewell = match &mut self.state {
            State::Polling(polling) => {
                polling.beside.dismiss(code);
                let farewell = polling.beside.farewell();
                match std::mem::take(&mut polling.post) {
                    Incoming::Nothing => {}
                    Incoming::Packets(reading) => {
                        let reply = Reply::ok().having_taken(reading.taken());
                        self.reply(reading.id, reply);
                    }
                    Incoming::Body(id) => {
                        let reply = match reason {
                            // What comes behind a close is ignored, and no fault of the client's.
                            CloseReason::ForcedClose => Reply::ok(),
                            CloseReason::TransportClose
                            | CloseReason::TransportError
                            | CloseReason::PingTimeout
                            | CloseReason::ParseError => Reply::empty(StatusCode::BAD_REQUEST),
                        };
                        self.reply(id, reply.closing());
                    }
                }
                farewell
            }
            State::WebSocket(_) => Some(code),
            State::Closed(_) => None,
        };
        let answered =
            violation.is_some() && self.replies.iter().any(|(_, it)| it.violation == violation);
        self.state = State::Closed(Closed {
            on: self.transport(),
            farewell,
            violation,
            answered,
        });
        self.stop(Why::Close);
        self.arm();
        self.queue.clear();
        if let Some(watch) = &mut self.watch {
            watch.forget();
        }
        self.events.push_back(Event::Closed { reason, violation });
    }
}

/// The closing code of a server that goes away (RFC 6455 §7.4.1).
const CODE_GOING_AWAY: u16 = 1001;

/// The closing code of a message that is too large.
pub(super) const CODE_TOO_LARGE: u16 = 1009;
