//! How a client comes into a namespace: asked for, past the middlewares, admitted.

use std::task::{Context, Poll};

use sio_core::engine::CloseReason;
use sio_core::packet::Encoded;
use sio_core::recovery::{Claim, Pid};
use sio_core::socket::{ConnectTicket, DisconnectReason, Refusal, SocketKey};

use super::super::dispatcher::PendingConnect;
use super::super::jobs::{Guarded, Job};
use super::super::{Task, report};
use crate::endpoint::handshake::Handshake;
use crate::error::Denial;
use crate::handle::{Coming, Door, Invocation, Socket, Sought};
use crate::handler::middleware::pass;
use crate::log::{debug, error};
use crate::runtime::Runtime;
use crate::sync::BoxFuture;
use crate::sync::guard::Panic;

/// As whom a client may come back.
enum Back {
    /// What it claims, if anything, is known here.
    Here(Option<Claim>),
    /// Other nodes were asked.
    Afar(Option<Box<Coming>>),
}

impl<R: Runtime> Task<R> {
    /// A client wants to enter a namespace. It waits while too many handlers do, so that coming and
    /// going starts no more of them.
    pub(super) fn connect(&mut self, cx: &mut Context<'_>, connect: PendingConnect) {
        let crowded = self.is_crowded();
        let Some(dispatcher) = self.dispatcher() else {
            return;
        };
        if crowded || dispatcher.is_connecting() {
            dispatcher.put_off_connect(connect);
        } else {
            self.decide(cx, connect);
        }
    }

    /// Finds the namespace, if there is one or a parent has it; a parent may have to be asked.
    pub(super) fn decide(&mut self, cx: &mut Context<'_>, connect: PendingConnect) {
        let Some(dispatcher) = self.dispatcher() else {
            return;
        };
        let io = dispatcher.io();
        match io.seek(&connect.namespace, || dispatcher.number()) {
            Sought::Here(door) => self.introduce(cx, connect, door),
            Sought::Nowhere => self.turn_away(connect),
            Sought::Ask(key, parent) => {
                let handshake = Handshake::with_auth(
                    dispatcher.handshake(),
                    connect.auth.as_ref(),
                    connect.query.as_deref(),
                );
                let number = dispatcher.number();
                let name = connect.namespace.clone();
                let io = io.clone();
                let asking = io.ask_parents(name, number, handshake, (key, parent));
                let mut guarded = Guarded::new(Box::pin(asking) as BoxFuture<_>, Box::new(connect));
                match guarded.poll(cx) {
                    Poll::Ready((connect, result)) => self.named(cx, *connect, result),
                    Poll::Pending => self.jobs.push(Job::Parents(guarded)),
                }
            }
        }
    }

    /// Parents were asked for a namespace.
    pub(super) fn named(
        &mut self,
        cx: &mut Context<'_>,
        connect: PendingConnect,
        result: Result<Option<Door>, Panic>,
    ) {
        match result {
            Ok(Some(door)) => self.introduce(cx, connect, door),
            Ok(None) => self.turn_away(connect),
            Err(_panic) => {
                error!(why = %_panic.0, "handler panicked");
                self.abandon();
            }
        }
    }

    /// There is no such namespace.
    fn turn_away(&mut self, connect: PendingConnect) {
        self.endpoint().common.meter.kept_out();
        if let Some((connection, _)) = self.machine.socket_io() {
            let refusal = Refusal::invalid_namespace();
            connection.reject(self.now, connect.ticket, &refusal);
        }
    }

    /// Asks the middlewares of the namespace.
    fn introduce(&mut self, cx: &mut Context<'_>, connect: PendingConnect, door: Door) {
        let Some((connection, _)) = self.machine.socket_io() else {
            return;
        };
        let claim = connect
            .auth
            .as_deref()
            .filter(|_| connection.is_recoverable() && door.namespace.open_keeper(&self.runtime));
        let claim = claim.and_then(Claim::of);
        let found = claim
            .as_ref()
            .and_then(|claim| door.namespace.bring_back(claim));
        let Some(found) = found else {
            self.introduce_as(cx, connect, door, Back::Here(claim));
            return;
        };
        let future: BoxFuture<_> = Box::pin(found);
        let mut guarded = Guarded::new(future, Box::new((connect, door)));
        match guarded.poll(cx) {
            Poll::Ready((what, result)) => self.found(cx, *what, result),
            Poll::Pending => self.jobs.push(Job::Restores(guarded)),
        }
    }

    /// Other nodes were asked who a client was.
    pub(super) fn found(
        &mut self,
        cx: &mut Context<'_>,
        (connect, door): (PendingConnect, Door),
        result: Result<Option<Box<Coming>>, Panic>,
    ) {
        match result {
            Ok(coming) => self.introduce_as(cx, connect, door, Back::Afar(coming)),
            Err(_panic) => {
                error!(why = %_panic.0, "adapter panicked");
                self.abandon();
            }
        }
    }

    /// The same, as who it comes back.
    fn introduce_as(
        &mut self,
        cx: &mut Context<'_>,
        connect: PendingConnect,
        door: Door,
        back: Back,
    ) {
        let PendingConnect {
            ticket,
            namespace,
            auth,
            query,
        } = connect;
        let Some((connection, dispatcher)) = self.machine.socket_io() else {
            return;
        };
        let id = connection.computed_id(&namespace);
        let id = id.unwrap_or_else(|| Self::socket_id(&mut self.spare, &self.runtime));
        let middlewares = door.namespace.middlewares();
        let (claim, coming) = match back {
            Back::Here(claim) => (claim, None),
            Back::Afar(coming) => (None, coming),
        };
        let back = claim.and_then(|claim| {
            let (id, values) = door.namespace.find_session(self.now, &claim)?;
            Some((id, claim, values))
        });
        let is_new = back.is_none() && coming.is_none();
        let is_asked = is_new || door.namespace.asks_again();
        let (id, back) = match back {
            Some((id, claim, values)) => (id, Some((claim, values))),
            None => (id, None),
        };
        let id = coming.as_ref().and_then(|it| it.id()).unwrap_or(id);
        let socket = Socket::new(
            id,
            ticket.socket(),
            dispatcher.io().clone(),
            door,
            self.handle.clone(),
            Handshake::with_auth(dispatcher.handshake(), auth.as_ref(), query.as_deref()),
        );
        if let Some((claim, values)) = back {
            socket.set_claim(claim, values);
        }
        if let Some(coming) = coming {
            socket.set_coming(coming);
        }
        if middlewares.is_empty() || !is_asked {
            self.admit(cx, ticket, socket);
            return;
        }
        let future: BoxFuture<_> = Box::pin(pass(middlewares, socket.clone()));
        let mut guarded = Guarded::new(future, (ticket, socket));
        match guarded.poll(cx) {
            Poll::Ready((what, result)) => self.decided(cx, what, result),
            Poll::Pending => self.jobs.push(Job::Middlewares(guarded)),
        }
    }

    pub(super) fn decided(
        &mut self,
        cx: &mut Context<'_>,
        (ticket, socket): (ConnectTicket, Socket),
        result: Result<Result<(), Denial>, Panic>,
    ) {
        match result {
            Ok(Ok(())) => self.admit(cx, ticket, socket),
            Ok(Err(denial)) => {
                let (refusal, failure) = denial.split();
                if let Some(failure) = failure {
                    // It has not been there yet.
                    report::failed(&socket, "connect", failure, false);
                }
                debug!(socket = %socket.log_name(), namespace = socket.namespace().name(), refusal = %crate::log::Brief(&refusal), "namespace refused");
                self.endpoint().common.meter.kept_out();
                if let Some((connection, _)) = self.machine.socket_io() {
                    connection.reject(self.now, ticket, &refusal);
                }
                socket.exit();
            }
            Err(panic) => {
                socket.exit();
                self.panicked(&socket, "connect", panic);
            }
        }
    }

    /// The socket enters: CONNECT is queued, it is in the namespace, and its handlers run before
    /// anything else of it is looked at.
    fn admit(&mut self, cx: &mut Context<'_>, ticket: ConnectTicket, socket: Socket) {
        if socket.namespace().is_removed() {
            if let Some((connection, _)) = self.machine.socket_io() {
                connection.reject(self.now, ticket, &Refusal::invalid_namespace());
            }
            socket.exit();
            return;
        }
        let back = match (socket.take_claim(), socket.take_coming()) {
            (Some(claim), _) => Some(socket.restore(self.now, &claim)),
            (None, Some(coming)) => Some(socket.come_back(coming)),
            (None, None) => None,
        };
        let accepted = match back {
            Some(Some((pid, missed))) => self.accept(ticket, &socket, Some(&pid), missed),
            Some(None) => {
                self.decide_anew(cx, ticket, &socket);
                return;
            }
            None => {
                let pid = self.private_id(&socket);
                let accepted = self.accept(ticket, &socket, pid.as_ref(), Vec::new());
                if accepted.is_some() {
                    socket.enter(pid.as_ref());
                    socket.attend_session();
                }
                accepted
            }
        };
        let Some(key) = accepted else {
            // Who had come back may do so once more, by the same claim.
            socket.give_back_claim();
            socket.exit_for(Some(DisconnectReason::Connection(
                CloseReason::TransportClose,
            )));
            return;
        };
        self.settle();
        debug!(socket = %socket.log_name(), namespace = socket.namespace().name(), "socket connected");
        if let Some(dispatcher) = self.dispatcher() {
            dispatcher.enter(key, socket.clone());
        }
        if socket.namespace().is_removed()
            && let Some((connection, _)) = self.machine.socket_io()
        {
            // Just now, so that nobody has told it.
            connection.expel(self.now, key);
        }
        self.dispatch(cx, key, Invocation::entering(&socket));
    }

    fn accept(
        &mut self,
        ticket: ConnectTicket,
        socket: &Socket,
        pid: Option<&Pid>,
        missed: Vec<Encoded>,
    ) -> Option<SocketKey> {
        let (connection, _) = self.machine.socket_io()?;
        let (now, id) = (self.now, socket.id());
        match pid {
            Some(pid) => connection.accept_recoverable(now, ticket, id, pid, missed),
            None => connection.accept(now, ticket, id),
        }
    }

    /// By what a new socket's client may come back, if that is on.
    fn private_id(&mut self, socket: &Socket) -> Option<Pid> {
        let (connection, _) = self.machine.socket_io()?;
        let recovers = connection.is_recoverable() && socket.namespace().open_keeper(&self.runtime);
        recovers.then(|| {
            let mut random = [0; 15];
            self.runtime.random(&mut random);
            Pid::from_random(random)
        })
    }

    /// What a client claimed is not to be had any more, since middlewares were asked: it is decided over as a new
    /// one.
    fn decide_anew(&mut self, cx: &mut Context<'_>, ticket: ConnectTicket, socket: &Socket) {
        socket.exit();
        let auth = socket.handshake().auth.as_str();
        let connect = PendingConnect {
            ticket,
            namespace: socket.namespace().name().into(),
            auth: Some(auth.into()),
            query: None,
        };
        self.decide(cx, connect);
    }
}
