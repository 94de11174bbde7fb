//! Requests that are handled to their end, whoever waits for the answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::line::Line;
use crate::runtime::Runtime;

/// A request's future that is not lost with its client: an HTTP server drops it when the client closes,
/// whatever the client has sent by then. The rest of it runs by itself then, and hears by its [`Line`] that
/// nobody waits any more.
pub(super) struct Outliving<R: Runtime, F: Future<Output: Send> + Send + 'static> {
    runtime: R,
    line: Line,
    /// There until it is done.
    future: Option<Pin<Box<F>>>,
}

impl<R: Runtime, F: Future<Output: Send> + Send + 'static> Outliving<R, F> {
    pub(super) fn new(runtime: R, line: Line, future: F) -> Self {
        Self {
            runtime,
            line,
            future: Some(Box::pin(future)),
        }
    }
}

// The future has a box of its own.
impl<R: Runtime, F: Future<Output: Send> + Send + 'static> Unpin for Outliving<R, F> {}

impl<R: Runtime, F: Future<Output: Send> + Send + 'static> Future for Outliving<R, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        let done = future.as_mut().poll(cx);
        if done.is_ready() {
            self.future = None;
        }
        done
    }
}

impl<R: Runtime, F: Future<Output: Send> + Send + 'static> Drop for Outliving<R, F> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.line.end();
            self.runtime.spawn(async move { drop(future.await) });
        }
    }
}
