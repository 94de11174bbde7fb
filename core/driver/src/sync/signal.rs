//! A flag that many tasks can wait for.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::sync::primitives::atomic::{AtomicBool, Ordering};
use crate::sync::primitives::{Mutex, MutexGuard};

/// Something that happens at most once, and those who wait for it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// In the order in which they came, and so they are woken.
    wakers: BTreeMap<u64, Waker>,
}

impl Signal {
    /// Lets everybody who waits, now or later, go on.
    pub(crate) fn raise(&self) {
        let wakers = {
            let mut waiting = self.lock();
            self.raised.store(true, Ordering::Release);
            std::mem::take(&mut waiting.wakers)
        };
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// A future that ends when the signal is raised.
    pub(crate) fn wait<S: AsRef<Self> + Unpin>(owner: S) -> Wait<S> {
        Wait { owner, place: None }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Signal::wait`]; `S` owns the signal.
#[derive(Debug)]
pub(crate) struct Wait<S: AsRef<Signal> + Unpin> {
    owner: S,
    /// Where our waker lies, and a copy of it: the same one again costs no lock.
    place: Option<(u64, Waker)>,
}

impl<S: AsRef<Signal> + Unpin> Future for Wait<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { owner, place } = self.get_mut();
        let signal = owner.as_ref();
        if let Some((_, kept)) = place
            && kept.will_wake(cx.waker())
        {
            return if signal.is_raised() {
                Poll::Ready(())
            } else {
                Poll::Pending
            };
        }
        let mut waiting = signal.lock();
        if signal.is_raised() {
            return Poll::Ready(());
        }
        let id = place.take().map_or(waiting.next, |(id, _)| id);
        waiting.next = waiting.next.max(id.wrapping_add(1));
        waiting.wakers.insert(id, cx.waker().clone());
        *place = Some((id, cx.waker().clone()));
        Poll::Pending
    }
}

impl<S: AsRef<Signal> + Unpin> Drop for Wait<S> {
    fn drop(&mut self) {
        if let Some((id, _)) = self.place.take() {
            self.owner.as_ref().lock().wakers.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Owner(Signal);

    impl AsRef<Signal> for Owner {
        fn as_ref(&self) -> &Signal {
            &self.0
        }
    }

    #[test]
    fn those_who_wait_go_on_and_those_who_left_leave_nothing() {
        let owner = Arc::new(Owner(Signal::default()));
        let mut cx = Context::from_waker(Waker::noop());
        struct Through(Arc<Owner>);
        impl AsRef<Signal> for Through {
            fn as_ref(&self) -> &Signal {
                &self.0.0
            }
        }
        let mut first = Signal::wait(Through(owner.clone()));
        let mut second = Signal::wait(Through(owner.clone()));
        assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
        drop(second);
        assert_eq!(owner.0.lock().wakers.len(), 1);
        owner.0.raise();
        assert!(Pin::new(&mut first).poll(&mut cx).is_ready());
        assert!(owner.0.is_raised());
        drop(first);
        assert!(owner.0.lock().wakers.is_empty());
    }
}
