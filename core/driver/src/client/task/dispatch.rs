//! Events on their way to the application.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::client::{
    AckTicket, ConnectError as Reason, Event, Network, Status as Phase, Unavailable,
};
use sio_core::packet::{Args, Name};
use sio_core::socket::{Refusal, SocketKey};

use super::Task;
use super::jobs::{Done, Guarded, Job, Owner, Waiting};
use crate::client::dialer::Dialer;
use crate::client::error::ConnectError;
use crate::client::event::{About, Attempt, Connected, Disconnected, Happening};
use crate::client::inner::{self, Callback, Invocation, Socket, SocketInner, Token};
use crate::client::queue::Pushed;
use crate::error::{AckError, Failure, HandlerError};
use crate::event::{AckSlot, Progress, Started};
use crate::listeners::{Cached, Found, TopicRef};
use crate::mailbox::held::Answered;
use crate::sync::guard::{Panic, guarded, let_go};

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
                let by = self.runtime.now() + self.shared.config.close_timeout;
                self.closed = Some(by);
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
            Event::Pinged => self.happens(Happening::Pinged),
            Event::Malformed(_) => self.happens(Happening::Malformed),
            Event::Writable | _ => {}
        }
    }

    fn happens(&self, what: Happening) {
        if let Some(hook) = self.shared.hooks.happening.get() {
            let _ = guarded(|| hook(&what));
        }
    }

    pub(super) fn find(&self, key: SocketKey) -> Option<Arc<SocketInner>> {
        self.sockets.iter().find(|it| it.key == key).cloned()
    }

    /// The socket as its handlers are given it.
    fn handle(&self, inner: &Arc<SocketInner>) -> Socket {
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
        let streams = inner.rest().streams.clone();
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
        let decide = self.shared.hooks.refused.get()?;
        let wait = guarded(|| decide(refusal, times)).ok().flatten()?;
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
        let error = ConnectError::GaveUp(self.error.clone().map(Box::new));
        for inner in self.sockets.clone() {
            let waiters = std::mem::take(&mut inner.rest().waiters);
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
        let error = ConnectError::GaveUp(self.error.clone().map(Box::new));
        for inner in &self.sockets {
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
        let dial = self.plan.dial.clone();
        let made = match self.shared.hooks.dial.get() {
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
            || self
                .sockets
                .iter()
                .any(|it| it.rest().streams.iter().any(|stream| stream.holds()))
    }

    /// Finds the handlers of an event and runs them.
    fn call(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        name: Name,
        args: Args,
        about: About,
        slot: AckSlot<AckTicket>,
    ) {
        let Some(inner) = self.find(key) else {
            return;
        };
        let found = handlers(&inner, &name, &about);
        if found.is_empty() {
            return;
        }
        let mut call = Invocation::new(self.handle(&inner), name, args, about);
        call.event.ack.set(slot);
        call.event.share_ack(found.len());
        if inner.is_sequential() && self.is_busy(key) {
            return self.put_off(key, call, found, false);
        }
        self.run(cx, key, call, found);
    }

    fn is_busy(&self, key: SocketKey) -> bool {
        let mut all = self.waiting.iter();
        let waiting = all.find(|(its, _)| *its == key);
        waiting.is_some_and(|(_, it)| it.running > 0 || !it.events.is_empty())
    }

    fn waiting(&mut self, key: SocketKey) -> &mut Waiting {
        let at = match self.waiting.iter().position(|(its, _)| *its == key) {
            Some(at) => at,
            None => {
                self.waiting.push((key, Waiting::default()));
                self.waiting.len() - 1
            }
        };
        &mut self.waiting[at].1
    }

    /// Puts an event behind those that wait, or the rest of one before them.
    fn put_off(
        &mut self,
        key: SocketKey,
        mut call: Invocation,
        callbacks: VecDeque<Callback>,
        first: bool,
    ) {
        call.event.args = call.event.args.detached();
        let waiting = self.waiting(key);
        waiting.bytes = waiting.bytes.saturating_add(size(&call));
        match first {
            true => waiting.events.push_front((call, callbacks)),
            false => waiting.events.push_back((call, callbacks)),
        }
    }

    /// Runs handlers of an event one after the other; where they must not interleave, those behind one that waits
    /// are put off.
    fn run(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        call: Invocation,
        mut callbacks: VecDeque<Callback>,
    ) {
        while let Some(callback) = callbacks.pop_front() {
            let waits = self.start(cx, key, &callback, &call);
            if waits && call.socket.inner.is_sequential() && !callbacks.is_empty() {
                return self.put_off(key, call, callbacks, true);
            }
        }
    }

    /// Calls one handler, which runs to its first await. `true`: it has not ended.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        callback: &Callback,
        call: &Invocation,
    ) -> bool {
        call.event.begin();
        let outcome = match guarded(|| callback(call)) {
            Err(panic) => Err(panic),
            Ok(Started(Progress::Done(result))) => Ok(result),
            Ok(Started(Progress::Pending(mut future))) => {
                match guarded(|| future.as_mut().poll(cx)) {
                    Ok(Poll::Pending) => {
                        let owner = Owner {
                            socket: Socket {
                                inner: call.socket.inner.clone(),
                                alive: None,
                            },
                            key,
                            name: call.event.name.clone(),
                        };
                        self.waiting(key).running += 1;
                        self.jobs
                            .push(Job::Handler(Guarded::new(future), Box::new(owner)));
                        return true;
                    }
                    Ok(Poll::Ready(result)) => let_go(future).map(|()| result),
                    Err(panic) => {
                        let _ = let_go(future);
                        Err(panic)
                    }
                }
            }
        };
        self.ended(&call.socket, &call.event.name, outcome);
        false
    }

    /// A handler has ended.
    fn ended(&mut self, socket: &Socket, event: &str, outcome: Result<Result<(), Failure>, Panic>) {
        let (why, panicked) = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => (failure, false),
            Err(Panic(words)) => (Failure::Panicked(words), true),
        };
        let namespace = socket.namespace();
        match self.shared.hooks.error.get() {
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
            None => self.shared.hooks.notices.tell(namespace, event, &why),
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

    /// A handler of this socket has ended, and the next event may begin.
    fn next(&mut self, cx: &mut Context<'_>, key: SocketKey) {
        let waiting = self.waiting(key);
        waiting.running = waiting.running.saturating_sub(1);
        loop {
            let waiting = self.waiting(key);
            if waiting.running > 0 {
                return;
            }
            let Some((call, callbacks)) = waiting.events.pop_front() else {
                break;
            };
            waiting.bytes = waiting.bytes.saturating_sub(size(&call));
            self.run(cx, key, call, callbacks);
        }
        self.waiting.retain(|(its, _)| *its != key);
    }
}

/// What an event that waits takes.
fn size(call: &Invocation) -> usize {
    let content = call.event.args.size().saturating_add(call.event.name.len());
    content.saturating_add(size_of::<Invocation>())
}

/// The handlers of an event. Those that run once are not found again.
fn handlers(inner: &SocketInner, name: &str, about: &About) -> VecDeque<Callback> {
    let topics: &[TopicRef<'_>] = match about {
        About::Connect(_) => &[TopicRef::Connect],
        About::Event => &[TopicRef::AnyEvent, TopicRef::Event(name)],
        About::Disconnect(_) => &[TopicRef::Disconnect],
        About::ConnectError(..) => &[TopicRef::ConnectError],
        About::Error => &[TopicRef::Error],
    };
    let common = inner.common.as_deref();
    let mut all = VecDeque::new();
    for topic in topics {
        for listeners in common.into_iter().chain([&inner.listeners]) {
            let mut cached = Cached::default();
            listeners.refresh(&mut cached);
            let mut found = Found::new();
            let spent = cached.find(*topic, &mut found);
            all.extend(found.into_iter().cloned());
            if spent {
                let _ = guarded(|| listeners.sweep());
            }
        }
    }
    all
}
