//! A bare WebSocket echo: the transport of production without a protocol above it, for conformance
//! suites such as Autobahn's.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::config::Config;
use sio_core::engine::Message;
use sio_core::packet::Part;

use super::{Received, Transport};
use crate::runtime::{Runtime, Sleep};
use crate::sync::signal::Signal;
use crate::sync::wait_group::WaitGroup;

/// Messages sent back before the stream is written to.
const BATCH: usize = 32;

/// How long an echo waits for its peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a byte in either direction.
    idle: Duration,
    /// For the end.
    end: Duration,
}

impl Patience {
    /// So long.
    pub(crate) const fn new(idle: Duration, end: Duration) -> Self {
        Self { idle, end }
    }

    /// As long as for a session of which nothing is heard.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            idle: config.ping_interval.saturating_add(config.ping_timeout),
            end: config.close_timeout,
        }
    }
}

/// The echoes of a server.
#[derive(Clone, Default)]
pub(crate) struct Echoes {
    /// They are to end.
    pub(crate) ending: Arc<Signal>,
    /// Those that have not.
    pub(crate) alive: Arc<WaitGroup>,
}

/// The closing code of a server that goes away (RFC 6455 §7.4.1).
const GOING_AWAY: u16 = 1001;

/// Serves a WebSocket to its end, which is there when `over` is at the latest.
pub(crate) async fn echo<R: Runtime>(
    runtime: R,
    patience: Patience,
    mut transport: Box<impl Transport>,
    over: impl Future<Output = ()>,
) {
    let mut moved_at = runtime.now();
    let mut idle = pin!(runtime.sleep_until(moved_at + patience.idle));
    let mut over = pin!(over);
    poll_fn(|cx| {
        if over.as_mut().poll(cx).is_ready() {
            transport.close(Some(GOING_AWAY), "");
            return Poll::Ready(());
        }
        let mut moved = false;
        if poll_echo(&mut *transport, &mut moved, cx).is_ready() {
            return Poll::Ready(());
        }
        if moved {
            moved_at = runtime.now();
        }
        while idle.as_mut().poll(cx).is_ready() {
            let until = moved_at + patience.idle;
            if until <= runtime.now() {
                return Poll::Ready(());
            }
            idle.as_mut().reset(until);
        }
        Poll::Pending
    })
    .await;
    let mut late = pin!(runtime.sleep_until(runtime.now() + patience.end));
    poll_fn(|cx| match transport.poll_finish(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => late.as_mut().poll(cx),
    })
    .await;
}

/// Sends back what comes, until nothing more can. `moved`: something has come or left.
fn poll_echo(transport: &mut impl Transport, moved: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let mut received = 0;
        let had_room = transport.has_room();
        while transport.has_room() && received < BATCH {
            match transport.poll_receive(cx) {
                Poll::Ready(Received::Frame(Message::Text(text))) => {
                    transport.send(&[], Part::Text(text.into_bytes()), true);
                }
                Poll::Ready(Received::Frame(Message::Binary(data))) => {
                    transport.send(&[], Part::Binary(data), true);
                }
                Poll::Ready(Received::Closed(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
            received += 1;
        }
        let (sent, flushed) = transport.poll_flush(cx);
        *moved |= received > 0 || sent > 0;
        match flushed {
            // There may be more to read, and nobody has asked to be woken for it.
            Poll::Ready(Ok(())) if received > 0 || !had_room => {}
            Poll::Ready(Ok(())) | Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::task::Waker;

    use super::*;

    /// A stream that takes what is queued at the second try; then a message comes.
    #[derive(Default)]
    struct Slow {
        queued: usize,
        tried: bool,
        asked: usize,
    }

    impl Transport for Slow {
        fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Received> {
            self.asked += 1;
            match self.asked {
                1 => Poll::Ready(Received::Frame(Message::Text("large".into()))),
                _ => Poll::Pending,
            }
        }

        fn has_room(&self) -> bool {
            self.queued == 0
        }

        fn send(&mut self, _: &'static [u8], _: Part, _: bool) {
            self.queued += 1;
        }

        fn close(&mut self, _: Option<u16>, _: &str) {}

        fn poll_flush(&mut self, _: &mut Context<'_>) -> (usize, Poll<io::Result<()>>) {
            if !std::mem::replace(&mut self.tried, true) {
                return (0, Poll::Pending);
            }
            self.queued = 0;
            (1, Poll::Ready(Ok(())))
        }

        fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    #[test]
    fn once_a_large_answer_has_left_reading_goes_on() {
        let (mut slow, mut cx) = (Slow::default(), Context::from_waker(Waker::noop()));
        let mut moved = false;
        assert!(poll_echo(&mut slow, &mut moved, &mut cx).is_pending());
        assert_eq!((slow.asked, slow.queued), (1, 1));
        // Writable again: who is pending after this must be waiting for the next message.
        assert!(poll_echo(&mut slow, &mut moved, &mut cx).is_pending());
        assert_eq!((slow.asked, slow.queued), (2, 0));
    }
}
