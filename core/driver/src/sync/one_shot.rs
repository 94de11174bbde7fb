//! One value from one task to another.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::sync::primitives::{Mutex, MutexGuard};

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

/// Takes out those that nobody waits for any more, each time that there is no room for another: so there is never
/// room for many more than are awaited. They are dropped where wakers may be.
pub(crate) fn take_forsaken<A, T>(all: &mut Vec<A>, of: impl Fn(&A) -> &Answer<T>) -> Vec<A> {
    if all.len() < all.capacity() {
        return Vec::new();
    }
    let (awaited, forsaken) = std::mem::take(all)
        .into_iter()
        .partition(|it| of(it).is_awaited());
    *all = awaited;
    forsaken
}

impl<T> Answer<T> {
    /// Gives the answer and wakes the other end.
    pub(crate) fn give(mut self, value: T) {
        self.settle(Some(value));
    }

    /// Whether the other end is still there.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|it| Arc::strong_count(it) > 1)
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

    #[test]
    fn those_that_nobody_waits_for_do_not_pile_up() {
        let (mut all, mut kept) = (Vec::new(), Vec::new());
        let mut taken = 0;
        for n in 0..1_000 {
            let (give, wait) = answer::<u8>();
            taken += take_forsaken(&mut all, |it| it).len();
            all.push(give);
            if n % 100 == 0 {
                kept.push(wait);
            }
            assert!(all.len() <= 64, "{} after {n}", all.len());
        }
        assert_eq!(taken + all.len(), 1_000);
        let awaited = all.iter().filter(|it| it.is_awaited()).count();
        assert_eq!(awaited, kept.len());
    }
}
