//! Facts about the types of a connection's task: a field in the wrong place costs every client.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures_io::{AsyncRead, AsyncWrite};
use sio_core::config::Config;
use sio_core::time::Instant;

use super::dispatcher::Dispatcher;
use super::socket_state::SocketState;
use super::{Command, Task, TaskHandle};
use crate::handle::Io;
use crate::metrics::Tally;
use crate::runtime::{Runtime, Sleep};
use crate::serve::{Server, serve_stream};
use crate::websocket::WebSocket;

#[derive(Clone)]
pub(super) struct Nowhere;

pub(super) struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

impl Runtime for Nowhere {
    type Sleep = Never;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep_until(&self, _: Instant) -> Never {
        Never
    }

    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// As large as a stream of tokio.
struct Still([u64; 4]);

impl AsyncRead for Still {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for Still {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const fn sendable<T: Send + 'static>() {}

#[test]
fn a_connection_can_move_between_threads() {
    sendable::<Task<Nowhere>>();
    sendable::<Command>();
}

#[test]
fn an_idle_connection_is_small() {
    let io = Io::new(Config::default());
    let stream = Still([0; 4]);
    let task = serve_stream(
        Nowhere,
        Server::new(io),
        stream,
        crate::endpoint::request::Remote::default(),
    );
    let sizes = [
        ("task of a stream", size_of_val(&task), 32),
        (
            "task of a connection",
            size_of::<Task<Nowhere>>(),
            768 + size_of::<Tally>(),
        ),
        ("dispatcher", size_of::<Dispatcher>(), 160),
        ("state of a socket", size_of::<SocketState>(), 104),
        ("handle", size_of::<TaskHandle>(), 136),
        ("socket", crate::handle::socket_size(), 160),
        ("websocket", size_of::<WebSocket<Still>>(), 128),
    ];
    for (what, size, limit) in sizes {
        assert!(size <= limit, "{what}: {size} bytes, {sizes:?}");
    }
}
