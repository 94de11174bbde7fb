//! A connection that writes down what it is told.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::input::Input;
use super::log::{Head, put_step};
use super::sum;
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
    tape: Tape,
}

#[derive(Clone, Debug)]
struct Tape {
    log: Vec<u8>,
    most: usize,
    full: bool,
    /// When the last step was.
    last: Instant,
    /// What the last step said of it, if it was about that: the same once more changes nothing.
    unwritten: Option<usize>,
    /// As the connection knows it.
    paused: bool,
}

impl Tape {
    fn note(&mut self, now: Instant, input: &Input) {
        self.step(now, input, None);
    }

    /// `sum`: of what came out, where something was asked for.
    fn step(&mut self, now: Instant, input: &Input, sum: Option<u32>) {
        if self.full {
            return;
        }
        let before = self.log.len();
        put_step(&mut self.log, self.last, now, input, sum);
        if self.log.len() > self.most {
            // A step is as large as what its peer said.
            self.log.truncate(before);
            self.log.shrink_to_fit();
            self.full = true;
        }
        self.last = now;
        self.unwritten = None;
        if let Input::Unwritten { bytes } = input {
            self.unwritten = Some(*bytes);
        }
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
        let mut log = Vec::new();
        Head::new(now, &sid, opened, &config, codec).put(&mut log);
        let full = log.len() > most;
        if full {
            log = Vec::new();
        }
        let session = Session::new(now, sid, opened, config.clone());
        Self {
            connection: Connection::with_codec(now, session, config, codec),
            tape: Tape {
                log,
                most,
                full,
                last: now,
                unwritten: None,
                paused: false,
            },
        }
    }

    /// What was written so far. Empty, if not even the beginning had room.
    pub fn log(&self) -> &[u8] {
        &self.tape.log
    }

    /// The same, to keep. Nothing is written any more.
    pub fn take_log(&mut self) -> Vec<u8> {
        self.tape.full = true;
        std::mem::take(&mut self.tape.log)
    }

    /// Whether more has happened than there is room for.
    pub const fn is_full(&self) -> bool {
        self.tape.full
    }

    /// [`Connection::handle_poll`].
    pub fn handle_poll(&mut self, now: Instant, id: RequestId, revision: Eio) {
        self.tape.note(now, &Input::Poll { id, revision });
        self.connection.handle_poll(now, id, revision);
    }

    /// [`Connection::handle_post`].
    pub fn handle_post(&mut self, now: Instant, id: RequestId, revision: Eio, post: Post) {
        let input = Input::Post { id, revision, post };
        self.tape.note(now, &input);
        if let Input::Post { post, .. } = input {
            self.connection.handle_post(now, id, revision, post);
        }
    }

    /// [`Connection::handle_aborted`].
    pub fn handle_aborted(&mut self, now: Instant, id: RequestId) {
        self.tape.note(now, &Input::Aborted { id });
        self.connection.handle_aborted(now, id);
    }

    /// [`Connection::handle_unwritten`].
    pub fn handle_unwritten(&mut self, now: Instant, bytes: usize) {
        if self.tape.unwritten != Some(bytes) || now != self.tape.last {
            self.tape.note(now, &Input::Unwritten { bytes });
        }
        self.connection.handle_unwritten(now, bytes);
    }

    /// [`Connection::handle_answer_lost`].
    pub fn handle_answer_lost(&mut self, now: Instant) {
        self.tape.note(now, &Input::AnswerLost {});
        self.connection.handle_answer_lost(now);
    }

    /// [`Connection::handle_ws_open`].
    pub fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        self.tape.note(now, &Input::WsOpen { revision, base64 });
        self.connection.handle_ws_open(now, revision, base64)
    }

    /// [`Connection::handle_ws`].
    pub fn handle_ws(&mut self, now: Instant, frame: Message) {
        let input = Input::Ws { frame };
        self.tape.note(now, &input);
        if let Input::Ws { frame } = input {
            self.connection.handle_ws(now, frame);
        }
    }

    /// [`Connection::handle_ws_progress`].
    pub fn handle_ws_progress(&mut self, now: Instant) {
        self.tape.note(now, &Input::WsProgress {});
        self.connection.handle_ws_progress(now);
    }

    /// [`Connection::handle_ws_flushed`].
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        self.tape.note(now, &Input::WsFlushed {});
        self.connection.handle_ws_flushed(now);
    }

    /// [`Connection::handle_ws_closed`].
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.tape.note(now, &Input::WsClosed { cause });
        self.connection.handle_ws_closed(now, cause);
    }

    /// [`Connection::handle_late`].
    pub fn handle_late(&mut self, now: Instant) {
        self.tape.note(now, &Input::Late {});
        self.connection.handle_late(now);
    }

    /// [`Connection::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tape.note(now, &Input::Timeout {});
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
        self.tape.note(now, &Input::Accept { socket, id: its });
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
        let input = Input::AcceptRecoverable {
            socket: ticket.socket(),
            id: id.clone(),
            pid: pid.clone(),
            missed: missed.clone(),
        };
        self.tape.note(now, &input);
        self.connection
            .accept_recoverable(now, ticket, id, pid, missed)
    }

    /// [`Connection::reject`].
    pub fn reject(&mut self, now: Instant, ticket: ConnectTicket, refusal: &Refusal) {
        let input = Input::Reject {
            socket: ticket.socket(),
            refusal: refusal.clone(),
        };
        self.tape.note(now, &input);
        self.connection.reject(now, ticket, refusal);
    }

    /// [`Connection::supersede`].
    pub fn supersede(&mut self, now: Instant, socket: SocketKey) {
        self.tape.note(now, &Input::Supersede { socket });
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
        let input = Input::Deliver {
            socket,
            packet: packet.clone(),
            flags,
        };
        self.tape.note(now, &input);
        drop(input);
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
        let input = Input::Request {
            socket,
            id,
            packet: packet.clone(),
            flags,
            timeout,
        };
        self.tape.note(now, &input);
        drop(input);
        self.connection
            .request(now, socket, id, packet, flags, token, timeout)
    }

    /// [`Connection::respond`].
    pub fn respond(&mut self, now: Instant, ticket: AckTicket, packet: Encoded) -> Sent {
        let input = Input::Respond {
            socket: ticket.socket(),
            id: ticket.id(),
            packet: packet.clone(),
        };
        self.tape.note(now, &input);
        drop(input);
        self.connection.respond(now, ticket, packet)
    }

    /// [`Connection::send`].
    pub fn send(&mut self, now: Instant, data: &Message, flags: Flags) -> Sent {
        let input = Input::Send {
            data: data.clone(),
            flags,
        };
        self.tape.note(now, &input);
        self.connection.send(now, data, flags)
    }

    /// [`Connection::disconnect`].
    pub fn disconnect(&mut self, now: Instant, socket: SocketKey) {
        self.tape.note(now, &Input::Disconnect { socket });
        self.connection.disconnect(now, socket);
    }

    /// [`Connection::expel`].
    pub fn expel(&mut self, now: Instant, socket: SocketKey) {
        self.tape.note(now, &Input::Expel { socket });
        self.connection.expel(now, socket);
    }

    /// [`Connection::disconnect_all`].
    pub fn disconnect_all(&mut self, now: Instant) {
        self.tape.note(now, &Input::DisconnectAll {});
        self.connection.disconnect_all(now);
    }

    /// [`Connection::shut_down`].
    pub fn shut_down(&mut self, now: Instant) {
        self.tape.note(now, &Input::ShutDown {});
        self.connection.shut_down(now);
    }

    /// [`Connection::close`].
    pub fn close(&mut self, now: Instant, how: Close) {
        self.tape.note(now, &Input::Close { how });
        self.connection.close(now, how);
    }

    /// [`Connection::fail`].
    pub fn fail(&mut self, now: Instant, reason: CloseReason) {
        self.tape.note(now, &Input::Fail { reason });
        self.connection.fail(now, reason);
    }

    /// [`Connection::pause`].
    pub fn pause(&mut self, now: Instant, paused: bool) {
        if paused != self.tape.paused {
            self.tape.paused = paused;
            self.tape.note(now, &Input::Pause { paused });
        }
        self.connection.pause(now, paused);
    }

    /// Whether packets may go past the queue, as [`Connection::is_clear`] has it: never, for each is written down.
    pub const fn is_clear(&self, _socket: SocketKey) -> bool {
        false
    }

    /// [`Connection::observe`].
    pub fn observe(&mut self) {
        self.tape.note(self.tape.last, &Input::Observe {});
        self.connection.observe();
    }

    /// [`Connection::poll_seen`].
    pub fn poll_seen(&mut self) -> Option<Seen> {
        self.tape.note(self.tape.last, &Input::PollSeen {});
        self.connection.poll_seen()
    }

    /// [`Connection::follow`].
    pub fn follow(&mut self) -> Option<u64> {
        self.tape.note(self.tape.last, &Input::Follow {});
        self.connection.follow()
    }

    /// [`Connection::reached`].
    pub fn reached(&mut self) -> u64 {
        self.tape.note(self.tape.last, &Input::Reached {});
        self.connection.reached()
    }

    /// [`Connection::poll_event`].
    pub fn poll_event(&mut self, now: Instant) -> Option<Event<T>> {
        let event = self.connection.poll_event(now);
        if !self.tape.full {
            let sum = event.as_ref().map(sum::of_event);
            self.tape.step(now, &Input::PollEvent {}, sum);
        }
        event
    }

    /// [`Connection::poll_http`].
    pub fn poll_http(&mut self) -> Option<(RequestId, Reply)> {
        let answer = self.connection.poll_http();
        // Nothing changes where there is none.
        if let Some((id, reply)) = &answer
            && !self.tape.full
        {
            let (last, sum) = (self.tape.last, sum::of_http(*id, reply));
            self.tape.step(last, &Input::PollHttp {}, Some(sum));
        }
        answer
    }

    /// [`Connection::poll_ws`].
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        let out = self.connection.poll_ws();
        if let Some(out) = &out
            && !self.tape.full
        {
            let (last, sum) = (self.tape.last, sum::of_ws(out));
            self.tape.step(last, &Input::PollWs {}, Some(sum));
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

impl<T: std::hash::Hash> std::hash::Hash for Recorded<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.connection.hash(state);
    }
}
