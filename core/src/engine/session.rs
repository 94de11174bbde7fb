//! One client's session: its transports, its queue, its end (§7–§12).

mod backlog;
mod close;
#[cfg(test)]
mod deadlines;
mod observe;
mod packets;
mod polling;
mod state;
mod timers;
mod upgrade;
mod watch;
mod websocket;

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::heartbeat::{Heartbeat, Times};
use super::queue::Queue;
use super::{Event, Flags, Opened, Reply, Sent, Violation};
use crate::config::Config;
use crate::deadline::{Deadline, Excuse};
use crate::digest::Apart;
use crate::id::{RequestId, Sid};
use crate::message::Encoded;
use crate::protocol::{Eio, TransportKind};
use crate::time::Instant;

use state::{Polling, State, WebSocket};
use watch::Watch;
pub(crate) use websocket::Next;

/// One Engine.IO session, from the handshake to its close.
///
/// 1. Tell it what happened: `handle_poll`, `handle_post`, `handle_ws`, `handle_timeout`, ..
/// 2. Ask for what you want: `send`, `close`, `fail`.
/// 3. Carry out what it wants: `poll_event` until it is empty, then `poll_http` until it is empty, then
///    `poll_ws` while the WebSocket is writable.
/// 4. Sleep until `poll_timeout`, or until there is something for step 1 or 2.
///
/// Steps 1 and 2 may be repeated before step 3, and both are legal in every state. Packets of a POST are
/// read one by one as `poll_event` comes to them, so that a client whose messages are not taken waits
/// for the answer to its POST. What is sent while a GET waits leaves with `poll_http`, all of it in one
/// body.
///
/// One WebSocket at most is attached at any time: the one that the session was opened by or has gone
/// over to, or the one that wants to take over. Every request that is handed in gets exactly one reply.
#[derive(Clone, Debug, Hash)]
pub struct Session {
    config: Apart<Arc<Config>>,
    sid: Sid,
    /// The latest time that anyone told.
    now: Instant,
    state: State,
    /// A close waits for what is queued, or for the poll that fetches it; until then at most.
    closing: Option<Box<Instant>>,
    heartbeat: Heartbeat,
    queue: Queue,
    events: VecDeque<Event>,
    replies: VecDeque<(RequestId, Reply)>,
    /// What is due first.
    deadline: Option<Deadline>,
    excuse: Excuse,
    revision: Eio,
    /// Whether the client has done anything after its handshake; one that holds a connection has.
    returned: bool,
    /// Whether the client is left unread for now, and until when that may be.
    paused: Option<Box<Instant>>,
    /// Whether it is the server that goes.
    leaving: bool,
    watch: Option<Box<Watch>>,
}

impl Session {
    /// A session that has just been opened. Its open packet is queued: for a poll, hand that request in
    /// with [`handle_poll`](Self::handle_poll); a WebSocket gets it by [`poll_ws`](Self::poll_ws).
    pub fn new(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self {
        let mut session = Self {
            sid,
            now,
            state: match opened.transport {
                TransportKind::Polling => State::Polling(Polling::new(opened.base64)),
                TransportKind::WebSocket => State::WebSocket(WebSocket::new(opened.base64, 0)),
            },
            closing: None,
            heartbeat: Heartbeat::new(opened.revision, now, Times::of(&config)),
            queue: Queue::default(),
            events: VecDeque::new(),
            replies: VecDeque::new(),
            deadline: None,
            excuse: Excuse::default(),
            revision: opened.revision,
            returned: opened.transport == TransportKind::WebSocket,
            paused: None,
            leaving: false,
            watch: None,
            config: Apart(config),
        };
        session.push(session.open_packet(), Flags::default());
        if let Some(data) = &session.config.initial_packet {
            let packet = Encoded::from(data);
            session.push(packet, Flags::default());
        }
        session.arm();
        session
    }

    /// Sends a packet.
    pub fn send(&mut self, now: Instant, packet: Encoded, flags: Flags) -> Sent {
        self.now = self.now.max(now);
        if !self.is_open() {
            return Sent::Closed;
        }
        if flags.volatile && !self.is_writable() {
            return match flags.latest {
                true => self.send_latest(packet, flags),
                false => Sent::Dropped,
            };
        }
        let bytes = self.config.max_backlog_bytes;
        let packets = self.config.max_backlog_packets;
        if self.queue.is_full_for(&packet, bytes, packets) {
            return self.send_to_full(packet, flags);
        }
        self.push(packet, flags);
        Sent::Queued
    }

    /// Sends a packet of the protocol above, which must not be lost while the session lives. It has as
    /// much room again as the application's own; a client that fills that, too, is closed.
    pub(crate) fn tell(&mut self, now: Instant, packet: Encoded) {
        self.now = self.now.max(now);
        if !self.is_open() {
            return;
        }
        if self.has_room_to_tell(&packet) {
            self.push(packet, Flags::default());
        } else {
            self.violate(Violation::SlowReader);
        }
    }

    /// What has happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.paused.is_some() {
                return None;
            }
            self.reading()?;
            let event = self.read();
            if event.is_some() {
                return event;
            }
        }
    }

    /// Whether [`poll_event`](Self::poll_event) has nothing to tell and nothing to read.
    pub(crate) fn is_quiet(&self) -> bool {
        self.events.is_empty() && (self.paused.is_some() || self.reading().is_none())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub const fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline
    }

    /// The session's secret id.
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The client's revision.
    pub const fn revision(&self) -> Eio {
        self.revision
    }

    /// The transport in use; the last one, once the session is closed.
    pub const fn transport(&self) -> TransportKind {
        match &self.state {
            State::Polling(_) => TransportKind::Polling,
            State::WebSocket(_) => TransportKind::WebSocket,
            State::Closed(closed) => closed.on,
        }
    }

    /// Whether packets can be sent.
    pub const fn is_open(&self) -> bool {
        !self.is_closed() && !self.is_closing()
    }

    /// Whether the client has come back after the handshake by which the session was opened, or has come to
    /// stay: with a WebSocket. Until then it may be one that asks for sessions and forgets them.
    pub const fn has_returned(&self) -> bool {
        self.returned
    }

    /// Whether a packet would leave at once: what decides over volatile ones (§20).
    pub fn is_writable(&self) -> bool {
        let free = match &self.state {
            State::Polling(polling) => polling.parked.is_some(),
            State::WebSocket(websocket) => !websocket.busy,
            State::Closed(_) => false,
        };
        free && !self.is_closing() && self.queue.is_empty()
    }

    /// When the client has answered a ping last, and how long after that was sent: of clients of revision 4, while none is
    /// open.
    pub fn round_trip(&self) -> Option<(Instant, Duration)> {
        self.heartbeat.round_trip(Times::of(&self.config))
    }

    /// Feeds all that can make a difference to what the session does next, but for its configuration: two that
    /// were told the same feed the same.
    pub fn digest(&self, state: &mut impl Hasher) {
        self.hash(state);
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]
mod tests;
