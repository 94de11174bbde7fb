//! A number of things that are alive, and those who wait for it to be none.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Counts what [`enter`](Self::enter) returned and was not dropped yet.
#[derive(Debug, Default)]
pub(crate) struct WaitGroup {
    inner: Mutex<Inner>,
    /// What goes with the last one.
    _kept: Option<Box<dyn Companion>>,
}

/// What a gauge may keep.
trait Companion: std::fmt::Debug + Send + Sync {}

impl<T: std::fmt::Debug + Send + Sync> Companion for T {}

#[derive(Debug, Default)]
struct Inner {
    count: usize,
    /// Who waits, by a number of its own.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

/// One of the things counted.
#[derive(Debug)]
pub(crate) struct Counted(Arc<WaitGroup>);

impl WaitGroup {
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
        let mut place = Waiting {
            gauge: self,
            number: None,
        };
        poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.count == 0 {
                return Poll::Ready(());
            }
            let number = *place.number.get_or_insert_with(|| {
                inner.next = inner.next.wrapping_add(1);
                inner.next
            });
            match inner.waiting.get_mut(&number) {
                Some(kept) => kept.clone_from(cx.waker()),
                None => drop(inner.waiting.insert(number, cx.waker().clone())),
            }
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits, until it does not any more.
struct Waiting<'a> {
    gauge: &'a WaitGroup,
    number: Option<u64>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waker = self
            .number
            .and_then(|number| self.gauge.lock().waiting.remove(&number));
        // Outside the lock.
        drop(waker);
    }
}

impl Counted {
    /// One that counts there as long as `more` lives, which is dropped with it: in the place of one alone.
    pub(crate) fn with(self, more: impl std::fmt::Debug + Send + Sync + 'static) -> Self {
        let both = WaitGroup {
            _kept: Some(Box::new((self, more))),
            ..WaitGroup::default()
        };
        Arc::new(both).enter()
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
                BTreeMap::new()
            }
        };
        for waker in waiting.into_values() {
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
        let gauge = Arc::new(WaitGroup::default());
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

    #[test]
    fn who_waits_has_one_place_and_leaves_it() {
        let gauge = Arc::new(WaitGroup::default());
        let _one = gauge.enter();
        let mut cx = Context::from_waker(Waker::noop());
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(gauge.none())).collect();
        for _ in 0..3 {
            for none in &mut waiting {
                assert!(none.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(gauge.lock().waiting.len(), 100);
        }
        drop(waiting);
        assert_eq!(gauge.lock().waiting.len(), 0);
    }
}
