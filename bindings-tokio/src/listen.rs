//! Listening: one task for each accepted connection.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sio_driver::{Remote, Server, serve_stream};
use tokio::net::{TcpListener, TcpStream};

use crate::runtime::Tokio;
use crate::stream::Compat;

/// Waits after the first failure to accept, and at most after many.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Serves a Socket.IO server (or an Engine.IO one, or a [`Server`] of several) on a listener, until it
/// is closed ([`Io::close`](crate::Io::close)). Then new sessions are refused, and when the last one
/// has gone the port is free and this returns.
///
/// Dropping the future stops listening; connections that are open go on.
///
/// # Errors
/// None at present: failures to accept are waited out. The type leaves room for those of a listener
/// that cannot recover.
pub async fn serve(listener: TcpListener, server: impl Into<Server>) -> io::Result<()> {
    serve_with(listener, server.into()).await
}

/// Like [`serve`], for a [`Server`] with more than one part.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(listener: TcpListener, server: Server) -> io::Result<()> {
    let spawned = server.clone();
    accept(listener, &server, move |stream, address| {
        let server = spawned.clone();
        tokio::spawn(serve_stream(
            Tokio,
            server,
            Compat(stream),
            Remote::plain(address),
        ));
    })
    .await;
    server.closed().await;
    Ok(())
}

/// Accepts until the server closes.
pub(crate) async fn accept(
    listener: TcpListener,
    server: &Server,
    mut each: impl FnMut(TcpStream, SocketAddr),
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
            listener.poll_accept(cx).map(Some)
        })
        .await;
        match accepted {
            None => return,
            Some(Ok((stream, address))) => {
                wait = BACK_OFF.0;
                // Packets are written once a turn: waiting for more to send with them only delays.
                // A socket that refuses the option is gone already; its task will see that.
                let _ = stream.set_nodelay(true);
                each(stream, address);
            }
            Some(Err(error)) if concerns_one_connection(&error) => {}
            Some(Err(_error)) => {
                // Out of file descriptors or memory: both come back when connections end.
                #[cfg(feature = "tracing")]
                tracing::error!(error = %_error, retry = ?wait, "cannot accept");
                let sleep = tokio::time::sleep(wait);
                let mut sleep = pin!(sleep);
                poll_fn(|cx| {
                    if drained.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                    sleep.as_mut().poll(cx)
                })
                .await;
                wait = (wait * 2).min(BACK_OFF.1);
            }
        }
    }
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
