//! A number of things that are alive, and those who wait for it to be none.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Counts what [`enter`](Self::enter) returned and was not dropped yet.
#[derive(Debug, Default)]
pub(crate) struct Gauge(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    count: usize,
    waiting: Vec<Waker>,
}

/// One of the things counted.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Gauge>);

impl Gauge {
    /// One more.
    pub(crate) fn enter(self: &Arc<Self>) -> Counted {
        let mut inner = self.lock();
        inner.count = inner.count.saturating_add(1);
        Counted(self.clone())
    }

    /// One more, unless there are `most` already.
    pub(crate) fn try_enter(self: &Arc<Self>, most: usize) -> Option<Counted> {
        let mut inner = self.lock();
        if inner.count >= most {
            return None;
        }
        inner.count = inner.count.saturating_add(1);
        Some(Counted(self.clone()))
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.count == 0 {
                return Poll::Ready(());
            }
            if !inner.waiting.iter().any(|kept| kept.will_wake(cx.waker())) {
                inner.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let waiting = {
            let mut inner = self.0.lock();
            inner.count = inner.count.saturating_sub(1);
            if inner.count == 0 {
                std::mem::take(&mut inner.waiting)
            } else {
                Vec::new()
            }
        };
        for waker in waiting {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    #[test]
    fn waits_for_the_last_to_leave_and_refuses_one_too_many() {
        let gauge = Arc::new(Gauge::default());
        let first = gauge.try_enter(2);
        let second = gauge.enter();
        assert!(first.is_some() && gauge.try_enter(2).is_none());
        let mut cx = Context::from_waker(Waker::noop());
        let mut none = pin!(gauge.none());
        assert!(none.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert_eq!(gauge.count(), 1);
        assert!(none.as_mut().poll(&mut cx).is_pending());
        drop(second);
        assert!(none.as_mut().poll(&mut cx).is_ready());
    }
}
