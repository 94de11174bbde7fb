//! Events on their way to the application.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use sio_core::client::{
    AckTicket, ConnectError as Reason, EntryTicket, Event, Network, Status as Phase, Unavailable,
};
use sio_core::id::SocketId;
use sio_core::packet::{Args, Name};
use sio_core::socket::{Refusal, SocketKey};

use super::Task;
use super::jobs::{Done, Guarded, Job};
use super::known::Known;
use crate::client::dialer::Dialer;
use crate::client::error::ConnectError;
use crate::client::event::{About, Attempt, Connected, Decision, Disconnected, Happening};
use crate::client::inner::{self, First, Socket, SocketInner, Token};
use crate::client::queue::Pushed;
use crate::error::{AckError, Failure, HandlerError};
use crate::event::AckSlot;
use crate::mailbox::held::Answered;
use crate::sync::guard::{Panic, guarded};

impl<R: Dialer> Task<R> {
    /// Tells the application of one event.
    pub(super) fn dispatch(&mut self, cx: &mut Context<'_>, event: Event<Token>) {
        match event {
            Event::Message {
                socket,
                name,
                args,
                ack,
            } => self.message(cx, socket, name, args, ack),
            Event::Acked { token, answer, .. } => {
                let answer = answer.map(|args| Answered { args, charge: None });
                token.give(answer.map_err(AckError::from));
            }
            Event::Flushed { token, outcome, .. } => {
                let left = outcome.map(|()| Answered::default());
                token.give(left.map_err(AckError::from));
            }
            Event::Entering {
                ticket,
                id,
                recovered,
            } => self.entering(ticket, id, recovered),
            Event::Connected {
                socket,
                id,
                recovered,
            } => self.connected(cx, socket, Connected { id, recovered }),
            Event::Disconnected {
                socket,
                reason,
                active,
            } => self.disconnected(cx, socket, Disconnected { reason, active }),
            Event::ConnectError {
                socket,
                error,
                active,
            } => self.connect_error(cx, socket, error, active),
            Event::Error { socket, payload } => {
                let text = format!("[{}]", payload.as_deref().unwrap_or("null"));
                let args = Args::from_json(&text, Vec::new()).unwrap_or_default();
                let name = Name::from_static("error");
                self.call(cx, socket, name, args, About::Error, AckSlot::None);
            }
            Event::AuthWanted { ticket } => self.ask_auth(ticket),
            Event::DialWanted { ticket, attempt } => self.ask_dial(ticket, attempt),
            Event::Closed => {
                // What is left has as long as there was for all.
                self.closed = self.closing.or(Some(self.runtime.now()));
                self.happens(Happening::Closed);
            }
            Event::GaveUp => {
                self.happens(Happening::GaveUp);
                self.give_up();
            }
            Event::Opened { attempt } => {
                self.attempt = attempt;
                self.happens(Happening::Opened { attempt });
            }
            Event::Failed { attempt, error } => {
                self.happens(Happening::Failed { attempt, error });
                self.give_up_if_idle();
            }
            Event::Waiting { attempt, wait } => self.happens(Happening::Waiting { attempt, wait }),
            Event::Attempt { attempt } => self.happens(Happening::Attempt { attempt }),
            Event::Upgraded => self.happens(Happening::Upgraded),
            Event::UpgradeFailed(error) => self.happens(Happening::UpgradeFailed(error)),
            Event::Pinged => {
                self.idle = true;
                self.happens(Happening::Pinged);
            }
            Event::Malformed(_) => self.happens(Happening::Malformed),
            Event::Writable | _ => {}
        }
    }

    fn happens(&self, what: Happening) {
        if let Some(hook) = self.shared.hooks().and_then(|it| it.happening.get()) {
            let _ = guarded(|| hook(&what));
        }
    }

    pub(super) fn find(&self, key: SocketKey) -> Option<Arc<SocketInner>> {
        let known = self.sockets.iter().find(|it| it.inner.key == key)?;
        Some(known.inner.clone())
    }

    /// The socket as its handlers are given it.
    pub(super) fn handle(&self, inner: &Arc<SocketInner>) -> Socket {
        Socket {
            inner: inner.clone(),
            alive: self.alive.upgrade(),
        }
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        name: Name,
        args: Args,
        ack: Option<AckTicket>,
    ) {
        let Some(inner) = self.find(key) else {
            return;
        };
        let mut slot = ack.map_or(AckSlot::None, AckSlot::One);
        let streams = match inner.is_streamed() {
            true => inner.rest().streams.clone(),
            false => Vec::new(),
        };
        if !streams.is_empty() {
            slot = slot.shared();
        }
        let size = args.size().saturating_add(name.len());
        for stream in streams {
            let socket = Socket {
                inner: inner.clone(),
                alive: None,
            };
            let event = inner::Event::new(name.clone(), args.detached(), socket, slot.another());
            if stream.push(event, size) == Pushed::Disconnect {
                let now = self.runtime.now();
                self.shared.lock().machine.leave(now, key);
            }
        }
        self.call(cx, key, name, args, About::Event, slot);
    }

    /// The application has the first word.
    fn entering(&mut self, ticket: EntryTicket, id: SocketId, recovered: bool) {
        let inner = self.find(ticket.socket());
        let hook = inner.as_ref().and_then(|it| it.rest().entering.clone());
        let mut ticket = ticket;
        if let (Some(inner), Some(hook)) = (inner, hook) {
            let first = First {
                socket: self.handle(&inner),
                ticket,
                id,
                recovered,
            };
            let said = guarded(|| hook(&first));
            let First {
                socket,
                ticket: its,
                ..
            } = first;
            ticket = its;
            self.ended(&socket, "connect", said.map(Ok));
        }
        let now = self.runtime.now();
        self.shared.lock().machine.entered(now, ticket);
    }

    fn connected(&mut self, cx: &mut Context<'_>, key: SocketKey, connected: Connected) {
        self.refused.retain(|(its, ..)| *its != key);
        if let Some(inner) = self.find(key) {
            let waiters = std::mem::take(&mut inner.rest().waiters);
            let name = Name::from_static("connect");
            let about = About::Connect(connected);
            self.call(cx, key, name, Args::default(), about, AckSlot::None);
            for waiter in waiters {
                waiter.answer.give(Ok(()));
            }
        }
    }

    fn disconnected(&mut self, cx: &mut Context<'_>, key: SocketKey, disconnected: Disconnected) {
        let name = Name::from_static("disconnect");
        let about = About::Disconnect(disconnected);
        self.call(cx, key, name, Args::default(), about, AckSlot::None);
    }

    fn connect_error(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        reason: Reason,
        active: bool,
    ) {
        let again = if let Reason::Refused(refusal) = &reason {
            self.again(key, refusal)
        } else {
            None
        };
        let error = ConnectError::from(reason);
        if let Some(inner) = self.find(key) {
            let stays_out =
                again.is_none() && (!active || self.shared.config.reconnection.is_none());
            let waiters = inner.rest().take_waiters(|it| stays_out || it.hasty);
            let name = Name::from_static("connect_error");
            let about = About::ConnectError(error.clone(), active);
            self.call(cx, key, name, Args::default(), about, AckSlot::None);
            for waiter in waiters {
                waiter.answer.give(Err(error.clone()));
            }
        }
    }

    /// When a socket that is refused asks again.
    fn again(&mut self, key: SocketKey, refusal: &Refusal) -> Option<Duration> {
        let at = match self.refused.iter().position(|(its, ..)| *its == key) {
            Some(at) => at,
            None => {
                self.refused.push((key, 0, None));
                self.refused.len().saturating_sub(1)
            }
        };
        let (_, times, again) = self.refused.get_mut(at)?;
        *times = times.saturating_add(1);
        *again = None;
        let times = *times;
        // Before the application hears of it, which may leave.
        self.find(key)?.rest().again = true;
        let decide = self.shared.hooks()?.refused.get()?;
        let Ok(Decision::Again(wait)) = guarded(|| decide(refusal, times)) else {
            return None;
        };
        self.refused.get_mut(at)?.2 = Some(self.runtime.now() + wait);
        Some(wait)
    }

    fn refusals(&self, key: SocketKey) -> u32 {
        let mut all = self.refused.iter();
        all.find(|(its, ..)| *its == key)
            .map_or(0, |(_, times, _)| *times)
    }

    /// Nobody dials any more: those who wait hear of it.
    fn give_up(&mut self) {
        let error = ConnectError::GaveUp(self.error.clone());
        for known in &self.sockets {
            let waiters = std::mem::take(&mut known.inner.rest().waiters);
            for waiter in waiters {
                waiter.answer.give(Err(error.clone()));
            }
        }
    }

    /// A connection may be lost before its server has let in who asked: they hear of it who wait for no other.
    pub(super) fn settle(&mut self) {
        let phase = self.shared.lock().machine.status();
        let over = phase == Phase::Idle && self.shared.config.reconnection.is_none();
        if !over && !matches!(phase, Phase::Waiting { .. }) {
            return;
        }
        let error = ConnectError::GaveUp(self.error.clone());
        for Known { inner, .. } in &self.sockets {
            let state = self.shared.lock().machine.state(inner.key);
            if !state.is_some_and(|it| it.active) {
                continue;
            }
            for waiter in inner.rest().take_waiters(|it| over || it.hasty) {
                waiter.answer.give(Err(error.clone()));
            }
        }
    }

    /// The same, if it is not to dial again at all.
    fn give_up_if_idle(&mut self) {
        if self.shared.config.reconnection.is_none() {
            self.give_up();
        }
    }

    fn ask_auth(&mut self, ticket: sio_core::client::AuthTicket) {
        let key = ticket.socket();
        let attempt = Attempt {
            number: self.attempt,
            refusals: self.refusals(key),
        };
        let make = self.find(key).and_then(|it| it.credentials.get());
        let made = make.map(|make| guarded(|| make(attempt)));
        match made {
            Some(Ok(future)) => {
                let job = Job::Auth(Guarded::new(future), Some(ticket));
                self.jobs.push(job);
            }
            Some(Err(_)) | None => self.answer_auth(ticket, Err(Unavailable)),
        }
    }

    fn answer_auth(
        &self,
        ticket: sio_core::client::AuthTicket,
        auth: Result<Option<sio_core::packet::Value>, Unavailable>,
    ) {
        let now = self.runtime.now();
        let mut state = self.shared.lock();
        state.machine.answer_auth(now, ticket, auth);
    }

    fn ask_dial(&mut self, ticket: sio_core::client::DialTicket, number: u32) {
        let attempt = Attempt {
            number,
            refusals: 0,
        };
        let dial = self.plan.dial.as_ref().clone();
        let made = match self.shared.hooks().and_then(|it| it.dial.get()) {
            Some(make) => guarded(|| make(dial, attempt)).ok(),
            None => Some(Box::pin(std::future::ready(Some(dial))) as _),
        };
        match made {
            Some(future) => {
                let job = Job::Dial(Guarded::new(future), Some(ticket));
                self.jobs.push(job);
            }
            None => {
                let now = self.runtime.now();
                self.shared.lock().machine.answer_dial(now, ticket, None);
            }
        }
    }

    /// Whether a stream is full for which the client is to wait, or a socket whose handlers take one event after
    /// the other.
    pub(super) fn holds(&self) -> bool {
        let most = self.shared.config.max_waiting_bytes;
        self.waiting.iter().any(|(_, waiting)| waiting.bytes > most)
            || self.sockets.iter().any(|Known { inner, .. }| {
                inner.is_streamed() && inner.rest().streams.iter().any(|stream| stream.holds())
            })
    }

    /// A handler has ended.
    pub(super) fn ended(
        &mut self,
        socket: &Socket,
        event: &str,
        outcome: Result<Result<(), Failure>, Panic>,
    ) {
        let (why, panicked) = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => (failure, false),
            Err(Panic(words)) => (Failure::Panicked(words), true),
        };
        let namespace = socket.namespace();
        match self.shared.hooks().and_then(|it| it.error.get()) {
            Some(hook) => {
                let id = socket.state().and_then(|it| it.id);
                let error = HandlerError {
                    socket: id.unwrap_or_default(),
                    namespace: namespace.to_owned(),
                    event: event.to_owned(),
                    why,
                };
                let _ = guarded(|| hook(&error));
            }
            None => self
                .shared
                .make_hooks()
                .notices
                .tell(namespace, event, &why),
        }
        if panicked {
            // What it left half done is not built upon.
            let now = self.runtime.now();
            let mut state = self.shared.lock();
            state.machine.handle_network(now, Network::Offline);
        }
    }

    /// Goes on with what has ended.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(done) = self.jobs.poll_next(cx) {
            any = true;
            match done {
                Done::Handler(owner, outcome) => {
                    self.ended(&owner.socket, &owner.name, outcome);
                    self.next(cx, owner.key);
                }
                Done::Auth(ticket, outcome) => {
                    let auth = match outcome {
                        Ok(Ok(args)) if args.is_empty() => Ok(None),
                        Ok(Ok(args)) => args.get(0).map(Some).map_err(|_| Unavailable),
                        Ok(Err(_)) | Err(_) => Err(Unavailable),
                    };
                    self.answer_auth(ticket, auth);
                }
                Done::Dial(ticket, outcome) => {
                    let dial = outcome.ok().flatten();
                    let now = self.runtime.now();
                    self.shared.lock().machine.answer_dial(now, ticket, dial);
                }
            }
        }
        any
    }
}
