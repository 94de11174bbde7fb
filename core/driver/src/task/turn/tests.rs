//! How much a connection takes in before others run, and what goes with what is dropped.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use sio_core::config::Config;

use super::super::shape::Nowhere;
use super::ALLOWANCE;
use crate::handle::{Io, Socket};
use crate::scratch;
use crate::serve::{Server, serve_stream};
use crate::sync::one_shot::answer;

/// A client that asks for a WebSocket, enters, and then says the same again and again, as fast as it is
/// read.
struct Flood {
    first: Vec<u8>,
    frame: Vec<u8>,
    at: usize,
    read: Arc<AtomicUsize>,
}

const REQUEST: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame of a client whose mask changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0xff];
    frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = if this.first.is_empty() {
            let rest = &this.frame[this.at..];
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            this.at = (this.at + count) % this.frame.len();
            this.read.fetch_add(count, Ordering::Relaxed);
            count
        } else {
            let count = this.first.len().min(into.len());
            into[..count].copy_from_slice(&this.first[..count]);
            this.first.drain(..count);
            count
        };
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(b.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The most bytes that one poll of the connection's task reads of messages of this size.
fn most_in_a_poll(size: usize) -> usize {
    let (read, mut first) = (Arc::<AtomicUsize>::default(), REQUEST.to_vec());
    first.extend(frame("40"));
    let text = format!(r#"42["nobody","{}"]"#, "x".repeat(size));
    let stream = Flood {
        first,
        frame: frame(&text),
        at: 0,
        read: read.clone(),
    };
    let server = Server::new(Io::new(Config::default()));
    let mut task = pin!(serve_stream(
        Nowhere,
        server,
        stream,
        crate::endpoint::request::Remote::default()
    ));
    let mut cx = Context::from_waker(Waker::noop());
    let mut most = 0;
    for _ in 0..200 {
        assert!(task.as_mut().poll(&mut cx).is_pending());
        most = most.max(read.swap(0, Ordering::Relaxed));
    }
    assert!(most > 0, "nothing was read");
    most
}

#[test]
fn a_client_that_floods_lets_others_run_whatever_the_runtime_does() {
    // faults: H4
    for size in [10, 1_000, 60_000, 900_000] {
        let most = most_in_a_poll(size);
        let limit = ALLOWANCE as usize + 4 * scratch::SIZE;
        assert!(
            most <= limit,
            "{most} bytes in one poll, messages of {size}"
        );
    }
}

/// A client that says something and goes when it is told to.
struct Guest {
    says: Vec<u8>,
    gone: Arc<AtomicBool>,
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = self.says.len().min(into.len());
        into[..count].copy_from_slice(&self.says[..count]);
        self.says.drain(..count);
        match count > 0 || self.gone.load(Ordering::Relaxed) {
            true => Poll::Ready(Ok(count)),
            false => Poll::Pending,
        }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, b: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(b.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Its end panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn a_value_of_who_is_turned_away_takes_no_handler_along() {
    let io = Io::new(Config::v4());
    let (finish, finished) = answer::<()>();
    let finished = std::sync::Mutex::new(Some(finished));
    let done = Arc::new(AtomicBool::new(false));
    let does = done.clone();
    io.on("work", move || {
        let (finished, done) = (finished.lock().unwrap().take(), does.clone());
        async move {
            finished.unwrap().await;
            done.store(true, Ordering::Relaxed);
        }
    });
    io.of("/gate").use_(async |socket: Socket| {
        socket.set_local_data(Bomb);
        std::future::pending::<()>().await;
    });
    let mut says = REQUEST.to_vec();
    for text in ["40", r#"42["work"]"#, "40/gate,"] {
        says.extend(frame(text));
    }
    let gone = Arc::new(AtomicBool::new(false));
    let guest = Guest {
        says,
        gone: gone.clone(),
    };
    let mut task = pin!(serve_stream(
        Nowhere,
        Server::new(io),
        guest,
        crate::endpoint::request::Remote::default()
    ));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..8 {
        assert!(task.as_mut().poll(&mut cx).is_pending());
    }
    gone.store(true, Ordering::Relaxed);
    for _ in 0..8 {
        assert!(task.as_mut().poll(&mut cx).is_pending(), "a handler waits");
    }
    finish.give(());
    assert!((0..8).any(|_| task.as_mut().poll(&mut cx).is_ready()));
    assert!(done.load(Ordering::Relaxed));
}
