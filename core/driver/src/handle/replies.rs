//! Waiting for clients' answers (§17).

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sio_core::id::SocketId;
use sio_core::packet::{Args, FromArgs};

use crate::error::{AckError, EmitError};
use crate::mailbox::held::Answered;
use crate::mailbox::reply::Gather;
use crate::sync::later::Later;
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
    /// One entry for each recipient, in the order of the room.
    pub answers: Vec<(SocketId, Result<T, AckError>)>,
}

impl<T> Replies<T> {
    /// The answers that came and are what was asked for.
    pub fn ok(self) -> Vec<T> {
        self.answers
            .into_iter()
            .filter_map(|(_, answer)| answer.ok())
            .collect()
    }

    /// Whether somebody did not answer in time.
    pub fn timed_out(&self) -> bool {
        self.answers
            .iter()
            .any(|(_, answer)| matches!(answer, Err(AckError::Timeout)))
    }
}

/// The answers of everybody a broadcast was for: a future that ends when each has answered, gone away
/// or let its time pass. With no recipients it ends at once.
#[must_use = "the event is sent, but nobody waits for the answers"]
#[derive(Debug)]
pub struct RepliesFuture<T> {
    state: Asked,
    wanted: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum Asked {
    Here(Arc<Gather>),
    /// By an adapter.
    Elsewhere(Later<Vec<(SocketId, Result<Args, AckError>)>>),
    Not(Option<EmitError>),
}

impl<T> RepliesFuture<T> {
    pub(crate) fn new(gather: Arc<Gather>) -> Self {
        Self {
            state: Asked::Here(gather),
            wanted: PhantomData,
        }
    }

    pub(crate) fn later(answers: Later<Vec<(SocketId, Result<Args, AckError>)>>) -> Self {
        Self {
            state: Asked::Elsewhere(answers),
            wanted: PhantomData,
        }
    }

    pub(crate) fn failed(error: EmitError) -> Self {
        Self {
            state: Asked::Not(Some(error)),
            wanted: PhantomData,
        }
    }
}

impl<T: FromArgs> Future for RepliesFuture<T> {
    type Output = Result<Replies<T>, EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gather = match &mut self.state {
            Asked::Here(gather) => gather,
            Asked::Elsewhere(later) => {
                return Pin::new(later).poll(cx).map(|answers| {
                    let answers = answers
                        .into_iter()
                        .map(|(id, answer)| {
                            let read = |args| T::from_args(&args).map_err(AckError::Mistyped);
                            (id, answer.and_then(read))
                        })
                        .collect();
                    Ok(Replies { answers })
                });
            }
            Asked::Not(error) => {
                return Poll::Ready(Err(error.take().unwrap_or(EmitError::Disconnected)));
            }
        };
        let answers = ready!(gather.poll(cx));
        let answers = answers
            .into_iter()
            .map(|(id, answer)| {
                let answer = match answer {
                    Some(Ok(Answered { args, .. })) => {
                        T::from_args(&args).map_err(AckError::Mistyped)
                    }
                    Some(Err(error)) => Err(error),
                    None => Err(AckError::Disconnected),
                };
                (id, answer)
            })
            .collect();
        Poll::Ready(Ok(Replies { answers }))
    }
}
