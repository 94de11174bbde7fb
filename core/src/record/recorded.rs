//! A connection that writes down what it is told.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::field::{Field, put_message, put_packet};
use super::input::{Input, Told};
use super::log::Head;
use super::sum;
use super::tape::Tape;
use crate::config::Config;
use crate::connection::{Connection, Event};
use crate::engine::{
    Close, CloseReason, Flags, Opened, Post, Reply, Seen, Sent, Session, WsClosed, WsOut,
};
use crate::id::{RequestId, Sid, SocketId};
use crate::message::{Encoded, Message};
use crate::packet::Codec;
use crate::protocol::Eio;
use crate::recovery::Pid;
use crate::socket::{AckError, AckTicket, ConnectTicket, Refusal, SocketKey};
use crate::time::Instant;

/// A [`Connection`] that writes a [`Log`](super::Log) of itself: its methods are that one's, and do what they do there.
///
/// The log grows up to a limit and then no more: what it holds is the beginning of a session, and can be played as far.
#[derive(Clone, Debug)]
pub struct Recorded<T> {
    connection: Connection<T>,
    paper: Paper,
}

/// What is written, and what is not yet.
#[derive(Clone, Debug)]
struct Paper {
    tape: Tape,
    /// How far the session's clock is, at least.
    clock: Instant,
    /// When the connection was told last of what it knew, how much is unwritten: its clock alone is moved by that, and
    /// it is not in the log yet.
    told: Option<Instant>,
    /// So much.
    known: usize,
    /// As the connection knows it.
    paused: bool,
}

/// The numbers of the steps that most are: what they are given goes to the log as it is, and is no [`Input`] first.
mod number {
    pub(super) const UNWRITTEN: u8 = 3;
    pub(super) const WS: u8 = 6;
    pub(super) const WS_PROGRESS: u8 = 7;
    pub(super) const WS_FLUSHED: u8 = 8;
    pub(super) const DELIVER: u8 = 16;
    pub(super) const REQUEST: u8 = 17;
    pub(super) const RESPOND: u8 = 18;
    pub(super) const POLL_EVENT: u8 = 27;
    pub(super) const POLL_HTTP: u8 = 28;
    pub(super) const POLL_WS: u8 = 29;
    pub(super) const PASSED: u8 = 34;

    /// Whether the session's clock is moved by it before anything else.
    pub(super) const fn moves_clock(number: u8) -> bool {
        matches!(number, WS | WS_PROGRESS | WS_FLUSHED | PASSED)
    }
}

impl Paper {
    /// Writes a step. What `put` puts is what the connection was given.
    #[inline]
    fn write(&mut self, now: Instant, number: u8, put: impl FnOnce(&mut Vec<u8>)) {
        if !self.tape.is_full() && self.catch_up(now, number) {
            self.tape.write(now, number, None, put);
        }
    }

    /// Writes a step at which something came out.
    #[inline]
    fn came_out(&mut self, now: Option<Instant>, number: u8, sum: impl FnOnce() -> Option<u32>) {
        if self.tape.is_full() || !self.catch_up(now.unwrap_or(self.tape.last()), number) {
            return;
        }
        let now = now.unwrap_or(self.tape.last());
        self.tape.write(now, number, sum(), |_| {});
    }

    fn note(&mut self, now: Instant, input: &Input) {
        self.write(now, input.number(), |to| input.put(to));
    }

    /// The same of what has no time of its own.
    fn note_now(&mut self, input: &Input) {
        if !self.tape.is_full() && self.catch_up(self.tape.last(), input.number()) {
            self.note(self.tape.last(), input);
        }
    }

    /// What is not written is so much.
    #[inline]
    fn unwritten(&mut self, now: Instant, bytes: usize, is_known: bool) {
        if !is_known {
            self.write(now, number::UNWRITTEN, |to| bytes.put(to));
        } else if now > self.clock {
            self.told = self.told.max(Some(now));
            self.known = bytes;
        }
    }

    /// Writes how far the clock was moved, unless the step that comes moves it as far. `false`: there was no room.
    #[inline]
    fn catch_up(&mut self, now: Instant, number: u8) -> bool {
        let moves = number::moves_clock(number);
        if moves {
            self.clock = self.clock.max(now);
        }
        match self.told {
            None => true,
            Some(told) if moves && told <= now => {
                self.told = None;
                true
            }
            Some(told) => self.write_told(told),
        }
    }

    #[cold]
    fn write_told(&mut self, told: Instant) -> bool {
        self.told = None;
        self.clock = self.clock.max(told);
        let bytes = self.known;
        (self.tape).write(told, number::UNWRITTEN, None, |to| bytes.put(to));
        !self.tape.is_full()
    }
}

impl<T> Recorded<T> {
    /// A new session, and a connection over it whose packets are written by `codec`. Of its log `most` bytes are kept.
    pub fn open(
        now: Instant,
        sid: Sid,
        opened: Opened,
        config: Arc<Config>,
        codec: &Codec,
        most: usize,
    ) -> Self {
        let mut head = Vec::new();
        Head::new(now, &sid, opened, &config, codec).put(&mut head);
        let session = Session::new(now, sid, opened, config.clone());
        Self {
            connection: Connection::with_codec(now, session, config, codec),
            paper: Paper {
                tape: Tape::new(now, head, most),
                clock: now,
                told: None,
                known: 0,
                paused: false,
            },
        }
    }

    /// What was written so far, put together for this call. Empty, if not even the beginning had room.
    pub fn log(&self) -> Vec<u8> {
        self.paper.tape.log()
    }

    /// The same, once and for all. Nothing is written any more.
    pub fn take_log(&mut self) -> Vec<u8> {
        if !self.paper.tape.is_full() {
            self.paper
                .catch_up(self.paper.tape.last(), number::UNWRITTEN);
        }
        self.paper.tape.take()
    }

    /// Whether more has happened than there is room for.
    pub const fn is_full(&self) -> bool {
        self.paper.tape.is_full()
    }

    /// What is written down of a packet: what its client gets. `None`: nothing.
    fn own_form(&self, packet: &Encoded) -> Option<Encoded> {
        self.connection.codec().own_form(packet.clone())
    }

    /// Writes a step with a packet, between these numbers and what `end` puts.
    #[inline]
    fn write_packet<const NUMBERS: usize>(
        &mut self,
        now: Instant,
        number: u8,
        numbers: [u64; NUMBERS],
        packet: &Encoded,
        end: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.paper.tape.is_full() {
            return;
        }
        let form;
        let packet = match self.connection.codec().is_own_form(packet) {
            true => packet,
            false => {
                form = self.own_form(packet);
                let Some(form) = &form else {
                    return;
                };
                form
            }
        };
        self.paper.write(now, number, |to| {
            put_packet(numbers, packet, to);
            end(to);
        });
    }

    /// [`Connection::handle_poll`].
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        self.paper.note(now, &Input::Poll { id, revision });
        self.connection.handle_poll(now, id, revision);
    }

    /// [`Connection::handle_post`].
    pub fn handle_post(&mut self, now: Instant, id: RequestId, revision: Eio, post: Post) {
        let input = Input::Post { id, revision, post };
        self.paper.note(now, &input);
        if let Input::Post { post, .. } = input {
            self.connection.handle_post(now, id, revision, post);
        }
    }

    /// [`Connection::handle_aborted`].
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        self.paper.note(now, &Input::Aborted { id });
        self.connection.handle_aborted(now, id);
    }

    /// [`Connection::handle_unwritten`].
    pub fn handle_unwritten(&mut self, now: Instant, bytes: usize) {
        let is_known = self.connection.session().is_unwritten(bytes);
        self.paper.unwritten(now, bytes, is_known);
        self.connection.handle_unwritten(now, bytes);
    }

    /// [`Connection::handle_answer_lost`].
    pub fn handle_answer_lost(&mut self, now: Instant) {
        self.paper.note(now, &Input::AnswerLost {});
        self.connection.handle_answer_lost(now);
    }

    /// [`Connection::handle_ws_open`].
    pub fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        self.paper.note(now, &Input::WsOpen { revision, base64 });
        self.connection.handle_ws_open(now, revision, base64)
    }

    /// [`Connection::handle_ws`].
    pub fn handle_ws(&mut self, now: Instant, frame: Message) {
        let put = |to: &mut Vec<u8>| put_message(&frame, to);
        self.paper.write(now, number::WS, put);
        self.connection.handle_ws(now, frame);
    }

    /// [`Connection::handle_ws_progress`].
    pub fn handle_ws_progress(&mut self, now: Instant) {
        self.paper.write(now, number::WS_PROGRESS, |_| {});
        self.connection.handle_ws_progress(now);
    }

    /// [`Connection::handle_ws_flushed`].
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        self.paper.write(now, number::WS_FLUSHED, |_| {});
        self.connection.handle_ws_flushed(now);
    }

    /// [`Connection::handle_ws_closed`].
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.paper.note(now, &Input::WsClosed { cause });
        self.connection.handle_ws_closed(now, cause);
    }

    /// [`Connection::handle_late`].
    pub fn handle_late(&mut self, now: Instant) {
        self.paper.note(now, &Input::Late {});
        self.connection.handle_late(now);
    }

    /// [`Connection::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.paper.note(now, &Input::Timeout {});
        self.connection.handle_timeout(now);
    }

    /// [`Connection::accept`].
    pub fn accept(
        &mut self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
    ) -> Option<SocketKey> {
        let (socket, its) = (ticket.socket(), id.clone());
        self.paper.note(now, &Input::Accept { socket, id: its });
        self.connection.accept(now, ticket, id)
    }

    /// [`Connection::accept_recoverable`].
    pub fn accept_recoverable(
        &mut self,
        now: Instant,
        ticket: ConnectTicket,
        id: &SocketId,
        pid: &Pid,
        missed: Vec<Encoded>,
    ) -> Option<SocketKey> {
        let forms = missed.iter().map(|packet| self.own_form(packet));
        match forms.collect() {
            Some(missed) => {
                let input = Input::AcceptRecoverable {
                    socket: ticket.socket(),
                    id: id.clone(),
                    pid: pid.clone(),
                    missed,
                };
                self.paper.note(now, &input);
            }
            // It is turned away for that, which is not to be played again.
            None => self.paper.tape.end(),
        }
        self.connection
            .accept_recoverable(now, ticket, id, pid, missed)
    }

    /// [`Connection::reject`].
    pub fn reject(&mut self, now: Instant, ticket: ConnectTicket, refusal: &Refusal) {
        let input = Input::Reject {
            socket: ticket.socket(),
            refusal: refusal.clone(),
        };
        self.paper.note(now, &input);
        self.connection.reject(now, ticket, refusal);
    }

    /// [`Connection::supersede`].
    pub fn supersede(&mut self, now: Instant, socket: SocketKey) {
        self.paper.note(now, &Input::Supersede { socket });
        self.connection.supersede(now, socket);
    }

    /// [`Connection::deliver`].
    pub fn deliver(
        &mut self,
        now: Instant,
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
    ) -> Sent {
        let numbers = socket.numbers();
        self.write_packet(now, number::DELIVER, numbers, &packet, |to| flags.put(to));
        self.connection.deliver(now, socket, packet, flags)
    }

    /// [`Connection::request`].
    ///
    /// # Errors
    /// Why it was not sent, and the token.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    pub fn request(
        &mut self,
        now: Instant,
        socket: SocketKey,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, T)> {
        let [slot, generation] = socket.numbers();
        let numbers = [slot, generation, id];
        self.write_packet(now, number::REQUEST, numbers, &packet, |to| {
            flags.put(to);
            timeout.put(to);
        });
        self.connection
            .request(now, socket, id, packet, flags, token, timeout)
    }

    /// [`Connection::respond`].
    pub fn respond(&mut self, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent {
        let [slot, generation] = ticket.socket().numbers();
        let numbers = [slot, generation, ticket.id()];
        self.write_packet(now, number::RESPOND, numbers, &packet, |_| {});
        self.connection.respond(now, ticket, packet)
    }

    /// [`Connection::send`].
    pub fn send(&mut self, now: Instant, data: &Message, flags: Flags) -> Sent {
        let input = Input::Send {
            data: data.clone(),
            flags,
        };
        self.paper.note(now, &input);
        self.connection.send(now, data, flags)
    }

    /// [`Connection::disconnect`].
    pub fn disconnect(&mut self, now: Instant, socket: SocketKey) {
        self.paper.note(now, &Input::Disconnect { socket });
        self.connection.disconnect(now, socket);
    }

    /// [`Connection::expel`].
    pub fn expel(&mut self, now: Instant, socket: SocketKey) {
        self.paper.note(now, &Input::Expel { socket });
        self.connection.expel(now, socket);
    }

    /// [`Connection::disconnect_all`].
    pub fn disconnect_all(&mut self, now: Instant) {
        self.paper.note(now, &Input::DisconnectAll {});
        self.connection.disconnect_all(now);
    }

    /// [`Connection::shut_down`].
    pub fn shut_down(&mut self, now: Instant) {
        self.paper.note(now, &Input::ShutDown {});
        self.connection.shut_down(now);
    }

    /// [`Connection::close`].
    pub fn close(&mut self, now: Instant, how: Close) {
        self.paper.note(now, &Input::Close { how });
        self.connection.close(now, how);
    }

    /// [`Connection::fail`].
    pub fn fail(&mut self, now: Instant, reason: CloseReason) {
        self.paper.note(now, &Input::Fail { reason });
        self.connection.fail(now, reason);
    }

    /// [`Connection::pause`].
    pub fn pause(&mut self, now: Instant, paused: bool) {
        if paused != self.paper.paused {
            self.paper.paused = paused;
            self.paper.note(now, &Input::Pause { paused });
        }
        self.connection.pause(now, paused);
    }

    /// [`Connection::passed`], with what has gone past the queue.
    pub fn passed(&mut self, now: Instant, packets: &[Encoded]) {
        for packet in packets {
            (self.paper).write(now, number::PASSED, |to| put_packet([], packet, to));
        }
        self.connection.passed(now);
    }

    /// [`Connection::observe`].
    pub fn observe(&mut self) {
        self.paper.note_now(&Input::Observe {});
        self.connection.observe();
    }

    /// [`Connection::poll_seen`].
    pub fn poll_seen(&mut self) -> Option<Seen> {
        self.paper.note_now(&Input::PollSeen {});
        self.connection.poll_seen()
    }

    /// [`Connection::follow`].
    pub fn follow(&mut self) -> Option<u64> {
        self.paper.note_now(&Input::Follow {});
        self.connection.follow()
    }

    /// [`Connection::reached`].
    pub fn reached(&mut self) -> u64 {
        self.paper.note_now(&Input::Reached {});
        self.connection.reached()
    }

    /// [`Connection::poll_event`].
    pub fn poll_event(&mut self, now: Instant) -> Option<Event<T>> {
        // Nothing changes where there is nothing.
        if self.connection.is_quiet() {
            return None;
        }
        let event = self.connection.poll_event(now);
        let sum = || event.as_ref().map(sum::of_event);
        self.paper.came_out(Some(now), number::POLL_EVENT, sum);
        event
    }

    /// [`Connection::poll_http`].
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        let (id, reply) = self.connection.poll_http()?;
        let sum = || Some(sum::of_http(id, &reply));
        self.paper.came_out(None, number::POLL_HTTP, sum);
        Some((id, reply))
    }

    /// [`Connection::poll_ws`].
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        let out = self.connection.poll_ws()?;
        let sum = || Some(sum::of_ws(&out));
        self.paper.came_out(None, number::POLL_WS, sum);
        Some(out)
    }
}

/// What is only looked at.
impl<T> Deref for Recorded<T> {
    type Target = Connection<T>;

    fn deref(&self) -> &Connection<T> {
        &self.connection
    }
}

impl<T: std::hash::Hash> std::hash::Hash for Recorded<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.connection.hash(state);
    }
}
