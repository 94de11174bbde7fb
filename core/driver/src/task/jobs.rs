//! Handlers of a connection that have not ended.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use sio_core::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sio_core::packet::{Args, Name};
use sio_core::socket::{ConnectTicket, SocketKey};

use super::departed::{self, Departed};
use super::dispatcher::PendingConnect;
use super::refused;
use super::waits::Waits;
use crate::deadlines::State;
use crate::error::{Denial, Failure};
use crate::event::{Progress, Started};
use crate::handle::{Callback, Coming, Door, Incoming, Invocation, Socket};
use crate::mailbox::command::Wait;
use crate::mailbox::held::{Answered, Charge, Held};
use crate::sync::BoxFuture;
use crate::sync::guard::{Panic, guarded, let_go};
use crate::sync::one_shot::{Answer, Waiting};

/// All of a connection. Few have any.
#[derive(Default)]
pub(super) struct Jobs(Option<Box<Running>>);

#[derive(Default)]
struct Running {
    jobs: FuturesUnordered<Job>,
    /// Bytes that they hold of what the client has sent.
    bytes: usize,
    /// What they hold of what it has answered.
    answers: Held,
    /// Their end, once the client has gone.
    departed: Option<Departed>,
    /// What has to end before another one is started.
    held: Vec<Waiting<()>>,
    /// Who waits for room, or until something has left.
    waits: Waits,
}

/// What goes with jobs that are dropped.
pub(super) struct Lost {
    /// Whether handlers of plain messages are among them.
    pub(super) plain: bool,
    /// Whose events they had, and which.
    pub(super) events: Vec<(Socket, Name)>,
    /// Whose next events wait for those that are left, and whether they do in any case.
    pub(super) left: Vec<(SocketKey, bool)>,
}

/// A handler of a socket was called.
pub(super) enum Began {
    /// It ran to its end.
    Ended,
    /// It is kept.
    Waits,
    Failed(Failure),
    Panicked(Panic),
}

impl Jobs {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |running| running.jobs.len())
    }

    /// Bytes that they hold of what the client has sent.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |running| running.bytes)
    }

    /// Bytes that they hold of what it has answered.
    pub(super) fn answers(&self) -> usize {
        self.0.as_ref().map_or(0, |running| running.answers.bytes())
    }

    pub(super) fn push(&mut self, job: Job) {
        self.0.get_or_insert_default().push(job);
    }

    /// Calls a handler, which runs to its first await.
    pub(super) fn start(
        &mut self,
        cx: &mut Context<'_>,
        callback: &Callback,
        call: &Invocation,
    ) -> Began {
        call.event.begin();
        match begin(cx, || callback(call)) {
            Begun::Ended(Ok(Ok(()))) => Began::Ended,
            Begun::Ended(Ok(Err(failure))) => {
                refused::failed(call, &failure);
                Began::Failed(failure)
            }
            Begun::Ended(Err(panic)) => Began::Panicked(panic),
            Begun::Waits(future) => {
                let owner = Owner {
                    socket: call.socket.clone(),
                    name: call.event.name.clone(),
                    bytes: call.event.held(),
                };
                let future = refused::or_refused(call, future);
                self.push(Job::Handler(Guarded::new(future, owner)));
                Began::Waits
            }
        }
    }

    /// The next one that ends, of those that were woken.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Option<Done> {
        let running = self.0.as_mut()?;
        match running.jobs.poll_next_unpin(cx) {
            Poll::Pending => None,
            Poll::Ready(None) => {
                if running.held.is_empty() && running.waits.is_empty() {
                    self.0 = None;
                }
                None
            }
            Poll::Ready(Some(done)) => {
                running.bytes = running.bytes.saturating_sub(done.bytes());
                Some(done)
            }
        }
    }

    /// Lets no other one start until this has ended.
    pub(super) fn hold(&mut self, cx: &mut Context<'_>, mut until: Waiting<()>) {
        if Pin::new(&mut until).poll(cx).is_pending() {
            self.0.get_or_insert_default().held.push(until);
        }
    }

    /// Who waits, if there may be anybody.
    #[inline]
    pub(super) fn waits(&mut self) -> Option<&mut Waits> {
        self.0.as_mut().map(|running| &mut running.waits)
    }

    /// One more does.
    pub(super) fn wait(&mut self, wait: Wait) {
        self.0.get_or_insert_default().waits.push(wait);
    }

    /// One more waits until so much has left.
    pub(super) fn follow(&mut self, number: u64, answer: Answer<()>) {
        let waits = &mut self.0.get_or_insert_default().waits;
        waits.follow(number, answer);
    }

    pub(super) fn are_held(&self) -> bool {
        self.0.as_ref().is_some_and(|it| !it.held.is_empty())
    }

    /// Whether others may start now that could not.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.are_held() {
            return false;
        }
        if let Some(running) = &mut self.0 {
            let held = &mut running.held;
            held.retain_mut(|until| Pin::new(until).poll(cx).is_pending());
        }
        !self.are_held()
    }

    /// Whatever held them does not any more. Whether anything did.
    pub(super) fn free(&mut self) -> bool {
        let held = self.0.as_mut().map(|it| std::mem::take(&mut it.held));
        held.is_some_and(|held| !held.is_empty())
    }

    /// Drops jobs where they wait. `true`: those that are left must know again whom to wake.
    pub(super) fn drop_some(&mut self, which: impl Fn(&Job) -> bool) -> bool {
        let Some(running) = &mut self.0 else {
            return false;
        };
        if !running.jobs.iter().any(&which) {
            return false;
        }
        running.bytes = 0;
        for job in std::mem::take(&mut running.jobs) {
            if which(&job) {
                job.turn_away();
            } else {
                running.push(job);
            }
        }
        true
    }

    /// What goes if these are dropped.
    pub(super) fn lost(&self, which: impl Fn(&Job) -> bool) -> Lost {
        let jobs = self.0.iter().flat_map(|running| running.jobs.iter());
        let (dropped, left): (Vec<_>, Vec<_>) = jobs.partition(|job| which(job));
        Lost {
            plain: dropped.iter().any(|job| matches!(job, Job::Plain(_))),
            events: dropped.into_iter().filter_map(Job::event).collect(),
            left: left.into_iter().filter_map(Job::socket).collect(),
        }
    }

    /// An answer, counted as long as handlers that wait may hold it. `None`: they hold as much as they may.
    pub(super) fn charge(&self, args: Args, most: usize) -> Option<Answered> {
        match &self.0 {
            Some(running) => running.answers.charge(args, most),
            None => Some(Answered { args, charge: None }),
        }
    }

    /// The client has gone.
    pub(super) fn set_departed(&mut self, departed: Departed) {
        if let Some(running) = &mut self.0 {
            running.departed = Some(departed);
        }
    }

    pub(super) fn take_departed(&mut self) -> Option<Departed> {
        self.0.as_mut()?.departed.take()
    }

    /// When those whose client has gone must have ended.
    pub(super) fn departed_until(&self) -> Option<Instant> {
        let departed = self.0.as_ref()?.departed.as_ref()?;
        Some(departed.until())
    }

    /// Whether that has come. They are given as much again.
    pub(super) fn is_departed_over(&mut self, now: Instant) -> bool {
        let departed = self.0.as_mut().and_then(|it| it.departed.as_mut());
        let Some(departed) = departed.filter(|departed| departed.until() <= now) else {
            return false;
        };
        departed.renew(now);
        true
    }

    /// What they hold now, and so many bytes that wait for them.
    pub(super) fn count_departed(&mut self, waiting: usize) {
        if let Some(running) = &mut self.0
            && let Some(departed) = &mut running.departed
        {
            departed.count(running.bytes.saturating_add(waiting));
        }
    }

    /// The size from which on they are dropped, so that what is left holds no more than `share`.
    pub(super) fn too_large(&self, share: usize) -> usize {
        let jobs = self.0.iter().flat_map(|running| running.jobs.iter());
        departed::too_large(jobs.map(Job::bytes).collect(), share)
    }
}

impl Running {
    fn push(&mut self, job: Job) {
        self.bytes = self.bytes.saturating_add(job.bytes());
        self.jobs.push(job);
    }
}

/// Something of the application's that has not ended yet.
pub(super) enum Job {
    /// A handler of a socket.
    Handler(Guarded<Result<(), Failure>, Owner>),
    /// Parents, over a namespace that a client asks for and that is not there.
    Parents(Guarded<Option<Door>, Box<PendingConnect>>),
    /// Other nodes, over who a client was.
    Restores(Guarded<Option<Box<Coming>>, Box<(PendingConnect, Door)>>),
    /// The middlewares of a namespace, over a socket that wants to enter.
    Middlewares(Guarded<Result<(), Denial>, (ConnectTicket, Socket)>),
    /// The packet middlewares of a socket, over one event.
    PacketMiddlewares(Guarded<Result<Incoming, Denial>, Box<(SocketKey, Invocation)>>),
    /// A handler of a plain Engine.IO connection.
    Plain(Guarded<Result<(), Failure>, Message>),
}

// Each has its line in the table of what ends it.
const _: fn(&Job) -> State = |job| match job {
    Job::Handler(_) => State::Handler,
    Job::Parents(_) => State::Parents,
    Job::Restores(_) | Job::Middlewares(_) => State::Middlewares,
    Job::PacketMiddlewares(_) => State::PacketMiddlewares,
    Job::Plain(_) => State::Plain,
};

/// What came of it.
pub(super) enum Done {
    Handler(Owner, Result<Result<(), Failure>, Panic>),
    Parents(Box<PendingConnect>, Result<Option<Door>, Panic>),
    Restores(
        Box<(PendingConnect, Door)>,
        Result<Option<Box<Coming>>, Panic>,
    ),
    Middlewares((ConnectTicket, Socket), Result<Result<(), Denial>, Panic>),
    PacketMiddlewares(
        Box<(SocketKey, Invocation)>,
        Result<Result<Incoming, Denial>, Panic>,
    ),
    Plain(Message, Result<Result<(), Failure>, Panic>),
}

/// Whose handler it is, and of which event.
pub(super) struct Owner {
    pub(super) socket: Socket,
    pub(super) name: Name,
    /// Bytes of it that the handler holds.
    pub(super) bytes: usize,
}

/// What a plain handler was called with, by what it takes.
pub(super) struct Message {
    pub(super) bytes: usize,
}

/// A handler that was called and has run to its first await.
pub(super) enum Begun {
    Ended(Result<Result<(), Failure>, Panic>),
    Waits(BoxFuture<Result<(), Failure>>),
}

/// Calls a handler and lets it run to its first await.
pub(super) fn begin(cx: &mut Context<'_>, call: impl FnOnce() -> Started) -> Begun {
    match guarded(call) {
        Err(panic) => Begun::Ended(Err(panic)),
        Ok(Started(Progress::Done(result))) => Begun::Ended(Ok(result)),
        Ok(Started(Progress::Pending(mut future))) => match guarded(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Begun::Waits(future),
            Ok(Poll::Ready(result)) => {
                drop(Charge::taken());
                Begun::Ended(let_go(future).map(|()| result))
            }
            Err(panic) => {
                let _ = let_go(future);
                Begun::Ended(Err(panic))
            }
        },
    }
}

/// A future of the application's, and what to do with its result.
pub(crate) struct Guarded<T, K> {
    future: Option<BoxFuture<T>>,
    what: Option<K>,
    /// What it holds of answers.
    answers: Option<Charge>,
}

impl<T, K> Guarded<T, K> {
    pub(crate) fn new(future: BoxFuture<T>, what: K) -> Self {
        Self {
            future: Some(future),
            what: Some(what),
            answers: Charge::taken(),
        }
    }

    /// A panic is a result too.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(K, Result<T, Panic>)> {
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        let result = match guarded(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => {
                Charge::keep(&mut self.answers, Charge::taken());
                return Poll::Pending;
            }
            Ok(Poll::Ready(value)) => Ok(value),
            Err(panic) => Err(panic),
        };
        drop(Charge::taken());
        match self.what.take() {
            Some(what) => Poll::Ready((what, result)),
            None => Poll::Pending,
        }
    }
}

impl<T, K> Drop for Guarded<T, K> {
    /// The destructors of its future are the application's code too.
    fn drop(&mut self) {
        let _ = let_go(self.future.take());
    }
}

impl Job {
    /// Whether it is what decides over a namespace: of this socket, or of any.
    pub(super) fn decides_over(&self, socket: Option<SocketKey>) -> bool {
        match self {
            Self::Middlewares(guarded) => guarded
                .what
                .as_ref()
                .is_none_or(|(ticket, _)| socket.is_none_or(|socket| ticket.socket() == socket)),
            Self::Parents(guarded) => guarded
                .what
                .as_ref()
                .is_none_or(|asks| socket.is_none_or(|socket| asks.ticket.socket() == socket)),
            Self::Restores(guarded) => guarded
                .what
                .as_ref()
                .is_none_or(|what| socket.is_none_or(|socket| what.0.ticket.socket() == socket)),
            Self::Handler(_) | Self::PacketMiddlewares(_) | Self::Plain(_) => false,
        }
    }

    /// Bytes that it holds of what its client has sent.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Handler(guarded) => guarded.what.as_ref().map_or(0, |owner| owner.bytes),
            Self::Plain(guarded) => guarded.what.as_ref().map_or(0, |message| message.bytes),
            Self::PacketMiddlewares(guarded) => guarded
                .what
                .as_ref()
                .map_or(0, |what| what.1.event.args.size()),
            Self::Parents(_) | Self::Restores(_) | Self::Middlewares(_) => 0,
        }
    }

    /// Whose event it is about, and which.
    pub(super) fn event(&self) -> Option<(Socket, Name)> {
        match self {
            Self::Handler(guarded) => {
                let owner = guarded.what.as_ref()?;
                Some((owner.socket.clone(), owner.name.clone()))
            }
            Self::PacketMiddlewares(guarded) => {
                let (_, call) = &**guarded.what.as_ref()?;
                Some((call.socket.clone(), call.event.name.clone()))
            }
            Self::Parents(_) | Self::Restores(_) | Self::Middlewares(_) | Self::Plain(_) => None,
        }
    }

    /// Whose next event waits for it, and whether it does in any case.
    pub(super) fn socket(&self) -> Option<(SocketKey, bool)> {
        match self {
            Self::Handler(guarded) => Some((guarded.what.as_ref()?.socket.key(), false)),
            Self::PacketMiddlewares(guarded) => Some((guarded.what.as_ref()?.0, true)),
            Self::Parents(_) | Self::Restores(_) | Self::Middlewares(_) | Self::Plain(_) => None,
        }
    }

    /// What wants to enter does not any more.
    pub(super) fn turn_away(mut self) {
        if let Self::Middlewares(guarded) = &mut self
            && let Some((_, socket)) = guarded.what.take()
        {
            socket.exit();
        }
    }
}

impl Future for Job {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Done> {
        match &mut *self {
            Self::Handler(guarded) => guarded
                .poll(cx)
                .map(|(owner, result)| Done::Handler(owner, result)),
            Self::Parents(guarded) => guarded
                .poll(cx)
                .map(|(what, result)| Done::Parents(what, result)),
            Self::Restores(guarded) => guarded
                .poll(cx)
                .map(|(what, result)| Done::Restores(what, result)),
            Self::Middlewares(guarded) => guarded
                .poll(cx)
                .map(|(what, result)| Done::Middlewares(what, result)),
            Self::PacketMiddlewares(guarded) => guarded
                .poll(cx)
                .map(|(what, result)| Done::PacketMiddlewares(what, result)),
            Self::Plain(guarded) => guarded
                .poll(cx)
                .map(|(message, result)| Done::Plain(message, result)),
        }
    }
}

impl Done {
    /// Bytes that are held no more.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Handler(owner, _) => owner.bytes,
            Self::Plain(message, _) => message.bytes,
            Self::PacketMiddlewares(what, _) => what.1.event.args.size(),
            Self::Parents(..) | Self::Restores(..) | Self::Middlewares(..) => 0,
        }
    }
}

impl<T, K> Unpin for Guarded<T, K> {}
