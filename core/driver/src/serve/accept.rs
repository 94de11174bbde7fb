//! Accepting connections until a server is closed, and what precedes a connection's first request.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Server, in_time};
use crate::log;
use crate::runtime::Runtime;

/// Waits after the first failure to accept, and at most after many.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What a binding's `serve` is made of: gives each connection that `poll_accept` finds at the listener
/// to `each`, until the server is closing and its sessions have gone. Then the listener is dropped, and
/// this returns when the last connection has ended.
///
/// Failures are waited out, longer each time: out of file descriptors or memory, both come back when
/// connections end.
///
/// # Errors
/// None at present. The type is that of `serve`, which leaves room for listeners that cannot recover.
pub async fn accept<L, T>(
    runtime: &impl Runtime,
    server: &Server,
    listener: L,
    poll_accept: impl FnMut(&L, &mut Context<'_>) -> Poll<io::Result<T>>,
    each: impl FnMut(T),
) -> io::Result<()> {
    until_drained(runtime, server, &listener, poll_accept, each).await;
    drop(listener);
    server.closed().await;
    Ok(())
}

async fn until_drained<L, T>(
    runtime: &impl Runtime,
    server: &Server,
    listener: &L,
    mut poll_accept: impl FnMut(&L, &mut Context<'_>) -> Poll<io::Result<T>>,
    mut each: impl FnMut(T),
) {
    // Clients that poll come back for what is left to be said to them: until they have gone, the
    // door stays open.
    let mut drained = pin!(server.drained());
    let mut wait = BACK_OFF.0;
    loop {
        let accepted = poll_fn(|cx| {
            if drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            poll_accept(listener, cx).map(Some)
        })
        .await;
        match accepted {
            None => return,
            Some(Ok(accepted)) => {
                wait = BACK_OFF.0;
                each(accepted);
            }
            Some(Err(error)) if concerns_one_connection(&error) => {}
            Some(Err(_error)) => {
                log::error!(error = %_error, retry = ?wait, "cannot accept");
                let mut sleep = pin!(runtime.sleep_until(runtime.now() + wait));
                let ended = poll_fn(|cx| {
                    if drained.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(true);
                    }
                    sleep.as_mut().poll(cx).map(|()| false)
                })
                .await;
                if ended {
                    return;
                }
                wait = (wait * 2).min(BACK_OFF.1);
            }
        }
    }
}

/// A TLS handshake of a binding, or whatever else has to be over before a connection is served: its
/// stream, unless it fails or takes longer than `request_head_timeout`.
pub async fn establish<T>(
    runtime: &impl Runtime,
    server: &Server,
    _address: SocketAddr,
    handshake: impl Future<Output = io::Result<T>>,
) -> Option<T> {
    let limit = server.options().serving.request_head_timeout;
    let outcome = in_time(runtime, limit, handshake).await;
    match outcome {
        Some(Ok(stream)) => return Some(stream),
        Some(Err(_error)) => log::debug!(address = %_address, error = %_error, "handshake failed"),
        None => log::debug!(address = %_address, "handshake took too long"),
    }
    None
}

/// Errors of a connection that was gone before it was taken.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
