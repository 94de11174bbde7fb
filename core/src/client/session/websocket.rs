//! The WebSockets of a client's session: the one that it is on, and the one that is to take over.

use std::time::Duration;

use bytes::Bytes;

use super::state::{Ping, Stage, State};
use super::{Mark, Session, SessionEvent};
use crate::client::event::WsOut;
use crate::client::pulse::beat;
use crate::client::reason::{Failure, TransportError};
use crate::deadline::after;
use crate::engine::{CloseReason, Packet, WsClosed, type_byte};
use crate::id::RequestId;
use crate::message::{Message, Part};
use crate::protocol::TransportKind;
use crate::time::Instant;

impl Session {
    /// A WebSocket is open, or could not be opened.
    pub fn handle_ws_open(&mut self, now: Instant, id: RequestId, opened: Result<(), Failure>) {
        self.advance(now);
        if let Some(candidate) = self.candidate(id) {
            match (candidate.stage, opened) {
                (Stage::Dialled, Ok(())) => candidate.stage = Stage::Open,
                (Stage::Dialled, Err(failure)) => {
                    self.lose_candidate();
                    self.upgrade_lost(failure);
                }
                (Stage::Open | Stage::Probed | Stage::Pausing, _) => {}
            }
            return;
        }
        if let State::WebSocket(websocket) = &mut self.state
            && websocket.id == id
            && !websocket.open
        {
            match opened {
                Ok(()) => websocket.open = true,
                Err(failure) => {
                    // There is nothing to give up.
                    self.lost();
                    self.fail(failure);
                }
            }
        }
    }

    /// A message has arrived on a WebSocket.
    pub fn handle_ws(&mut self, now: Instant, id: RequestId, frame: Message) {
        self.advance(now);
        let size = match &frame {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        };
        let packet = Packet::decode(self.config.revision, frame).ok();
        let packet = packet.filter(|_| size <= self.config.max_message_bytes);
        if self.candidate(id).is_some() {
            return self.probe(id, packet);
        }
        if self.is_on(id) {
            self.heard();
            match packet {
                Some(packet) => self.packet(packet),
                None => self.fail(Failure::Protocol),
            }
        }
    }

    /// Some of what [`poll_ws`](Self::poll_ws) gave has left: the server reads.
    pub fn handle_ws_progress(&mut self, now: Instant, id: RequestId) {
        let now = self.advance(now);
        let at = after(now, self.config.write_timeout);
        if let State::WebSocket(websocket) = &mut self.state
            && websocket.id == id
            && let Some(stalled_at) = &mut websocket.stalled_at
        {
            *stalled_at = at;
        }
    }

    /// All that [`poll_ws`](Self::poll_ws) gave has left.
    pub fn handle_ws_flushed(&mut self, now: Instant, id: RequestId) {
        let now = self.advance(now);
        let (queued, handed) = (!self.queue.is_empty(), self.handed());
        let at = after(now, self.config.write_timeout);
        if let State::WebSocket(websocket) = &mut self.state
            && websocket.id == id
        {
            self.left = handed;
            websocket.busy = false;
            websocket.stalled_at = (queued || websocket.beats > 0).then_some(at);
        }
    }

    /// A pong has come, of the WebSocket's own.
    pub fn handle_ws_pong(&mut self, now: Instant, id: RequestId) {
        self.advance(now);
        if self.is_on(id) {
            self.heard();
        }
        if self.is_on(id) && !self.ping.due {
            let unread = self.ping.unread;
            self.ping = Ping {
                unread,
                ..Ping::default()
            };
        }
    }

    /// A WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, id: RequestId, cause: WsClosed) {
        self.advance(now);
        self.farewells.retain(|farewell| farewell.id != id);
        if self.candidate(id).is_some() {
            self.lose_candidate();
            return self.upgrade_lost(Failure::Closed);
        }
        if !self.is_on(id) {
            return;
        }
        self.lost();
        let closes = self.closing.is_some();
        if self.handshake.is_none() {
            return self.fail(Failure::Closed);
        }
        match cause {
            WsClosed::Closed | WsClosed::Lost if closes => self.end(CloseReason::ForcedClose, None),
            WsClosed::Closed | WsClosed::Lost => self.end(CloseReason::TransportClose, None),
            WsClosed::TooLarge | WsClosed::TooManyFragments | WsClosed::Violation => {
                self.broken(Failure::Protocol);
            }
        }
    }

    /// Asks the server for a sign of life, if the session is on a WebSocket: without one within
    /// [`check_timeout`](crate::client::Config::check_timeout) the session ends as by a ping timeout. For when
    /// the network has changed, or the machine was away.
    pub fn check(&mut self, now: Instant) {
        self.handle_silence(now);
        if matches!(&self.state, State::WebSocket(it) if it.open) && !self.ping.vital {
            self.ask();
        }
    }

    /// A ping is to be sent whose pong the session lives by.
    pub(super) fn ask(&mut self) {
        self.ping = Ping {
            due: true,
            until: Some(after(self.now, self.config.check_timeout)),
            vital: true,
            unread: self.ping.unread,
        };
    }

    /// When the server is asked for a sign of life, if nothing comes until then, and it is not asked already.
    pub(super) fn quiet_until(&self) -> Option<Instant> {
        let quiet = self.config.keepalive?;
        match &self.state {
            State::WebSocket(it) if it.open && self.ping.until.is_none() => {
                self.handshake.as_ref().map(|_| after(it.heard, quiet))
            }
            State::WebSocket(_) | State::Polling(_) | State::Nothing(_) => None,
        }
    }

    /// Something has come by the WebSocket that the session is on.
    fn heard(&mut self) {
        if let State::WebSocket(websocket) = &mut self.state {
            websocket.heard = self.now;
        }
    }

    /// What to do next on a WebSocket.
    pub fn poll_ws(&mut self, id: RequestId) -> Option<WsOut> {
        self.handle_silence(self.now);
        if let Some(candidate) = self.candidate(id) {
            if candidate.stage != Stage::Open {
                return None;
            }
            candidate.stage = Stage::Probed;
            return Some(frame(b"2probe"));
        }
        if self.is_on(id)
            && let Some(out) = self.next_out()
        {
            return Some(out);
        }
        // What was on it may have been closed just now.
        let at = self.farewells.iter().position(|it| it.id == id)?;
        self.farewells.remove(at);
        Some(WsOut::Close(None))
    }

    /// What to do next on the WebSocket that the session is on.
    fn next_out(&mut self) -> Option<WsOut> {
        let State::WebSocket(websocket) = &mut self.state else {
            return None;
        };
        if std::mem::take(&mut websocket.takes_over) {
            websocket.busy = true;
            return Some(frame(b"5"));
        }
        if websocket.beats > 0 && self.queue.is_between_packets() {
            websocket.beats = websocket.beats.saturating_sub(1);
            websocket.busy = true;
            return Some(frame(beat(self.config.revision)));
        }
        if std::mem::take(&mut self.ping.due) {
            return Some(self.ping());
        }
        if let Some(Mark { owner, apart, .. }) = self.queue.first_mark().copied() {
            if apart && (self.ping.unread || self.ping.until.is_some()) {
                return self.wait_for_reading();
            }
            self.ping.unread |= owner.is_some();
        }
        let Some(popped) = self.queue.pop(false) else {
            if self.closing.is_some() {
                self.end(CloseReason::ForcedClose, None);
            }
            return None;
        };
        let at = after(self.now, self.config.write_timeout);
        if let State::WebSocket(websocket) = &mut self.state {
            websocket.busy = true;
            websocket.stalled_at.get_or_insert(at);
        }
        let head = match popped.part {
            Part::Text(_) => &[],
            Part::Binary(_) => type_byte(self.config.revision),
        };
        Some(WsOut::Frame {
            head,
            part: popped.part,
            compress: popped.compress,
        })
    }

    /// What was sent is to be read before what comes next: a pong says that it was.
    fn wait_for_reading(&mut self) -> Option<WsOut> {
        if self.ping.until.is_some() {
            return None;
        }
        self.ping.until = Some(after(self.now, READING));
        Some(self.ping())
    }

    /// Its pong says that what was sent before it was read; what is sent from here on is for the next.
    fn ping(&mut self) -> WsOut {
        self.ping.unread = false;
        WsOut::Ping
    }

    /// Whether this is the WebSocket that the session is on.
    fn is_on(&self, id: RequestId) -> bool {
        matches!(&self.state, State::WebSocket(it) if it.id == id && it.open)
    }

    /// The WebSocket is gone: there is nobody to say goodbye to.
    fn lost(&mut self) {
        let id = match &mut self.state {
            State::WebSocket(websocket) => websocket.id,
            State::Polling(_) | State::Nothing(_) => return,
        };
        self.state = State::Nothing(self.transport());
        self.farewells.retain(|farewell| farewell.id != id);
    }

    fn lose_candidate(&mut self) {
        if let State::Polling(polling) = &mut self.state {
            polling.candidate = None;
        }
    }

    /// The WebSocket that was to take over has gone by itself.
    fn upgrade_lost(&mut self, failure: Failure) {
        let transport = TransportKind::WebSocket;
        let error = TransportError { transport, failure };
        self.events.push_back(SessionEvent::UpgradeFailed(error));
    }
}

/// How long it is waited for that a server has read what was sent, before it is told that a namespace is left.
const READING: Duration = Duration::from_secs(1);

fn frame(text: &'static [u8]) -> WsOut {
    WsOut::Frame {
        head: &[],
        part: Part::Text(Bytes::from_static(text)),
        compress: false,
    }
}
