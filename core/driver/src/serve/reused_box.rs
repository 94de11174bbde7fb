//! A box for one future after the other.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Keeps the memory of a future for the next one of its type.
///
/// hyper handles a stream's requests one after the other, and wants each one's future in a box: the largest
/// allocation of a request, past the size for which the allocator has a short way.
pub(super) struct ReusedBox<F>(Arc<Mutex<Option<Boxed<F>>>>);

type Boxed<F> = Pin<Box<Option<F>>>;

/// A future that gives its memory back.
pub(super) struct Reusing<F> {
    boxed: Option<Boxed<F>>,
    reused: ReusedBox<F>,
}

impl<F> Default for ReusedBox<F> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<F> ReusedBox<F> {
    /// Puts a future there; if another one is there, into a box of its own.
    pub(super) fn put(&self, future: F) -> Reusing<F> {
        let spare = self.take();
        let boxed = match spare {
            Some(mut boxed) => {
                boxed.set(Some(future));
                boxed
            }
            None => Box::pin(Some(future)),
        };
        Reusing {
            boxed: Some(boxed),
            reused: Self(self.0.clone()),
        }
    }

    fn take(&self) -> Option<Boxed<F>> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.take()
    }
}

impl<F: Future> Future for Reusing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let boxed = self.boxed.as_mut();
        match boxed.and_then(|boxed| boxed.as_mut().as_pin_mut()) {
            Some(future) => future.poll(cx),
            // There until this is dropped.
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Reusing<F> {
    fn drop(&mut self) {
        let Some(mut boxed) = self.boxed.take() else {
            return;
        };
        boxed.set(None);
        let mut spare = self.reused.0.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = Some(boxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn memory_is_used_again_and_what_was_in_it_is_dropped() {
        let mut cx = Context::from_waker(Waker::noop());
        let reused = ReusedBox::default();
        let alive = Arc::new(());
        let make = |what: u8| {
            let held = alive.clone();
            async move {
                let _held = held;
                what
            }
        };
        let address = |reusing: &Reusing<_>| {
            let boxed = reusing.boxed.as_ref().unwrap();
            std::ptr::from_ref(&**boxed).addr()
        };
        let mut first = reused.put(make(1));
        let at = address(&first);
        assert_eq!(Pin::new(&mut first).poll(&mut cx), Poll::Ready(1));
        drop(first);
        // One that was never polled leaves nothing either.
        drop(reused.put(make(2)));
        assert_eq!(Arc::strong_count(&alive), 1);
        let mut third = reused.put(make(3));
        let mut beside = reused.put(make(4));
        assert_eq!(address(&third), at);
        assert_ne!(address(&beside), at);
        assert_eq!(Pin::new(&mut beside).poll(&mut cx), Poll::Ready(4));
        assert_eq!(Pin::new(&mut third).poll(&mut cx), Poll::Ready(3));
    }
}
