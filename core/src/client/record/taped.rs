//! A client that writes down what it is told, or does not.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::input::Input;
use super::log::Head;
use super::paper::{Paper, number};
use super::sum;
use crate::client::config::{Config, ConfigError};
use crate::client::connection::{Connection, Network, Unavailable};
use crate::client::dial::Dial;
use crate::client::event::{AckTicket, AuthTicket, DialTicket, EntryTicket, Event, Work, WsOut};
use crate::client::namespaces::Auth;
use crate::client::reason::Failure;
use crate::engine::{Flags, Sent, WsClosed};
use crate::id::RequestId;
use crate::message::{Encoded, Message};
use crate::packet::{Args, Name, Value};
use crate::record::field::Field;
use crate::record::{Lead, ParserKind, Tape};
use crate::socket::{AckError, SocketKey};
use crate::time::Instant;

/// A [`Connection`], recorded or not: its methods are that one's, and do what they do there.
///
/// The log of one that is recorded grows up to a limit and then no more: what it holds is the beginning of a client's
/// life, and can be played as far.
#[derive(Clone, Debug)]
pub struct Taped<T> {
    client: Connection<T>,
    paper: Option<Box<Paper>>,
}

/// One that is not recorded.
impl<T> From<Connection<T>> for Taped<T> {
    fn from(client: Connection<T>) -> Self {
        Self {
            client,
            paper: None,
        }
    }
}

impl<T> Taped<T> {
    /// A new client ([`Connection::new`]), which is recorded. Of its log `most` bytes are kept.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn recorded(
        now: Instant,
        config: Arc<Config>,
        dial: impl Into<Arc<Dial>>,
        seed: [u8; 16],
        most: usize,
    ) -> Result<Self, ConfigError> {
        let dial = dial.into();
        let client = Connection::new(config.clone(), dial.clone(), seed)?;
        let mut bytes = Vec::new();
        let head = Head {
            at: now,
            seed,
            parser: ParserKind::of(&config.parser),
            config,
            dial,
        };
        head.put(&mut bytes);
        let paper = Paper::new(Tape::new(now, bytes, most));
        Ok(Self {
            client,
            paper: Some(Box::new(paper)),
        })
    }

    /// What was written so far, put together for this call. Empty, if it is not recorded, or not even the beginning had
    /// room.
    pub fn log(&self) -> Vec<u8> {
        let paper = self.paper.as_ref();
        paper.map_or_else(Vec::new, |paper| paper.tape.log())
    }

    /// The same, once and for all. Nothing is written any more.
    pub fn take_log(&mut self) -> Vec<u8> {
        let paper = self.paper.as_mut();
        paper.map_or_else(Vec::new, |paper| paper.tape.take())
    }

    /// Whether more has happened than there is room for.
    pub fn is_full(&self) -> bool {
        let paper = self.paper.as_ref();
        paper.is_some_and(|paper| paper.tape.is_full())
    }

    #[inline]
    fn note(&mut self, now: Instant, input: impl FnOnce() -> Input) {
        if let Some(paper) = &mut self.paper {
            paper.note(now, &input());
        }
    }

    /// The same of what has no time of its own.
    #[inline]
    fn note_now(&mut self, input: impl FnOnce() -> Input) {
        if let Some(paper) = &mut self.paper {
            paper.note(paper.tape.last(), &input());
        }
    }

    /// [`Connection::socket`].
    pub fn socket(&mut self, namespace: &str, auth: Auth) -> Option<SocketKey> {
        self.note_now(|| Input::Socket {
            namespace: namespace.to_owned(),
            auth: auth.clone(),
        });
        self.client.socket(namespace, auth)
    }

    /// [`Connection::set_auth`].
    pub fn set_auth(&mut self, socket: SocketKey, auth: Auth) {
        self.note_now(|| Input::SetAuth {
            socket,
            auth: auth.clone(),
        });
        self.client.set_auth(socket, auth);
    }

    /// [`Connection::shrink`].
    pub fn shrink(&mut self) {
        // What it does next is the same.
        self.client.shrink();
    }

    /// [`Connection::handle_response`].
    pub fn handle_response(
        &mut self,
        now: Instant,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
        wall: Option<Duration>,
    ) {
        self.note(now, || Input::Response {
            id,
            response: response.clone(),
            wall,
        });
        self.client.handle_response(now, id, response, wall);
    }

    /// [`Connection::handle_ws_open`].
    pub fn handle_ws_open(&mut self, now: Instant, id: RequestId, opened: Result<(), Failure>) {
        self.note(now, || Input::WsOpen {
            id,
            opened: opened.clone(),
        });
        self.client.handle_ws_open(now, id, opened);
    }

    /// [`Connection::handle_ws`].
    #[inline]
    pub fn handle_ws(&mut self, now: Instant, id: RequestId, frame: Message) {
        if let Some(paper) = &mut self.paper {
            let (is_text, bytes) = match &frame {
                Message::Text(text) => (true, text.as_bytes()),
                Message::Binary(bytes) => (false, bytes),
            };
            paper.came(now, id, is_text, bytes);
        }
        self.client.handle_ws(now, id, frame);
    }

    /// [`Connection::handle_ws_progress`].
    pub fn handle_ws_progress(&mut self, now: Instant, id: RequestId) {
        self.note(now, || Input::WsProgress { id });
        self.client.handle_ws_progress(now, id);
    }

    /// [`Connection::handle_ws_flushed`].
    #[inline]
    pub fn handle_ws_flushed(&mut self, now: Instant, id: RequestId) {
        if let Some(paper) = &mut self.paper {
            let lead = |to: &mut Lead<'_>| {
                to.put([number::WS_FLUSHED]);
                to.put(id.0.to_le_bytes());
            };
            paper.step::<9>(now, lead, &[]);
        }
        self.client.handle_ws_flushed(now, id);
    }

    /// [`Connection::handle_ws_pong`].
    pub fn handle_ws_pong(&mut self, now: Instant, id: RequestId) {
        self.note(now, || Input::WsPong { id });
        self.client.handle_ws_pong(now, id);
    }

    /// [`Connection::handle_ws_closed`].
    pub fn handle_ws_closed(&mut self, now: Instant, id: RequestId, cause: WsClosed) {
        self.note(now, || Input::WsClosed { id, cause });
        self.client.handle_ws_closed(now, id, cause);
    }

    /// [`Connection::handle_suspended`].
    pub fn handle_suspended(&mut self, now: Instant, gap: Duration) {
        self.note(now, || Input::Suspended { gap });
        self.client.handle_suspended(now, gap);
    }

    /// [`Connection::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.note(now, || Input::Timeout {});
        self.client.handle_timeout(now);
    }

    /// [`Connection::open`].
    pub fn open(&mut self, now: Instant, socket: SocketKey) {
        self.note(now, || Input::Open { socket });
        self.client.open(now, socket);
    }

    /// [`Connection::leave`].
    pub fn leave(&mut self, now: Instant, socket: SocketKey) {
        self.note(now, || Input::Leave { socket });
        self.client.leave(now, socket);
    }

    /// [`Connection::close`].
    pub fn close(&mut self, now: Instant) {
        self.note(now, || Input::Close {});
        self.client.close(now);
    }

    /// [`Connection::suspend`].
    pub fn suspend(&mut self, now: Instant) {
        self.note(now, || Input::Suspend {});
        self.client.suspend(now);
    }

    /// [`Connection::resume`].
    pub fn resume(&mut self, now: Instant) {
        self.note(now, || Input::Resume {});
        self.client.resume(now);
    }

    /// [`Connection::reconnect_now`].
    pub fn reconnect_now(&mut self, now: Instant) {
        self.note(now, || Input::ReconnectNow {});
        self.client.reconnect_now(now);
    }

    /// [`Connection::handle_network`].
    pub fn handle_network(&mut self, now: Instant, network: Network) {
        self.note(now, || Input::Network { network });
        self.client.handle_network(now, network);
    }

    /// [`Connection::end_session`].
    pub fn end_session(&mut self, now: Instant) {
        self.note(now, || Input::EndSession {});
        self.client.end_session(now);
    }

    /// [`Connection::check`].
    pub fn check(&mut self, now: Instant) {
        self.note(now, || Input::Check {});
        self.client.check(now);
    }

    /// [`Connection::answer_dial`].
    pub fn answer_dial(&mut self, now: Instant, ticket: DialTicket, dial: Option<Dial>) {
        self.note(now, || Input::AnswerDial {
            number: ticket.number,
            dial: dial.clone(),
        });
        self.client.answer_dial(now, ticket, dial);
    }

    /// [`Connection::answer_auth`].
    pub fn answer_auth(
        &mut self,
        now: Instant,
        ticket: AuthTicket,
        auth: Result<Option<Value>, Unavailable>,
    ) {
        self.note(now, || Input::AnswerAuth {
            socket: ticket.socket,
            number: ticket.number,
            auth: auth.clone(),
        });
        self.client.answer_auth(now, ticket, auth);
    }

    /// [`Connection::emit`].
    #[inline]
    pub fn emit(&mut self, now: Instant, socket: SocketKey, packet: Encoded, flags: Flags) -> Sent {
        if let Some(paper) = &mut self.paper {
            let lead = |to: &mut Lead<'_>| {
                to.put([number::EMIT]);
                to.put(socket.bytes());
                to.put([flags.byte()]);
            };
            paper.step_giving::<10, 17>(now, lead, &packet);
        }
        self.client.emit(now, socket, packet, flags)
    }

    /// [`Connection::draw_ack_id`].
    pub fn draw_ack_id(&mut self, socket: SocketKey) -> Option<u64> {
        if let Some(paper) = &mut self.paper {
            let lead = |to: &mut Lead<'_>| {
                to.put([number::DRAW_ACK_ID]);
                to.put(socket.bytes());
            };
            paper.step::<9>(paper.tape.last(), lead, &[]);
        }
        self.client.draw_ack_id(socket)
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
        if let Some(paper) = &mut self.paper {
            let lead = |to: &mut Lead<'_>| {
                to.put([number::REQUEST]);
                to.put(socket.bytes());
                to.put(id.to_le_bytes());
                to.put([flags.byte()]);
            };
            if timeout.is_none() {
                let lead = |to: &mut Lead<'_>| {
                    lead(to);
                    to.put([0]);
                };
                paper.step_giving::<19, 26>(now, lead, &packet);
            } else {
                paper.stir();
                let put = |to: &mut Vec<u8>| timeout.put(to);
                (paper.tape).step_giving_any::<18>(now, lead, put, &packet);
            }
        }
        (self.client).request(now, socket, id, packet, flags, token, timeout)
    }

    /// [`Connection::retry`].
    ///
    /// # Errors
    /// As many wait as may, and the token.
    pub fn retry(
        &mut self,
        now: Instant,
        socket: SocketKey,
        name: Name,
        args: &Args,
        retries: u32,
        token: T,
    ) -> Result<(), (AckError, T)> {
        self.note(now, || Input::Retry {
            socket,
            name: name.clone(),
            args: args.clone(),
            retries,
        });
        self.client.retry(now, socket, name, args, retries, token)
    }

    /// [`Connection::respond`].
    #[inline]
    pub fn respond(&mut self, now: Instant, ticket: &AckTicket, packet: Encoded) -> Sent {
        if let Some(paper) = &mut self.paper {
            let lead = |to: &mut Lead<'_>| {
                to.put([number::RESPOND]);
                to.put(ticket.socket.bytes());
                to.put(ticket.id.to_le_bytes());
                to.put(ticket.stay.to_le_bytes());
            };
            paper.step_giving::<21, 28>(now, lead, &packet);
        }
        self.client.respond(now, ticket, packet)
    }

    /// [`Connection::clear_offline`].
    pub fn clear_offline(&mut self, socket: SocketKey) {
        self.note_now(|| Input::ClearOffline { socket });
        self.client.clear_offline(socket);
    }

    /// [`Connection::clear_retries`].
    pub fn clear_retries(&mut self, socket: SocketKey) {
        self.note_now(|| Input::ClearRetries { socket });
        self.client.clear_retries(socket);
    }

    /// [`Connection::ask_first`].
    pub fn ask_first(&mut self, socket: SocketKey, yes: bool) {
        self.note_now(|| Input::AskFirst { socket, yes });
        self.client.ask_first(socket, yes);
    }

    /// [`Connection::emit_first`].
    pub fn emit_first(
        &mut self,
        now: Instant,
        ticket: &EntryTicket,
        packet: Encoded,
        flags: Flags,
    ) -> Sent {
        self.note(now, || Input::EmitFirst {
            socket: ticket.socket,
            stay: ticket.stay,
            packet: packet.clone(),
            flags,
        });
        self.client.emit_first(now, ticket, packet, flags)
    }

    /// [`Connection::request_first`].
    ///
    /// # Errors
    /// Why it was not sent, and the token.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an emit with ack consists of"
    )]
    pub fn request_first(
        &mut self,
        now: Instant,
        ticket: &EntryTicket,
        id: u64,
        packet: Encoded,
        flags: Flags,
        token: T,
        timeout: Option<Duration>,
    ) -> Result<(), (AckError, T)> {
        self.note(now, || Input::RequestFirst {
            socket: ticket.socket,
            stay: ticket.stay,
            id,
            packet: packet.clone(),
            flags,
            timeout,
        });
        (self.client).request_first(now, ticket, id, packet, flags, token, timeout)
    }

    /// [`Connection::entered`].
    pub fn entered(&mut self, now: Instant, ticket: EntryTicket) {
        self.note(now, || Input::Entered {
            socket: ticket.socket,
            stay: ticket.stay,
        });
        self.client.entered(now, ticket);
    }

    /// [`Connection::flush`].
    ///
    /// # Errors
    /// The client is closed, or as many wait as may; and the token.
    pub fn flush(
        &mut self,
        now: Instant,
        socket: SocketKey,
        token: T,
    ) -> Result<Option<T>, (AckError, T)> {
        self.note(now, || Input::Flush { socket });
        self.client.flush(now, socket, token)
    }

    /// [`Connection::take_forsaken`].
    pub fn take_forsaken(&mut self, is_forsaken: impl Fn(&T) -> bool) -> Vec<T> {
        let (asked, places) = (Cell::new(0_usize), RefCell::new(Vec::new()));
        let taken = self.client.take_forsaken(|token| {
            let place = asked.get();
            asked.set(place.saturating_add(1));
            let yes = is_forsaken(token);
            if yes {
                places.borrow_mut().push(place);
            }
            yes
        });
        let places = places.into_inner();
        self.note_now(|| Input::TakeForsaken { places });
        taken
    }

    /// [`Connection::poll_event`].
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        // Nothing changes where there is nothing.
        let event = self.client.poll_event();
        if let (Some(event), Some(paper)) = (&event, &mut self.paper) {
            paper.came_out(number::POLL_EVENT, || sum::of_event(event));
        }
        event
    }

    /// [`Connection::poll_work`].
    #[inline]
    pub fn poll_work(&mut self) -> Option<Work> {
        let work = self.client.poll_work();
        if let Some(paper) = &mut self.paper {
            match &work {
                Some(work) => paper.came_out(number::POLL_WORK, || sum::of_work(work)),
                None => paper.no_work(),
            }
        }
        work
    }

    /// [`Connection::poll_ws`].
    #[inline]
    pub fn poll_ws(&mut self, id: RequestId) -> Option<WsOut> {
        let out = self.client.poll_ws(id);
        if let Some(paper) = &mut self.paper {
            match &out {
                Some(out) => paper.left(id, out),
                None => paper.nothing_for(id),
            }
        }
        out
    }
}

/// What is only looked at.
impl<T> Deref for Taped<T> {
    type Target = Connection<T>;

    fn deref(&self) -> &Connection<T> {
        &self.client
    }
}
