//! The events of a socket as a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::inner::{Event, Socket};
use super::queue::{Inbox, Queue};

/// A stream of the events of a socket, in order, beside its handlers. It ends when the client is closed, and keeps
/// it from closing by itself as any handle does.
pub struct Events {
    socket: Socket,
    queue: Arc<Queue<Event>>,
}

impl Events {
    /// The next event; `None` once the client is closed. It may be dropped at any time.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// How many events were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// The socket whose events they are.
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl Socket {
    /// A stream of its events from now on, of which so many may wait.
    pub fn events(&self, inbox: Inbox) -> Events {
        let queue = Arc::new(Queue::new(inbox));
        if self.shared().gone.is_raised() {
            queue.end();
        } else {
            {
                let mut rest = self.inner.rest();
                rest.streams.push(queue.clone());
                self.inner.streamed.store(true, Ordering::Relaxed);
            }
            // It may have ended since.
            if self.shared().gone.is_raised() {
                queue.end();
            }
        }
        Events {
            socket: self.clone(),
            queue,
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some((event, freed)) = ready!(self.queue.poll(cx)) else {
            return Poll::Ready(None);
        };
        if freed {
            self.socket.shared().wake();
        }
        Poll::Ready(Some(event))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.abandon();
        let inner = &self.socket.inner;
        {
            let mut rest = inner.rest();
            rest.streams.retain(|it| !it.is_ended());
            inner
                .streamed
                .store(!rest.streams.is_empty(), Ordering::Relaxed);
        }
        // The client may have waited for room in it.
        self.socket.shared().wake();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
