//! What a client is doing, for those who watch it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use sio_core::engine::TransportKind;

use super::error::ConnectError;

/// What a client is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// Nothing: no socket wants to be anywhere, or it is not to dial again.
    Idle,
    /// It dials.
    Connecting {
        /// Which attempt to dial again it is; 0 for the first dial.
        attempt: u32,
    },
    /// It is connected.
    Connected {
        /// By what.
        transport: TransportKind,
    },
    /// It dials again after a while.
    Waiting {
        /// Which attempt that will be, from 1.
        attempt: u32,
        /// How long it waits, from when it began to.
        wait: Duration,
        /// What went wrong with the last one, or with the connection if there was one.
        error: Option<ConnectError>,
    },
    /// It has dialled often enough. Sockets may still be active, but nobody dials.
    GaveUp {
        /// What went wrong at last.
        error: Option<ConnectError>,
    },
    /// It was told not to dial.
    Suspended,
    /// It is closed for good.
    Closed,
}

/// Watches what a client is doing: a stream of the newest [`Status`], never of a backlog. It begins with the one
/// that is, and ends behind [`Status::Closed`].
pub struct Watch {
    board: Arc<Board>,
    seen: u64,
}

/// Where the newest status stands.
pub(super) struct Board(Mutex<Posted>);

struct Posted {
    status: Status,
    version: u64,
    waiting: Vec<Waker>,
}

impl Watch {
    pub(super) const fn new(board: Arc<Board>) -> Self {
        Self { board, seen: 0 }
    }

    /// The next status that is another one than that which was seen last; `None` behind [`Status::Closed`]. It may be
    /// dropped at any time.
    pub async fn next(&mut self) -> Option<Status> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What it is doing now.
    #[doc(alias = "borrow")]
    pub fn current(&self) -> Status {
        self.board.current()
    }
}

impl Stream for Watch {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Status>> {
        let (version, status) = {
            let mut posted = self.board.lock();
            if posted.version == self.seen {
                if posted.status == Status::Closed {
                    return Poll::Ready(None);
                }
                if !posted.waiting.iter().any(|it| it.will_wake(cx.waker())) {
                    posted.waiting.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
            (posted.version, posted.status.clone())
        };
        self.seen = version;
        Poll::Ready(Some(status))
    }
}

impl Clone for Watch {
    /// The copy begins with what is.
    fn clone(&self) -> Self {
        Self::new(self.board.clone())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.current()).finish()
    }
}

impl Board {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Posted {
            status: Status::Idle,
            version: 1,
            waiting: Vec::new(),
        })))
    }

    pub(super) fn current(&self) -> Status {
        self.lock().status.clone()
    }

    pub(super) fn post(&self, status: Status) {
        let waiting = {
            let mut posted = self.lock();
            if posted.status == status {
                return;
            }
            posted.status = status;
            posted.version += 1;
            std::mem::take(&mut posted.waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_seen_and_no_backlog() {
        let board = Board::new();
        let mut watch = Watch::new(board.clone());
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = |watch: &mut Watch| Pin::new(watch).poll_next(&mut cx);
        assert_eq!(next(&mut watch), Poll::Ready(Some(Status::Idle)));
        assert_eq!(next(&mut watch), Poll::Pending);
        board.post(Status::Idle);
        assert_eq!(next(&mut watch), Poll::Pending);
        board.post(Status::Connecting { attempt: 0 });
        board.post(Status::Suspended);
        assert_eq!(next(&mut watch), Poll::Ready(Some(Status::Suspended)));
        board.post(Status::Closed);
        assert_eq!(next(&mut watch), Poll::Ready(Some(Status::Closed)));
        assert_eq!(next(&mut watch), Poll::Ready(None));
    }
}
