//! The task of one connection: it owns the connection's machine, its WebSocket, its timer and its
//! handlers in flight.

mod account;
mod departed;
mod dispatcher;
mod jobs;
mod machine;
#[cfg(test)]
mod opening;
mod plain;
mod refused;
mod report;
#[cfg(test)]
mod shape;
mod socket_state;
mod speaker;
mod timer;
mod transport;
mod turn;
mod waits;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sio_core::engine::{Close, Opened, Session};
use sio_core::id::{RequestId, Sid};
use sio_core::time::Instant;
use smallvec::SmallVec;

use crate::deadlines::State;
use crate::endpoint::Endpoint;
use crate::endpoint::admission::OpenSession;
use crate::endpoint::handshake::Handshake;
use crate::handle::{EngineServer, EngineSocket, HandedOver, Io};
use crate::log::{Span, debug, error};
use crate::mailbox::command::Command;
use crate::mailbox::local_queue::Seated;
use crate::mailbox::reply::Said;
use crate::mailbox::task_handle::TaskHandle;
use crate::metrics::Tally;
use crate::runtime::Runtime;
use crate::sync::one_shot::Answer;
use crate::websocket;

use crate::sync::guard::{guarded, let_go};
pub(crate) use jobs::Guarded;
use jobs::Jobs;
use machine::Machine;
use plain::Plain;
use timer::Timer;
use transport::Transport;

/// One connection's task.
pub(crate) struct Task<R: Runtime> {
    runtime: R,
    span: Span,
    endpoint: Arc<Endpoint>,
    handle: Arc<TaskHandle>,
    machine: Machine,
    /// The clock as of this turn.
    now: Instant,
    transport: Transport,
    exchanges: SmallVec<[(RequestId, Answer<Said>); 1]>,
    jobs: Jobs,
    /// What it was told and has not carried out.
    inbox: VecDeque<Command>,
    timer: Timer<R>,
    /// What may still be taken in before others run.
    allowance: u32,
    phase: Phase,
    tally: Tally,
    /// Counts among the endpoint's sessions until everything is wound up.
    admitted: Option<Admitted>,
    /// Random bytes for the id of its first socket, drawn together with the session's: each draw is a
    /// system call.
    spare: Option<[u8; 15]>,
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

/// How a session was asked for.
pub(crate) struct OpenRequest {
    /// The id that the application has made, if it does.
    pub(crate) sid: Option<Sid>,
    pub(crate) opened: Opened,
    pub(crate) handshake: Handshake,
    pub(crate) admitted: OpenSession,
}

/// Where a session counts.
enum Admitted {
    /// Among those of its endpoint.
    Here(OpenSession),
    /// Among those of another server, too, which it was handed over to.
    HandedOver(Box<(OpenSession, HandedOver)>),
}

impl Admitted {
    fn settle(&mut self) {
        match self {
            Self::Here(session) => session.settle(),
            Self::HandedOver(both) => both.0.settle(),
        }
    }
}

impl<R: Runtime> Task<R> {
    /// A new session, registered under an id of its own. It lives as long as this does. `None`: there is
    /// one with the id that was asked for.
    pub(crate) fn new(
        runtime: R,
        endpoint: &Arc<Endpoint>,
        application: &Application,
        asked: OpenRequest,
    ) -> Option<Self> {
        let now = runtime.now();
        let OpenRequest {
            sid,
            opened,
            handshake,
            mut admitted,
        } = asked;
        let mut spare = None;
        let handle = loop {
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
            let handle = TaskHandle::new(
                endpoint.common.clone(),
                sid,
                opened.revision,
                opened.transport,
            );
            let handle = Arc::new(handle);
            if endpoint.sessions.insert(handle.clone()) {
                break handle;
            }
            if last {
                return None;
            }
        };
        let span = Span::connection(handle.sid(), opened.transport, handshake.address);
        let config = endpoint.config.clone();
        let sid = handle.sid().clone();
        let handshake = Arc::new(handshake);
        let machine = match application.spoken() {
            Spoken::SocketIo(io) => {
                Machine::speaking(now, sid, opened, config, io, handshake, &handle)
            }
            Spoken::Engine(server) => {
                let session = Session::new(now, sid, opened, config);
                let socket = EngineSocket::new(handle.clone(), handshake);
                let plain = Plain::new(socket, server.handlers());
                Machine::Engine {
                    session,
                    plain: Box::new(plain),
                }
            }
        };
        if !machine.is_pending() {
            // Plain Engine.IO has no namespace to join.
            admitted.settle();
        }
        span.within(|| debug!("session opened"));
        Some(Self {
            runtime,
            span,
            endpoint: endpoint.clone(),
            handle,
            machine,
            now,
            transport: Transport::default(),
            exchanges: SmallVec::new(),
            jobs: Jobs::default(),
            inbox: VecDeque::new(),
            timer: Timer::new(),
            allowance: 0,
            phase: Phase::New,
            tally: Tally::of(&endpoint.common.meter),
            admitted: Some(Admitted::Here(admitted)),
            spare,
        })
    }

    pub(crate) fn handle(&self) -> &Arc<TaskHandle> {
        &self.handle
    }

    /// Gives it the WebSocket it was opened by.
    pub(crate) fn attach(&mut self, transport: Box<dyn websocket::Transport>) {
        self.transport.attach(transport);
    }

    fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Something of the application's has panicked: this connection is closed, no other.
    fn abandon(&mut self) {
        self.machine.close(self.now, Close::Discard);
    }
}

impl<R: Runtime> Unpin for Task<R> {}

impl<R: Runtime> Future for Task<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let span = self.span.clone();
        let _seated = Seated::at(self.handle.mailbox());
        let was_closed = self.phase == Phase::Closed;
        match guarded(|| span.within(|| self.counted_turns(cx))) {
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

impl<R: Runtime> Drop for Task<R> {
    /// However the task ends (done, dropped with its runtime, a bug in it), nothing of the connection
    /// remains.
    fn drop(&mut self) {
        let _ = let_go(self.handle.set_closed());
        self.endpoint().sessions.remove(&self.handle);
        if let Some(dispatcher) = self.machine.dispatcher() {
            for socket in dispatcher.sockets() {
                socket.exit();
            }
        }
        self.machine.give_log();
        let _ = let_go(self.handle.mailbox().close());
    }
}
