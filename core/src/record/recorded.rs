//! A connection that writes down what it is told.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::field::Field;
use super::input::Input;
use super::log::Head;
use super::paper::{Paper, number};
use super::sum;
use super::tape::{Lead, Tape};
use crate::config::Config;
use crate::connection::{Brought, Connection, Event};
use crate::engine::{
    Close, CloseReason, Flags, Next, Opened, Post, Reply, Seen, Sent, Session, WsClosed, WsOut,
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
            paper: Paper::new(now, Tape::new(now, head, most)),
        }
    }

    /// What was written so far, put together for this call. Empty, if not even the beginning had room.
    pub fn log(&self) -> Vec<u8> {
        self.paper.tape.log()
    }

    /// The same, once and for all. Nothing is written any more.
    pub fn take_log(&mut self) -> Vec<u8> {
        let _ = (self.paper).begins(self.paper.tape.last(), number::UNWRITTEN);
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

    /// Writes a step with a packet, as [`Paper::step_giving`]: its number.
    #[inline]
    fn write_packet<const LEAD: usize, const WHOLE: usize>(
        &mut self,
        now: Instant,
        number: u8,
        lead: impl Fn(&mut Lead<'_>),
        packet: &Encoded,
    ) -> u32 {
        if !self.paper.begins(now, number) {
            return 0;
        }
        if self.connection.codec().is_own_form(packet) {
            return (self.paper).step_giving::<LEAD, WHOLE>(now, number, lead, packet);
        }
        if let Some(form) = self.own_form(packet) {
            self.paper
                .step_giving_any::<LEAD>(now, number, lead, |_| {}, &form);
        }
        0
    }

    /// The packet of this number was sent.
    #[inline]
    fn numbered(&mut self, number: u32, sent: Sent) -> Sent {
        if sent == Sent::Queued {
            self.connection.session_mut().number_last(number);
        }
        sent
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
        if !self.connection.session().is_unwritten(bytes) {
            return self.handle_changed(now, bytes);
        }
        if self.paper.unwritten(now, bytes) {
            self.connection.session_mut().handle_still_unwritten(now);
        }
    }

    /// What is not written is something else.
    #[cold]
    fn handle_changed(&mut self, now: Instant, bytes: usize) {
        self.paper.note(now, &Input::Unwritten { bytes });
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
        let (is_text, bytes) = match &frame {
            Message::Text(text) => (true, text.as_bytes()),
            Message::Binary(bytes) => (false, bytes),
        };
        self.paper.came(now, is_text, bytes);
        self.connection.handle_ws(now, frame);
    }

    /// [`Connection::handle_ws_progress`].
    pub fn handle_ws_progress(&mut self, now: Instant) {
        self.paper.step::<1>(now, number::WS_PROGRESS, |_| {}, &[]);
        self.connection.handle_ws_progress(now);
    }

    /// [`Connection::handle_ws_flushed`].
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        self.paper.step::<1>(now, number::WS_FLUSHED, |_| {}, &[]);
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
        let lead = |to: &mut Lead<'_>| {
            to.put(socket.bytes());
            to.put([flags.byte()]);
        };
        let given = self.write_packet::<10, 17>(now, number::DELIVER, lead, &packet);
        let sent = self.connection.deliver(now, socket, packet, flags);
        self.numbered(given, sent)
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
        if self.paper.begins(now, number::REQUEST)
            && let Some(form) = self.own_form(&packet)
        {
            let lead = |to: &mut Lead<'_>| {
                to.put(socket.bytes());
                to.put(id.to_le_bytes());
                to.put([flags.byte()]);
            };
            let put = |to: &mut Vec<u8>| timeout.put(to);
            self.paper
                .step_giving_any::<18>(now, number::REQUEST, lead, put, &form);
        }
        self.connection
            .request(now, socket, id, packet, flags, token, timeout)
    }

    /// [`Connection::respond`].
    pub fn respond(&mut self, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent {
        let lead = |to: &mut Lead<'_>| {
            to.put(ticket.socket().bytes());
            to.put(ticket.id().to_le_bytes());
        };
        let given = self.write_packet::<17, 24>(now, number::RESPOND, lead, &packet);
        let sent = self.connection.respond(now, ticket, packet);
        self.numbered(given, sent)
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
            if !self.paper.begins(now, number::PASSED) {
                break;
            }
            let tape = &mut self.paper.tape;
            match packet.single() {
                Some((is_text, bytes)) => {
                    let lead = |to: &mut Lead<'_>| {
                        to.put([number::PASSED]);
                        to.put_packet(is_text, bytes);
                    };
                    tape.step::<8>(now, lead, bytes);
                }
                None => tape.write(now, number::PASSED, |to| packet.put(to)),
            }
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
        let brought = self.connection.bring(now);
        if brought == Brought::Socket
            && let Some(event) = self.connection.first_event()
        {
            self.paper.happened(now, event);
            return self.connection.take(brought);
        }
        self.take_otherwise(now, brought)
    }

    #[cold]
    fn take_otherwise(&mut self, now: Instant, brought: Brought) -> Option<Event<T>> {
        let event = self.connection.take(brought);
        self.paper.happened_otherwise(now, event.as_ref());
        event
    }

    /// [`Connection::poll_http`].
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        let (id, reply) = self.connection.poll_http()?;
        if self.paper.begins(self.paper.tape.last(), number::POLL_HTTP) {
            let (now, sum) = (self.paper.tape.last(), sum::of_http(id, &reply));
            self.paper.tape.came_out(now, number::POLL_HTTP, sum, []);
        }
        Some((id, reply))
    }

    /// [`Connection::poll_ws`].
    #[inline]
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        match self.connection.session().next_ws() {
            Next::Nothing => None,
            Next::Packet { number, compress } if number == self.paper.given => {
                self.poll_given(compress)
            }
            Next::Packet { .. } | Next::Unknown => self.poll_ws_unknown(),
        }
    }

    /// The packet that was given last goes there. By itself, as what follows: mostly nothing does.
    #[inline(never)]
    fn poll_given(&mut self, compress: bool) -> Option<WsOut> {
        self.paper.given_left(compress);
        self.connection.poll_ws()
    }

    #[inline(never)]
    fn poll_ws_unknown(&mut self) -> Option<WsOut> {
        let out = self.connection.poll_ws();
        if let Some(out) = &out {
            self.paper.left(out);
        }
        out
    }
}

/// What is only looked at.
impl<T> Deref for Recorded<T> {
    type Target = Connection<T>;

    fn deref(&self) -> &Connection<T> {
        &self.connection
    }
}
