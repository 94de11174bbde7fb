//! Listening: one task for each accepted connection.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use sio_driver::{Remote, Server, accept, serve_stream};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};

use crate::runtime::Tokio;
use crate::stream::Compat;

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

/// Binds an address and serves there: `new Server(port)`. For port 0, bind a listener, ask for its
/// address, and give it to [`serve`].
///
/// # Errors
/// The address cannot be bound.
pub async fn listen(address: impl ToSocketAddrs, server: impl Into<Server>) -> io::Result<()> {
    serve(TcpListener::bind(address).await?, server).await
}

/// Like [`serve`], for a [`Server`] with more than one part.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(listener: TcpListener, server: Server) -> io::Result<()> {
    let each = |(stream, address)| {
        let remote = Remote::plain(address);
        tokio::spawn(serve_stream(Tokio, server.clone(), Compat(stream), remote));
    };
    accept(&Tokio, &server, listener, poll_accept, each).await
}

/// The next connection.
pub(crate) fn poll_accept(
    listener: &TcpListener,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
    let (stream, address) = ready!(listener.poll_accept(cx))?;
    // Packets are written once a turn: waiting for more to send with them only delays. A socket that
    // refuses the option is gone already; its task will see that.
    let _ = stream.set_nodelay(true);
    Poll::Ready(Ok((stream, address)))
}
