//! Waiting for clients' answers (§17).

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sio_core::id::SocketId;
use sio_core::packet::{Args, FromArgs};

use crate::error::{AckError, EmitError};
use crate::mailbox::gather::{Collected, Gather};
use crate::mailbox::held::Answered;
use crate::sync::one_shot::Waiting;

/// The answer of one client to an emit: a future of the arguments as `T`.
///
/// The event is on its way already. Dropping the future is always safe; the answer is ignored then.
#[must_use = "the event is sent, but nobody waits for the answer"]
#[derive(Debug)]
pub struct AckFuture<T> {
    state: Result<Waiting<Result<Answered, AckError>>, Option<AckError>>,
    wanted: PhantomData<fn() -> T>,
}

impl<T> AckFuture<T> {
    pub(crate) fn new(waiting: Waiting<Result<Answered, AckError>>) -> Self {
        Self {
            state: Ok(waiting),
            wanted: PhantomData,
        }
    }

    pub(crate) fn failed(error: impl Into<AckError>) -> Self {
        Self {
            state: Err(Some(error.into())),
            wanted: PhantomData,
        }
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            Ok(waiting) => Pin::new(waiting).poll(cx).map(|answer| match answer {
                Some(Ok(Answered { args, charge })) => {
                    if let Some(charge) = charge {
                        charge.hand_over();
                    }
                    read(&args)
                }
                Some(Err(error)) => Err(error),
                // The connection's task has ended, and the emit with it.
                None => Err(AckError::Disconnected),
            }),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(AckError::Disconnected))),
        }
    }
}

/// An answer as the type that was asked for. Whoever gets it may keep it.
fn read<T: FromArgs>(args: &Args) -> Result<T, AckError> {
    let read = if T::SHARES {
        T::from_args(&args.detached())
    } else {
        T::from_args(args)
    };
    read.map_err(AckError::Mistyped)
}

/// What the recipients of a broadcast answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replies<T> {
    /// One entry for each recipient of this node, in the order of the room, then one for each answer of another
    /// node that says whose it is.
    pub answers: Vec<(SocketId, Result<T, AckError>)>,
    /// What others answered: nodes need not say which client it is.
    pub others: Vec<Result<T, AckError>>,
    /// How many clients of other nodes were asked and have not answered in time.
    pub missing: usize,
    /// How many nodes have not even said how many clients they ask.
    pub silent_nodes: usize,
}

impl<T> Replies<T> {
    fn read(gathered: Collected) -> Self
    where
        T: FromArgs,
    {
        let (missing, silent_nodes) = (gathered.missing_elsewhere(), gathered.silent_nodes);
        let read = |args: &Args| T::from_args(args).map_err(AckError::Mistyped);
        let here = gathered.here.into_iter().map(|(id, answer)| {
            let answer = answer.unwrap_or(Err(AckError::Disconnected));
            (id, answer.and_then(|Answered { args, .. }| read(&args)))
        });
        let mut answers: Vec<_> = here.collect();
        let mut others = Vec::new();
        for (from, answer) in gathered.elsewhere {
            let answer = answer.and_then(|args| read(&args));
            match from {
                Some(id) => answers.push((id, answer)),
                None => others.push(answer),
            }
        }
        Self {
            answers,
            others,
            missing,
            silent_nodes,
        }
    }

    /// The answers that came and are what was asked for.
    pub fn ok(self) -> Vec<T> {
        let named = self.answers.into_iter().map(|(_, answer)| answer);
        named.chain(self.others).filter_map(Result::ok).collect()
    }

    /// Whether somebody did not answer in time.
    pub fn timed_out(&self) -> bool {
        let named = self.answers.iter().map(|(_, answer)| answer);
        let late = |answer: &Result<T, AckError>| matches!(answer, Err(AckError::Timeout));
        self.missing > 0 || self.silent_nodes > 0 || named.chain(&self.others).any(late)
    }
}

/// The answers of everybody a broadcast was for: a future that ends when each has answered, gone away
/// or let its time pass. With no recipients it ends at once.
#[must_use = "the event is sent, but nobody waits for the answers"]
#[derive(Debug)]
pub struct RepliesFuture<T> {
    state: Result<Arc<Gather>, Option<EmitError>>,
    wanted: PhantomData<fn() -> T>,
}

impl<T> RepliesFuture<T> {
    pub(crate) fn new(gather: Arc<Gather>) -> Self {
        Self {
            state: Ok(gather),
            wanted: PhantomData,
        }
    }

    pub(crate) fn failed(error: EmitError) -> Self {
        Self {
            state: Err(Some(error)),
            wanted: PhantomData,
        }
    }
}

impl<T: FromArgs> Future for RepliesFuture<T> {
    type Output = Result<Replies<T>, EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            Ok(gather) => gather.poll(cx).map(|all| Ok(Replies::read(all))),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(EmitError::Disconnected))),
        }
    }
}
