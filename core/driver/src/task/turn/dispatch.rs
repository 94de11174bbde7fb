//! Handlers of sockets' events, from the event to the end of the last one.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use sio_core::engine::{Eio, Flags};
use sio_core::packet::{Name, Value};
use sio_core::socket::{Refusal, SocketKey};

use super::super::dispatcher::Next;
use super::super::jobs::{Began, Done, Guarded, Job};
use super::super::refused::Unanswered;
use super::super::socket_state::Step;
use super::super::{Task, report};
use crate::error::{Denial, Failure};
use crate::event::{About, AckSlot, ErrorSource};
use crate::handle::{Callback, Incoming, Invocation, Socket};
use crate::log::debug;
use crate::mailbox::command::Command;
use crate::mailbox::weight::Weight;
use crate::runtime::Runtime;
use crate::sync::BoxFuture;
use crate::sync::guard::{Panic, let_go};

impl<R: Runtime> Task<R> {
    /// Whether so many handlers wait that no more are started.
    pub(super) fn is_crowded(&self) -> bool {
        self.jobs.len() >= self.endpoint().config.serving.max_running_handlers
            || self.account().is_crowded()
            || self.jobs.are_held()
    }

    /// Handles an event now, or when those before it let it.
    #[inline(always)]
    pub(super) fn offer(&mut self, cx: &mut Context<'_>, key: SocketKey, call: Invocation) {
        let crowded = self.is_crowded();
        let Some(dispatcher) = self.dispatcher() else {
            return;
        };
        let Some(state) = dispatcher.socket(key) else {
            return;
        };
        if crowded || !state.is_ready() || state.is_behind() {
            dispatcher.put_off(key, call);
        } else {
            self.pass(cx, key, call);
        }
    }

    /// Starts what waits, as far as may be.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) {
        let mut at = 0;
        while !self.is_crowded() {
            let Some(dispatcher) = self.dispatcher() else {
                return;
            };
            match dispatcher.next(&mut at) {
                Some(Next::Connect(connect)) => self.decide(cx, connect),
                Some(Next::Step(key, Step::Event(call))) => self.pass(cx, key, call),
                Some(Next::Step(key, Step::Rest(call, callbacks))) => {
                    self.run(cx, key, call, callbacks)
                }
                None => return,
            }
        }
    }

    /// Packet middlewares, then handlers.
    // An event is large to hand on by value: inlined, an echo takes 2 % less.
    #[inline(always)]
    fn pass(&mut self, cx: &mut Context<'_>, key: SocketKey, mut call: Invocation) {
        let middlewares = match call.event.about {
            About::Event => call.socket.packet_middlewares(),
            About::Connect
            | About::Disconnecting(..)
            | About::Disconnect(..)
            | About::Error(..) => None,
        };
        let Some(middlewares) = middlewares else {
            self.dispatch(cx, key, call);
            return;
        };
        if middlewares.is_empty() {
            self.dispatch_first(cx, key, call);
            return;
        }
        let wants_ack = !matches!(call.event.ack.get_mut(), AckSlot::None);
        // It may wait, and must not hold on to a read buffer.
        call.event.args = call.kept_args();
        let mut packet = Incoming::new(
            call.socket.clone(),
            &call.event.name,
            call.event.args.clone(),
            wants_ack,
        );
        let future: BoxFuture<_> = Box::pin(async move {
            for middleware in middlewares {
                packet = middleware(packet).await?;
            }
            Ok(packet)
        });
        // Boxed: it may wait, where room for it would be room for as much in every handler that waits.
        let mut guarded = Guarded::new(future, Box::new((key, call)));
        match guarded.poll(cx) {
            Poll::Ready((what, result)) => self.passed(cx, *what, result),
            Poll::Pending => {
                if let Some(state) = self.socket(key) {
                    state.set_in_middlewares();
                }
                self.jobs.push(Job::PacketMiddlewares(guarded));
            }
        }
    }

    fn passed(
        &mut self,
        cx: &mut Context<'_>,
        (key, mut call): (SocketKey, Invocation),
        result: Result<Result<Incoming, Denial>, Panic>,
    ) {
        match result {
            Ok(Ok(packet)) => {
                call.event.name = packet.name.into();
                call.event.args = packet.args;
                self.dispatch_first(cx, key, call);
            }
            Ok(Err(denial)) => {
                let (refusal, failure) = denial.split();
                if let Some(failure) = failure {
                    report::handler_failed(&call.socket, &call.event.name, failure);
                }
                debug!(socket = %call.socket.log_name(), event = %crate::log::Brief(&call.event.name), refusal = %crate::log::Brief(&refusal), "packet refused");
                if let Some(unanswered) = Unanswered::of(&call) {
                    unanswered.refuse(&refusal.message, refusal.data.as_ref());
                }
                // Clients of revision 4 are told; in revision 5 the application tells itself (§17).
                if self.handle.revision() == Eio::V3 {
                    let Refusal { message, data } = refusal;
                    let namespace = call.socket.namespace();
                    let codec = namespace.codec_of(&self.handle);
                    let packet = match codec.error(namespace.name(), &message, data.as_ref()) {
                        Ok(packet) => packet,
                        Err(_why) => {
                            // A client can have itself refused as often as it likes.
                            debug!(socket = %call.socket.log_name(), why = %_why, "not written");
                            return;
                        }
                    };
                    // Behind what the middleware has emitted.
                    let weight = Weight::of(&packet);
                    let command = Command::Deliver {
                        socket: key,
                        packet,
                        flags: Flags::default(),
                    };
                    let _ = self.handle.push_packet(command, weight, Flags::default());
                    return;
                }
                if let Some(name) = &self.endpoint().config.forward_middleware_errors {
                    let data = refusal.data.clone().unwrap_or(Value::Null);
                    // One that cannot be told (its backlog is full) does not hear of it.
                    let _ = call.socket.emit(name, &(&refusal.message, data));
                }
                let about = About::Error(ErrorSource::Middleware, refusal);
                let name = Name::from_static("error");
                let call = Invocation::new(call.socket.clone(), name, call.event.args, about);
                self.dispatch(cx, key, call);
            }
            Err(panic) => {
                self.panicked(&call.socket, &call.event.name, panic);
            }
        }
    }

    /// The same as [`dispatch`](Self::dispatch), unless the event is to be handled once and was.
    fn dispatch_first(&mut self, cx: &mut Context<'_>, key: SocketKey, call: Invocation) {
        if let Some(call) = call.unless_repeated(self.now, &self.runtime) {
            self.dispatch(cx, key, call);
        }
    }

    /// Finds the handlers of an event and runs them.
    #[inline]
    pub(super) fn dispatch(&mut self, cx: &mut Context<'_>, key: SocketKey, mut call: Invocation) {
        let Some(state) = self.socket(key) else {
            return;
        };
        let (tables, mut passing) = state.take_tables();
        if matches!(call.event.about, About::Disconnect(..)) {
            // Its `disconnecting` handlers have seen its rooms, however long they had to wait.
            call.socket.exit();
        }
        let (found, swept) = tables.find(&call);
        passing = passing.and(swept);
        let owner = passing
            .is_err()
            .then(|| (call.socket.clone(), call.event.name.clone()));
        call.event.share_ack(found.len());
        if let [only] = found[..] {
            self.start(cx, key, only, &call);
        } else if !found.is_empty() {
            let all = found.iter().copied().cloned().collect();
            self.run(cx, key, call, all);
        } else if matches!(call.event.about, About::Event) {
            report::unhandled(&call);
        }
        drop(found);
        match self.socket(key) {
            Some(state) => state.give_back(tables),
            None => passing = passing.and(let_go(tables)),
        }
        if let (Err(panic), Some((socket, name))) = (passing, owner) {
            self.panicked(&socket, &name, panic);
        }
    }

    /// Runs handlers of an event one after the other; where they must not interleave, those behind
    /// one that waits are put off.
    fn run(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        call: Invocation,
        mut callbacks: VecDeque<Callback>,
    ) {
        while let Some(callback) = callbacks.pop_front() {
            self.start(cx, key, &callback, &call);
            let Some(dispatcher) = self.dispatcher() else {
                return;
            };
            if !callbacks.is_empty() && dispatcher.is_held(key) {
                dispatcher.put_off_rest(key, call, callbacks);
                return;
            }
        }
    }

    /// Calls one handler, which runs to its first await.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        callback: &Callback,
        call: &Invocation,
    ) {
        match self.jobs.start(cx, callback, call) {
            Began::Ended => {}
            Began::Waits => {
                if let Some(state) = self.socket(key) {
                    state.set_busy();
                }
            }
            Began::Failed(failure) => {
                report::handler_failed(&call.socket, &call.event.name, failure)
            }
            Began::Panicked(panic) => self.panicked(&call.socket, &call.event.name, panic),
        }
    }

    /// Something that waited has ended.
    pub(super) fn done(&mut self, cx: &mut Context<'_>, done: Done) {
        match done {
            Done::Handler(owner, result) => {
                self.rest(owner.socket.key(), false);
                match result {
                    Ok(Ok(())) => {}
                    Ok(Err(failure)) => {
                        report::handler_failed(&owner.socket, &owner.name, failure);
                    }
                    Err(panic) => self.panicked(&owner.socket, &owner.name, panic),
                }
            }
            Done::Parents(connect, result) => self.named(cx, *connect, result),
            Done::Restores(what, result) => self.found(cx, *what, result),
            Done::Middlewares(what, result) => self.decided(cx, what, result),
            Done::PacketMiddlewares(what, result) => {
                self.rest(what.0, true);
                self.passed(cx, *what, result);
            }
            Done::Plain(_, result) => {
                self.plain_done(result);
                // What it has said comes before the next message: it may have handed its client over.
                self.take_more();
                self.carry_out(cx);
                self.plain_advance(cx);
            }
        }
        // What was plain when its handler began may be more by now.
        self.advance(cx);
    }

    fn rest(&mut self, key: SocketKey, middlewares: bool) {
        if let Some(dispatcher) = self.dispatcher() {
            dispatcher.rest(key, middlewares);
        }
    }

    pub(super) fn panicked(&mut self, socket: &Socket, event: &str, panic: Panic) {
        report::handler_failed(socket, event, Failure::Panicked(panic.0));
        self.abandon();
    }
}
