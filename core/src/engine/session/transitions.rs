//! The transitions of a session: what each input and each deadline changes.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::{CODE_GOING_AWAY, CODE_TOO_LARGE, Session, Stage, Transport};
use crate::deadline::{Deadline, Why, after};
use crate::engine::heartbeat::Times;
use crate::engine::reply::PollAnswer;
use crate::engine::{CloseReason, ErrorCode, Event, Flags, Packet, PacketError, Reply, Violation};
use crate::id::RequestId;
use crate::json::push_quoted;
use crate::message::Encoded;
use crate::protocol::Eio;
use crate::time::Instant;

impl Session {
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
                if let Transport::Polling {
                    candidate: Some(candidate),
                    ..
                } = &mut self.transport
                    && candidate.frees(self.now)
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
            Why::Upgrade => self.dismiss(None),
            Why::Write => self.violate(Violation::SlowReader),
            // The layer above has these.
            Why::Ack | Why::Connect | Why::Middleware | Why::Packet => self.deadline = None,
        }
    }

    /// Finds out what is due first.
    pub(super) fn arm(&mut self) {
        let excuse = &self.excuse;
        let ends = |at, why| Deadline::new(excuse.put_off(at), why);
        let heartbeat = match self.heartbeat.deadline() {
            Deadline { at, why } if why.ends() => ends(at, why),
            begins => begins,
        };
        let first = match self.stage {
            Stage::Closed => {
                self.deadline = None;
                return;
            }
            // A client that is gone is not waited for longer than at any other time.
            Stage::Closing { until } => ends(until, Why::Close).min(heartbeat),
            Stage::Open => heartbeat,
        };
        let other = match &self.transport {
            Transport::Polling {
                parked, candidate, ..
            } => candidate.as_ref().map(|candidate| {
                let end = ends(candidate.until, Why::Upgrade);
                let noop = candidate.noop_at.filter(|_| parked.is_some());
                noop.map_or(end, |at| end.min(Deadline::new(at, Why::Noop)))
            }),
            Transport::WebSocket { stalled_at, .. } => stalled_at.map(|at| ends(at, Why::Write)),
        };
        let mut due = other.map_or(first, |other| first.min(other));
        if let Some(until) = &self.paused {
            due = due.min(ends(**until, Why::Pause));
        }
        self.deadline = Some(due);
    }

    /// Whether its client's pong may be among what we do not read, or wait for us to do so.
    fn is_held_back(&self) -> bool {
        match &self.transport {
            Transport::WebSocket { .. } => self.paused.is_some(),
            Transport::Polling { .. } => self
                .reading
                .as_ref()
                .is_some_and(|reading| !reading.abandoned),
        }
    }

    /// Whether a request may go on; else it is answered.
    pub(super) fn admits(&mut self, id: RequestId, revision: Eio) -> bool {
        let error = match &self.transport {
            _ if self.is_closed() => ErrorCode::UnknownSid,
            Transport::Polling { .. } if revision == self.revision => return true,
            Transport::Polling { .. } | Transport::WebSocket { .. } => ErrorCode::BadRequest,
        };
        self.reply(id, Reply::error(error));
        false
    }

    /// A POST is there. If there was one already, both are over.
    pub(super) fn begin_post(&mut self, id: RequestId) {
        let reading = self.reading.is_some();
        if let Transport::Polling { posting, .. } = &mut self.transport {
            if reading || posting.is_some() {
                self.fail_post(id, Violation::SecondPost);
            } else {
                *posting = Some(id);
            }
        }
    }

    /// A request is at fault, and is answered; the session ends.
    pub(super) fn fail_post(&mut self, id: RequestId, violation: Violation) {
        self.reply(id, Reply::empty(violation.status()).closing());
        self.violate(violation);
    }

    /// Reads one packet of a POST, or answers it.
    pub(super) fn read(&mut self) -> Option<Event> {
        let mut reading = self.reading.take()?;
        match reading.packets.next() {
            Some(Ok(packet)) => {
                self.reading = Some(reading);
                self.packet(packet)
            }
            Some(Err(error)) => {
                let violation = match error {
                    PacketError::TooMany => Violation::TooManyPackets,
                    PacketError::Empty
                    | PacketError::Type(_)
                    | PacketError::Base64
                    | PacketError::Text
                    | PacketError::Length => Violation::Malformed(error),
                };
                self.reply(reading.id, Reply::empty(violation.status()));
                self.violate(violation);
                None
            }
            None => {
                self.reply(reading.id, Reply::ok());
                None
            }
        }
    }

    /// Reads the rest of a POST before what happened after it.
    pub(super) fn settle(&mut self) {
        while self.reading.is_some() {
            let event = self.read();
            self.events.extend(event);
        }
    }

    /// A packet on the session's transport.
    pub(super) fn packet(&mut self, packet: Packet) -> Option<Event> {
        let pong = matches!(packet, Packet::Pong(_));
        if self.heartbeat.hear(self.now, pong, Times::of(&self.config)) {
            self.arm();
        }
        match packet {
            Packet::Close if self.is_closing() => self.end(CloseReason::ForcedClose, None),
            Packet::Close => self.end(CloseReason::TransportClose, None),
            Packet::Ping(_) if self.heartbeat.is_clients() => self.answer_ping(),
            // What follows in the same body is not read.
            Packet::Ping(_) => self.blame(Violation::PingFromClient),
            Packet::Message(data) => return self.is_open().then_some(Event::Message(data)),
            Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {}
        }
        None
    }

    /// Answers a ping. A client that sends them and reads nothing is closed as any other is.
    fn answer_ping(&mut self) {
        if !self.is_open() {
            return;
        }
        let packet = Encoded::text(Bytes::from_static(b"3"), Vec::new());
        if self.has_room_to_tell(&packet) {
            self.push(packet, Flags::default());
        } else {
            self.blame(Violation::SlowReader);
        }
    }

    /// Whether a packet of the protocol itself may still be queued.
    pub(super) fn has_room_to_tell(&mut self, packet: &Encoded) -> bool {
        let bytes = self.config.max_backlog_bytes.saturating_mul(2);
        let packets = self.config.max_backlog_packets.saturating_mul(2);
        if self.queue.is_full_for(packet, bytes, packets) {
            self.flush();
            self.arm();
        }
        !self.queue.is_full_for(packet, bytes, packets)
    }

    /// A packet on the WebSocket that wants to take over; `None`: no packet at all.
    pub(super) fn probe(&mut self, now: Instant, packet: Option<Packet>) {
        let Transport::Polling {
            candidate: Some(candidate),
            ..
        } = &mut self.transport
        else {
            return;
        };
        match packet {
            Some(Packet::Ping(data)) if &*data == "probe" => {
                self.probes = self.probes.saturating_add(1);
                if candidate.probe(now) {
                    self.answer_poll(PollAnswer::Noop);
                }
            }
            // Without a probe, too: firmware in the field knows no other way (§12).
            Some(Packet::Upgrade) => {
                let base64 = candidate.base64;
                self.settle();
                self.upgrade(base64);
            }
            Some(
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping(_)
                | Packet::Pong(_)
                | Packet::Message(_)
                | Packet::Noop,
            )
            | None => self.dismiss(None),
        }
    }

    /// The client goes over to its WebSocket. What is queued follows it.
    pub(super) fn upgrade(&mut self, base64: bool) {
        if self.is_closed() {
            return;
        }
        self.answer_poll(PollAnswer::Close);
        if let Transport::Polling { posting, .. } = &mut self.transport
            && let Some(id) = posting.take()
        {
            self.reply(id, Reply::error(ErrorCode::BadRequest).closing());
        }
        self.heartbeat.upgrade(self.now);
        self.transport = Transport::web_socket();
        self.base64 = base64;
        self.events.push_back(Event::Upgraded);
        self.watch();
        if let Stage::Closing { until } = &mut self.stage {
            *until = (*until).min(after(self.now, self.config.close_timeout));
            if self.queue.is_empty() {
                self.end(CloseReason::ForcedClose, None);
            }
        }
    }

    /// The WebSocket that wanted to take over is closed. The session goes on without it.
    pub(super) fn dismiss(&mut self, code: Option<u16>) {
        if let Transport::Polling { candidate, .. } = &mut self.transport
            && candidate.take().is_some()
        {
            self.probes = 0;
            self.farewell = Some(code);
        }
    }

    /// The client did something that a session does not survive.
    pub(super) fn violate(&mut self, violation: Violation) {
        self.settle();
        self.blame(violation);
        self.arm();
    }

    pub(super) fn blame(&mut self, violation: Violation) {
        if !self.is_closed() {
            self.violation = Some(violation);
            let code = (violation == Violation::TooLarge).then_some(CODE_TOO_LARGE);
            self.end(violation.reason(), code);
        }
    }

    /// Closes once what is queued has left, and a polling client has been told: that may take `patience`.
    pub(super) fn close_within(&mut self, patience: Duration) {
        // What was sent while a GET waited leaves with it.
        self.flush();
        let wait = match &self.transport {
            _ if self.is_closed() => return,
            Transport::WebSocket { .. } => {
                (!self.queue.is_empty()).then_some(self.config.close_timeout)
            }
            Transport::Polling { parked, .. } => parked.is_none().then_some(patience),
        };
        let until = wait.map(|wait| after(self.now, wait));
        self.stage = match (self.stage, until) {
            (_, None) => return self.end(CloseReason::ForcedClose, None),
            (Stage::Closing { until }, Some(sooner)) => Stage::Closing {
                until: until.min(sooner),
            },
            (Stage::Open | Stage::Closed, Some(until)) => Stage::Closing { until },
        };
    }

    /// The session is over: whoever waits is answered, and nothing is kept.
    pub(super) fn end(&mut self, reason: CloseReason, code: Option<u16>) {
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
        if let Some(reading) = self.reading.take() {
            self.reply(reading.id, Reply::ok());
        }
        let attached = match &mut self.transport {
            Transport::Polling {
                posting, candidate, ..
            } => {
                let attached = candidate.take().is_some();
                if let Some(id) = posting.take() {
                    self.reply(id, Reply::empty(StatusCode::BAD_REQUEST).closing());
                }
                attached
            }
            Transport::WebSocket { .. } => true,
        };
        if attached {
            self.farewell = Some(code.or(self.leaving.then_some(CODE_GOING_AWAY)));
        }
        self.stage = Stage::Closed;
        self.deadline = None;
        self.probes = 0;
        self.queue.clear();
        self.events.push_back(Event::Closed(reason));
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. })
    }

    pub(super) fn reply(&mut self, id: RequestId, mut reply: Reply) {
        let first = std::mem::take(&mut self.fresh);
        let cookie = self.config.cookie.as_ref();
        // On no refusal, and once the session is closed, its answers do not tell it from one that never was.
        if cookie.is_some_and(|cookie| cookie.on_every_response || first)
            && reply.status.is_success()
            && !self.is_closed()
        {
            reply.cookie = Some(self.sid.clone());
        }
        self.replies.push_back((id, reply));
    }

    /// Answers the GET that waits, if there is one: with what is queued, else with `answer`.
    pub(super) fn answer_poll(&mut self, answer: PollAnswer) {
        self.flush();
        if let Transport::Polling { parked, .. } = &mut self.transport
            && let Some(id) = parked.take()
        {
            self.reply(id, Reply::answer(self.revision, answer));
        }
    }

    /// Answers the GET that waits with all that is queued, if both are there.
    pub(super) fn flush(&mut self) {
        if let Transport::Polling { parked, .. } = &mut self.transport
            && !self.queue.is_empty()
            && let Some(id) = parked.take()
        {
            let (framing, body, compress) = self.queue.take_payload(self.revision, !self.base64);
            self.reply(id, Reply::payload(framing, body, compress));
        }
    }

    pub(super) fn push(&mut self, packet: Encoded, flags: Flags) {
        self.queue.push(packet, flags);
        self.watch();
    }

    /// From now on a WebSocket has to take something, if anything waits.
    pub(super) fn watch(&mut self) {
        if !self.queue.is_empty() {
            self.expect_write();
        }
    }

    /// From now on a WebSocket has to take something.
    pub(super) fn expect_write(&mut self) {
        if let Transport::WebSocket { stalled_at, .. } = &mut self.transport
            && stalled_at.is_none()
        {
            let at = after(self.now, self.config.write_timeout);
            *stalled_at = Some(at);
            // Another deadline can only be the first one if it is sooner: this runs for each message that
            // comes alone, and asking them all cost 60 instructions.
            let write = Deadline::new(self.excuse.put_off(at), Why::Write);
            if self.is_closed() || self.deadline.is_none_or(|first| write < first) {
                self.arm();
            }
        }
    }

    pub(super) fn open_packet(&self) -> Encoded {
        let upgrades = match self.transport {
            Transport::Polling { .. }
                if self.config.allow_upgrades && self.config.transports.websocket =>
            {
                &br#"["websocket"]"#[..]
            }
            Transport::Polling { .. } | Transport::WebSocket { .. } => b"[]",
        };
        // The last is said to clients of revision 3, too: one that does not know it does not mind.
        let mut text = Vec::with_capacity(128);
        text.extend_from_slice(br#"0{"sid":"#);
        push_quoted(&mut text, self.sid.as_str());
        text.extend_from_slice(br#","upgrades":"#);
        text.extend_from_slice(upgrades);
        let times = [
            (&br#","pingInterval":"#[..], self.config.ping_interval),
            (br#","pingTimeout":"#, self.config.ping_timeout),
        ];
        let mut digits = itoa::Buffer::new();
        for (name, time) in times {
            text.extend_from_slice(name);
            text.extend_from_slice(digits.format(time.as_millis()).as_bytes());
        }
        text.extend_from_slice(br#","maxPayload":"#);
        let most = digits.format(self.config.max_http_buffer_size);
        text.extend_from_slice(most.as_bytes());
        text.push(b'}');
        Encoded::text(text.into(), Vec::new())
    }
}
