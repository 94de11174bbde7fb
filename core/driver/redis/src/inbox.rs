//! What Redis has said by itself and nobody has looked at yet.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "Redis has many kinds of values, of which a reply has one or two"
)]

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use redis::{PushInfo, PushKind, Value};

/// Filled by the task that reads the connection.
#[derive(Debug)]
pub(crate) struct Inbox {
    inner: Mutex<Inner>,
    most: usize,
}

#[derive(Debug, Default)]
struct Inner {
    pushes: VecDeque<PushInfo>,
    bytes: usize,
    /// Nothing more will come: why.
    end: Option<&'static str>,
    waker: Option<Waker>,
}

impl Inbox {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            inner: Mutex::default(),
            most,
        }
    }

    /// Never waits. What comes after the end is dropped.
    pub(crate) fn push(&self, push: PushInfo) {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return;
        }
        if push.kind == PushKind::Disconnection {
            inner.end = Some("the connection was closed");
        } else {
            inner.bytes = inner.bytes.saturating_add(weight(&push));
            // One alone may be of any length: cut off, the connection would not make it shorter.
            if inner.bytes > self.most && !inner.pushes.is_empty() {
                inner.end = Some("more waited to be looked at than may wait (max_unread_bytes)");
                inner.pushes.clear();
            } else {
                inner.pushes.push_back(push);
            }
        }
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What was said next, or why nothing will be.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<PushInfo, &'static str>> {
        let mut inner = self.lock();
        if let Some(push) = inner.pushes.pop_front() {
            inner.bytes = inner.bytes.saturating_sub(weight(&push));
            return Poll::Ready(Ok(push));
        }
        match inner.end {
            Some(why) => Poll::Ready(Err(why)),
            None => {
                inner.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(push: &PushInfo) -> usize {
    let bytes = push.data.iter().map(|value| match value {
        Value::BulkString(bytes) => bytes.len(),
        _ => 0,
    });
    bytes.fold(64, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> PushInfo {
        PushInfo {
            kind: PushKind::Message,
            data: vec![Value::BulkString(vec![0; bytes - 64])],
        }
    }

    #[test]
    fn more_than_may_wait_is_the_end() {
        let mut cx = Context::from_waker(Waker::noop());
        let inbox = Inbox::new(1000);
        inbox.push(message(600));
        inbox.push(message(400));
        assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Ok(_))));
        assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Ok(_))));
        assert!(inbox.poll(&mut cx).is_pending());
        inbox.push(message(600));
        inbox.push(message(401));
        let Poll::Ready(Err(why)) = inbox.poll(&mut cx) else {
            panic!("it is the end");
        };
        assert!(why.contains("max_unread_bytes"), "{why}");
    }

    #[test]
    fn one_alone_may_be_longer_than_all_that_may_wait() {
        let mut cx = Context::from_waker(Waker::noop());
        let inbox = Inbox::new(1000);
        for _ in 0..2 {
            inbox.push(message(1001));
            assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Ok(_))));
        }
        inbox.push(message(1001));
        inbox.push(message(64));
        assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Err(_))));
    }

    #[test]
    fn what_came_before_the_end_is_told_before_it() {
        let mut cx = Context::from_waker(Waker::noop());
        let inbox = Inbox::new(1000);
        inbox.push(message(100));
        inbox.push(PushInfo {
            kind: PushKind::Disconnection,
            data: Vec::new(),
        });
        inbox.push(message(100));
        assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Ok(_))));
        assert!(matches!(inbox.poll(&mut cx), Poll::Ready(Err(_))));
    }
}
