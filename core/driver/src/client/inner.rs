//! What is behind a client's handles. They know each other, so what each consists of stands in one place.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bytestring::ByteString;
use serde::de::DeserializeOwned;
use sio_core::client::record::Taped;
use sio_core::client::{Config, Dial, EntryTicket};
use sio_core::id::SocketId;
use sio_core::packet::{Args, ArgumentError, Name};
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

use super::error::ConnectError;
use super::event::{Attempt, Decision, Happening};
use super::queue::Queue;
use super::status::{Board, Status};
use crate::endpoint::notices::Notices;
use crate::error::{AckError, HandlerError};
use crate::event::{AckSlot, SocketKind};
use crate::handle::{self, Recording};
use crate::handler::answer::Ack;
use crate::listeners::Listeners;
use crate::mailbox::held::Answered;
use crate::sync::BoxFuture;
use crate::sync::hook::Hook;
use crate::sync::one_shot::Answer;
use crate::sync::signal::Signal;

/// A namespace of a server, from the client's side. Cheap to clone; all clones are the same socket, and any of
/// them may be used from any task or thread.
///
/// It wants nothing until it is told to [`connect`](Self::connect): handlers go in before anything can come. What
/// is emitted while it is away is kept, as far as the configuration lets it, and leaves when it is in.
///
/// A client closes when the last handle of it is dropped, of the client itself or of a socket. Handlers are given
/// their socket, and should hold none.
#[derive(Clone)]
pub struct Socket {
    pub(super) inner: Arc<SocketInner>,
    /// What keeps the client alive. A handler that runs when nobody holds the client any more has a socket without.
    pub(super) alive: Option<Arc<Alive>>,
}

/// An event that a server has sent, from a stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its name.
    pub name: Name,
    /// Its arguments.
    pub args: Args,
    /// For its answer. If handlers have it too, the first answer counts.
    pub ack: Ack<Socket>,
}

/// A socket that is in its namespace, while what it has kept waits: what is emitted by this leaves before that.
///
/// It is said on this connection or not at all: on the next one there is another first word.
#[derive(Debug)]
pub struct First {
    pub(super) socket: Socket,
    pub(super) ticket: EntryTicket,
    pub(super) id: SocketId,
    pub(super) recovered: bool,
}

pub(super) struct SocketInner {
    pub(super) shared: Arc<Shared>,
    pub(super) key: SocketKey,
    pub(super) name: ByteString,
    pub(super) listeners: Listeners<Callback>,
    /// Handlers that it has in common with others.
    pub(super) common: Option<Arc<Listeners<Callback>>>,
    pub(super) sequential: AtomicBool,
    /// Whether there are streams of its events: most have none, and are asked each time.
    pub(super) streamed: AtomicBool,
    pub(super) credentials: Hook<MakeAuth>,
    pub(super) outgoing: Mutex<Option<Arc<[Outgoing]>>>,
    pub(super) rest: Mutex<Rest>,
}

/// What few sockets have.
#[derive(Default)]
pub(super) struct Rest {
    /// Who waits to be in.
    pub(super) waiters: Vec<Waiter>,
    /// Has the first word each time that it is in.
    pub(super) entering: Option<Arc<Entering>>,
    /// Streams of its events.
    pub(super) streams: Vec<Arc<Queue<Event>>>,
    /// Whether it has not left since it was refused, so that it may ask again.
    pub(super) again: bool,
}

/// Who waits for a socket to be in its namespace.
pub(super) struct Waiter {
    pub(super) answer: Answer<Result<(), ConnectError>>,
    /// Whether the first failure ends it, although it is dialled again.
    pub(super) hasty: bool,
}

/// What all handles of a client share with its task.
pub(super) struct Shared {
    pub(super) face: Box<dyn Face>,
    pub(super) config: Arc<Config>,
    pub(super) state: Mutex<State>,
    pub(super) board: Arc<Board>,
    /// Raised when its task has ended.
    pub(super) gone: Signal,
    /// There from the first that is set on: most clients of a crowd have none.
    pub(super) hooks: OnceLock<Box<Hooks>>,
    /// Where its log goes, if it is recorded.
    pub(super) recording: Option<Arc<Recording>>,
}

pub(super) struct State {
    pub(super) machine: Taped<Token>,
    pub(super) sockets: Vec<Arc<SocketInner>>,
    pub(super) started: bool,
    /// The task sleeps, and is to be woken by this.
    pub(super) sleeper: Option<Waker>,
    /// Something has happened since the task has looked.
    pub(super) touched: bool,
    /// Whether an emit was refused for want of room.
    pub(super) full: bool,
    /// Who waits for room, or for what was emitted to have left.
    pub(super) room: Vec<Answer<()>>,
}

/// What the application may set.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) happening: Hook<dyn Fn(&Happening) + Send + Sync>,
    pub(super) error: Hook<dyn Fn(&HandlerError) + Send + Sync>,
    pub(super) dial: Hook<MakeDial>,
    pub(super) refused: Hook<Refused>,
    pub(super) notices: Notices,
    pub(super) values: Mutex<Vec<Arc<dyn std::any::Any + Send + Sync>>>,
}

/// What a client needs of its runtime, without its type.
pub(super) trait Face: Send + Sync {
    fn now(&self) -> Instant;

    /// Ends after so long.
    fn sleep(&self, time: Duration) -> BoxFuture<()>;

    /// Runs the task of a client.
    fn start(&self, shared: Arc<Shared>, alive: &Arc<Alive>);
}

/// The handles of a client, all together. When the last has gone, so does the client.
pub(super) struct Alive(pub(super) Arc<Shared>);

/// The caller's end of an emit that waits.
pub(super) type Token = Answer<Result<Answered, AckError>>;

/// A handler without its type.
pub(super) type Callback = handle::Callback<Socket>;

/// An event on its way to the handlers.
pub(super) type Invocation = handle::Invocation<Socket>;

/// Who hears of what is emitted.
pub(super) type Outgoing = Arc<dyn Fn(&str, &Args) + Send + Sync>;

/// Says the first word of a socket.
pub(super) type Entering = dyn Fn(&First) + Send + Sync;

/// Makes the credentials of a socket, the value of one argument; an error: there are none.
pub(super) type MakeAuth = dyn Fn(Attempt) -> BoxFuture<Result<Args, String>> + Send + Sync;

/// Says where to dial. `None`: nowhere.
pub(super) type MakeDial = dyn Fn(Dial, Attempt) -> BoxFuture<Option<Dial>> + Send + Sync;

/// Says what becomes of a socket that is refused, for the n-th time in a row, from 1.
pub(super) type Refused = dyn Fn(&sio_core::socket::Refusal, u32) -> Decision + Send + Sync;

impl Shared {
    /// Does something with the machine, of which the task hears.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = self.face.now();
        let (result, sleeper) = {
            let mut state = self.lock();
            let result = act(&mut state, now);
            state.touched = true;
            (result, state.sleeper.take())
        };
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
        result
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the application has set, if it has anything.
    pub(super) fn hooks(&self) -> Option<&Hooks> {
        self.hooks.get().map(|hooks| &**hooks)
    }

    /// Where it sets something.
    pub(super) fn make_hooks(&self) -> &Hooks {
        self.hooks.get_or_init(Box::default)
    }

    /// It is over: its log is given out, if it is recorded.
    pub(super) fn give_log(&self) {
        if let Some(recording) = &self.recording {
            let log = self.lock().machine.take_log();
            if !log.is_empty() {
                recording.give(log);
            }
        }
    }

    /// The task looks again.
    pub(super) fn wake(&self) {
        self.with(|_, _| ());
    }
}

impl Alive {
    /// Runs the client's task, if it does not run yet.
    pub(super) fn start(self: &Arc<Self>) {
        let started = std::mem::replace(&mut self.0.lock().started, true);
        if !started {
            self.0.face.start(self.0.clone(), self);
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let unused = self.0.with(|state, now| {
            state.machine.close(now);
            (!state.started).then(|| std::mem::take(&mut state.sockets))
        });
        // Nobody runs who would say so, and let go of them.
        if let Some(sockets) = unused {
            self.0.give_log();
            self.0.board.post(Status::Closed);
            sockets.iter().for_each(|socket| socket.let_go());
        }
    }
}

impl Rest {
    /// Takes out those for whom the wait is over.
    pub(super) fn take_waiters(&mut self, over: impl Fn(&Waiter) -> bool) -> Vec<Waiter> {
        let all = std::mem::take(&mut self.waiters);
        let (ended, kept) = all.into_iter().partition(over);
        self.waiters = kept;
        ended
    }
}

impl SocketInner {
    pub(super) fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client is gone: what the application gave it is let go of, since it may hold the socket.
    pub(super) fn let_go(&self) {
        self.listeners.close();
        let outgoing = {
            let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            outgoing.take()
        };
        let rest = std::mem::take(&mut *self.rest());
        self.credentials.close();
        rest.streams.iter().for_each(|stream| stream.end());
        for waiter in rest.waiters {
            waiter.answer.give(Err(ConnectError::Closed));
        }
        drop(rest.entering);
        drop(outgoing);
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.streamed.load(Ordering::Relaxed)
    }

    pub(super) fn is_sequential(&self) -> bool {
        self.sequential.load(Ordering::Relaxed)
    }
}

impl Hooks {
    /// Lets go of all that the application gave: it may hold the client.
    pub(super) fn close(&self) {
        self.happening.close();
        self.error.close();
        self.dial.close();
        self.refused.close();
        let values = {
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *values)
        };
        // Their destructors may ask for others.
        drop(values);
    }

    /// What handlers were given to work with, by its type.
    pub(super) fn value<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = {
            let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            values.iter().find(|it| it.is::<T>()).cloned()
        };
        // It is cloned where it may ask for others.
        value?.downcast_ref().cloned()
    }

    /// The same, instead of what it was before.
    pub(super) fn set_value<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let before = values.iter().position(|it| it.is::<T>());
        let before = before.map(|at| values.swap_remove(at));
        values.push(Arc::new(value));
        drop(values);
        drop(before);
    }
}

impl Socket {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }
}

/// Who waits for a client to be gone.
pub(super) struct Gone(pub(super) Arc<Shared>);

impl AsRef<Signal> for Gone {
    fn as_ref(&self) -> &Signal {
        &self.0.gone
    }
}

impl Event {
    /// Its arguments as this type: one as itself, several as a tuple.
    ///
    /// # Errors
    /// They are none of that type.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        self.args.decode()
    }

    pub(super) fn new(
        name: Name,
        args: Args,
        socket: Socket,
        slot: AckSlot<<Socket as SocketKind>::Ticket>,
    ) -> Self {
        Self {
            name,
            args,
            ack: Ack::new(socket, slot),
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.inner.name)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Socket {}
