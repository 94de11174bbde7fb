//! Adapters that are being closed, and what becomes of one whose end nobody waits for any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::adapter::Adapter;
use crate::log::error;
use crate::sync::guard::{guarded, let_go};
use crate::sync::later::Later;

/// Adapters that were told to close and have not done so, while nobody waits for that: whoever did was
/// dropped. The next one to close the server goes on with them.
#[derive(Default)]
pub(super) struct Left(Mutex<Vec<Pending>>);

/// An adapter, and its end.
type Pending = (Arc<dyn Adapter>, Later<()>);

/// Waits until an adapter has closed, or has panicked: it is the application's. Dropped before, the adapter is left
/// behind.
pub(super) struct Closing<'a> {
    left: &'a Left,
    pending: Option<Pending>,
}

impl Left {
    /// Closes an adapter.
    pub(super) fn close(&self, adapter: Arc<dyn Adapter>) -> Closing<'_> {
        let end = guarded(|| adapter.close());
        let pending = match end {
            Ok(end) => Some((adapter, end)),
            Err(_panic) => {
                error!(why = %_panic.0, "adapter panicked");
                None
            }
        };
        Closing {
            left: self,
            pending,
        }
    }

    /// Looks at those that were left behind, each time that there is no room for another: nobody waits for them, and
    /// they may have closed since. So there is never room for many more than have not.
    pub(super) fn look(&self) {
        let all = {
            let mut all = self.lock();
            if all.len() < all.capacity() {
                return;
            }
            std::mem::take(&mut *all)
        };
        let mut cx = Context::from_waker(Waker::noop());
        for pending in all {
            // One that is not done is left behind again.
            let mut closing = Closing {
                left: self,
                pending: Some(pending),
            };
            let _ = Pin::new(&mut closing).poll(&mut cx);
        }
    }

    /// One that was left behind.
    pub(super) fn take(&self) -> Option<Closing<'_>> {
        let pending = self.lock().pop()?;
        Some(Closing {
            left: self,
            pending: Some(pending),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Closing<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // One that panics is not polled again.
        let Some((adapter, mut end)) = self.pending.take() else {
            return Poll::Ready(());
        };
        match guarded(|| Pin::new(&mut end).poll(cx)) {
            Ok(Poll::Pending) => {
                self.pending = Some((adapter, end));
                Poll::Pending
            }
            done => {
                if let Err(_panic) = done.and(let_go(end)).and(let_go(adapter)) {
                    error!(why = %_panic.0, "adapter panicked");
                }
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.left.lock().push(pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use sio_core::config::Config;

    use super::*;
    use crate::adapter::InMemory;
    use crate::handle::Io;
    use crate::sync::one_shot::{Waiting, answer};

    /// An adapter whose end takes as long as it is given.
    struct Slow {
        local: InMemory,
        end: Mutex<Option<Waiting<()>>>,
        closed: Arc<AtomicUsize>,
        ended: Arc<AtomicUsize>,
    }

    impl Adapter for Slow {
        fn local(&self) -> &InMemory {
            &self.local
        }

        fn close(&self) -> Later<()> {
            self.closed.fetch_add(1, Ordering::Relaxed);
            let (end, ended) = (self.end.lock().unwrap().take(), self.ended.clone());
            Later::when(async move {
                if let Some(end) = end {
                    end.await;
                }
                ended.fetch_add(1, Ordering::Relaxed);
            })
        }
    }

    #[test]
    fn an_adapter_whose_closer_is_dropped_is_closed_by_the_next() {
        // faults: H14
        let io = Io::new(Config::default());
        let (finish, end) = answer();
        let counts = <[Arc<AtomicUsize>; 2]>::default();
        let [closed, ended] = counts.clone();
        let end = Mutex::new(Some(end));
        io.set_adapter(move |local| Slow {
            local,
            end: Mutex::new(end.lock().unwrap().take()),
            closed: closed.clone(),
            ended: ended.clone(),
        })
        .unwrap();
        let counted = || counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        let mut cx = Context::from_waker(Waker::noop());
        let mut beside = pin!(io.close());
        {
            let mut first = pin!(io.close());
            assert!(first.as_mut().poll(&mut cx).is_pending());
            assert!(beside.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(counted(), [1, 0]);
        assert!(beside.as_mut().poll(&mut cx).is_pending());
        let mut next = pin!(io.close());
        assert!(next.as_mut().poll(&mut cx).is_pending());
        finish.give(());
        assert!(beside.as_mut().poll(&mut cx).is_ready());
        assert_eq!(counted(), [1, 1]);
        assert!(next.as_mut().poll(&mut cx).is_ready());
        assert_eq!(counted(), [1, 1]);
    }

    #[test]
    fn adapters_that_have_closed_are_not_kept() {
        let io = Io::new(Config::default());
        let open = Arc::<Mutex<Vec<_>>>::default();
        let ended = Arc::<AtomicUsize>::default();
        let (ends, counts) = (open.clone(), ended.clone());
        io.set_adapter(move |local| {
            let (finish, end) = answer();
            ends.lock().unwrap().push(finish);
            Slow {
                local,
                end: Mutex::new(Some(end)),
                closed: Arc::default(),
                ended: counts.clone(),
            }
        })
        .unwrap();
        for n in 0..1_000 {
            let name = format!("/{n}");
            io.of(&name);
            assert!(io.remove_namespace(&name));
            // A moment later, when nobody looks.
            let finish = open.lock().unwrap().pop().unwrap();
            finish.give(());
            assert!(io.inner.left.lock().len() <= 8, "after {n}");
        }
        open.lock().unwrap().pop().unwrap().give(());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(io.close()).poll(&mut cx).is_ready());
        assert_eq!(ended.load(Ordering::Relaxed), 1_001);
    }

    /// An adapter that panics when it is told to close, or as it does.
    struct Broken {
        local: InMemory,
        at_once: bool,
    }

    impl Adapter for Broken {
        fn local(&self) -> &InMemory {
            &self.local
        }

        fn close(&self) -> Later<()> {
            assert!(!self.at_once, "on purpose");
            Later::when(async { panic!("on purpose") })
        }
    }

    #[test]
    fn an_adapter_that_panics_keeps_nobody_from_closing_the_rest() {
        for at_once in [true, false] {
            let io = Io::new(Config::default());
            io.set_adapter(move |local| Broken { local, at_once })
                .unwrap();
            let held = Arc::new(());
            for name in ["/", "/gone", "/stays"] {
                let its = held.clone();
                io.of(name).on("x", move || {
                    let _ = &its;
                });
            }
            assert!(io.remove_namespace("/gone"));
            assert_eq!(Arc::strong_count(&held), 3);
            let mut cx = Context::from_waker(Waker::noop());
            assert!(pin!(io.close()).poll(&mut cx).is_ready());
            assert_eq!(Arc::strong_count(&held), 1);
        }
    }
}
