//! What a plain client's handles share with its task.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use sio_core::client::{Failure, Session, TransportError};
use sio_core::engine::{CloseReason, Flags, Message, Sent};
use sio_core::id::Sid;
use sio_core::message::Encoded;
use sio_core::time::Instant;

use crate::client::queue::Queue;
use crate::error::EmitError;
use crate::sync::one_shot::Answer;
use crate::sync::signal::Signal;

/// How a session has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Why.
    pub reason: CloseReason,
    /// What went wrong, if anything did.
    pub error: Option<TransportError>,
}

/// What a client's handles share with its task.
pub(super) struct Link {
    pub(super) state: Mutex<State>,
    pub(super) clock: Box<dyn Fn() -> Instant + Send + Sync>,
    pub(super) messages: Queue<Message>,
    pub(super) sid: OnceLock<Sid>,
    pub(super) closed: OnceLock<Closed>,
    /// Raised when its task has ended.
    pub(super) gone: Signal,
}

pub(super) struct State {
    pub(super) session: Session,
    /// Who waits for the open packet.
    pub(super) opening: Option<Answer<Result<(), TransportError>>>,
    /// The task sleeps, and is to be woken by this.
    pub(super) sleeper: Option<Waker>,
    /// Something has happened since the task has looked.
    pub(super) touched: bool,
}

impl Link {
    pub(super) fn send(&self, message: Message, volatile: bool) -> Result<(), EmitError> {
        let packet = Encoded::from(&message);
        let flags = Flags {
            volatile,
            ..Flags::default()
        };
        match self.with(|state, now| state.session.send(now, packet, flags)) {
            Sent::Queued | Sent::Dropped => Ok(()),
            Sent::Full => Err(EmitError::Full),
            Sent::Closed | Sent::Unwritten => Err(EmitError::Disconnected),
        }
    }

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let Some((message, freed)) = ready!(self.messages.poll(cx)) else {
            return Poll::Ready(None);
        };
        if freed {
            self.with(|_, _| ());
        }
        Poll::Ready(Some(message))
    }

    /// Does something with the session, of which the task hears.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = (self.clock)();
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

    /// It is over: nobody waits any more.
    pub(super) fn end(&self, closed: Closed) {
        let opening = self.lock().opening.take();
        if let Some(opening) = opening {
            let unknown = || TransportError {
                transport: self.lock().session.transport(),
                failure: Failure::Closed,
            };
            let why = closed.error.clone().unwrap_or_else(unknown);
            opening.give(Err(why));
        }
        let _ = self.closed.set(closed);
        self.messages.end();
    }
}
