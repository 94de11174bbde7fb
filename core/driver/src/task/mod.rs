//! The task of one connection: it owns the connection's machine, its WebSocket, its timer and its
//! handlers in flight.

mod account;
mod departed;
mod entering;
#[cfg(test)]
mod opening;
mod plain;
mod pump;
mod refused;
mod running;
#[cfg(test)]
mod shape;
mod sockets;
mod timer;
mod transport;
#[cfg(test)]
mod turns;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use sio_core::connection::Connection;
use sio_core::details::Details;
use sio_core::engine::{Close, CloseReason, Opened, Session, TransportKind};
use sio_core::id::{RequestId, Sid, SocketId};
use sio_core::packet::Fault;
use sio_core::socket::{AckError, Event, SocketKey};
use sio_core::time::Instant;
use smallvec::SmallVec;

use crate::deadlines::State;
use crate::endpoint::Endpoint;
use crate::endpoint::handshake::Handshake;
use crate::error::ConnectionError;
use crate::handle::{EngineServer, EngineSocket, Io};
use crate::handler::ack::Token;
use crate::log::{Span, debug, error, trace, warn};
use crate::mailbox::Took;
use crate::mailbox::local_queue::{self, Seated};
use crate::mailbox::task_handle::{Change, Command, Posted, Request, Said, TaskHandle, data_size};
use crate::runtime::Runtime;
use crate::sync::one_shot::Answer;
use crate::sync::wait_group::Counted;
use crate::websocket;

use entering::Entering;
use plain::Plain;
use running::{Job, Running};
pub(crate) use running::{Kept, guarded, let_go};
use sockets::Sockets;
use timer::Timer;
use transport::Transport;

/// One connection's task.
pub(crate) struct Task<R: Runtime> {
    runtime: R,
    span: Span,
    link: Arc<TaskHandle>,
    connection: Connection<Token>,
    upper: Upper,
    /// The clock as of this turn.
    now: Instant,
    transport: Transport,
    exchanges: SmallVec<[(RequestId, Answer<Said>); 1]>,
    running: Option<Box<Running>>,
    /// What it was told and has not carried out.
    inbox: VecDeque<Command>,
    timer: Timer<R>,
    /// What may still be taken in before others run.
    allowance: u32,
    phase: Phase,
    /// Counts among the host's connections until everything is wound up.
    counted: Option<Counted>,
    /// Counts among those that joined no namespace yet.
    pending: Option<Counted>,
    /// Random bytes for the id of its first socket, drawn together with the session's: each draw is a
    /// system call.
    spare: Option<[u8; 15]>,
}

enum Upper {
    SocketIo(Box<Sockets>),
    Engine(Box<Plain>),
}

/// What to speak over a new session.
pub(crate) enum Application {
    SocketIo(Io),
    Engine(EngineServer),
}

/// What a new session speaks.
enum Spoken<'a> {
    SocketIo(Io),
    Engine(&'a EngineServer),
}

impl Application {
    fn spoken(&self) -> Spoken<'_> {
        match self {
            Self::SocketIo(io) => Spoken::SocketIo(io.clone()),
            Self::Engine(server) => match server.spoken() {
                Some(io) => Spoken::SocketIo(io),
                None => Spoken::Engine(server),
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not polled yet.
    New,
    Open,
    /// The session is over; handlers may still run.
    Closed,
}

// Each has its lines in the table of what ends it. What is over has handlers, or WebSockets to be closed.
const _: fn(Phase) -> &'static [State] = |phase| match phase {
    // Polled at once.
    Phase::New => &[],
    Phase::Open => &[State::Opening, State::Open, State::Paused],
    Phase::Closed => &[State::Handler, State::Plain, State::Closing],
};

/// Turns that a connection takes before it lets others run.
const TURNS: usize = 16;

/// What a connection takes in before it lets others run: bytes, and for each message [`MESSAGE`] more.
///
/// Whatever runtime there is beside, a message of the largest size comes on top at most. tokio looks for
/// what has arrived after 61 polls, while there are tasks to run: as many of these are 8 MB, some 10 ms.
const ALLOWANCE: u32 = 128 * 1024;

/// What a message costs beside its bytes, in bytes that are read instead.
const MESSAGE: usize = 256;

/// How a session was asked for.
pub(crate) struct OpenRequest {
    /// The id that the application has made, if it does.
    pub(crate) sid: Option<Sid>,
    pub(crate) opened: Opened,
    pub(crate) handshake: Handshake,
    pub(crate) counted: Counted,
    pub(crate) pending: Counted,
}

impl<R: Runtime> Task<R> {
    /// A new session, registered under an id of its own. It lives as long as this does. `None`: there is
    /// one with the id that was asked for.
    pub(crate) fn new(
        runtime: R,
        host: &Arc<Endpoint>,
        application: &Application,
        asked: OpenRequest,
    ) -> Option<Self> {
        let now = runtime.now();
        let OpenRequest {
            sid,
            opened,
            handshake,
            counted,
            pending,
        } = asked;
        let mut spare = None;
        let link = loop {
            // An id of the application's making is taken or not; one of ours is made again.
            let (sid, last) = match &sid {
                Some(sid) => (sid.clone(), true),
                None => {
                    let mut random = [[0; 15]; 2];
                    runtime.random(random.as_flattened_mut());
                    let [random, rest] = random;
                    spare = Some(rest);
                    (Sid::from_random(random), false)
                }
            };
            let link = TaskHandle::new(host.clone(), sid, opened.revision, opened.transport);
            let link = Arc::new(link);
            if host.registry.insert(link.clone()) {
                break link;
            }
            if last {
                return None;
            }
        };
        let span = Span::connection(link.sid(), opened.transport, handshake.address);
        let config = host.config.clone();
        let session = Session::new(now, link.sid().clone(), opened, config.clone());
        let handshake = Arc::new(handshake);
        let (connection, upper) = match application.spoken() {
            Spoken::SocketIo(io) => {
                let sockets = Sockets::new(io, handshake);
                let mut connection = Connection::engine(session, config);
                connection.speak_socket_io_by(now, sockets.io.codec());
                (connection, Upper::SocketIo(Box::new(sockets)))
            }
            Spoken::Engine(server) => {
                let socket = EngineSocket::new(link.clone(), handshake);
                let plain = Plain::new(socket, server.handlers());
                (
                    Connection::engine(session, config),
                    Upper::Engine(Box::new(plain)),
                )
            }
        };
        // Plain Engine.IO has no namespace to join: it never counts as pending.
        let pending = matches!(upper, Upper::SocketIo(_)).then_some(pending);
        span.within(|| debug!("session opened"));
        Some(Self {
            runtime,
            span,
            link,
            connection,
            upper,
            now,
            transport: Transport::default(),
            exchanges: SmallVec::new(),
            running: None,
            inbox: VecDeque::new(),
            timer: Timer::new(),
            allowance: 0,
            phase: Phase::New,
            counted: Some(counted),
            pending,
            spare,
        })
    }

    pub(crate) fn link(&self) -> &Arc<TaskHandle> {
        &self.link
    }

    /// Gives it the WebSocket it was opened by.
    pub(crate) fn attach(&mut self, transport: Box<dyn websocket::Transport>) {
        self.transport.attach(transport);
    }

    fn host(&self) -> &Endpoint {
        self.link.endpoint()
    }

    fn running(&self) -> usize {
        let running = self.running.as_ref();
        running.map_or(0, |running| running.jobs.len())
    }

    fn keep(&mut self, job: Job) {
        self.running.get_or_insert_default().push(job);
    }

    /// An id for a socket.
    fn socket_id(&mut self) -> SocketId {
        let random = self.spare.take().unwrap_or_else(|| {
            let mut random = [0; 15];
            self.runtime.random(&mut random);
            random
        });
        SocketId::from_random(random)
    }

    /// Speaks Socket.IO from now on, if it spoke nothing above Engine.IO so far.
    fn adopt(&mut self, io: Io) {
        let Upper::Engine(plain) = &mut self.upper else {
            return;
        };
        if self.phase == Phase::Closed {
            return;
        }
        let Some(handed_over) = io.take_over(&self.link) else {
            self.connection.shut_down(self.now);
            return;
        };
        self.counted = self.counted.take().map(|it| it.with(handed_over));
        self.connection.speak_socket_io_by(self.now, io.codec());
        // What waited for its handler was meant for what is spoken now.
        for data in plain.take_waiting() {
            self.connection.handle_message(self.now, data);
        }
        let sockets = Sockets::new(io, plain.handshake().clone());
        self.upper = Upper::SocketIo(Box::new(sockets));
    }

    /// Calls something of the application's that watches. One that panics is not worth a connection.
    fn tell_watcher(&self, call: impl FnOnce()) {
        if let Err(_panic) = guarded(call) {
            error!(why = %_panic.0, "handler panicked");
        }
    }

    /// Something of the application's has panicked: this connection is closed, no other.
    fn abandon(&mut self) {
        self.connection.close(self.now, Close::Discard);
    }

    /// One turn. `true`: there is more to do at once. Else whatever comes next wakes the task: a second
    /// look at all that was just looked at would cost a tenth of a message.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        self.now = self.runtime.now();
        let mut busy = false;
        let due = self.is_due();
        self.note_unwritten();
        self.take();
        self.work(cx);
        busy |= self.receive(cx);
        let held = self.is_over_waiting_limit();
        let ended = self.continue_running(cx);
        busy |= ended;
        if due {
            // Whatever has come by now has come in time.
            self.expire();
        }
        // What the handlers of this turn emitted leaves with it.
        self.take_more();
        let attached = self.transport.is_attached();
        // Else there is nothing: what was received has been worked on.
        if ended || due || !self.inbox.is_empty() {
            self.work(cx);
        }
        self.answer_requests();
        // From one that came just now is to be read.
        busy |= !attached && self.transport.is_attached();
        busy |= self.transmit(cx);
        // So it is from one that was left alone, if what waited has left.
        busy |= held && !self.is_over_waiting_limit();
        busy |= self.finish(cx);
        self.dismiss_departed(cx);
        self.note_queued();
        busy
    }

    /// Whether a deadline has come.
    fn is_due(&mut self) -> bool {
        self.timer.may_be_due(self.now) && {
            let deadline = self.connection.poll_timeout();
            deadline.is_some_and(|deadline| deadline.at <= self.now)
        }
    }

    /// Sets the timer. `true`: something is due already. `same`: the waker is the one of the last time.
    fn arm(&mut self, cx: &mut Context<'_>, same: bool) -> bool {
        let next = self.connection.poll_timeout().map(|deadline| deadline.at);
        let closing = self.transport.closes_by();
        let departed = self.departed_until();
        let first = closing.into_iter().chain(next).chain(departed).min();
        self.timer.arm(cx, &self.runtime, self.now, first, same)
    }

    /// Tells those who emit how much waits.
    fn note_queued(&self) {
        let session = self.connection.session();
        let (bytes, packets) = (session.queued_bytes(), session.backlog_packets());
        self.link.mailbox().set_session(bytes, packets);
    }

    /// Acts on deadlines that have come.
    fn expire(&mut self) {
        self.connection.handle_late(self.now);
        self.connection.handle_timeout(self.now);
        // Heartbeats come to the idle too: the time to give back what a burst has left.
        if self.inbox.is_empty() {
            self.inbox = VecDeque::new();
        }
        self.link.mailbox().shrink();
    }

    /// Counts what is taken in against what may be before others run.
    fn spend(&mut self, bytes: usize) {
        let cost = u32::try_from(bytes.saturating_add(MESSAGE)).unwrap_or(u32::MAX);
        self.allowance = self.allowance.saturating_sub(cost);
    }

    /// Whether others are to run before more is taken in.
    const fn is_spent(&self) -> bool {
        self.allowance == 0
    }

    /// Takes what was told, if anything was: first what its own handlers said, then the rest.
    fn take(&mut self) {
        local_queue::take(&self.link, &mut self.inbox);
        let overflowed = self.link.mailbox().swap(&mut self.inbox);
        self.overflow(overflowed);
    }

    /// Like `take`, without a lock where nothing was told.
    fn take_more(&mut self) {
        local_queue::take(&self.link, &mut self.inbox);
        if self.link.mailbox().is_waiting() {
            self.take();
        }
    }

    /// Like `take`; if nothing was told, whoever tells something next wakes this task.
    fn take_or_sleep(&mut self, cx: &mut Context<'_>) -> Took {
        local_queue::take(&self.link, &mut self.inbox);
        let mailbox = self.link.mailbox();
        let took = mailbox.swap_or_sleep(&mut self.inbox, cx.waker());
        self.overflow(took == Took::Overflowed);
        if self.inbox.is_empty() {
            took
        } else {
            Took::Some
        }
    }

    fn overflow(&mut self, overflowed: bool) {
        if overflowed && self.phase != Phase::Closed {
            debug!("backlog full");
            self.connection.fail(self.now, CloseReason::TransportError);
        }
    }

    /// Carries out what was told and tells the application what has happened, until there is no more of
    /// either.
    ///
    /// What a handler says is carried out before the next event is looked at: that one may be of a socket
    /// that was just disconnected, or end the session, and answers must not pile up behind it.
    fn work(&mut self, cx: &mut Context<'_>) {
        loop {
            self.carry_out(cx);
            let over = self.is_over_waiting_limit();
            self.connection.pause(self.now, over);
            let posted = self.connection.session().is_reading();
            if posted && self.is_spent() {
                // The rest of a POST: when others have run.
                break;
            }
            if let Some(event) = self.connection.poll_event(self.now) {
                if posted {
                    self.spend(event_size(&event));
                }
                self.event(cx, event);
                self.take_more();
            } else if self.inbox.is_empty() {
                break;
            }
        }
        // Memory for a burst is not kept for ever.
        if self.inbox.is_empty() && self.inbox.capacity() > KEEP {
            self.inbox = VecDeque::new();
        }
    }

    /// Carries out what was told, up to and with what handlers hear of before anything else: packets of a
    /// client, and that it is to go.
    fn carry_out(&mut self, cx: &mut Context<'_>) {
        while let Some(command) = self.inbox.pop_front() {
            let brings_events = command.brings_events();
            if command.is_request() {
                self.receive_before_request(cx);
            }
            if let Command::Cast {
                socket,
                batch,
                flags,
            } = command
            {
                self.cast(cx, socket, batch.run(), flags);
                continue;
            }
            self.command(command);
            if brings_events {
                break;
            }
            self.relieve(cx);
        }
    }

    fn command(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Poll {
                id,
                revision,
                answer,
            } => {
                self.exchanges.push((id, answer));
                self.connection.handle_poll(now, id, revision);
                // What it is behind with this counts for what it is told next.
                self.answer_requests();
                self.settle();
            }
            Command::Post {
                id,
                revision,
                posted,
            } => {
                let Posted { post, answer } = *posted;
                self.exchanges.extend(answer.map(|answer| (id, answer)));
                self.connection.handle_post(now, id, revision, post);
                self.settle();
            }
            Command::Aborted(id) => self.connection.handle_aborted(now, id),
            Command::WebSocket {
                revision,
                base64,
                transport,
            } => {
                if !self.transport.is_attached()
                    && self.connection.handle_ws_open(now, revision, base64)
                {
                    self.transport.attach(transport);
                    self.settle();
                } else {
                    let until = self.close_by();
                    self.transport.dismiss(transport, None, until);
                }
            }
            Command::Deliver {
                socket,
                packet,
                flags,
            } => {
                let _ = self.connection.deliver(now, socket, packet, flags);
            }
            Command::Request(request) => {
                let Request {
                    socket,
                    id,
                    packet,
                    flags,
                    token,
                    timeout,
                } = *request;
                // Its time is not what this turn has taken so far, a handler that computed before it asked.
                self.now = self.runtime.now();
                let asked = self
                    .connection
                    .request(self.now, socket, id, packet, flags, token, timeout);
                if let Err((error, token)) = asked {
                    if error == AckError::Disconnected {
                        self.set_disconnected(socket);
                    }
                    token.settle(Err(error.into()));
                }
            }
            Command::Respond { ticket, packet } => {
                let _ = self.connection.respond(now, ticket, packet);
            }
            Command::Disconnect { socket, close } => {
                if close {
                    self.connection.disconnect_all(now);
                } else {
                    self.connection.disconnect(now, socket);
                }
            }
            Command::Send { data, flags } => {
                let _ = self.connection.send(now, &data, flags);
            }
            Command::Close(how) => self.connection.close(now, how),
            Command::Become(Change::ShutDown) => self.connection.shut_down(now),
            Command::Become(Change::Adopt(io)) => self.adopt(io),
            // Carried out by `cast`.
            Command::Cast { .. } | Command::Evicted => {}
        }
    }

    /// The client may have turned out to be one that is here to stay.
    fn settle(&mut self) {
        if !self.connection.is_pending() {
            self.pending = None;
        }
    }

    /// Whether nothing more is read until some of what it holds has gone.
    fn is_over_waiting_limit(&self) -> bool {
        // Of one that is broken nothing more is read, so its silence is not ours.
        !self.transport.is_broken() && self.account().is_full() && self.phase != Phase::Closed
    }

    /// Tells the application what has happened.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not of the connection is of one of its sockets, and matched there"
    )]
    fn event(&mut self, cx: &mut Context<'_>, event: Event<Token>) {
        match event {
            Event::Data(data) => self.plain_message(cx, data),
            Event::Upgraded => {
                debug!("upgraded");
                self.link.set_upgraded();
                for watcher in self.link.upgrade_watchers() {
                    self.tell_watcher(|| watcher(TransportKind::WebSocket));
                }
            }
            Event::Malformed(Fault::Panicked) => error!("parser panicked"),
            Event::Malformed(_fault) => {
                debug!(fault = ?_fault, "not a packet");
            }
            Event::Unwritten(_why) => warn!(why = %_why, "not written"),
            Event::Closed(reason) => {
                let details = self.connection.details();
                let _why = details
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                debug!(%reason, details = _why, "session closed");
                if let Some(details) = &details {
                    self.tell_of_limit(details);
                }
                self.phase = Phase::Closed;
                self.pending = None;
                if let Some(watchers) = self.link.set_closed() {
                    for watcher in &watchers.close {
                        self.tell_watcher(|| watcher(reason));
                    }
                    let _ = let_go(watchers);
                }
                self.host().registry.remove(&self.link);
                match &mut self.upper {
                    Upper::SocketIo(sockets) => sockets.close(),
                    Upper::Engine(_) => self.plain_closed(cx, reason, details),
                }
                self.stop_deciding(cx, None);
                self.depart(cx);
                trace!(account = ?self.account(), "left behind");
            }
            Event::Undecided { socket } => self.stop_deciding(cx, Some(socket)),
            event => self.socket_event(cx, event),
        }
    }

    /// The session ends for something that its client did, or did not do: whoever hears of refused requests
    /// hears of it.
    fn tell_of_limit(&self, details: &Details) {
        let Some(hook) = self.host().hooks.connection_error.get() else {
            return;
        };
        let handshake = match &self.upper {
            Upper::SocketIo(sockets) => &sockets.handshake,
            Upper::Engine(plain) => plain.handshake(),
        };
        let status = if let Details::Violation(violation) = details {
            violation.status()
        } else {
            http::StatusCode::BAD_REQUEST
        };
        let error = ConnectionError {
            status,
            code: None,
            message: details.to_string(),
            request: format!("GET {}", handshake.url),
            headers: handshake.headers.to_map(),
        };
        self.tell_watcher(|| hook(&error));
    }

    /// Drops what decides over a namespace, of one socket or of all: nobody waits for it any more.
    fn stop_deciding(&mut self, cx: &mut Context<'_>, socket: Option<SocketKey>) {
        if let Some(sockets) = self.sockets() {
            let asks = |wish: &Entering| socket.is_none_or(|socket| wish.ticket.socket() == socket);
            sockets.entering.retain(|wish| !asks(wish));
        }
        self.drop_jobs(cx, |job| job.decides_over(socket));
    }

    /// Drops handlers in flight where they wait.
    fn drop_jobs(&mut self, cx: &mut Context<'_>, which: impl Fn(&Job) -> bool) {
        let Some(running) = &mut self.running else {
            return;
        };
        if !running.jobs.iter().any(&which) {
            return;
        }
        running.bytes = 0;
        for job in std::mem::take(&mut running.jobs) {
            if which(&job) {
                job.turn_away();
            } else {
                self.keep(job);
            }
        }
        // Those that are left must know again whom to wake.
        self.continue_running(cx);
    }

    /// Lets handlers go on that waited.
    fn continue_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(running) = &mut self.running {
            match running.jobs.poll_next_unpin(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    self.running = None;
                    break;
                }
                Poll::Ready(Some(done)) => {
                    any = true;
                    running.bytes = running.bytes.saturating_sub(done.bytes());
                    self.done(cx, done);
                }
            }
        }
        any
    }

    fn answer_requests(&mut self) {
        let mut any = false;
        while let Some((id, reply)) = self.connection.poll_http() {
            any = true;
            let at = self.exchanges.iter().position(|(its, _)| *its == id);
            // One that was aborted is answered too; nobody reads it.
            if let Some(at) = at {
                let said = Said::new(&self.link, reply);
                self.exchanges.swap_remove(at).1.give(said);
            }
        }
        if any {
            // What has left the queue is among what is unwritten now, and counts once.
            self.note_queued();
        }
        self.note_unwritten();
    }

    /// What was written meanwhile is no backlog any more.
    fn note_unwritten(&mut self) {
        let mailbox = self.link.mailbox();
        let (now, unwritten) = (self.now, mailbox.unwritten());
        self.connection.handle_unwritten(now, unwritten);
        mailbox.count_unwritten(self.connection.session().counts_unwritten());
    }

    fn is_over(&self) -> bool {
        self.counted.is_none() && self.phase == Phase::Closed && self.running() == 0
    }
}

/// The bytes that an event brings.
fn event_size(event: &Event<Token>) -> usize {
    if let Event::Message { args, .. } = event {
        args.size()
    } else if let Event::Data(data) = event {
        data_size(data)
    } else {
        0
    }
}

/// Commands for which the batch's memory is kept from turn to turn.
const KEEP: usize = 64;

impl<R: Runtime> Unpin for Task<R> {}

impl<R: Runtime> Future for Task<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let span = self.span.clone();
        let _seated = Seated::at(&self.link);
        let was_closed = self.phase == Phase::Closed;
        match guarded(|| span.within(|| self.turns(cx))) {
            Ok(poll) => poll,
            // Nothing of the application's is called unguarded. Were it forgotten somewhere, its sockets leave
            // all the same, and hear of it.
            Err(_panic) => {
                span.within(|| error!(why = %_panic.0, "connection panicked"));
                if was_closed {
                    return Poll::Ready(());
                }
                self.abandon();
                self.timer.unset();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<R: Runtime> Task<R> {
    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.phase == Phase::New {
            self.phase = Phase::Open;
            self.plain_opened(cx);
        }
        self.allowance = ALLOWANCE;
        for _ in 0..TURNS {
            let busy = self.turn(cx);
            if self.is_spent() {
                break;
            }
            if busy {
                continue;
            }
            if self.is_over() {
                return Poll::Ready(());
            }
            let same = match self.take_or_sleep(cx) {
                Took::Some | Took::Overflowed => continue,
                Took::Nothing { same_waker } => same_waker,
            };
            if !self.arm(cx, same) {
                return Poll::Pending;
            }
        }
        // Others first. The sleep was not set for what this has brought about.
        self.timer.unset();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Task<R> {
    /// However the task ends (done, dropped with its runtime, a bug in it), nothing of the connection
    /// remains.
    fn drop(&mut self) {
        let _ = let_go(self.link.set_closed());
        self.host().registry.remove(&self.link);
        if let Upper::SocketIo(sockets) = &self.upper {
            for seat in &sockets.seats {
                seat.socket.exit();
            }
        }
        let _ = let_go(self.link.mailbox().close());
    }
}
