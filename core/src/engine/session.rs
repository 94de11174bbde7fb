//! One client's session: its transports, its queue, its end (§7–§12).
//!
//! Costs nothing but its queue while it waits. A message that is sent is queued once (a clone of a
//! shared encoding) and handed out once; on polling all that is queued is written into one body.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use bytes::Bytes;
use bytestring::ByteString;
use http::StatusCode;

use super::heartbeat::{Beat, Heartbeat, later};
use super::packet::{BASE64, Packet};
use super::payload::{Writer, split};
use super::upgrade::Candidate;
use super::{
    Close, CloseReason, Event, Flags, Frame, Opened, Post, PostFailure, Reply, Revision, Sent,
    TransportKind, WsClosed, WsOut,
};
use crate::config::{BacklogPolicy, Config};
use crate::deadline::{Deadline, Why, earliest};
use crate::http::ErrorCode;
use crate::id::{RequestId, Sid};
use crate::packet::{Encoded, Part, message};

/// One Engine.IO session, from the handshake to its close.
///
/// 1. Tell it what happened: `handle_poll`, `handle_post`, `handle_ws`, `handle_timeout`, ..
/// 2. Ask for what you want: `send`, `close`.
/// 3. Carry out what it wants: `poll_event` and `poll_http` until they are empty, `poll_ws` while the
///    WebSocket is writable; after a [`WsOut::Close`] there may be another event.
/// 4. Sleep until `poll_timeout`, or until there is something for step 1 or 2.
///
/// At most one WebSocket is attached at any time: the one that the session was opened by or has moved
/// to, or the one that wants to take over. Every request that is handed in gets exactly one reply.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    sid: Sid,
    revision: Revision,
    /// Whether the WebSocket takes no binary messages.
    base64: bool,
    transport: Transport,
    /// Set while a close waits for what is queued, or for the poll that fetches it.
    closing: Option<Instant>,
    /// The POST whose body is on its way.
    posting: Option<RequestId>,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    queued_packets: usize,
    /// How many frames of the first in the queue were handed out.
    handed_out: usize,
    /// Whether the WebSocket was given something that has not left yet.
    busy: bool,
    /// When a WebSocket that makes no progress is given up.
    stalled_by: Option<Instant>,
    heartbeat: Heartbeat,
    events: VecDeque<Event>,
    replies: VecDeque<(RequestId, Reply)>,
    /// What goes to the WebSocket before, or instead of, the queue.
    urgent: VecDeque<WsOut>,
    /// The latest time anyone told.
    now: Instant,
}

#[derive(Debug)]
enum Transport {
    Polling {
        parked: Option<RequestId>,
        candidate: Option<Box<Candidate>>,
    },
    WebSocket,
    Closed,
}

#[derive(Debug)]
struct Queued {
    packet: Encoded,
    flags: Flags,
}

impl Session {
    /// A session that has just been opened. Its open packet is queued: for a poll, hand that request
    /// in with [`handle_poll`](Self::handle_poll); a WebSocket gets it by [`poll_ws`](Self::poll_ws).
    pub fn new(now: Instant, sid: Sid, opened: Opened, config: Arc<Config>) -> Self {
        let mut session = Self {
            sid,
            revision: opened.revision,
            base64: opened.base64,
            transport: match opened.transport {
                TransportKind::Polling => Transport::Polling {
                    parked: None,
                    candidate: None,
                },
                TransportKind::WebSocket => Transport::WebSocket,
            },
            closing: None,
            posting: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            queued_packets: 0,
            handed_out: 0,
            busy: false,
            stalled_by: None,
            heartbeat: Heartbeat::new(now, config.ping_interval),
            events: VecDeque::new(),
            replies: VecDeque::new(),
            urgent: VecDeque::new(),
            now,
            config,
        };
        session.push(session.open_packet(), Flags::default());
        if let Some(data) = session.config.initial_packet.clone() {
            session.push(message(&data), Flags::default());
        }
        session
    }

    /// A GET has arrived (§9.2). It is answered at once if something is queued, else when something
    /// is.
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Revision) {
        let now = self.advance(now);
        if !self.admits(id, revision) {
            return;
        }
        let Transport::Polling { parked, candidate } = &mut self.transport else {
            return;
        };
        if parked.is_some() {
            self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
            self.end(CloseReason::TransportError);
            return;
        }
        *parked = Some(id);
        if let Some(candidate) = candidate {
            candidate.parked(now);
        }
        if self.closing.is_some() && self.queue.is_empty() {
            // The noop is there for clients that expect the answer to a poll before a close (§10).
            self.free_poll(b"6\x1e1");
            self.end(CloseReason::ForcedClose);
            return;
        }
        self.flush_poll();
    }

    /// A POST has begun, has arrived, or has failed (§9.3). The messages in it are processed before
    /// its reply can be polled.
    pub fn handle_post(&mut self, now: Instant, id: RequestId, revision: Revision, post: Post) {
        let now = self.advance(now);
        let body = match post {
            Post::Begun | Post::Whole(_) if !self.admits(id, revision) => return,
            Post::Begun | Post::Whole(_) if self.posting.is_some() => {
                self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
                self.end(CloseReason::TransportError);
                return;
            }
            Post::Begun => {
                self.posting = Some(id);
                return;
            }
            // Answered already, when the session ended under it.
            Post::End(_) if self.posting != Some(id) => return,
            Post::End(body) => {
                self.posting = None;
                body
            }
            Post::Whole(body) => body,
        };
        match body {
            Ok(body) => self.receive(now, id, body),
            Err(failure) => {
                let (status, reason) = match failure {
                    PostFailure::TooLarge => {
                        (StatusCode::PAYLOAD_TOO_LARGE, CloseReason::TransportError)
                    }
                    PostFailure::NotUtf8 => (StatusCode::BAD_REQUEST, CloseReason::ParseError),
                    PostFailure::Timeout => {
                        (StatusCode::REQUEST_TIMEOUT, CloseReason::TransportError)
                    }
                    PostFailure::Binary | PostFailure::Lost => {
                        (StatusCode::BAD_REQUEST, CloseReason::TransportError)
                    }
                };
                self.reply(id, Reply::empty(status));
                self.end(reason);
            }
        }
    }

    /// The client has dropped a request before it was answered (§9.4).
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        self.advance(now);
        let polling = match &mut self.transport {
            Transport::Polling { parked, .. } => parked.take_if(|parked| *parked == id).is_some(),
            Transport::WebSocket | Transport::Closed => false,
        };
        let posting = self.posting.take_if(|posting| *posting == id).is_some();
        if polling || posting {
            // Nobody reads it, but whoever keeps a table of requests can close its entry.
            self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
            self.end(CloseReason::TransportError);
        }
    }

    /// Another WebSocket was opened for this session, and wants to take over (§12). `false`: close it
    /// at once; nothing else is disturbed.
    pub fn handle_ws_open(&mut self, now: Instant, revision: Revision, base64: bool) -> bool {
        let _ = (revision, base64);
        let now = self.advance(now);
        let Transport::Polling { candidate, .. } = &mut self.transport else {
            return false;
        };
        let allowed = self.config.allow_upgrades && self.config.transports.websocket;
        if !allowed || candidate.is_some() || !self.urgent.is_empty() {
            return false;
        }
        *candidate = Some(Candidate::new(now, self.config.upgrade_timeout));
        true
    }

    /// A message has arrived on the WebSocket.
    pub fn handle_ws(&mut self, now: Instant, frame: Frame) {
        let now = self.advance(now);
        let packet = Packet::decode(self.revision, frame);
        match &self.transport {
            Transport::Closed => {}
            Transport::Polling { .. } => self.probe(now, packet.ok()),
            Transport::WebSocket => match packet {
                Ok(packet) => {
                    self.packet(now, packet);
                }
                Err(_) => self.end(CloseReason::ParseError),
            },
        }
    }

    /// Some of what was handed out has left: the client reads.
    pub fn handle_ws_progress(&mut self, now: Instant) {
        let now = self.advance(now);
        if self.stalled_by.is_some() {
            self.stalled_by = Some(later(now, self.config.write_timeout));
        }
    }

    /// All that was handed out has left.
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        let now = self.advance(now);
        self.busy = false;
        self.stalled_by = None;
        self.watch_writes(now);
    }

    /// The WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.advance(now);
        match &mut self.transport {
            Transport::Closed => {}
            Transport::Polling { candidate, .. } => {
                *candidate = None;
                self.urgent.clear();
            }
            Transport::WebSocket => {
                let reason = match cause {
                    WsClosed::Closed => CloseReason::TransportClose,
                    WsClosed::Lost | WsClosed::TooLarge | WsClosed::Violation => {
                        CloseReason::TransportError
                    }
                };
                self.end(reason);
                self.urgent.clear();
            }
        }
    }

    /// Acts on every deadline that has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// Sends a packet.
    pub fn send(&mut self, now: Instant, packet: Encoded, flags: Flags) -> Sent {
        let now = self.advance(now);
        if !self.is_open() {
            return Sent::Closed;
        }
        if flags.volatile && !self.is_writable() {
            return Sent::Dropped;
        }
        if self.is_full() {
            match self.config.backlog_policy {
                BacklogPolicy::Refuse => return Sent::Full,
                BacklogPolicy::DropVolatile => self.drop_volatile(),
                BacklogPolicy::Close => {}
            }
            if self.is_full() {
                self.end(CloseReason::TransportError);
                return Sent::Closed;
            }
        }
        self.push(packet, flags);
        self.flush_poll();
        self.watch_writes(now);
        Sent::Queued
    }

    /// Closes the session (§10). What is queued still leaves, if it is to be flushed: on polling with
    /// the next polls, within `polling_close_timeout`; on a WebSocket within `close_timeout`.
    pub fn close(&mut self, now: Instant, how: Close) {
        let now = self.advance(now);
        let wait = match (&self.transport, how) {
            (Transport::Closed, _) => return,
            (_, Close::Discard) => return self.end(CloseReason::ForcedClose),
            (_, Close::Flush) if self.closing.is_some() => return,
            (Transport::WebSocket, Close::Flush) if self.queue.is_empty() => {
                return self.end(CloseReason::ForcedClose);
            }
            (Transport::WebSocket, Close::Flush) => self.config.close_timeout,
            // Whoever waits has nothing queued.
            (
                Transport::Polling {
                    parked: Some(_), ..
                },
                Close::Flush,
            ) => {
                return self.end(CloseReason::ForcedClose);
            }
            (Transport::Polling { .. }, Close::Flush) => self.config.polling_close_timeout,
        };
        self.closing = Some(later(now, wait));
    }

    /// The layer above found a violation: the session closes at once.
    pub fn fail(&mut self, now: Instant, reason: CloseReason) {
        self.advance(now);
        self.end(reason);
    }

    /// What has happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next request that has its answer.
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        self.replies.pop_front()
    }

    /// What to do next on the WebSocket. What is not pulled is the backlog: pull only while the
    /// socket takes more.
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        if let Some(out) = self.urgent.pop_front() {
            return Some(out);
        }
        match self.transport {
            Transport::WebSocket => {}
            Transport::Polling { .. } | Transport::Closed => return None,
        }
        let first = self.queue.front()?;
        let part = first.packet.part(self.handed_out)?;
        let compress = first.flags.compress;
        self.handed_out = self.handed_out.saturating_add(1);
        if self.handed_out >= first.packet.packets() {
            self.handed_out = 0;
            self.pop();
        }
        self.busy = true;
        if self.closing.is_some() && self.queue.is_empty() {
            self.end(CloseReason::ForcedClose);
        }
        let part = match part {
            Part::Binary(bytes) if self.base64 => {
                let mut text = String::from("b");
                BASE64.encode_string(bytes, &mut text);
                Part::Text(text.into())
            }
            part => part,
        };
        Some(WsOut::Frame { part, compress })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let deadline = |at: Option<Instant>, why| at.map(|at| Deadline { at, why });
        let candidate = match &self.transport {
            Transport::Closed => return None,
            Transport::WebSocket => None,
            Transport::Polling { candidate, .. } => candidate.as_ref().map(|it| it.due()),
        };
        let beat = match self.closing {
            Some(by) => deadline(Some(by), Why::Close),
            None => deadline(Some(self.heartbeat.due()), Why::Ping),
        };
        let other = earliest(
            deadline(candidate, Why::Upgrade),
            deadline(self.stalled_by, Why::Write),
        );
        earliest(beat, other)
    }

    /// The session's secret id.
    pub fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The client's revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The transport in use; the last one, once the session is closed.
    pub fn transport(&self) -> TransportKind {
        match self.transport {
            Transport::Polling { .. } => TransportKind::Polling,
            Transport::WebSocket | Transport::Closed => TransportKind::WebSocket,
        }
    }

    /// Whether packets can be sent.
    pub fn is_open(&self) -> bool {
        self.closing.is_none() && !self.is_closed()
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.transport, Transport::Closed)
    }

    /// Whether a packet would leave at once: what decides over volatile ones (§20).
    pub fn is_writable(&self) -> bool {
        match &self.transport {
            Transport::Polling { parked, .. } => parked.is_some(),
            Transport::WebSocket => self.queue.is_empty() && !self.busy,
            Transport::Closed => false,
        }
    }

    /// Bytes that wait to be handed out.
    pub fn backlog_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Frames that wait to be handed out.
    pub fn backlog_packets(&self) -> usize {
        self.queued_packets
    }

    /// The clock as this session knows it; deadlines that have come are acted on first, so that
    /// nothing that arrives late can revive what is over.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        while self.poll_timeout().is_some_and(|due| due.at <= self.now) {
            self.expire(self.now);
        }
        self.now
    }

    /// Acts on what is due, at least one thing.
    fn expire(&mut self, now: Instant) {
        if self.closing.is_some_and(|by| by <= now) {
            return self.end(CloseReason::ForcedClose);
        }
        if self.stalled_by.is_some_and(|by| by <= now) {
            return self.end(CloseReason::TransportError);
        }
        if self.closing.is_none() {
            match self.heartbeat.expire(now, self.config.ping_timeout) {
                Some(Beat::Ping) => {
                    let ping = Encoded::text(Bytes::from_static(b"2"), Vec::new());
                    self.push(ping, Flags::default());
                    self.flush_poll();
                    self.watch_writes(now);
                }
                Some(Beat::Dead) => return self.end(CloseReason::PingTimeout),
                None => {}
            }
        }
        if let Transport::Polling { candidate, parked } = &mut self.transport
            && let Some(it) = candidate
        {
            if it.until <= now {
                *candidate = None;
                self.urgent.clear();
                self.urgent.push_back(WsOut::Close(None));
            } else if it.noop_at.is_some_and(|at| at <= now) {
                it.noop_at = None;
                if parked.is_some() {
                    self.free_poll(b"6");
                }
            }
        }
    }

    /// Whether a request may go on; else it is answered.
    fn admits(&mut self, id: RequestId, revision: Revision) -> bool {
        let refusal = match &self.transport {
            Transport::Closed => ErrorCode::UnknownSid,
            Transport::WebSocket => ErrorCode::BadRequest,
            Transport::Polling { .. } if revision != self.revision => ErrorCode::BadRequest,
            Transport::Polling { .. } => return true,
        };
        self.reply(id, Reply::error(refusal));
        false
    }

    /// The body of a POST.
    fn receive(&mut self, now: Instant, id: RequestId, body: ByteString) {
        let packets = split(self.revision, body, self.config.max_packets_per_payload);
        for packet in packets {
            match packet {
                Ok(Packet::Close) => {
                    self.free_poll(b"6");
                    self.end(CloseReason::TransportClose);
                    break;
                }
                Ok(packet) => {
                    if !self.packet(now, packet) {
                        break;
                    }
                }
                Err(_) => {
                    self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
                    self.end(CloseReason::ParseError);
                    return;
                }
            }
        }
        self.reply(id, Reply::ok());
    }

    /// A packet on the session's transport. `false`: the session is over.
    fn packet(&mut self, now: Instant, packet: Packet) -> bool {
        match packet {
            Packet::Pong(_) => self.heartbeat.pong(now, self.config.ping_interval),
            Packet::Message(_)
            | Packet::Open(_)
            | Packet::Upgrade
            | Packet::Noop
            | Packet::Close
            | Packet::Ping(_) => self.heartbeat.other(now, self.config.ping_timeout),
        }
        match packet {
            Packet::Message(data) => {
                if self.is_open() {
                    self.events.push_back(Event::Message(data));
                }
            }
            Packet::Close => self.end(CloseReason::TransportClose),
            // In this revision the server pings.
            Packet::Ping(_) => match self.revision {
                Revision::V4 => self.end(CloseReason::TransportError),
            },
            Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {}
        }
        !self.is_closed()
    }

    /// A packet on the WebSocket that wants to take over; `None`: no packet at all.
    fn probe(&mut self, now: Instant, packet: Option<Packet>) {
        let Transport::Polling { parked, candidate } = &mut self.transport else {
            return;
        };
        let Some(it) = candidate else { return };
        match packet {
            Some(Packet::Ping(data)) if &*data == "probe" => {
                it.probed = true;
                it.noop_at = None;
                let waiting = parked.is_some();
                self.urgent.push_back(WsOut::Frame {
                    part: Part::Text(Bytes::from_static(b"3probe")),
                    compress: false,
                });
                if waiting {
                    self.free_poll(b"6");
                }
            }
            Some(Packet::Upgrade) if it.probed => {
                self.free_poll(b"6");
                self.transport = Transport::WebSocket;
                self.events.push_back(Event::Upgraded);
                self.watch_writes(now);
                if self.closing.is_some() && self.queue.is_empty() {
                    self.end(CloseReason::ForcedClose);
                }
            }
            Some(
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping(_)
                | Packet::Pong(_)
                | Packet::Message(_)
                | Packet::Upgrade
                | Packet::Noop,
            )
            | None => {
                *candidate = None;
                self.urgent.clear();
                self.urgent.push_back(WsOut::Close(None));
            }
        }
    }

    /// The session is over: whoever waits is answered, and nothing is kept.
    fn end(&mut self, reason: CloseReason) {
        if self.is_closed() {
            return;
        }
        self.free_poll(b"1");
        if let Some(id) = self.posting.take() {
            self.reply(id, Reply::empty(StatusCode::BAD_REQUEST));
        }
        let attached = match &self.transport {
            Transport::Polling { candidate, .. } => candidate.is_some(),
            Transport::WebSocket => true,
            Transport::Closed => false,
        };
        if attached {
            self.urgent.clear();
            self.urgent.push_back(WsOut::Close(None));
        }
        self.transport = Transport::Closed;
        self.queue = VecDeque::new();
        self.queued_bytes = 0;
        self.queued_packets = 0;
        self.handed_out = 0;
        self.stalled_by = None;
        self.closing = None;
        self.events.push_back(Event::Closed(reason));
    }

    fn reply(&mut self, id: RequestId, reply: Reply) {
        self.replies.push_back((id, reply));
    }

    /// Answers the poll that waits, if there is one, with a body of its own.
    fn free_poll(&mut self, body: &'static [u8]) {
        if let Transport::Polling { parked, .. } = &mut self.transport
            && let Some(id) = parked.take()
        {
            self.reply(id, Reply::payload(Bytes::from_static(body), false));
        }
    }

    /// Answers the poll that waits with all that is queued.
    fn flush_poll(&mut self) {
        let Transport::Polling { parked, .. } = &mut self.transport else {
            return;
        };
        if self.queue.is_empty() {
            return;
        }
        let Some(id) = parked.take() else { return };
        let separators = self.queued_packets;
        let mut body = Writer::with_capacity(self.queued_bytes.saturating_add(separators));
        let mut compress = false;
        for queued in self.queue.drain(..) {
            compress |= queued.flags.compress;
            for part in queued.packet.parts() {
                body.push(self.revision, &part);
            }
        }
        self.queued_bytes = 0;
        self.queued_packets = 0;
        self.reply(id, Reply::payload(body.finish(), compress));
    }

    fn push(&mut self, packet: Encoded, flags: Flags) {
        self.queued_bytes = self.queued_bytes.saturating_add(packet.size());
        self.queued_packets = self.queued_packets.saturating_add(packet.packets());
        self.queue.push_back(Queued { packet, flags });
    }

    fn pop(&mut self) {
        if let Some(Queued { packet, .. }) = self.queue.pop_front() {
            self.queued_bytes = self.queued_bytes.saturating_sub(packet.size());
            self.queued_packets = self.queued_packets.saturating_sub(packet.packets());
        }
        // A burst is over: what held it is given back, what holds a few packets is kept.
        if self.queue.is_empty() && self.queue.capacity() > KEPT {
            self.queue = VecDeque::new();
        }
    }

    fn is_full(&self) -> bool {
        self.queued_bytes >= self.config.max_backlog_bytes
            || self.queued_packets >= self.config.max_backlog_packets
    }

    /// Drops what is volatile and not handed out in part.
    fn drop_volatile(&mut self) {
        let begun = self.handed_out > 0;
        let mut first = true;
        self.queue.retain(|queued| {
            let keep = !queued.flags.volatile || (std::mem::take(&mut first) && begun);
            first = false;
            keep
        });
        let sum = |of: fn(&Encoded) -> usize| {
            self.queue
                .iter()
                .fold(0usize, |sum, queued| sum.saturating_add(of(&queued.packet)))
        };
        (self.queued_bytes, self.queued_packets) = (sum(Encoded::size), sum(Encoded::packets));
    }

    /// Gives a WebSocket that something waits for its time to take it.
    fn watch_writes(&mut self, now: Instant) {
        match self.transport {
            Transport::WebSocket if self.busy || !self.queue.is_empty() => {
                let by = later(now, self.config.write_timeout);
                self.stalled_by.get_or_insert(by);
            }
            Transport::WebSocket | Transport::Polling { .. } | Transport::Closed => {}
        }
    }

    fn open_packet(&self) -> Encoded {
        let advertised = match self.transport {
            Transport::Polling { .. } => {
                self.config.allow_upgrades && self.config.transports.websocket
            }
            Transport::WebSocket | Transport::Closed => false,
        };
        let text = format!(
            r#"0{{"sid":{},"upgrades":[{}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            serde_json::Value::from(self.sid.as_str()),
            if advertised { r#""websocket""# } else { "" },
            self.config.ping_interval.as_millis(),
            self.config.ping_timeout.as_millis(),
            self.config.max_http_buffer_size,
        );
        Encoded::text(text.into(), Vec::new())
    }
}

/// Queues up to this long are kept when they are empty.
const KEPT: usize = 16;
