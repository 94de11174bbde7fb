//! The answer to an emit.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use sio_driver::app::core::packet::FromArgs;
use sio_driver::app::{self, AckError, Args};
use sio_driver::binding::Runtime;

use crate::sim::Sim;

/// The answer to an emit, as it was asked for.
#[must_use = "the answer is for whoever awaits it"]
pub struct AckFuture<T> {
    answer: Arc<Mutex<Answer>>,
    of: PhantomData<fn() -> T>,
}

#[derive(Default)]
struct Answer {
    had: Option<Result<Args, AckError>>,
    reader: Option<Waker>,
}

impl<T: FromArgs> AckFuture<T> {
    /// Waits for it on this host, whether somebody awaits this or not: each has to end.
    pub(super) fn wait(sim: &Sim, asked: app::AckFuture<Args>) -> Self {
        sim.world.with(|state| state.open_acks += 1);
        let answer = Arc::<Mutex<Answer>>::default();
        let open = Open {
            sim: sim.clone(),
            answer: answer.clone(),
        };
        sim.spawn(ack(asked, open));
        Self {
            answer,
            of: PhantomData,
        }
    }
}

/// An answer that is waited for.
async fn ack(asked: app::AckFuture<Args>, open: Open) {
    let had = asked.await;
    let mut answer = open.answer.lock().unwrap_or_else(PoisonError::into_inner);
    answer.had = Some(had);
}

/// It has ended when this is dropped, with its host if not before.
struct Open {
    sim: Sim,
    answer: Arc<Mutex<Answer>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sim.world.with(|state| state.open_acks -= 1);
        let reader = {
            let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            answer.had.get_or_insert(Err(AckError::Disconnected));
            answer.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(had) = answer.had.clone() else {
            answer.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(answer);
        Poll::Ready(had.and_then(|args| T::from_args(&args).map_err(AckError::Mistyped)))
    }
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}
