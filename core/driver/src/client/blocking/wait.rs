//! Waiting for a future on the thread that asks.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

thread_local! {
    static OF_A_CLIENT: Cell<bool> = const { Cell::new(false) };
}

/// A handler, or a hook, has called what waits. Nothing was done.
///
/// It runs on a client's thread, which must not stand still: nobody else would do what it waits for, if that is of
/// the same client. It has its socket as an argument, and `await` to wait by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InHandler;

/// Why a call that waits has not come to what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitError<E> {
    /// A handler has called it. Nothing was done.
    InHandler,
    /// What it has waited for has failed.
    Failed(E),
}

impl<E> From<InHandler> for WaitError<E> {
    fn from(_: InHandler) -> Self {
        Self::InHandler
    }
}

impl fmt::Display for InHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handler must not wait on a client's thread")
    }
}

impl std::error::Error for InHandler {}

impl<E: fmt::Display> fmt::Display for WaitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InHandler => InHandler.fmt(f),
            Self::Failed(why) => why.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for WaitError<E> {}

/// This thread is a client's from now on.
pub(super) fn mark() {
    OF_A_CLIENT.set(true);
}

/// Whether this thread is none of a client's.
pub(super) fn may_wait() -> Result<(), InHandler> {
    match OF_A_CLIENT.get() {
        true => Err(InHandler),
        false => Ok(()),
    }
}

/// Begins something, and waits for what comes of it.
pub(super) fn outcome<T, E, F>(begin: impl FnOnce() -> F) -> Result<T, WaitError<E>>
where
    F: Future<Output = Result<T, E>>,
{
    may_wait()?;
    wait(begin()).map_err(WaitError::Failed)
}

/// Waits for a future.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Some(output) = wait_until(future.as_mut(), None) {
            return output;
        }
    }
}

/// Waits for a future, and no longer than until then.
pub(super) fn wait_until<F: Future>(future: F, until: Option<Instant>) -> Option<F::Output> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        if !bell.listen(until) {
            return None;
        }
    }
}

/// Wakes a thread. Not by unparking it: whoever runs this thread may park it for reasons of its own.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// Sleeps until it rings. `false`: it has not, until then.
    fn listen(&self, until: Option<Instant>) -> bool {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !*rung {
            rung = match until {
                None => {
                    let heard = self.heard.wait(rung);
                    heard.unwrap_or_else(PoisonError::into_inner)
                }
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let heard = self.heard.wait_timeout(rung, left);
                    heard.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *rung = false;
        true
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = true;
        drop(rung);
        self.heard.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::thread;

    use super::*;

    #[test]
    fn what_another_thread_does_is_waited_for() {
        let (give, waiting) = crate::sync::one_shot::answer();
        let giver = thread::spawn(move || give.give(7));
        assert_eq!(wait(waiting), Some(7));
        giver.join().expect("it gives");
    }

    /// One that wakes itself is polled again, and a time that is over ends only what is not ready.
    #[test]
    fn what_is_ready_needs_no_time() {
        let mut turns = 3;
        let slow = poll_fn(|cx| {
            turns -= 1;
            cx.waker().wake_by_ref();
            if turns == 0 {
                Poll::Ready(turns)
            } else {
                Poll::Pending
            }
        });
        let past = Some(Instant::now());
        assert_eq!(wait_until(slow, past), Some(0));
        assert_eq!(wait_until(ready(1), past), Some(1));
        assert_eq!(wait_until(pending::<()>(), past), None);
    }

    #[test]
    fn a_clients_thread_does_not_wait() {
        let told = thread::spawn(|| {
            mark();
            let begun = Cell::new(false);
            let outcome = outcome(|| {
                begun.set(true);
                ready(Ok::<_, ()>(()))
            });
            (outcome, begun.get())
        });
        let told = told.join().expect("it does not panic");
        assert_eq!(told, (Err(WaitError::InHandler), false));
        assert_eq!(
            outcome(|| ready(Err::<(), _>(1))),
            Err(WaitError::Failed(1))
        );
    }
}
