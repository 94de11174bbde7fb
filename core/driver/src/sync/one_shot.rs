//! One value from one task to another.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The end that answers. Dropping it answers that there will be no answer.
#[derive(Debug)]
pub(crate) struct Answer<T>(Option<Arc<Mutex<State<T>>>>);

/// The end that waits: a future of the answer, `None` if the other end was dropped. Dropping it is
/// always safe; the answer is thrown away then.
#[derive(Debug)]
pub(crate) struct Waiting<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
enum State<T> {
    Open(Option<Waker>),
    Answered(Option<T>),
}

/// A pair that carries one value.
pub(crate) fn answer<T>() -> (Answer<T>, Waiting<T>) {
    let state = Arc::new(Mutex::new(State::Open(None)));
    (Answer(Some(state.clone())), Waiting(state))
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Answer<T> {
    /// Gives the answer and wakes the other end.
    pub(crate) fn give(mut self, value: T) {
        self.settle(Some(value));
    }

    fn settle(&mut self, value: Option<T>) {
        let Some(state) = self.0.take() else { return };
        let before = std::mem::replace(&mut *lock(&state), State::Answered(value));
        if let State::Open(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.settle(None);
    }
}

impl<T> Future for Waiting<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut *lock(&self.0) {
            State::Open(Some(waker)) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            State::Open(none) => {
                *none = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Answered(value) => Poll::Ready(value.take()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_arrives_and_a_dropped_one_ends_the_wait() {
        let mut cx = Context::from_waker(Waker::noop());
        let (give, mut wait) = answer();
        assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
        give.give(7);
        assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready(Some(7)));

        let (give, mut wait) = answer::<u8>();
        drop(give);
        assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready(None));
    }
}
