//! Listening: one task for each accepted connection.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use sio_driver::binding::{Remote, Server, accept, serve_stream};
use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs};

use crate::runtime::Tokio;
use crate::stream::{Accepted, Compat};

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
    let server = server.into();
    let each = |(stream, address)| {
        let remote = Remote::plain(address);
        tokio::spawn(serve_stream(Tokio, server.clone(), Compat(stream), remote));
    };
    accept(&Tokio, &server, listener, poll_accept, each).await
}

/// Binds an address and serves there: `new Server(port)`. For port 0, bind a listener, ask for its
/// address, and give it to [`serve`]. [`Config::listen_backlog`](crate::Config::listen_backlog) connections
/// may wait.
///
/// # Errors
/// The address cannot be bound.
pub async fn listen(address: impl ToSocketAddrs, server: impl Into<Server>) -> io::Result<()> {
    let server = server.into();
    let backlog = server
        .config()
        .map_or(BACKLOG, |it| it.serving.listen_backlog);
    serve(bind(address, backlog).await?, server).await
}

/// A listener at the first of these addresses that is free.
async fn bind(address: impl ToSocketAddrs, backlog: usize) -> io::Result<TcpListener> {
    let backlog = u32::try_from(backlog).unwrap_or(u32::MAX);
    let mut error = None;
    for address in tokio::net::lookup_host(address).await? {
        let bound = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let bound = bound.and_then(|socket| {
            // As tokio's own listeners do: else the port stays taken for a while after a restart.
            #[cfg(not(windows))]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(backlog)
        });
        match bound {
            Ok(listener) => return Ok(listener),
            Err(why) => error = Some(why),
        }
    }
    Err(error.unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
}

/// Connections that may wait where no server says otherwise.
const BACKLOG: usize = 1024;

/// The next connection.
pub(crate) fn poll_accept(
    listener: &TcpListener,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(Accepted, SocketAddr)>> {
    let (stream, address) = ready!(listener.poll_accept(cx))?;
    // Packets are written once a turn: waiting for more to send with them only delays. A socket that
    // refuses the option is gone already; its task will see that.
    let _ = stream.set_nodelay(true);
    Poll::Ready(Ok((Accepted(stream), address)))
}
