//! Sockets of async-io.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect};
use smol::Async;
use smol::io::{AsyncRead, AsyncWrite};

/// A connection that waits to be told before it reads again what it has just emptied.
///
/// async-io reads first and asks its reactor when there was nothing: a system call in vain each time
/// that a task is polled, two a turn where many messages are in flight.
#[derive(Debug)]
pub(crate) struct Stream {
    inner: Async<TcpStream>,
    /// The last read did not fill its buffer.
    empty: bool,
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if stream.empty {
            // The socket is watched for its level, so that what came meanwhile is reported too.
            match stream.inner.poll_readable(cx) {
                Poll::Pending if !sio_driver::binding::is_looking() => return Poll::Pending,
                Poll::Pending => {}
                Poll::Ready(readable) => {
                    readable?;
                    stream.empty = false;
                }
            }
        }
        let count = ready!(Pin::new(&mut stream.inner).poll_read(cx, buffer))?;
        stream.empty = 0 < count && count < buffer.len();
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// async-io's own only flushes: the other side would not hear that nothing more comes.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.inner.get_ref().shutdown(Shutdown::Write) {
            // It has gone already.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            outcome => outcome,
        })
    }
}

/// A connection to an address, from one of ours if it matters which.
pub(crate) async fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<Stream> {
    let inner = match from {
        None => Async::<TcpStream>::connect(to).await?,
        Some(from) => dial_from(to, from).await?,
    };
    // As for those that are accepted.
    let _ = inner.get_ref().set_nodelay(true);
    Ok(Stream {
        inner,
        empty: false,
    })
}

async fn dial_from(to: SocketAddr, from: IpAddr) -> io::Result<Async<TcpStream>> {
    let family = match to {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(from, 0))?;
    let stream = Async::new(TcpStream::from(socket))?;
    match connect(stream.get_ref(), &to) {
        // Whoever waits for it to be writable waits for the end of that.
        Err(Errno::INPROGRESS) => stream.writable().await?,
        done => done?,
    }
    match stream.get_ref().take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

/// A connection, and whose it is.
type Accepted = (Stream, SocketAddr);

/// What finds the next connection. Once there was none it waits to be told of one: whoever selects among it
/// and other things polls it for each of them, a system call in vain each time.
pub(crate) fn accepting()
-> impl FnMut(&Arc<Async<TcpListener>>, &mut Context<'_>) -> Poll<io::Result<Accepted>> {
    let mut empty = false;
    move |listener, cx| {
        loop {
            if empty {
                // Watched for its level, as connections are.
                ready!(listener.poll_readable(cx))?;
                empty = false;
            }
            match listener.get_ref().accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => empty = true,
                Err(error) => return Poll::Ready(Err(error)),
                Ok((stream, address)) => {
                    // Packets are written once a turn: waiting for more to send with them only delays.
                    // A socket that refuses the option is gone already; its task will see that.
                    let _ = stream.set_nodelay(true);
                    let stream = Stream {
                        inner: Async::new(stream)?,
                        empty: false,
                    };
                    return Poll::Ready(Ok((stream, address)));
                }
            }
        }
    }
}
