//! What of the application's has not ended yet.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sio_core::client::{AuthTicket, Dial, DialTicket};
use sio_core::packet::{Args, Name};
use sio_core::socket::SocketKey;
use smallvec::SmallVec;

use crate::client::inner::{Callback, Invocation, Socket};
use crate::error::Failure;
use crate::sync::BoxFuture;
use crate::sync::guard::{Panic, guarded, let_go};

/// All of a client.
#[derive(Default)]
pub(super) struct Jobs {
    /// There from the first one on, until nobody has had any for a while.
    running: Option<FuturesUnordered<Job>>,
    handlers: usize,
}

/// Events of a socket that wait for the handlers of the one before.
#[derive(Default)]
pub(super) struct Waiting {
    /// Handlers of it that have not ended.
    pub(super) running: usize,
    pub(super) events: VecDeque<(Invocation, Callbacks)>,
    pub(super) bytes: usize,
}

/// Handlers of one event that have not begun, the next one last.
pub(super) type Callbacks = SmallVec<[Callback; 2]>;

/// Something of the application's that waits, and what to do with its result.
pub(super) enum Job {
    Handler(Guarded<Result<(), Failure>>, Box<Owner>),
    Auth(Guarded<Result<Args, String>>, Option<AuthTicket>),
    Dial(Guarded<Option<Dial>>, Option<DialTicket>),
}

/// Whose handler it is, and of which event.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) socket: Socket,
    pub(super) key: SocketKey,
    pub(super) name: Name,
}

/// What has come of it.
pub(super) enum Done {
    Handler(Box<Owner>, Result<Result<(), Failure>, Panic>),
    Auth(AuthTicket, Result<Result<Args, String>, Panic>),
    Dial(DialTicket, Result<Option<Dial>, Panic>),
}

/// A future of the application's.
pub(super) struct Guarded<T>(Option<BoxFuture<T>>);

impl Jobs {
    pub(super) fn push(&mut self, job: Job) {
        self.handlers += usize::from(matches!(job, Job::Handler(..)));
        let running = self.running.get_or_insert_default();
        // Nobody waits for what the same was asked before: it may never end, and there is one for each attempt.
        if running.iter().any(|before| job.replaces(before)) {
            let all = std::mem::take(running).into_iter();
            running.extend(all.filter(|before| !job.replaces(before)));
        }
        running.push(job);
    }

    /// How many handlers have not ended.
    pub(super) const fn handlers(&self) -> usize {
        self.handlers
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.as_ref().is_none_or(FuturesUnordered::is_empty)
    }

    /// Gives back what is for more than there are.
    pub(super) fn shrink(&mut self) {
        self.running.take_if(|running| running.is_empty());
    }

    /// Drops what has not ended.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next one that ends, of those that were woken.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Option<Done> {
        let running = self.running.as_mut().filter(|all| !all.is_empty())?;
        match running.poll_next_unpin(cx) {
            Poll::Ready(Some(Some(done))) => {
                self.handlers -= usize::from(matches!(done, Done::Handler(..)));
                Some(done)
            }
            // A ticket that was used already has nothing more to say.
            Poll::Ready(Some(None) | None) | Poll::Pending => None,
        }
    }
}

impl Job {
    /// Whether it asks again what the other has asked.
    fn replaces(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Auth(_, Some(after)), Self::Auth(_, Some(before))) => {
                after.socket() == before.socket()
            }
            (Self::Dial(..), Self::Dial(..)) => true,
            (Self::Handler(..) | Self::Auth(..) | Self::Dial(..), _) => false,
        }
    }
}

impl<T> Guarded<T> {
    pub(super) const fn new(future: BoxFuture<T>) -> Self {
        Self(Some(future))
    }

    /// A panic is a result too.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Panic>> {
        let Some(future) = &mut self.0 else {
            return Poll::Pending;
        };
        match guarded(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl<T> Drop for Guarded<T> {
    /// The destructors of its future are the application's code too.
    fn drop(&mut self) {
        let _ = let_go(self.0.take());
    }
}

impl Future for Job {
    type Output = Option<Done>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Done>> {
        match &mut *self {
            Self::Handler(future, owner) => future
                .poll(cx)
                .map(|result| Some(Done::Handler(owner.clone(), result))),
            Self::Auth(future, ticket) => future
                .poll(cx)
                .map(|result| Some(Done::Auth(ticket.take()?, result))),
            Self::Dial(future, ticket) => future
                .poll(cx)
                .map(|result| Some(Done::Dial(ticket.take()?, result))),
        }
    }
}
