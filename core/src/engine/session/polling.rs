//! A session by requests: GETs that wait for packets, POSTs that bring them (§9).

use super::Session;
use super::state::{Incoming, Reading, State};
use crate::engine::heartbeat::Times;
use crate::engine::reply::PollAnswer;
use crate::engine::{
    CloseReason, Event, Mismatch, PacketError, Post, PostFailure, Reply, Violation, split,
};
use crate::id::RequestId;
use crate::protocol::{Eio, TransportKind};
use crate::time::Instant;

impl Session {
    /// A GET has arrived (§9.2). It is answered at once if something is queued, else when something is.
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        self.advance(now);
        if !self.admits(id, revision) {
            return;
        }
        if let State::Polling(polling) = &self.state {
            self.returned |= !polling.fresh;
        }
        // What was sent since the last one came belongs to that one.
        self.flush();
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        if polling.parked.is_some() {
            self.reply(id, Reply::violating(Violation::SecondPoll));
            return self.violate(Violation::SecondPoll);
        }
        polling.parked = Some(id);
        let free = self.frees(false);
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
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        // Else it was answered when the session ended under it.
        if !polling.post.is_body_of(id) {
            return;
        }
        let body = match body {
            Ok(body) if body.len() > self.config.max_http_buffer_size => Err(PostFailure::TooLarge),
            body => body,
        };
        match body {
            Ok(body) => {
                let packets = split(body, self.config.max_packets_per_payload);
                polling.post = Incoming::Packets(Box::new(Reading {
                    id,
                    packets,
                    read: 0,
                    abandoned: false,
                }));
            }
            Err(failure) => {
                polling.post = Incoming::Nothing;
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
        self.arm();
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        if polling.parked.take_if(|parked| *parked == id).is_some() {
            // Nobody reads the answer, but whoever keeps a table of requests can close its entry.
            return self.fail_post(id, Violation::Aborted);
        }
        match &mut polling.post {
            Incoming::Body(body) if *body == id => {
                polling.post = Incoming::Nothing;
                self.fail_post(id, Violation::Aborted);
            }
            Incoming::Packets(reading) if reading.id == id => {
                // It is whole, and read when there is time. Its client does not wait for that any more, so
                // what it says next may come, and its time runs.
                reading.abandoned = true;
                self.heartbeat.wait(self.now, Times::of(&self.config));
                self.arm();
            }
            Incoming::Nothing | Incoming::Body(_) | Incoming::Packets(_) => {}
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

    /// Whether to be told so changes nothing but the clock.
    #[inline]
    pub(crate) fn is_unwritten(&self, bytes: usize) -> bool {
        self.queue.is_unwritten(bytes)
    }

    /// What is not written is as much as it was.
    #[inline]
    pub(crate) fn handle_still_unwritten(&mut self, now: Instant) {
        self.advance(now);
    }

    /// An answer with packets in it was given up: of what it is, too little was taken in `write_timeout`. What was in
    /// it is lost to the client, and a session with a hole in it is none.
    pub fn handle_answer_lost(&mut self, now: Instant) {
        self.advance(now);
        self.violate(Violation::SlowReader);
    }

    /// The next request that has its answer.
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        if let State::Polling(polling) = &self.state
            && polling.parked.is_some()
            && !self.queue.is_empty()
        {
            self.flush();
            self.arm();
        }
        self.replies.pop_front()
    }

    /// Whether there are packets of a POST that [`poll_event`](Self::poll_event) has not come to. The next
    /// may be one that ends the session: what handlers have sent by now has to be sent first, if it is to
    /// reach a GET that waits.
    pub const fn is_reading(&self) -> bool {
        self.reading().is_some()
    }

    /// Whether the body of this POST is waited for, which has begun. If not, it has its answer.
    pub fn awaits_body(&self, id: RequestId) -> bool {
        match &self.state {
            State::Polling(polling) => polling.post.is_body_of(id),
            State::WebSocket(_) | State::Closed(_) => false,
        }
    }

    /// Bytes of the POST among whose packets there are some that [`poll_event`](Self::poll_event) has not come
    /// to.
    pub fn unread_bytes(&self) -> usize {
        self.reading().map_or(0, |reading| reading.packets.size())
    }

    pub(super) const fn reading(&self) -> Option<&Reading> {
        match &self.state {
            State::Polling(polling) => match &polling.post {
                Incoming::Packets(reading) => Some(reading),
                Incoming::Nothing | Incoming::Body(_) => None,
            },
            State::WebSocket(_) | State::Closed(_) => None,
        }
    }

    /// Whether a request may go on; else it is answered.
    fn admits(&mut self, id: RequestId, revision: Eio) -> bool {
        let mismatch = match &self.state {
            State::Closed(_) => Mismatch::Gone,
            State::Polling(_) if revision == self.revision => return true,
            State::Polling(_) => Mismatch::Protocol(self.revision),
            State::WebSocket(_) => Mismatch::Transport(TransportKind::WebSocket),
        };
        self.reply(id, Reply::mismatching(mismatch));
        false
    }

    /// A POST is there. If there was one already, both are over.
    fn begin_post(&mut self, id: RequestId) {
        if let State::Polling(polling) = &mut self.state {
            match polling.post {
                Incoming::Nothing => polling.post = Incoming::Body(id),
                Incoming::Body(_) | Incoming::Packets(_) => {
                    self.fail_post(id, Violation::SecondPost);
                }
            }
        }
    }

    /// A request is at fault, and is answered; the session ends.
    fn fail_post(&mut self, id: RequestId, violation: Violation) {
        self.reply(id, Reply::violating(violation).closing());
        self.violate(violation);
    }

    /// Reads one packet of a POST, or answers it.
    pub(super) fn read(&mut self) -> Option<Event> {
        let State::Polling(polling) = &mut self.state else {
            return None;
        };
        let Incoming::Packets(reading) = &mut polling.post else {
            return None;
        };
        let id = reading.id;
        match reading.packets.next() {
            Some(Ok(packet)) => {
                reading.read = reading.read.saturating_add(1);
                return self.packet(packet);
            }
            Some(Err(error)) => {
                let taken = reading.taken();
                polling.post = Incoming::Nothing;
                let violation = match error {
                    PacketError::TooMany => Violation::TooManyPackets,
                    PacketError::Empty
                    | PacketError::Type(_)
                    | PacketError::Base64
                    | PacketError::Text
                    | PacketError::Length => Violation::Malformed(error),
                };
                self.reply(id, Reply::violating(violation).having_taken(taken));
                self.violate(violation);
            }
            None => {
                let taken = reading.taken();
                polling.post = Incoming::Nothing;
                self.reply(id, Reply::ok().having_taken(taken));
            }
        }
        None
    }

    /// Reads the rest of a POST before what happened after it.
    pub(super) fn settle(&mut self) {
        while self.is_reading() {
            let event = self.read();
            self.events.extend(event);
        }
    }

    pub(super) fn reply(&mut self, id: RequestId, mut reply: Reply) {
        // On no refusal, and once the session is closed, its answers do not tell it from one that never was.
        let named = match &mut self.state {
            State::Polling(polling) => {
                let first = std::mem::take(&mut polling.fresh);
                let cookie = self.config.cookie.as_ref();
                cookie.is_some_and(|cookie| cookie.on_every_response || first)
            }
            State::WebSocket(_) | State::Closed(_) => false,
        };
        if named && reply.status.is_success() {
            reply.cookie = Some(self.sid.clone());
        }
        self.replies.push_back((id, reply));
    }

    /// Answers the GET that waits, if there is one: with what is queued, else with `answer`.
    pub(super) fn answer_poll(&mut self, answer: PollAnswer) {
        self.flush();
        if let State::Polling(polling) = &mut self.state
            && let Some(id) = polling.parked.take()
        {
            self.reply(id, Reply::answer(self.revision, answer));
        }
    }

    /// Answers the GET that waits with all that is queued, if both are there.
    pub(super) fn flush(&mut self) {
        if let State::Polling(polling) = &mut self.state
            && !self.queue.is_empty()
            && let Some(id) = polling.parked.take()
        {
            let (takes_bytes, packets) = (!polling.base64, self.queue.packets());
            let (framing, body, compress) = self.queue.take_payload(self.revision, takes_bytes);
            if let Some(watch) = &mut self.watch {
                watch.emptied();
            }
            self.reply(id, Reply::payload(framing, packets, body, compress));
        }
    }
}
