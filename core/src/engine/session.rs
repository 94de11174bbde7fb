//! One client's session: its transports, its queue, its end (§7–§12).

#[cfg(test)]
mod deadlines;
mod state;
mod transitions;
mod websocket;

use std::collections::VecDeque;
use std::sync::Arc;

use http::StatusCode;

use super::heartbeat::{Heartbeat, Times};
use super::queue::Queue;
use super::reply::PollAnswer;
use super::{
    Close, CloseReason, Event, Flags, Opened, Payload, Post, PostFailure, Reply, Sent, Violation,
    split,
};
use crate::config::{BacklogPolicy, Config};
use crate::deadline::{Deadline, Excuse, after};
use crate::id::{RequestId, Sid};
use crate::message::Encoded;
use crate::protocol::{Eio, TransportKind};
use crate::time::Instant;

use state::{Reading, Stage, Transport};

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
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    sid: Sid,
    /// The latest time that anyone told.
    now: Instant,
    stage: Stage,
    transport: Transport,
    heartbeat: Heartbeat,
    queue: Queue,
    /// The POST whose packets are being read.
    reading: Option<Box<Reading>>,
    events: VecDeque<Event>,
    replies: VecDeque<(RequestId, Reply)>,
    /// What is due first.
    deadline: Option<Deadline>,
    excuse: Excuse,
    /// Answers that are owed to the probes of a WebSocket.
    probes: u32,
    /// The WebSocket is to be closed, with this code.
    farewell: Option<Option<u16>>,
    violation: Option<Violation>,
    revision: Eio,
    /// Whether the client takes no bytes on the transport in use.
    base64: bool,
    /// Whether no request was answered yet.
    fresh: bool,
    /// Whether the client has done anything after its handshake; one that holds a connection has.
    returned: bool,
    /// Whether the client is left unread for now, and until when that may be.
    paused: Option<Box<Instant>>,
    /// Whether it is the server that goes.
    leaving: bool,
}

impl Session {
    /// A session that has just been opened. Its open packet is queued: for a poll, hand that request in
    /// with [`handle_poll`](Self::handle_poll); a WebSocket gets it by [`poll_ws`](Self::poll_ws).
    pub fn new(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self {
        let mut session = Self {
            sid,
            now,
            stage: Stage::Open,
            transport: match opened.transport {
                TransportKind::Polling => Transport::Polling {
                    parked: None,
                    posting: None,
                    candidate: None,
                },
                TransportKind::WebSocket => Transport::web_socket(),
            },
            heartbeat: Heartbeat::new(opened.revision, now, Times::of(&config)),
            queue: Queue::default(),
            reading: None,
            events: VecDeque::new(),
            replies: VecDeque::new(),
            deadline: None,
            excuse: Excuse::default(),
            probes: 0,
            farewell: None,
            violation: None,
            revision: opened.revision,
            base64: opened.base64,
            fresh: true,
            returned: opened.transport == TransportKind::WebSocket,
            paused: None,
            leaving: false,
            config,
        };
        session.push(session.open_packet(), Flags::default());
        if let Some(data) = &session.config.initial_packet {
            let packet = Encoded::from(data);
            session.push(packet, Flags::default());
        }
        session.arm();
        session
    }

    /// A GET has arrived (§9.2). It is answered at once if something is queued, else when something is.
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        let now = self.advance(now);
        if !self.admits(id, revision) {
            return;
        }
        self.returned |= !self.fresh;
        // What was sent since the last one came belongs to that one.
        self.flush();
        let Transport::Polling {
            parked, candidate, ..
        } = &mut self.transport
        else {
            return;
        };
        if parked.is_some() {
            self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
            return self.violate(Violation::SecondPoll);
        }
        *parked = Some(id);
        let free = candidate
            .as_mut()
            .is_some_and(|candidate| candidate.frees(now));
        if !self.queue.is_empty() {
            self.flush();
        } else if self.is_closing() {
            self.answer_poll(PollAnswer::NoopClose);
            self.end(CloseReason::ForcedClose, None);
        } else if free {
            self.answer_poll(PollAnswer::Noop);
        }
        self.arm();
    }

    /// A POST has begun, has arrived, or has failed (§9.3). It is answered when its packets were taken.
    pub fn handle_post(&mut self, now: Instant, id: RequestId, revision: Eio, post: Post) {
        self.advance(now);
        self.returned = true;
        let body = match post {
            Post::Begun | Post::Whole(_) if !self.admits(id, revision) => return,
            Post::Begun => return self.begin_post(id),
            Post::Whole(body) => {
                self.begin_post(id);
                body
            }
            Post::End(body) => body,
        };
        let Transport::Polling { posting, .. } = &mut self.transport else {
            return;
        };
        // Else it was answered when the session ended under it.
        if posting.take_if(|posting| *posting == id).is_none() {
            return;
        }
        let body = match body {
            Ok(body) if body.len() > self.config.max_http_buffer_size => Err(PostFailure::TooLarge),
            body => body,
        };
        match body {
            Ok(body) => {
                let packets = split(body, self.config.max_packets_per_payload);
                self.reading = Some(Box::new(Reading {
                    id,
                    packets,
                    abandoned: false,
                }));
            }
            Err(failure) => {
                let violation = match failure {
                    PostFailure::TooLarge => Violation::TooLarge,
                    PostFailure::NotUtf8 => Violation::NotUtf8,
                    PostFailure::Binary => Violation::BinaryBody,
                    PostFailure::Timeout => Violation::TooSlow,
                    PostFailure::Lost => Violation::Aborted,
                };
                self.fail_post(id, violation);
            }
        }
    }

    /// Nothing more comes from the client behind a request that is not answered (§9.4). It ends a GET that
    /// waits for something to be said, and a POST of which a part is missing; what was sent before it, and a
    /// POST that is whole, are handled as if it had not come.
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        self.advance(now);
        self.flush();
        let Transport::Polling {
            parked, posting, ..
        } = &mut self.transport
        else {
            return;
        };
        let of = |it: &mut Option<RequestId>| it.take_if(|it| *it == id).is_some();
        if of(parked) || of(posting) {
            // Nobody reads the answer, but whoever keeps a table of requests can close its entry.
            self.fail_post(id, Violation::Aborted);
        } else if let Some(reading) = self.reading.as_mut().filter(|reading| reading.id == id) {
            // It is whole, and read when there is time. Its client does not wait for that any more, so what
            // it says next may come, and its time runs.
            reading.abandoned = true;
            self.heartbeat.wait(self.now, Times::of(&self.config));
            self.arm();
        }
    }

    /// So many bytes of what its GETs were answered with are not written yet: they wait for the client as what
    /// is queued does, and count among it ([`Reply::backlog`]). A caller that does not say counts none.
    ///
    /// One answer may be as large as it is without anything being too much beside it: who reads it slowly is
    /// under `write_timeout`, and who asks for another one meanwhile does not read.
    pub fn handle_unwritten(&mut self, now: Instant, bytes: usize) {
        self.now = self.now.max(now);
        self.queue.set_unwritten(bytes);
    }

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
        let by_requests = matches!(self.transport, Transport::Polling { .. });
        let apart = by_requests.then_some(self.config.ping_timeout);
        self.excuse.grant(due, now, apart);
        self.arm();
    }

    /// When that is looked at which is due at `at` for the layer above.
    pub(crate) fn put_off(&self, at: Instant) -> Instant {
        self.excuse.put_off(at)
    }

    /// Sends a packet.
    pub fn send(&mut self, now: Instant, packet: Encoded, flags: Flags) -> Sent {
        self.now = self.now.max(now);
        if !self.is_open() {
            return Sent::Closed;
        }
        if flags.volatile && !self.is_writable() {
            return Sent::Dropped;
        }
        let bytes = self.config.max_backlog_bytes;
        let packets = self.config.max_backlog_packets;
        if self.queue.is_full_for(&packet, bytes, packets) {
            // What a GET waits for is no backlog.
            self.flush();
            self.arm();
            match self.config.backlog_policy {
                BacklogPolicy::Close | BacklogPolicy::Refuse => {}
                BacklogPolicy::DropVolatile => self.queue.make_room(&packet, bytes, packets),
            }
            if self.queue.is_full_for(&packet, bytes, packets) {
                if self.config.backlog_policy == BacklogPolicy::Refuse {
                    return Sent::Full;
                }
                self.violate(Violation::SlowReader);
                return Sent::Closed;
            }
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

    /// What has happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.paused.is_some() {
                return None;
            }
            self.reading.as_ref()?;
            let event = self.read();
            if event.is_some() {
                return event;
            }
        }
    }

    /// The next request that has its answer.
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        if let Transport::Polling {
            parked: Some(_), ..
        } = self.transport
            && !self.queue.is_empty()
        {
            self.flush();
            self.arm();
        }
        self.replies.pop_front()
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
        match self.transport {
            Transport::Polling { .. } => TransportKind::Polling,
            Transport::WebSocket { .. } => TransportKind::WebSocket,
        }
    }

    /// Whether packets can be sent.
    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether there are packets of a POST that [`poll_event`](Self::poll_event) has not come to. The next
    /// may be one that ends the session: what handlers have sent by now has to be sent first, if it is to
    /// reach a GET that waits.
    pub const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether the client has come back after the handshake by which the session was opened, or has come to
    /// stay: with a WebSocket. Until then it may be one that asks for sessions and forgets them.
    pub const fn has_returned(&self) -> bool {
        self.returned
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// What the client did that ended the session, if it did something wrong.
    pub const fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// Whether a packet would leave at once: what decides over volatile ones (§20).
    pub fn is_writable(&self) -> bool {
        let free = match &self.transport {
            Transport::Polling { parked, .. } => parked.is_some(),
            Transport::WebSocket { busy, .. } => !busy,
        };
        free && self.is_open() && self.queue.is_empty()
    }

    /// Bytes that wait to be handed out, or to be written.
    pub const fn backlog_bytes(&self) -> usize {
        self.queue.bytes().saturating_add(self.unwritten_bytes())
    }

    /// Those of them that wait to be handed out.
    pub const fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Those of them that wait to be written ([`handle_unwritten`](Self::handle_unwritten)).
    pub const fn unwritten_bytes(&self) -> usize {
        self.queue.unwritten()
    }

    /// Whether those count where it is asked if more may wait.
    pub const fn counts_unwritten(&self) -> bool {
        self.queue.counts_unwritten()
    }

    /// Bytes of the POST among whose packets there are some that [`poll_event`](Self::poll_event) has not come
    /// to.
    pub fn unread_bytes(&self) -> usize {
        let reading = self.reading.as_ref();
        reading.map_or(0, |reading| reading.packets.size())
    }

    /// Frames that wait to be handed out.
    pub const fn backlog_packets(&self) -> usize {
        self.queue.packets()
    }
}

/// The closing code of a server that goes away (RFC 6455 §7.4.1).
const CODE_GOING_AWAY: u16 = 1001;

/// The closing code of a message that is too large.
const CODE_TOO_LARGE: u16 = 1009;

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]
mod tests;
