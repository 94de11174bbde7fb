//! A value that is there, or that a future brings.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::BoxFuture;

/// A result that may already be there. Nobody needs to await it: what it stands for happens anyway.
#[must_use = "dropping it is allowed, but say so"]
pub struct Later<T>(State<T>);

enum State<T> {
    Ready(Option<T>),
    Pending(BoxFuture<T>),
}

impl<T> Later<T> {
    /// One that is there.
    pub const fn ready(value: T) -> Self {
        Self(State::Ready(Some(value)))
    }

    /// One that a future brings. Work that must be done whether anybody waits or not belongs on a task.
    pub fn when(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(State::Pending(Box::pin(future)))
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Later<U>
    where
        T: 'static,
    {
        match self.0 {
            State::Ready(value) => Later(State::Ready(value.map(change))),
            State::Pending(future) => Later::when(async move { change(future.await) }),
        }
    }
}

impl<T: Unpin> Future for Later<T> {
    type Output = T;

    /// # Panics
    /// If it is polled again after it has ended, as futures may.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            State::Ready(value) => match value.take() {
                Some(value) => Poll::Ready(value),
                None => panic!("polled after it had ended"),
            },
            State::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for Later<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "Later(ready)",
            State::Pending(_) => "Later(pending)",
        })
    }
}
