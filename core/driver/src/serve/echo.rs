//! A bare WebSocket echo: the transport of production without a protocol above it, for conformance
//! suites such as Autobahn's.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::engine::Frame;
use sio_core::packet::Part;

use crate::runtime::Runtime;
use crate::websocket::{Received, Transport};

/// Messages sent back before the stream is written to.
const BATCH: usize = 32;

/// Serves a WebSocket to its end, for which it has `limit`.
pub(super) async fn echo<R: Runtime>(
    runtime: R,
    limit: Duration,
    mut transport: Box<impl Transport>,
) {
    poll_fn(|cx| poll_echo(&mut *transport, cx)).await;
    let mut late = pin!(runtime.sleep_until(runtime.now() + limit));
    poll_fn(|cx| match transport.poll_finish(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => late.as_mut().poll(cx),
    })
    .await;
}

/// Sends back what comes, until nothing more can.
fn poll_echo(transport: &mut impl Transport, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let mut received = 0;
        while transport.has_room() && received < BATCH {
            match transport.poll_receive(cx) {
                Poll::Ready(Received::Frame(Frame::Text(text))) => {
                    transport.send(&[], Part::Text(text.into_bytes()), true);
                }
                Poll::Ready(Received::Frame(Frame::Binary(data))) => {
                    transport.send(&[], Part::Binary(data), true);
                }
                Poll::Ready(Received::Closed(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
            received += 1;
        }
        match transport.poll_flush(cx).1 {
            Poll::Ready(Ok(())) if received > 0 => {}
            Poll::Ready(Ok(())) | Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(()),
        }
    }
}
