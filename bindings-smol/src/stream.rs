//! Sockets of async-io. Streams need no adapter: they speak `futures-io` already.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::task::{Context, Poll, ready};

use smol::Async;

/// The next connection.
pub(crate) fn poll_accept(
    listener: &Async<TcpListener>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(Async<TcpStream>, SocketAddr)>> {
    loop {
        match listener.get_ref().accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
            Ok((stream, address)) => {
                // Packets are written once a turn: waiting for more to send with them only delays.
                // A socket that refuses the option is gone already; its task will see that.
                let _ = stream.set_nodelay(true);
                return Poll::Ready(Async::new(stream).map(|stream| (stream, address)));
            }
        }
        ready!(listener.poll_readable(cx))?;
    }
}
