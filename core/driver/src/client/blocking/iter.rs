//! A stream, taken where one may wait.

use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::wait::{InHandler, may_wait, wait, wait_until};

/// A stream of a client's whose next item is waited for: its [`Events`](crate::client::Events), or the
/// [`Watch`](crate::client::Watch) of its status. What they can be asked for is reached through it.
pub struct Iter<S> {
    stream: S,
}

/// Why there is no next item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextError {
    /// A handler has asked for it.
    InHandler,
    /// None came in time. One may still come.
    TimedOut,
    /// There are no more: the client is closed, or its session over.
    Ended,
}

impl<S: Stream + Unpin> Iter<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// The next one, if it comes within this time.
    ///
    /// # Errors
    /// It does not.
    pub fn next_within(&mut self, time: Duration) -> Result<S::Item, NextError> {
        may_wait()?;
        // Beyond what the clock knows is for ever.
        let until = Instant::now().checked_add(time);
        let next = poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx));
        match wait_until(next, until) {
            Some(Some(item)) => Ok(item),
            Some(None) => Err(NextError::Ended),
            None => Err(NextError::TimedOut),
        }
    }
}

impl<S: Stream + Unpin> Iterator for Iter<S> {
    type Item = S::Item;

    /// The next one; `None`: the client is closed.
    ///
    /// # Panics
    /// In a handler, which must not wait on a client's thread.
    fn next(&mut self) -> Option<S::Item> {
        if let Err(why) = may_wait() {
            panic!("{why}");
        }
        wait(poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)))
    }
}

impl<S> Deref for Iter<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<S: fmt::Debug> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

impl From<InHandler> for NextError {
    fn from(_: InHandler) -> Self {
        Self::InHandler
    }
}

impl fmt::Display for NextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InHandler => InHandler.fmt(f),
            Self::TimedOut => f.write_str("nothing came in time"),
            Self::Ended => f.write_str("the client is closed"),
        }
    }
}

impl std::error::Error for NextError {}
