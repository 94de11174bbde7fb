//! How a client's session goes from one state to the next: packets, deadlines, the end.

use super::state::{Farewell, Pending, Ping, State};
use super::{Mark, Session, SessionEvent};
use crate::client::handshake::Handshake;
use crate::client::pulse::{Heard, Pulse, beat};
use crate::client::reason::{Failure, TransportError};
use crate::deadline::{Why, after};
use crate::engine::{CloseReason, Flags, Packet, Times};
use crate::id::RequestId;
use crate::message::Encoded;
use crate::protocol::Eio;
use crate::time::Instant;

impl Session {
    /// Acts on every deadline that has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        if let Some(due) = self.first_due().filter(|due| due.at <= now) {
            let is_patient = !matches!(self.pulse, Some(Pulse::Servers { .. }));
            // A server that pings has counted the same time, and has given us up.
            if due.why.ends() && (is_patient || due.why != Why::PingTimeout) {
                self.excuse.grant(due, now, None);
            }
        }
        while let Some(due) = self.first_due().filter(|due| due.at <= now) {
            self.expire(now, due.why);
        }
    }

    fn expire(&mut self, now: Instant, why: Why) {
        match why {
            Why::Connect => {
                self.untried.clear();
                self.fail(Failure::Timeout);
            }
            Why::Ping => {
                let times = self.times();
                if self.pulse.as_mut().is_some_and(|it| it.pings(now, times)) {
                    self.beat();
                }
                if self.quiet_until().is_some_and(|until| until <= now) {
                    self.ask();
                }
            }
            Why::PingTimeout => self.end(CloseReason::PingTimeout, None),
            Why::Pong => {
                let vital = self.ping.vital;
                self.ping = Ping::default();
                if vital {
                    self.end(CloseReason::PingTimeout, None);
                }
            }
            Why::Request | Why::Write => self.broken(Failure::Timeout),
            Why::Upgrade => self.upgrade_failed(Failure::Timeout),
            Why::Close => {
                let is_over = |by: Instant| self.excuse.put_off(by) <= now;
                let late = self.farewells.iter().filter(|it| is_over(it.by)).count();
                let closes = self.closing.is_some_and(is_over);
                for farewell in self.farewells.drain(..late) {
                    self.pending.push_back(Pending::Abort(farewell.id));
                }
                if closes {
                    self.end(CloseReason::ForcedClose, None);
                }
            }
            // Nothing of the kind is waited for here.
            Why::Ack
            | Why::Admission
            | Why::Body
            | Why::Middleware
            | Why::Noop
            | Why::Packet
            | Why::Pause
            | Why::Reconnect
            | Why::Recovery => {}
        }
    }

    /// Ends if the server has been silent for too long: nothing more is handed out then.
    pub(super) fn handle_silence(&mut self, now: Instant) {
        let now = self.advance(now);
        let Some(pulse) = self.pulse else { return };
        let until = match pulse {
            Pulse::Servers { until } => until,
            Pulse::Ours { until, .. } => self.excuse.put_off(until),
        };
        if until <= now {
            self.end(CloseReason::PingTimeout, None);
        }
    }

    /// A packet has come.
    pub(super) fn packet(&mut self, packet: Packet) {
        let heard = match &packet {
            Packet::Ping(_) => Heard::Ping,
            Packet::Pong(_) => Heard::Pong,
            Packet::Open(_)
            | Packet::Close
            | Packet::Message(_)
            | Packet::Upgrade
            | Packet::Noop => Heard::Other,
        };
        let (now, times) = (self.now, self.times());
        if let Some(pulse) = &mut self.pulse {
            pulse.hear(now, heard, times);
        }
        match packet {
            Packet::Open(said) => self.opened(&said),
            // What opens a session comes first.
            Packet::Close
            | Packet::Ping(_)
            | Packet::Pong(_)
            | Packet::Message(_)
            | Packet::Upgrade
            | Packet::Noop
                if self.handshake.is_none() =>
            {
                self.fail(Failure::Protocol);
            }
            Packet::Close => self.end(CloseReason::TransportClose, None),
            Packet::Ping(_) => {
                // A server of revision 3 answers pings and sends none.
                if self.config.revision == Eio::V4 {
                    self.beat();
                    self.events.push_back(SessionEvent::Pinged);
                }
            }
            Packet::Message(message) => {
                self.events.push_back(SessionEvent::Message(message));
            }
            Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {}
        }
    }

    fn opened(&mut self, said: &str) {
        if self.handshake.is_some() {
            return self.broken(Failure::Protocol);
        }
        let Some(handshake) = Handshake::read(said) else {
            return self.fail(Failure::Protocol);
        };
        let pulse = Pulse::new(self.config.revision, self.now, handshake.times);
        self.pulse = Some(pulse);
        let upgrades = handshake.upgrades;
        self.handshake = Some(handshake);
        self.events.push_back(SessionEvent::Opened);
        if upgrades {
            self.begin_upgrade();
        }
    }

    pub(super) fn times(&self) -> Times {
        let none = Times::new(std::time::Duration::MAX, std::time::Duration::ZERO);
        self.handshake.as_ref().map_or(none, |it| it.times)
    }

    /// A packet of the heartbeat is to be sent.
    fn beat(&mut self) {
        match &mut self.state {
            State::WebSocket(websocket) => {
                let at = after(self.now, self.config.write_timeout);
                websocket.beats = websocket.beats.saturating_add(1);
                websocket.stalled_at.get_or_insert(at);
            }
            State::Polling(_) | State::Nothing(_) => {
                let text = beat(self.config.revision);
                let packet = Encoded::text(text.into(), Vec::new());
                self.push(packet, Flags::default(), Mark::default());
            }
        }
    }

    /// Something went wrong: the next transport is tried, if it was not open yet.
    pub(super) fn fail(&mut self, failure: Failure) {
        if self.is_closed() {
            return;
        }
        if self.handshake.is_some() {
            return self.broken(failure);
        }
        self.abandon();
        self.try_next(failure);
    }

    /// It is over because what came is no packet of the layer above. What came behind it is not told any more.
    pub(in crate::client) fn refuse(&mut self, now: Instant) {
        self.advance(now);
        self.events
            .retain(|event| matches!(event, SessionEvent::Closed { .. }));
        self.end(CloseReason::ParseError, None);
    }

    /// It is over because there is no network.
    pub(in crate::client) fn lose(&mut self, now: Instant) {
        self.advance(now);
        if self.handshake.is_some() {
            self.end(CloseReason::TransportClose, None);
        } else {
            self.untried.clear();
            self.fail(Failure::Tcp);
        }
    }

    /// It is over, and no goodbye is said.
    pub(in crate::client) fn discard(&mut self) {
        self.end(CloseReason::ForcedClose, None);
        for farewell in std::mem::take(&mut self.farewells) {
            self.pending.push_back(Pending::Abort(farewell.id));
        }
    }

    /// Something went wrong that no session survives.
    pub(super) fn broken(&mut self, failure: Failure) {
        let transport = self.transport();
        let error = TransportError { transport, failure };
        self.end(CloseReason::TransportError, Some(error));
    }

    /// It is over. Requests are given up, WebSockets closed.
    pub(super) fn end(&mut self, reason: CloseReason, error: Option<TransportError>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.abandon();
        self.state = State::Nothing(self.transport());
        self.untried.clear();
        self.pulse = None;
        self.closing = None;
        self.ping = Ping::default();
        self.events
            .push_back(SessionEvent::Closed { reason, error });
    }

    /// Gives up all that is under way on the transport in use.
    fn abandon(&mut self) {
        self.dismiss();
        match &mut self.state {
            State::Polling(polling) => {
                let post = polling.post.take().map(|post| post.id);
                for id in polling.get.take().into_iter().chain(post) {
                    self.give_up(id);
                }
            }
            State::WebSocket(websocket) => {
                let id = websocket.id;
                if websocket.open {
                    self.see_off(id);
                } else {
                    self.give_up(id);
                }
            }
            State::Nothing(_) => {}
        }
    }

    /// A WebSocket is closed, as soon as it takes the goodbye.
    pub(super) fn see_off(&mut self, id: RequestId) {
        let by = after(self.now, self.config.close_timeout);
        self.farewells.push(Farewell { id, by });
    }

    /// Nobody waits for this any more. What was not asked for yet is not asked for.
    pub(super) fn give_up(&mut self, id: RequestId) {
        let asked = self.pending.len();
        self.pending.retain(|pending| match pending {
            Pending::Get(its) | Pending::Post(its, ..) | Pending::WebSocket(its) => *its != id,
            Pending::Abort(_) => true,
        });
        if self.pending.len() == asked {
            self.pending.push_back(Pending::Abort(id));
        }
    }
}
