//! The Socket.IO half of a connection's task: its sockets, and the handlers of their events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use sio_core::details::Details;
use sio_core::engine::{Eio, Flags};
use sio_core::packet::{Args, Name, Value};
use sio_core::socket::{AckTicket, DisconnectReason, Event, Refusal, SocketKey};
use smallvec::SmallVec;

use super::entering::Entering;
use super::refused::{self, Unanswered};
use super::running::{Begun, Done, Job, Kept, Owner, Panic, begin, guarded, let_go};
use super::{Task, Upper};
use crate::endpoint::handshake::Handshake;
use crate::error::{AckError, Failure, HandlerError};
use crate::handle::{Incoming, Io, Socket};
use crate::handler::call::{BoxFuture, Cached, Callback, Found, TopicRef};
use crate::handler::extract::{About, AckSlot, ErrorSource, Invocation};
use crate::handler::middleware::Denial;
use crate::log::{debug, trace, warn};
use crate::mailbox::Weight;
use crate::mailbox::held::Answered;
use crate::mailbox::task_handle::Command;
use crate::runtime::Runtime;

/// Characters of the name of an event without a handler that are told.
const SHOWN: usize = 128;

/// What a Socket.IO connection has besides the connection.
pub(super) struct Sockets {
    pub(super) io: Io,
    pub(super) handshake: Arc<Handshake>,
    /// One, for nearly every client.
    pub(super) seats: SmallVec<[Seat; 1]>,
    /// Bytes of events that wait in all seats.
    waiting_bytes: usize,
    /// Clients' wishes to enter a namespace that wait because too many handlers do. No more than there
    /// may be namespaces.
    pub(super) entering: Vec<Entering>,
}

/// One socket in its task.
pub(super) struct Seat {
    key: SocketKey,
    pub(super) socket: Socket,
    /// Copies of the tables of handlers.
    own: Cached,
    shared: Cached,
    /// Handlers and packet middlewares that wait.
    busy: usize,
    /// A packet middleware waits: what comes behind must wait too.
    filtering: bool,
    /// It has left, and is kept until what waits here is done.
    gone: bool,
    waiting: VecDeque<Step>,
}

/// What waits for its turn.
enum Step {
    Event(Invocation),
    /// An event of which some handlers have run, where they run one after another.
    Rest(Invocation, VecDeque<Callback>),
}

impl Sockets {
    pub(super) fn new(io: Io, handshake: Arc<Handshake>) -> Self {
        Self {
            io,
            handshake,
            seats: SmallVec::new(),
            waiting_bytes: 0,
            entering: Vec::new(),
        }
    }

    fn seat(&mut self, key: SocketKey) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.key == key)
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Handlers that waited are gone but these, and so is what waited for them, which is returned: nothing is
    /// left but to tell that a socket has left.
    pub(super) fn forsake(&mut self, busy: &[(SocketKey, bool)]) -> Vec<(Socket, Name)> {
        let mut dropped = Vec::new();
        let mut left: usize = 0;
        for seat in &mut self.seats {
            let its = busy.iter().filter(|(key, _)| *key == seat.key);
            seat.busy = its.clone().count();
            seat.filtering = its.clone().any(|(_, filtering)| *filtering);
            let (kept, lost): (VecDeque<_>, VecDeque<_>) =
                seat.waiting.drain(..).partition(|step| step.tells_end());
            left = kept
                .iter()
                .fold(left, |sum, step| sum.saturating_add(step.size()));
            seat.waiting = kept;
            dropped.extend(lost.into_iter().map(Step::event));
        }
        self.waiting_bytes = left;
        dropped
    }

    /// The connection is over: nobody enters any more.
    pub(super) fn close(&mut self) {
        self.entering.clear();
    }
}

impl<R: Runtime> Task<R> {
    pub(super) fn sockets(&mut self) -> Option<&mut Sockets> {
        match &mut self.upper {
            Upper::SocketIo(sockets) => Some(sockets),
            Upper::Engine(_) => None,
        }
    }

    fn seat(&mut self, key: SocketKey) -> Option<&mut Seat> {
        self.sockets()?.seat(key)
    }

    /// The socket is told to be gone before anybody hears of it by an ack that will not come.
    pub(super) fn set_disconnected(&mut self, key: SocketKey) {
        if let Some(seat) = self.seat(key) {
            seat.socket.set_disconnected();
        }
    }

    /// Carries out what the connection says has happened on its sockets.
    pub(super) fn socket_event(
        &mut self,
        cx: &mut Context<'_>,
        event: Event<crate::handler::ack::Token>,
    ) {
        match event {
            Event::Connecting {
                ticket,
                namespace,
                auth,
                query,
            } => self.enter(
                cx,
                Entering {
                    ticket,
                    namespace,
                    auth,
                    query,
                },
            ),
            Event::Error { socket, payload } => self.client_error(cx, socket, payload.as_deref()),
            Event::Message {
                socket,
                name,
                args,
                ack,
            } => self.message(cx, socket, name, args, ack),
            Event::Acked { token, answer, .. } => {
                let answer = answer.map_err(AckError::from);
                token.settle(answer.and_then(|args| self.charged(args)));
            }
            Event::Disconnecting { socket, reason } => {
                self.leaving(
                    cx,
                    socket,
                    "disconnecting",
                    About::Disconnecting(reason, self.details(reason)),
                );
                self.set_disconnected(socket);
            }
            Event::Disconnected { socket, reason } => {
                if let Some(seat) = self.seat(socket) {
                    debug!(socket = %seat.socket.log_name(), namespace = seat.socket.namespace().name(), %reason, "socket disconnected");
                    if seat.waiting.is_empty() {
                        seat.socket.exit();
                    } else {
                        seat.socket.depart();
                    }
                }
                self.leaving(
                    cx,
                    socket,
                    "disconnect",
                    About::Disconnect(reason, self.details(reason)),
                );
                self.gone(socket);
            }
            Event::Data(_)
            | Event::Upgraded
            | Event::Malformed(_)
            | Event::Unwritten(_)
            | Event::Closed(_)
            | Event::Undecided { .. }
            | _ => {}
        }
    }

    /// An answer, counted as long as handlers that wait may hold it.
    fn charged(&self, args: Args) -> Result<Answered, AckError> {
        let most = self.host().config.max_running_bytes;
        match &self.running {
            Some(running) => running.answers.charge(args, most).ok_or(AckError::Full),
            None => Ok(Answered { args, charge: None }),
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
        let Some(seat) = self.seat(key) else { return };
        trace!(socket = %seat.socket.log_name(), event = %name, arguments = args.len(), "event");
        let mut event = Invocation::new(seat.socket.clone(), name, args, About::Event);
        if let Some(ticket) = ack {
            *event.ack.get_mut() = AckSlot::One(ticket);
        }
        self.offer(cx, key, event);
    }

    /// A client of revision 4 says that something went wrong on its side.
    fn client_error(&mut self, cx: &mut Context<'_>, key: SocketKey, payload: Option<&str>) {
        let Some(seat) = self.seat(key) else { return };
        let payload = Args::from_json(&format!("[{}]", payload.unwrap_or_default()), Vec::new());
        let args = payload.unwrap_or_default().detached();
        let refusal = match args.get::<Value>(0) {
            Ok(Value::String(message)) => Refusal::new(message),
            Ok(data) => Refusal::new(args.elements()).data(data),
            Err(_) => Refusal::new(""),
        };
        let name = Name::from_static("error");
        let event = Invocation::new(
            seat.socket.clone(),
            name,
            args,
            About::Error(ErrorSource::Client, refusal),
        );
        self.offer(cx, key, event);
    }

    /// What lies behind the reason why a socket leaves: nothing, where it leaves its namespace alone.
    fn details(&self, reason: DisconnectReason) -> Option<Arc<Details>> {
        match reason {
            DisconnectReason::Connection(_) | DisconnectReason::ForcedServerClose => {
                self.connection.details().map(Arc::new)
            }
            DisconnectReason::ClientNamespaceDisconnect
            | DisconnectReason::ServerNamespaceDisconnect
            | DisconnectReason::ServerShuttingDown
            | _ => None,
        }
    }

    fn leaving(&mut self, cx: &mut Context<'_>, key: SocketKey, name: &'static str, about: About) {
        let Some(seat) = self.seat(key) else { return };
        let name = Name::from_static(name);
        let event = Invocation::new(seat.socket.clone(), name, Args::default(), about);
        // Where order is promised, what came before goes before; elsewhere nothing is waited for.
        if seat.socket.is_sequential() || seat.filtering {
            self.offer(cx, key, event);
        } else {
            self.dispatch(cx, key, event);
        }
    }

    /// A socket has left. Its seat goes as soon as nothing waits in it any more.
    fn gone(&mut self, key: SocketKey) {
        let Some(sockets) = self.sockets() else {
            return;
        };
        if let Some(seat) = sockets.seat(key) {
            seat.gone = true;
            if !seat.socket.is_sequential() && !seat.filtering {
                let steps = seat.waiting.drain(..);
                let dropped: usize = steps.map(|step| step.size()).sum();
                sockets.waiting_bytes = sockets.waiting_bytes.saturating_sub(dropped);
            }
        }
        sockets.seats.retain(|seat| !seat.is_over());
    }

    /// Whether so many handlers wait that no more are started.
    pub(super) fn is_crowded(&self) -> bool {
        self.running() >= self.host().config.max_running_handlers || self.account().is_crowded()
    }

    /// Handles an event now, or when those before it let it.
    #[inline(always)]
    fn offer(&mut self, cx: &mut Context<'_>, key: SocketKey, mut event: Invocation) {
        let crowded = self.is_crowded();
        let Some(sockets) = self.sockets() else {
            return;
        };
        let Some(seat) = sockets.seat(key) else {
            return;
        };
        if crowded || !seat.is_ready() || !seat.waiting.is_empty() {
            // Copied: it may wait long, and must not hold on to a read buffer.
            event.args = event.args.detached();
            let step = Step::Event(event);
            let size = step.size();
            seat.waiting.push_back(step);
            sockets.waiting_bytes = sockets.waiting_bytes.saturating_add(size);
        } else {
            self.handle(cx, key, event);
        }
    }

    /// Starts what waits, as far as may be.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) {
        let mut at = 0;
        while !self.is_crowded() {
            let Some(sockets) = self.sockets() else {
                return;
            };
            if !sockets.entering.is_empty() {
                let wish = sockets.entering.remove(0);
                self.connecting(cx, wish);
                continue;
            }
            let Some(seat) = sockets.seats.get_mut(at) else {
                return;
            };
            if !seat.is_ready() {
                at += 1;
                continue;
            }
            let key = seat.key;
            let Some(step) = seat.waiting.pop_front() else {
                if seat.is_over() {
                    sockets.seats.remove(at);
                } else {
                    at += 1;
                }
                continue;
            };
            sockets.waiting_bytes = sockets.waiting_bytes.saturating_sub(step.size());
            match step {
                Step::Event(event) => self.handle(cx, key, event),
                Step::Rest(event, callbacks) => self.run(cx, key, event, callbacks),
            }
        }
    }

    /// Past the gates: packet middlewares, then handlers.
    // An event is large to hand on by value: inlined, an echo takes 2 % less.
    #[inline(always)]
    fn handle(&mut self, cx: &mut Context<'_>, key: SocketKey, mut event: Invocation) {
        let filters = match event.about {
            About::Event => event.socket.filters(),
            About::Connect
            | About::Disconnecting(..)
            | About::Disconnect(..)
            | About::Error(..) => None,
        };
        let Some(filters) = filters else {
            self.dispatch(cx, key, event);
            return;
        };
        let wants_ack = !matches!(event.ack.get_mut(), AckSlot::None);
        // It may wait, and must not hold on to a read buffer.
        event.args = event.kept_args();
        let mut packet = Incoming::new(
            event.socket.clone(),
            &event.name,
            event.args.clone(),
            wants_ack,
        );
        let future: BoxFuture<_> = Box::pin(async move {
            for filter in filters {
                packet = filter(packet).await?;
            }
            Ok(packet)
        });
        // Boxed: it may wait, where room for it would be room for as much in every handler that waits.
        let mut kept = Kept::new(future, Box::new((key, event)));
        match kept.poll(cx) {
            Poll::Ready((what, result)) => self.filtered(cx, *what, result),
            Poll::Pending => {
                if let Some(seat) = self.seat(key) {
                    seat.filtering = true;
                    seat.busy += 1;
                }
                self.keep(Job::Filters(kept));
            }
        }
    }

    fn filtered(
        &mut self,
        cx: &mut Context<'_>,
        (key, mut event): (SocketKey, Invocation),
        result: Result<Result<Incoming, Denial>, Panic>,
    ) {
        match result {
            Ok(Ok(packet)) => {
                event.name = packet.name.into();
                event.args = packet.args;
                self.dispatch(cx, key, event);
            }
            Ok(Err(denial)) => {
                let (refusal, failure) = denial.split();
                if let Some(failure) = failure {
                    self.failed(&event.socket, &event.name, failure);
                }
                debug!(socket = %event.socket.log_name(), event = %crate::log::Brief(&event.name), refusal = %crate::log::Brief(&refusal), "packet refused");
                if let Some(unanswered) = Unanswered::of(&event) {
                    unanswered.refuse(&refusal.message, refusal.data.as_ref());
                }
                // Clients of revision 4 are told; in revision 5 the application tells itself (§17).
                if self.link.revision() == Eio::V3 {
                    let Refusal { message, data } = refusal;
                    let namespace = event.socket.namespace();
                    let codec = namespace.codec();
                    let packet = match codec.error(namespace.name(), &message, data.as_ref()) {
                        Ok(packet) => packet,
                        Err(_why) => {
                            warn!(socket = %event.socket.log_name(), why = %_why, "not written");
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
                    let _ = self.link.push_packet(command, weight, false);
                    return;
                }
                if let Some(name) = &self.host().config.forward_middleware_errors {
                    let data = refusal.data.clone().unwrap_or(Value::Null);
                    // One that cannot be told (its backlog is full) does not hear of it.
                    let _ = event.socket.emit(name, &(&refusal.message, data));
                }
                let about = About::Error(ErrorSource::Middleware, refusal);
                let name = Name::from_static("error");
                let event = Invocation::new(event.socket.clone(), name, event.args, about);
                self.dispatch(cx, key, event);
            }
            Err(panic) => {
                let Invocation { socket, name, .. } = event;
                let bytes = 0;
                self.panicked(
                    &Owner {
                        socket,
                        name,
                        bytes,
                    },
                    panic,
                );
            }
        }
    }

    /// Finds the handlers of an event and runs them.
    #[inline]
    pub(super) fn dispatch(&mut self, cx: &mut Context<'_>, key: SocketKey, mut event: Invocation) {
        let Some(seat) = self.seat(key) else { return };
        let socket = &event.socket;
        let (own, shared) = (socket.listeners(), socket.namespace().listeners());
        // With an old table, the last of what it held may go.
        let mut passing = guarded(|| {
            own.refresh(&mut seat.own);
            shared.refresh(&mut seat.shared);
        });
        if matches!(event.about, About::Disconnect(..)) {
            // Its `disconnecting` handlers have seen its rooms, however long they had to wait.
            socket.exit();
        }
        let topics: &[TopicRef<'_>] = match event.about {
            About::Connect => &[TopicRef::Connect],
            About::Event => &[TopicRef::AnyEvent, TopicRef::Event(&event.name)],
            About::Disconnecting(..) => &[TopicRef::Disconnecting],
            About::Disconnect(..) => &[TopicRef::Disconnect],
            About::Error(..) => &[TopicRef::Error, TopicRef::Event("error")],
        };
        // Taken out meanwhile: to call one from there costs no count of references.
        let tables = (
            std::mem::take(&mut seat.own),
            std::mem::take(&mut seat.shared),
        );
        let mut found = Found::new();
        for topic in topics {
            for (table, listeners) in [(&tables.1, shared), (&tables.0, own)] {
                if table.find(*topic, &mut found) {
                    passing = passing.and(guarded(|| listeners.sweep()));
                }
            }
        }
        let owner = passing.is_err().then(|| Owner {
            socket: socket.clone(),
            name: event.name.clone(),
            bytes: 0,
        });
        event.share_ack(found.len());
        if let [only] = found[..] {
            self.start(cx, key, only, &event);
        } else if !found.is_empty() {
            let all = found.iter().copied().cloned().collect();
            self.run(cx, key, event, all);
        } else if matches!(event.about, About::Event) {
            self.unhandled(&event);
        }
        drop(found);
        if let Some(seat) = self.seat(key) {
            (seat.own, seat.shared) = tables;
        } else {
            passing = passing.and(let_go(tables));
        }
        if let (Err(panic), Some(owner)) = (passing, owner) {
            self.panicked(&owner, panic);
        }
    }

    /// Runs handlers of an event one after the other; where they must not interleave, those behind
    /// one that waits are put off.
    fn run(
        &mut self,
        cx: &mut Context<'_>,
        key: SocketKey,
        mut event: Invocation,
        mut callbacks: VecDeque<Callback>,
    ) {
        while let Some(callback) = callbacks.pop_front() {
            self.start(cx, key, &callback, &event);
            let Some(sockets) = self.sockets() else {
                return;
            };
            let Some(seat) = sockets.seat(key) else {
                continue;
            };
            if !callbacks.is_empty() && !seat.is_ready() {
                event.args = event.args.detached();
                let step = Step::Rest(event, callbacks);
                let size = step.size();
                seat.waiting.push_front(step);
                sockets.waiting_bytes = sockets.waiting_bytes.saturating_add(size);
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
        event: &Invocation,
    ) {
        event.begin();
        match begin(cx, || callback(event)) {
            Begun::Ended(Ok(Ok(()))) => {}
            Begun::Ended(Ok(Err(failure))) => {
                refused::failed(event, &failure);
                self.failed(&event.socket, &event.name, failure);
            }
            Begun::Ended(Err(panic)) => {
                let owner = Owner {
                    socket: event.socket.clone(),
                    name: event.name.clone(),
                    bytes: 0,
                };
                self.panicked(&owner, panic);
            }
            Begun::Waits(future) => {
                if let Some(seat) = self.seat(key) {
                    seat.busy += 1;
                }
                let owner = Owner {
                    socket: event.socket.clone(),
                    name: event.name.clone(),
                    bytes: event.held(),
                };
                let future = refused::or_refused(event, future);
                self.keep(Job::Handler(Kept::new(future, owner)));
            }
        }
    }

    /// Something that waited has ended.
    pub(super) fn done(&mut self, cx: &mut Context<'_>, done: Done) {
        match done {
            Done::Handler(owner, result) => {
                self.rested(owner.socket.key(), false);
                match result {
                    Ok(Ok(())) => {}
                    Ok(Err(failure)) => self.failed(&owner.socket, &owner.name, failure),
                    Err(panic) => self.panicked(&owner, panic),
                }
            }
            Done::Gates(what, result) => self.decided(cx, what, result),
            Done::Filters(what, result) => {
                self.rested(what.0, true);
                self.filtered(cx, *what, result);
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

    fn rested(&mut self, key: SocketKey, filter: bool) {
        if let Some(seat) = self.seat(key) {
            seat.busy = seat.busy.saturating_sub(1);
            seat.filtering &= !filter;
        }
    }

    /// Tells of an event that nobody listens for. Its name is the client's, and may be as long as a packet.
    #[cold]
    fn unhandled(&mut self, event: &Invocation) {
        // The handlers of one who has left are gone before its last events.
        if event.socket.connected() && event.socket.io().hears_of_unhandled() {
            let name: String = event.name.chars().take(SHOWN).collect();
            self.failed(&event.socket, &name, Failure::Unhandled);
        }
    }

    fn failed(&mut self, socket: &Socket, event: &str, why: Failure) {
        let is_gone = !socket.connected() && !matches!(event, "disconnecting" | "disconnect");
        self.report(socket, event, why, is_gone);
    }

    /// Tells the application. `is_gone`: the client has left meanwhile.
    pub(super) fn report(&mut self, socket: &Socket, event: &str, why: Failure, is_gone: bool) {
        let error = HandlerError {
            socket: socket.id().clone(),
            namespace: socket.namespace().name().to_owned(),
            event: event.to_owned(),
            why,
        };
        // The application's hook; one that panics is not worth a connection.
        let _ = guarded(|| socket.io().report(&error, socket.log_name(), is_gone));
    }

    pub(super) fn panicked(&mut self, owner: &Owner, panic: Panic) {
        self.failed(&owner.socket, &owner.name, Failure::Panicked(panic.0));
        self.abandon();
    }
}

impl Drop for Seat {
    /// What its handlers capture may be the socket: they would keep each other.
    fn drop(&mut self) {
        let _ = guarded(|| {
            self.socket.exit();
            self.socket.release();
        });
        let _ = let_go(std::mem::take(&mut self.own));
        let _ = let_go(std::mem::take(&mut self.shared));
        let _ = let_go(std::mem::take(&mut self.waiting));
    }
}

impl Seat {
    pub(super) fn new(key: SocketKey, socket: Socket) -> Self {
        Self {
            key,
            socket,
            own: Cached::default(),
            shared: Cached::default(),
            busy: 0,
            filtering: false,
            gone: false,
            waiting: VecDeque::new(),
        }
    }

    /// Whether nothing more can happen to it.
    fn is_over(&self) -> bool {
        self.gone && self.busy == 0 && self.waiting.is_empty()
    }

    /// Whether its next event may start.
    fn is_ready(&self) -> bool {
        !self.filtering && (self.busy == 0 || !self.socket.is_sequential())
    }
}

impl Step {
    /// Whose event it is, and which.
    fn event(self) -> (Socket, Name) {
        let (Self::Event(event) | Self::Rest(event, _)) = self;
        (event.socket, event.name)
    }

    /// Whether it is that the socket leaves.
    fn tells_end(&self) -> bool {
        let (Self::Event(event) | Self::Rest(event, _)) = self;
        matches!(
            event.about,
            About::Disconnecting(..) | About::Disconnect(..)
        )
    }

    /// What it holds, itself included: an event without a name and arguments is not free.
    fn size(&self) -> usize {
        let (Self::Event(event) | Self::Rest(event, _)) = self;
        event
            .args
            .size()
            .saturating_add(event.name.len())
            .saturating_add(size_of::<Self>())
    }
}
