//! The task of a client: one, with one timer.

mod calls;
mod dispatch;
mod jobs;
mod known;
mod turn;
pub(super) mod wire;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::client::{Dial, Event, Status as Phase};
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

use super::clocks::Clocks;
use super::dialer::Dialer;
use super::error::ConnectError;
use super::http::{Http, Way};
use super::inner::{Alive, Face, Shared, Token};
use super::status::Status;
use crate::alarm::Alarm;
use crate::log::error;
use crate::sync::BoxFuture;
use crate::sync::guard::{guarded, let_go};

use jobs::{Jobs, Waiting};
use known::Known;
use wire::Wires;

/// What a client's task is told beside the machine.
pub(super) struct Plan<R: Dialer> {
    pub(super) way: Arc<Way<R>>,
    pub(super) dial: Arc<Dial>,
    /// Handlers that may have not ended.
    pub(super) max_running: usize,
}

/// A runtime as a client's handles see it.
pub(super) struct Carrier<R: Dialer> {
    runtime: R,
    plan: Plan<R>,
}

/// The task of a client.
pub(super) struct Task<R: Dialer> {
    runtime: R,
    plan: Plan<R>,
    shared: Arc<Shared>,
    alive: Weak<Alive>,
    http: Http<R>,
    wires: Wires,
    jobs: Jobs,
    /// What the machine has told and is not handled yet.
    events: VecDeque<Event<Token>>,
    /// A copy of what the handles share, in the order of the machine's keys.
    sockets: Vec<Known>,
    /// Events of sockets whose handlers run one after another.
    waiting: Vec<(SocketKey, Waiting)>,
    /// How often in a row sockets were refused, and when they ask again.
    refused: Vec<(SocketKey, u32, Option<Instant>)>,
    /// Which attempt to dial again the connection is of.
    attempt: u32,
    /// What the connection was doing when that was told last.
    phase: Phase,
    /// What went wrong at last.
    error: Option<Box<ConnectError>>,
    alarm: Alarm<R>,
    clocks: Clocks,
    /// Whether there was a heartbeat, and nothing else since.
    idle: bool,
    /// It was told to close: by then it is closed.
    closing: Option<Instant>,
    /// The machine is closed; by then all else is to be.
    closed: Option<Instant>,
}

impl<R: Dialer> Clone for Plan<R> {
    fn clone(&self) -> Self {
        Self {
            way: self.way.clone(),
            dial: self.dial.clone(),
            max_running: self.max_running,
        }
    }
}

impl<R: Dialer> Carrier<R> {
    pub(super) const fn new(runtime: R, plan: Plan<R>) -> Self {
        Self { runtime, plan }
    }
}

impl<R: Dialer> Face for Carrier<R> {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        Box::pin(self.runtime.sleep_until(self.runtime.now() + time))
    }

    fn start(&self, shared: Arc<Shared>, alive: &Arc<Alive>) {
        let alive = Arc::downgrade(alive);
        let (runtime, plan) = (self.runtime.clone(), self.plan.clone());
        self.runtime.spawn(Task::new(runtime, plan, shared, alive));
    }
}

impl<R: Dialer> Task<R> {
    pub(super) fn new(runtime: R, plan: Plan<R>, shared: Arc<Shared>, alive: Weak<Alive>) -> Self {
        let mut secret = [0; 16];
        runtime.random(&mut secret);
        Self {
            http: Http::new(plan.way.clone()),
            wires: Wires::new(secret),
            jobs: Jobs::default(),
            events: VecDeque::new(),
            sockets: Vec::new(),
            waiting: Vec::new(),
            refused: Vec::new(),
            attempt: 0,
            phase: Phase::Idle,
            error: None,
            alarm: Alarm::new(),
            clocks: Clocks::new(&runtime),
            idle: false,
            closing: None,
            closed: None,
            runtime,
            plan,
            shared,
            alive,
        }
    }

    /// What is due first.
    fn deadline(&self) -> Option<Instant> {
        let machine = self.shared.lock().machine.poll_timeout().map(|it| it.at);
        let again = self.refused.iter().filter_map(|(_, _, at)| *at).min();
        [
            machine,
            again,
            self.http.deadline(),
            self.wires.deadline(),
            self.closed,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Sets the sleep. `true`: something is due.
    fn arm(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.deadline() else {
            return false;
        };
        if at <= self.runtime.now() {
            return true;
        }
        self.alarm.set(cx, &self.runtime, at)
    }

    /// Sleeps, unless something has happened meanwhile.
    fn rests(&mut self, cx: &mut Context<'_>) -> bool {
        if self.arm(cx) {
            return false;
        }
        let idle = std::mem::take(&mut self.idle);
        if idle {
            self.shrink();
        }
        let mut state = self.shared.lock();
        if std::mem::take(&mut state.touched) {
            return false;
        }
        if idle {
            state.machine.shrink();
        }
        state.sleeper = Some(cx.waker().clone());
        true
    }

    /// Gives back what more needed that was than what is.
    fn shrink(&mut self) {
        self.events.shrink_to_fit();
        self.sockets.shrink_to_fit();
        self.waiting.shrink_to_fit();
        self.refused.shrink_to_fit();
        self.http.shrink();
        self.wires.shrink();
        self.jobs.shrink();
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            let any = self.turn(cx);
            if self.is_over() {
                return Poll::Ready(());
            }
            if !any && self.rests(cx) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// All is over, and nothing is left.
    fn is_over(&self) -> bool {
        self.closed.is_some()
            && self.events.is_empty()
            && self.wires.is_empty()
            && self.jobs.is_empty()
    }
}

/// Turns before others get theirs.
const TURNS: usize = 16;

impl<R: Dialer> Future for Task<R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match guarded(|| this.turns(cx)) {
            Ok(poll) => poll,
            // Streams may be the application's. Nobody knows what was half done: it is over.
            Err(_panic) => {
                error!(why = %_panic.0, "client panicked");
                Poll::Ready(())
            }
        }
    }
}

// What is pinned in it has boxes of its own.
impl<R: Dialer> Unpin for Task<R> {}

impl<R: Dialer> Drop for Task<R> {
    /// It has ended, or its runtime has, or a panic has ended it: one of what is left does not keep the rest.
    fn drop(&mut self) {
        let shared = self.shared.clone();
        let now = self.runtime.now();
        let untold = guarded(|| {
            let machine = &mut shared.lock().machine;
            machine.close(now);
            std::iter::from_fn(|| machine.poll_event()).collect::<Vec<_>>()
        });
        // Whoever waits for an answer hears that there is none.
        let _ = let_go(untold);
        let (sockets, room) = {
            let mut state = shared.lock();
            let sockets = std::mem::take(&mut state.sockets);
            (sockets, std::mem::take(&mut state.room))
        };
        drop(room);
        let _ = guarded(|| shared.give_log());
        shared.board.post(Status::Closed);
        shared.gone.raise();
        // Who was told above may have made more, which nobody does from here on.
        let late = std::mem::take(&mut shared.lock().sockets);
        let all = sockets.iter().chain(&late);
        all.for_each(|socket| {
            let _ = guarded(|| socket.let_go());
        });
        let _ = guarded(|| shared.make_hooks().close());
    }
}
