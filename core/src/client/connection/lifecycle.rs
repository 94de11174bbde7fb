//! How a client comes to a connection, and to the next one.

use std::sync::Arc;

use super::{Connection, Network, Phase, Root};
use crate::client::dial::Dial;
use crate::client::event::{DialTicket, Event};
use crate::client::namespaces::State;
use crate::client::reason::{ConnectError, DisconnectReason, Failure, TransportError};
use crate::client::session::{Session, SessionEvent};
use crate::deadline::{Deadline, Why, after};
use crate::engine::CloseReason;
use crate::packet::Fault;
use crate::protocol::TransportKind;
use crate::socket::{AckError, Inbox, SocketKey};
use crate::time::Instant;

impl<T> Connection<T> {
    /// A socket wants to be in its namespace. Whoever waits to dial again goes on waiting; whoever gave up dials.
    pub fn open(&mut self, now: Instant, socket: SocketKey) {
        self.advance(now);
        if matches!(self.phase, Phase::Closing { .. } | Phase::Closed) {
            return;
        }
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        if namespace.state == State::Idle {
            namespace.state = State::Wanted;
        }
        match self.phase {
            Phase::Idle | Phase::GaveUp if !self.suspended => self.begin(0),
            Phase::Open => self.ask(socket),
            Phase::Idle
            | Phase::GaveUp
            | Phase::Asked { .. }
            | Phase::Opening
            | Phase::Waiting { .. }
            | Phase::Closing { .. }
            | Phase::Closed => {}
        }
        self.pump();
    }

    /// A socket leaves its namespace, or wants to be in it no more. What it has not said is kept. Once none is left
    /// that wants to be anywhere, the connection is closed.
    pub fn leave(&mut self, now: Instant, socket: SocketKey) {
        self.advance(now);
        self.leave_one(socket);
        self.close_if_lonely();
        self.pump();
    }

    fn leave_one(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        let was = std::mem::replace(&mut namespace.state, State::Idle);
        if was == State::Connected {
            self.say_farewell(socket);
            self.left(socket, DisconnectReason::ClientDisconnect);
        }
    }

    /// Closes the client: every socket leaves, what was said before leaves too, and then nothing is left but
    /// [`Event::Closed`], after `close_timeout` at the latest.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.phase, Phase::Closing { .. } | Phase::Closed) {
            return;
        }
        for socket in self.namespaces.keys(|_| true) {
            self.leave_one(socket);
            self.forget_all(socket);
        }
        self.close_if_lonely();
        let by = after(self.now, self.config.close_timeout);
        self.phase = Phase::Closing { by };
        self.pump();
    }

    /// Stops dialling; what waits is kept. A connection that is there stays.
    pub fn suspend(&mut self, now: Instant) {
        self.advance(now);
        self.suspended = true;
        match self.phase {
            Phase::Asked { .. } | Phase::Opening | Phase::Waiting { .. } => {
                self.phase = Phase::Idle;
                self.let_go();
            }
            Phase::Idle | Phase::Open | Phase::GaveUp | Phase::Closing { .. } | Phase::Closed => {}
        }
        self.pump();
    }

    /// Dials again, if anybody wants it.
    pub fn resume(&mut self, now: Instant) {
        self.suspended = false;
        self.reconnect_now(now);
    }

    /// Dials now what is to be dialled later, or is not any more although a socket wants it.
    pub fn reconnect_now(&mut self, now: Instant) {
        self.advance(now);
        match self.phase {
            Phase::Waiting { .. } => self.begin_again(),
            Phase::Idle | Phase::GaveUp if self.namespaces.any_active() && !self.suspended => {
                self.begin(0);
            }
            Phase::Idle
            | Phase::GaveUp
            | Phase::Asked { .. }
            | Phase::Opening
            | Phase::Open
            | Phase::Closing { .. }
            | Phase::Closed => {}
        }
        self.pump();
    }

    /// Something is known of the network: without one the connection is lost; with one again it is dialled at once;
    /// on another one the server is asked for a sign of life ([`check`](Self::check)).
    pub fn handle_network(&mut self, now: Instant, network: Network) {
        let told = self.advance(now);
        match network {
            Network::Offline => {
                if let Some(session) = &mut self.session {
                    session.lose(told);
                }
                self.pump();
            }
            Network::Online => self.reconnect_now(now),
            Network::Changed => {
                self.check(now);
                self.reconnect_now(now);
            }
        }
    }

    /// Ends the connection in an orderly way, after what is queued has left. It is dialled again as one that was lost
    /// is.
    #[doc(alias = "engine.close")]
    pub fn end_session(&mut self, now: Instant) {
        let told = self.advance(now);
        if let Some(session) = &mut self.session {
            session.close(told);
        }
        self.pump();
    }

    /// Asks the server for a sign of life, if it is reached by a WebSocket: without one within
    /// [`check_timeout`](crate::client::Config::check_timeout) the connection is lost.
    pub fn check(&mut self, now: Instant) {
        let told = self.advance(now);
        if let Some(session) = &mut self.session {
            session.check(told);
        }
        self.pump();
    }

    /// Where to dial. `None`: nowhere, and not again.
    pub fn answer_dial(&mut self, now: Instant, ticket: DialTicket, dial: Option<Dial>) {
        self.advance(now);
        if !matches!(self.phase, Phase::Asked { .. }) || ticket.number != self.number {
            return;
        }
        match dial {
            Some(dial) => self.dial(Arc::new(dial)),
            None => {
                self.phase = Phase::GaveUp;
                self.attempts = 0;
                for socket in self.namespaces.keys(State::is_active) {
                    self.events.push_back(Event::ConnectError {
                        socket,
                        error: ConnectError::Stopped,
                        active: true,
                    });
                }
                self.events.push_back(Event::GaveUp);
            }
        }
        self.pump();
    }

    /// The first dial, or an attempt to dial again.
    fn begin(&mut self, attempt: u32) {
        self.number = self.number.wrapping_add(1);
        self.attempt = attempt;
        if self.config.ask_before_dial {
            let by = after(self.now, self.config.connect_timeout);
            self.phase = Phase::Asked { by };
            let ticket = DialTicket {
                number: self.number,
            };
            self.events.push_back(Event::DialWanted { ticket, attempt });
        } else {
            self.dial(self.dial.0.clone());
        }
    }

    fn begin_again(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        let attempt = self.attempts;
        self.events.push_back(Event::Attempt { attempt });
        self.begin(attempt);
    }

    fn dial(&mut self, mut dial: Arc<Dial>) {
        let websocket = TransportKind::WebSocket;
        if self.config.remember_upgrade && self.upgraded && dial.transports.contains(&websocket) {
            let dial = Arc::make_mut(&mut dial);
            dial.transports.sort_by_key(|it| *it != websocket);
        }
        self.phase = Phase::Opening;
        let draws = self.draws.fork();
        let config = self.config.0.clone();
        self.inbox = Inbox::new(&config.parser, config.revision.protocol());
        self.session = Some(Session::dialled(self.now, self.number, draws, dial, config));
    }

    /// Takes in what the sessions have to tell.
    pub(super) fn pump(&mut self) {
        while let Some(event) = self.session.as_mut().and_then(Session::poll_event) {
            match event {
                SessionEvent::Opened => self.opened(),
                SessionEvent::Message(message) => self.message(message),
                SessionEvent::Upgraded => self.events.push_back(Event::Upgraded),
                SessionEvent::UpgradeFailed(error) => {
                    self.events.push_back(Event::UpgradeFailed(error));
                }
                SessionEvent::Pinged => self.events.push_back(Event::Pinged),
                SessionEvent::Closed { reason, error } => self.ended(reason, error),
            }
        }
        for session in &mut self.leaving {
            while session.poll_event().is_some() {}
        }
        self.tell_flushed();
        self.leaving.retain(|session| !session.is_done());
        if matches!(self.phase, Phase::Closing { .. }) && self.leaving.is_empty() {
            self.phase = Phase::Closed;
            self.events.push_back(Event::Closed);
        }
        self.send_held();
    }

    fn opened(&mut self) {
        self.phase = Phase::Open;
        self.root = Root::Unknown;
        self.events.push_back(Event::Opened {
            attempt: self.attempt,
        });
        for socket in self.namespaces.keys(State::is_active) {
            self.ask(socket);
        }
    }

    /// The session is over.
    fn ended(&mut self, reason: CloseReason, error: Option<TransportError>) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let transport = session.transport();
        self.upgraded = transport == TransportKind::WebSocket && session.sid().is_some();
        self.turned_back(&mut session);
        if !session.is_done() {
            self.let_leave(session);
        }
        self.inbox.forget();
        if self.phase == Phase::Open {
            self.lost(DisconnectReason::Connection(reason));
        } else {
            let failure = match reason {
                CloseReason::PingTimeout => Failure::Timeout,
                CloseReason::TransportClose
                | CloseReason::TransportError
                | CloseReason::ParseError
                | CloseReason::ForcedClose => Failure::Closed,
            };
            let error = error.unwrap_or(TransportError { transport, failure });
            self.attempt_failed(error);
        }
    }

    /// A connection that was there is gone.
    fn lost(&mut self, reason: DisconnectReason) {
        for socket in self.namespaces.keys(|_| true) {
            self.out_of_connection(socket, reason);
        }
        self.phase = Phase::Idle;
        self.wait();
        self.tell_if_given_up();
    }

    fn attempt_failed(&mut self, error: TransportError) {
        for socket in self.namespaces.keys(State::is_active) {
            self.events.push_back(Event::ConnectError {
                socket,
                error: ConnectError::Transport(error.clone()),
                active: true,
            });
        }
        let attempt = self.attempt;
        self.phase = Phase::Idle;
        self.wait();
        self.events.push_back(Event::Failed { attempt, error });
        self.tell_if_given_up();
    }

    fn tell_if_given_up(&mut self) {
        if self.phase == Phase::GaveUp {
            self.events.push_back(Event::GaveUp);
        }
    }

    /// Plans the next attempt, if there is to be one.
    fn wait(&mut self) {
        let Some(backoff) = self.config.reconnection else {
            return;
        };
        if self.suspended || !self.namespaces.any_active() {
            return;
        }
        if backoff.is_spent(self.attempts) {
            self.attempts = 0;
            self.phase = Phase::GaveUp;
            return;
        }
        let wait = backoff.wait(self.attempts, self.draws.draw());
        self.phase = Phase::Waiting {
            at: after(self.now, wait),
        };
        self.events.push_back(Event::Waiting {
            attempt: self.attempts.saturating_add(1),
            wait,
        });
    }

    /// Closes the connection if no socket wants it any more.
    pub(super) fn close_if_lonely(&mut self) {
        if self.namespaces.any_active() {
            return;
        }
        match self.phase {
            Phase::Asked { .. } | Phase::Opening | Phase::Open | Phase::Waiting { .. } => {
                self.attempts = 0;
                self.phase = Phase::Idle;
                self.let_go();
            }
            Phase::Idle | Phase::GaveUp | Phase::Closing { .. } | Phase::Closed => {}
        }
    }

    /// The session, if there is one, is closed while others may come.
    fn let_go(&mut self) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        session.close(self.now);
        self.let_leave(session);
        self.inbox.forget();
        for socket in self.namespaces.keys(|_| true) {
            self.out_of_connection(socket, DisconnectReason::ClientDisconnect);
        }
    }

    /// A session has something to say still, beside the one that comes after it.
    fn let_leave(&mut self, session: Session) {
        self.leaving.push(session);
        // Who comes and goes faster than sessions can be closed leaves without a word.
        let most = self.leaving.len().saturating_sub(LEAVING);
        for session in self.leaving.iter_mut().take(most) {
            session.discard();
        }
    }

    pub(super) fn expire(&mut self, due: Deadline) {
        match due.why {
            Why::Ack => self.ack_expired(),
            Why::Packet => {
                self.events.push_back(Event::Malformed(Fault::Attachments));
                self.inbox.forget();
                if let Some(session) = &mut self.session {
                    session.refuse(self.now);
                }
            }
            Why::Reconnect => self.begin_again(),
            Why::Close => {
                self.leaving.clear();
            }
            Why::Connect if matches!(self.phase, Phase::Asked { .. }) => {
                let transport = self.dial.transports.first().copied();
                self.attempt_failed(TransportError {
                    transport: transport.unwrap_or(TransportKind::Polling),
                    failure: Failure::Timeout,
                });
            }
            Why::Connect => self.unanswered(),
            // Nothing of the kind is waited for here.
            Why::Admission
            | Why::Body
            | Why::Middleware
            | Why::Noop
            | Why::Pause
            | Why::Ping
            | Why::PingTimeout
            | Why::Pong
            | Why::Recovery
            | Why::Request
            | Why::Upgrade
            | Why::Write => {}
        }
    }

    /// A socket has nothing left that waits: the client is closed.
    fn forget_all(&mut self, socket: SocketKey) {
        let Some(namespace) = self.namespaces.get_mut(socket) else {
            return;
        };
        while namespace.offline.pop().is_some() {}
        self.forget_flushes(socket, AckError::Disconnected);
        self.abandon(socket, AckError::Disconnected);
        self.clear_retries_of(socket);
    }
}

/// Sessions that say goodbye at the same time.
const LEAVING: usize = 4;
