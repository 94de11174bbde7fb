//! A number of things that are alive, and those who wait for it to be none.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use crate::sync::primitives::{Mutex, MutexGuard};

/// Counts things by `C`: as a number, what [`enter`](WaitGroup::enter) returned and was not dropped yet.
#[derive(Debug, Default)]
pub(crate) struct WaitGroup<C = usize> {
    inner: Mutex<Inner<C>>,
}

/// How things are counted.
pub(crate) trait Count {
    fn is_none(&self) -> bool;
}

impl Count for usize {
    fn is_none(&self) -> bool {
        *self == 0
    }
}

#[derive(Debug, Default)]
struct Inner<C> {
    count: C,
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
        self.change(|count| *count = count.saturating_add(1));
        Counted(self.clone())
    }
}

impl<C: Count> WaitGroup<C> {
    pub(crate) fn new(count: C) -> Self {
        Self {
            inner: Mutex::new(Inner {
                count,
                waiting: BTreeMap::new(),
                next: 0,
            }),
        }
    }

    /// Counts. Those who wait are woken if there is none afterwards.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut C) -> R) -> R {
        let (changed, waiting) = {
            let mut inner = self.lock();
            let changed = change(&mut inner.count);
            let waiting = match inner.count.is_none() {
                true => std::mem::take(&mut inner.waiting),
                false => BTreeMap::new(),
            };
            (changed, waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
        changed
    }

    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        let mut place = Waiting {
            gauge: self,
            number: None,
        };
        poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.count.is_none() {
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

    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits, until it does not any more.
struct Waiting<'a, C: Count> {
    gauge: &'a WaitGroup<C>,
    number: Option<u64>,
}

impl<C: Count> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        let waker = self
            .number
            .and_then(|number| self.gauge.lock().waiting.remove(&number));
        // Outside the lock.
        drop(waker);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.change(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    #[test]
    fn waits_for_the_last_to_leave() {
        let gauge = Arc::new(WaitGroup::default());
        let (first, second) = (gauge.enter(), gauge.enter());
        let mut cx = Context::from_waker(Waker::noop());
        let mut none = pin!(gauge.none());
        assert!(none.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert_eq!(gauge.lock().count, 1);
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
